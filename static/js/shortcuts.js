// Single keys for what is on the page anyway: every element with data-key is clicked by its keys, and the list behind
// "?" is made from the same attributes. Everything works without it by mouse, touch and Tab.
// The keys can be switched off in that list (WCAG 2.1.4); the choice is remembered.

const dialog = document.getElementById("keys");
const button = document.getElementById("show-keys");
const box = document.getElementById("keys-on");
const TYPING = "input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable], [role=slider]";
const NAMES = { space: "Space", arrowup: "↑", arrowdown: "↓" };

let on = true;
try {
  on = localStorage.getItem("keys") !== "off";
} catch {
  // Private windows may refuse storage: the keys are on.
}

const keysOf = (element) => element.dataset.key.split(" ");

function fillList() {
  const list = dialog.querySelector(".keys");
  list.replaceChildren();
  for (const element of document.querySelectorAll("[data-key]")) {
    const term = document.createElement("dt");
    for (const key of keysOf(element)) {
      const cap = document.createElement("kbd");
      cap.textContent = NAMES[key] ?? key;
      term.append(cap, " ");
    }
    const words = document.createElement("dd");
    words.textContent = element.dataset.keyLabel;
    list.append(term, words);
  }
}

function show() {
  fillList();
  box.checked = on;
  dialog.showModal();
}

button.hidden = false;
button.addEventListener("click", show);
box.addEventListener("change", () => {
  on = box.checked;
  try {
    localStorage.setItem("keys", on ? "on" : "off");
  } catch {
    // See above: the choice then holds for this page.
  }
});

addEventListener("keydown", (event) => {
  if (!on || event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || dialog.open) return;
  const target = event.target instanceof Element ? event.target : document.body;
  if (target.closest(TYPING)) return;
  const key = event.key === " " ? "space" : event.key.toLowerCase();
  if (key === "space" && target.closest("button, a, summary, input, label")) return;
  const element = [...document.querySelectorAll("[data-key]")].find((one) => keysOf(one).includes(key));
  if (!element || element.closest("[hidden]")) return;
  event.preventDefault();
  element.click();
});
