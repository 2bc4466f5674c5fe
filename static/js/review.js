// An audit in the browser saves itself: every change of a line is sent, one request per line at a time. What is not saved
// yet is kept in this browser too, so that a reload, a lost network or a restart of the server loses no half-typed note.
// Without it the same forms save by their buttons.

const SOON = 700;
const RETRY = [2000, 4000, 8000, 15000];
const FIELDS = ["answer", "note", "private_note", "pin", "number"];

document.documentElement.classList.add("scripted");

const audit = () => document.getElementById("audit");
const announce = (words) => dispatchEvent(new CustomEvent("qa:announce", { detail: words }));
const forms = () => [...document.querySelectorAll("form.answering")];

const unsaved = new Map();
const prefix = () => `draft:${audit().dataset.owner}:${audit().dataset.draft}:`;
const keyOf = (form) => `${form.elements.rubric.value}/${form.elements.criterion.value}`;

function read(form) {
  const data = new FormData(form);
  return Object.fromEntries(FIELDS.map((name) => [name, data.get(name) ?? ""]));
}

function write(form, values) {
  for (const radio of form.querySelectorAll("[name=answer]")) radio.checked = radio.value === values.answer;
  for (const name of FIELDS.slice(1)) if (form.elements[name]) form.elements[name].value = values[name] ?? "";
  if (values.private_note) form.querySelector(".private").open = true;
}

function remember(form) {
  const draft = { ...read(form), seen: form.elements.seen_version.value };
  unsaved.set(keyOf(form), draft);
  try {
    localStorage.setItem(prefix() + keyOf(form), JSON.stringify(draft));
  } catch {
    // Private windows may refuse storage: then it is kept as long as the page is open.
  }
}

function forget(key) {
  unsaved.delete(key);
  try {
    localStorage.removeItem(prefix() + key);
  } catch {
    // See above.
  }
}

function recall() {
  let kept = [];
  try {
    kept = Object.keys(localStorage).filter((key) => key.startsWith(prefix()));
  } catch {
    return;
  }
  for (const key of kept) {
    const name = key.slice(prefix().length);
    const form = forms().find((one) => keyOf(one) === name);
    let draft = null;
    try {
      draft = JSON.parse(localStorage.getItem(key));
    } catch {
      // Not ours: it goes.
    }
    if (!form || !draft || form.dataset.clash !== undefined || same(draft, read(form))) {
      forget(name);
      continue;
    }
    write(form, draft);
    form.elements.seen_version.value = draft.seen;
    unsaved.set(name, draft);
    const fold = form.closest("[data-line]")?.querySelector(":scope > details");
    if (fold) fold.open = true;
    save(form);
  }
}

const same = (one, other) => FIELDS.every((name) => (one[name] ?? "") === (other[name] ?? ""));

const busy = new Map();
const timers = new Map();
let failures = 0;
let settled = null;

function say(words, trouble = false) {
  const saved = document.getElementById("saved");
  if (!saved) return;
  if (saved.textContent !== words) saved.textContent = words;
  saved.classList.toggle("trouble", trouble);
}

function save(form, after = 0) {
  clearTimeout(timers.get(form.id));
  if (form.dataset.clash !== undefined) return;
  say("Saving…");
  timers.set(
    form.id,
    setTimeout(() => {
      timers.delete(form.id);
      form.dispatchEvent(new CustomEvent("save"));
    }, after),
  );
}

function changed(form, after = 0) {
  remember(form);
  save(form, after);
}

document.addEventListener("htmx:config:request", (event) => {
  const form = event.detail.ctx.sourceElement;
  if (!form.matches?.("form.answering")) return;
  // A second request would tell of the version that the first is about to change.
  if (busy.has(form.id)) event.preventDefault();
  else busy.set(form.id, read(form));
});

document.addEventListener("htmx:finally:request", (event) => {
  const { sourceElement: form, response } = event.detail.ctx;
  if (!form.matches?.("form.answering")) return;
  const sent = busy.get(form.id);
  busy.delete(form.id);
  const status = response?.status ?? 0;
  const current = document.getElementById(form.id);
  if (status >= 200 && status < 300) {
    failures = 0;
    const wanted = unsaved.get(keyOf(form));
    if (!wanted || !sent || same(wanted, sent)) forget(keyOf(form));
    else if (current) {
      write(current, wanted);
      changed(current);
    }
  } else if (status === 409) {
    say("Not saved: choose between the two answers", true);
    announce("Somebody changed this line meanwhile. Choose which answer is to stay.");
  } else if (status === 0 || status >= 500) {
    say("Not saved: the server does not answer; kept here and sent again", true);
    const wait = RETRY[Math.min(failures++, RETRY.length - 1)];
    setTimeout(() => current && unsaved.has(keyOf(current)) && current.dispatchEvent(new CustomEvent("save")), wait);
  } else {
    say("Not saved: see the message at the top", true);
  }
  if (status >= 200 && status < 300) say(unsaved.size ? "Saving…" : document.getElementById("saved")?.dataset.words);
  if (!unsaved.size && settled) {
    const act = settled;
    settled = null;
    act();
  }
});

// Accepting, submitting: only once everything before is saved.
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-settle]");
  if (!button || (!unsaved.size && !busy.size)) return;
  event.preventDefault();
  settled = () => document.contains(button) && button.click();
  for (const form of forms()) if (unsaved.has(keyOf(form))) save(form);
});

function empty(field) {
  if (field.type === "radio") field.checked = false;
  else field.value = "";
}

// A number and "not applicable" rule each other out.
function oneAnswer(form, field) {
  if (field.name === "answer" && form.elements.number) form.elements.number.value = "";
  if (field.name === "number") for (const radio of form.querySelectorAll("[name=answer]")) radio.checked = false;
}

document.addEventListener("input", (event) => {
  const form = event.target.closest?.("form.answering");
  if (!form) return;
  oneAnswer(form, event.target);
  changed(form, event.target.matches("textarea, [type=number]") ? SOON : 0);
});

document.addEventListener("change", (event) => {
  const form = event.target.closest?.("form.answering");
  if (form && event.target.matches("textarea, [type=number]") && unsaved.has(keyOf(form))) save(form);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-pin], [data-pin-here], [data-clear]");
  const form = button?.closest("form.answering");
  if (form) {
    event.preventDefault();
    if ("clear" in button.dataset) for (const one of form.querySelectorAll("[name=answer], [name=number]")) empty(one);
    else form.elements.pin.value = "pinHere" in button.dataset ? here() : button.dataset.pin;
    changed(form);
    return;
  }
  const keep = event.target.closest?.("[data-forget]");
  if (keep) {
    forget(keyOf(keep.closest("form")));
    event.preventDefault();
    location.hash = new URL(keep.href).hash;
    location.reload();
  }
});

function here() {
  const audio = document.querySelector("#player audio");
  const start = audio?.currentTime ?? 0;
  const last = Number(document.getElementById("player")?.dataset.duration ?? start + 4);
  return `${start.toFixed(2)}-${Math.min(start + 4, Math.max(start, last)).toFixed(2)}`;
}

function refresh() {
  for (const form of forms())
    if (!unsaved.has(keyOf(form)))
      for (const radio of form.querySelectorAll("[name=answer]")) radio.checked = radio.defaultChecked;
  if (unsaved.size) say("Saving…");
}

addEventListener("qa:swapped", refresh);
if (audit()?.dataset.draft) recall();
