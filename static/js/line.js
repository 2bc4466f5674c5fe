// One line of an audit is in hand: the single keys act on it, and 'next open line' leads on. Without it the lines stand
// below each other, and Tab leads through them.

const announce = (words) => dispatchEvent(new CustomEvent("qa:announce", { detail: words }));
const lineOf = (element) => element?.closest("[data-line]");

let inHand = null;

function unfold(line) {
  const fold = line?.querySelector(":scope > details");
  if (fold) fold.open = true;
}

function takeInHand(line) {
  const before = inHand && document.getElementById(inHand);
  if (before && before !== line) {
    before.classList.remove("current");
    for (const one of before.querySelectorAll("[data-line-key]")) {
      delete one.dataset.key;
      delete one.dataset.keyLabel;
    }
  }
  inHand = line?.id ?? null;
  if (!line) return;
  line.classList.add("current");
  for (const one of line.querySelectorAll("[data-line-key]")) {
    one.dataset.key = one.dataset.lineKey;
    one.dataset.keyLabel = one.dataset.keyWords;
  }
  const play = line.querySelector(".play");
  if (play) Object.assign(play.dataset, { lineKey: "e", key: "e", keyLabel: "Play the evidence" });
}

function show(line) {
  const part = line.closest("[data-tab]");
  if (part?.hidden) document.getElementById(`tab-${part.id}`)?.click();
  unfold(line);
  takeInHand(line);
  line.focus({ preventScroll: true });
  line.scrollIntoView({ block: "nearest" });
}

function step(by) {
  const lines = [...document.querySelectorAll("[data-line]")];
  const at = lines.findIndex((line) => line.id === inHand);
  const ahead = by > 0 ? [...lines.slice(at + 1), ...lines.slice(0, at + 1)] : [...lines.slice(0, Math.max(at, 0)).reverse()];
  const next = ahead.find((line) => line.hasAttribute("data-unanswered") && line.id !== inHand);
  if (next) show(next);
  else announce(by > 0 ? "No other open line." : "No open line before this one.");
}

document.addEventListener("click", (event) => {
  const stepper = event.target.closest?.("[data-step]");
  if (!stepper) return;
  event.preventDefault();
  step(Number(stepper.dataset.step));
});

document.addEventListener("click", (event) => {
  const jump = event.target.closest?.("[data-jump]");
  const line = jump && document.getElementById(jump.hash.slice(1));
  if (!line) return;
  event.preventDefault();
  show(line);
});

document.addEventListener("focusin", (event) => {
  const line = lineOf(event.target);
  if (line) takeInHand(line);
});

document.addEventListener("click", (event) => {
  const line = lineOf(event.target);
  if (line) takeInHand(line);
  // Answered by its key: the focus stays where it is, so that the next key is not the choice's own.
  const choice = !event.isTrusted && event.target.closest?.(".choices label")?.control;
  if (choice) {
    event.preventDefault();
    choice.checked = true;
    choice.dispatchEvent(new Event("input", { bubbles: true }));
  }
  const label = event.target.closest?.("[data-focus]");
  if (label) label.focus();
});

// Left and right move within an answer as in every group of choices; up and down are keys of the page, for the next line.
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target.matches?.(".answering textarea")) lineOf(event.target)?.focus();
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    const button = document.querySelector('[data-key="ctrl+enter"]');
    if (button) {
      event.preventDefault();
      button.click();
    }
  }
});

function showStanding() {
  const part = [...document.querySelectorAll("[data-tab]")].find((one) => !one.hidden);
  const parts = document.querySelectorAll("[data-tab]").length;
  for (const one of document.querySelectorAll("[data-standing]"))
    one.hidden = parts > 1 && Boolean(part) && one.dataset.standing !== part.id;
}

function countOpen() {
  for (const part of document.querySelectorAll("[data-tab]"))
    part.dataset.open = part.querySelectorAll("[data-unanswered]").length;
}

function refresh() {
  countOpen();
  dispatchEvent(new CustomEvent("qa:tabs"));
  showStanding();
  const line = inHand && document.getElementById(inHand);
  if (line) takeInHand(line);
}

addEventListener("qa:swapped", refresh);
addEventListener("qa:tab", showStanding);

showStanding();
const asked = location.hash ? document.getElementById(location.hash.slice(1)) : null;
if (asked?.matches("[data-line]")) show(asked);
else if (asked?.matches(".ask")) asked.focus();
else takeInHand(document.querySelector("[data-line][data-unanswered]"));
