// Looks after regions that renew themselves: silent while the tab is hidden, says when renewing fails, and tells
// screen readers what changed. Without it htmx still renews them; without htmx a reload shows the same.

const live = document.getElementById("live");

export function announce(words) {
  live.textContent = "";
  setTimeout(() => (live.textContent = words), 50);
}

addEventListener("qa:announce", (event) => announce(event.detail));

document.addEventListener("htmx:config:request", (event) => {
  const { sourceEvent } = event.detail.ctx;
  if (document.hidden && sourceEvent?.type === "every") event.preventDefault();
});

document.addEventListener("htmx:before:request", (event) => {
  event.detail.ctx.target?.setAttribute?.("aria-busy", "true");
});

document.addEventListener("htmx:finally:request", (event) => {
  event.detail.ctx.target?.removeAttribute?.("aria-busy");
});

const flash = document.getElementById("flash");

function trouble(words) {
  if (flash.dataset.trouble === words) return;
  flash.dataset.trouble = words;
  const notice = document.createElement("p");
  notice.className = "notice person";
  notice.textContent = words;
  flash.replaceChildren(notice);
  announce(words);
}

document.addEventListener("htmx:error", () => trouble("Not up to date: the server does not answer. Trying again."));

let before = status();

function status() {
  return document.querySelector("[data-status]")?.textContent.trim() ?? "";
}

document.addEventListener("htmx:after:swap", (event) => {
  if (event.detail.ctx.response?.status < 400 && flash.dataset.trouble) {
    delete flash.dataset.trouble;
    flash.replaceChildren();
  }
  dispatchEvent(new CustomEvent("qa:swapped"));
  const now = status();
  if (now !== before && now) announce(now);
  before = now;
});
