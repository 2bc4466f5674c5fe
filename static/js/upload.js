// Sends the chosen or dropped files one after the other and says how far each is. Without it the same form sends them
// all at once and the next page says what became of each.

const form = document.getElementById("upload");
const list = document.getElementById("files");

if (form) {
  const input = form.elements.audio;
  const drop = form.querySelector(".drop");
  form.querySelector("[data-can-drop]").hidden = false;

  for (const name of ["dragover", "dragleave", "drop"])
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", name === "dragover");
      if (name === "drop" && event.dataTransfer.files.length) {
        input.files = event.dataTransfer.files;
        input.focus();
      }
    });

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const files = [...input.files];
    const button = form.querySelector("button[type=submit]");
    button.disabled = true;
    list.hidden = false;
    const lines = files.map(addLine);
    let accepted = 0;
    for (const [index, file] of files.entries()) accepted += (await send(file, lines[index])) ? 1 : 0;
    button.disabled = false;
    form.reset();
    const words = `${accepted} of ${files.length} accepted or there already.`;
    dispatchEvent(new CustomEvent("qa:announce", { detail: words }));
  });
}

function addLine(file) {
  const line = document.createElement("li");
  const [name, state, bar] = ["span", "span", "progress"].map((tag) => document.createElement(tag));
  name.textContent = file.name;
  state.className = "quiet";
  state.textContent = "waits its turn";
  bar.className = "bar";
  bar.max = 100;
  bar.value = 0;
  bar.setAttribute("aria-label", file.name);
  line.append(name, state, bar);
  list.append(line);
  return { state, bar };
}

function send(file, { state, bar }) {
  const body = new FormData();
  body.append("vendor", form.elements.vendor.value);
  body.append("audio", file, file.name);
  const request = new XMLHttpRequest();
  request.open("POST", form.action);
  request.setRequestHeader("X-CSRFToken", form.elements.csrf_token.value);
  request.setRequestHeader("Accept", "application/json");
  request.responseType = "json";
  request.upload.addEventListener("progress", (event) => {
    const percent = event.total ? Math.round((event.loaded / event.total) * 100) : 0;
    bar.value = percent;
    state.textContent = percent < 100 ? `sending ${percent} %` : "being looked at";
  });
  return new Promise((resolve) => {
    request.addEventListener("loadend", () => {
      const line = request.response?.lines?.[0] ?? { words: reason(request.status), tone: "bad" };
      bar.remove();
      state.className = line.tone === "bad" ? "wrong" : "quiet";
      state.textContent = line.words;
      if (line.address) {
        const link = document.createElement("a");
        link.href = line.address;
        link.textContent = line.words;
        state.replaceChildren(link);
      }
      resolve(line.tone !== "bad");
    });
    request.send(body);
  });
}

function reason(status) {
  if (status === 401) return "not sent: you are signed out";
  return status ? `not sent: the server answered ${status}` : "not sent: the server does not answer";
}
