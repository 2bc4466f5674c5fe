// The text of a rubric keeps its line numbers beside it and is looked over whenever typing rests; nothing is saved by
// that. Without it the numbers are those of the saved text, and what is wrong shows after saving.

const SOON = 500;
const form = document.getElementById("writing");
const text = document.getElementById("text");
const gutter = document.getElementById("gutter");

let timer = null;

function number() {
  const lines = text.value.split("\n").length;
  while (gutter.children.length < lines) {
    const row = document.createElement("li");
    row.id = `row-${gutter.children.length + 1}`;
    gutter.append(row);
  }
  while (gutter.children.length > lines) gutter.lastElementChild.remove();
  text.rows = lines + 1;
}

function mark() {
  for (const row of gutter.querySelectorAll(".error, .warning")) row.className = "";
  for (const link of [...document.querySelectorAll("#problems [data-go]")].reverse()) {
    const row = document.getElementById(`row-${link.dataset.go}`);
    if (row) row.className = link.closest("li").className;
  }
  const isWrong = document.querySelector("#problems .error") !== null;
  text.setAttribute("aria-invalid", String(isWrong));
}

function go(line) {
  const lines = text.value.split("\n");
  const at = Math.min(line, lines.length);
  const start = lines.slice(0, at - 1).reduce((sum, one) => sum + one.length + 1, 0);
  text.focus({ preventScroll: true });
  text.setSelectionRange(start, start + lines[at - 1].length);
  document.getElementById(`row-${at}`).scrollIntoView({ block: "center" });
}

text.addEventListener("input", () => {
  number();
  clearTimeout(timer);
  timer = setTimeout(() => form.dispatchEvent(new CustomEvent("look-over")), SOON);
});

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("[data-go]");
  if (!link) return;
  event.preventDefault();
  go(Number(link.dataset.go));
});

// Nobody loses a half-written rubric by a slip of the hand.
const saved = text.value;
let isSent = false;
form.addEventListener("submit", () => (isSent = true));
addEventListener("beforeunload", (event) => {
  if (!isSent && text.value !== saved) event.preventDefault();
});

addEventListener("qa:swapped", mark);
number();
mark();
