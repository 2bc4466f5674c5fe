// The sound of a call: a waveform in lanes drawn from peaks the server made, evidence to hear, a transcript that follows,
// and one rubric at a time behind tabs. Without it the browser's own player, the links to moments (which carry their time
// to it) and all rubrics below each other do the same.

const SVG = "http://www.w3.org/2000/svg";
const BAR = 3;

const clock = (seconds) => {
  const whole = Math.floor(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const rest = String(whole % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
};

const svg = (name, attributes = {}) => {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
};

class Player {
  constructor(root) {
    this.root = root;
    this.audio = root.querySelector("audio");
    this.wave = root.querySelector(".wave");
    this.toggle = root.querySelector("[data-toggle]");
    this.duration = Number(root.dataset.duration);
    this.lanes = root.dataset.lanes.split(" ");
    this.stopAt = null;
    this.audio.controls = false;
    this.audio.hidden = true;
    for (const part of root.querySelectorAll(".buttons, .wave, .clock")) part.hidden = false;
    this.listen();
    this.rememberSpeed(root.querySelector("[data-speed]"));
    this.load();
  }

  async load() {
    const answer = this.root.dataset.peaks && (await fetch(this.root.dataset.peaks).catch(() => null));
    this.peaks = answer?.ok ? await answer.json() : null;
    new ResizeObserver(() => this.draw()).observe(this.wave);
    if (this.root.dataset.begin > 0) this.seek(Number(this.root.dataset.begin));
    this.tick();
  }

  listen() {
    const { audio, wave } = this;
    this.toggle.addEventListener("click", () => (audio.paused ? this.play() : audio.pause()));
    for (const button of this.root.querySelectorAll("[data-skip]"))
      button.addEventListener("click", () => this.seek(this.at + Number(button.dataset.skip)));
    for (const name of ["loadedmetadata", "seeked"]) audio.addEventListener(name, () => this.apply());
    for (const name of ["play", "pause", "timeupdate", "seeked", "ended"])
      audio.addEventListener(name, () => this.tick());
    audio.addEventListener("play", () => this.frame());
    wave.addEventListener("pointerdown", (event) => this.seekTo(event));
    wave.addEventListener("pointermove", (event) => event.buttons && this.seekTo(event));
    wave.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -5, ArrowDown: -5, ArrowRight: 5, ArrowUp: 5, PageDown: -15, PageUp: 15 }[event.key];
      const target = { Home: 0, End: this.duration }[event.key] ?? (step && this.at + step);
      if (event.key === " ") this.toggle.click();
      else if (target === undefined) return;
      else this.seek(target);
      event.preventDefault();
    });
  }

  get at() {
    return this.wanted ?? this.audio.currentTime;
  }

  seek(seconds) {
    const target = Math.min(Math.max(0, seconds), Math.max(0, this.duration - 0.05));
    this.stopAt = null;
    this.wanted = target;
    this.apply();
    this.tick();
  }

  // One seek at a time: Chromium can stop decoding for good when it is asked for the next one before the last has ended.
  apply() {
    if (this.wanted === undefined || this.audio.readyState === 0 || this.audio.seeking) return;
    this.audio.currentTime = this.wanted;
    this.wanted = undefined;
  }

  seekTo(event) {
    const box = this.wave.getBoundingClientRect();
    this.seek(((event.clientX - box.left) / box.width) * this.duration);
  }

  play(from, to) {
    if (from !== undefined) this.seek(from);
    if (to > from) this.stopAt = to + 0.3;
    this.audio.play().catch(() => dispatchEvent(new CustomEvent("qa:announce", { detail: "The sound cannot be played." })));
  }

  rememberSpeed(select) {
    const set = () => (this.audio.playbackRate = this.audio.defaultPlaybackRate = Number(select.value));
    try {
      const stored = localStorage.getItem("speed");
      if ([...select.options].some((option) => option.value === stored)) select.value = stored;
    } catch {
      // Private windows may refuse storage: normal speed then.
    }
    set();
    select.addEventListener("change", () => {
      set();
      try {
        localStorage.setItem("speed", select.value);
      } catch {
        // See above.
      }
    });
  }

  frame() {
    this.tick();
    if (!this.audio.paused) requestAnimationFrame(() => this.frame());
  }

  tick() {
    const now = this.at;
    if (this.stopAt !== null && now >= this.stopAt) {
      this.stopAt = null;
      this.audio.pause();
    }
    const playing = !this.audio.paused;
    if (this.playing !== playing) {
      this.playing = playing;
      this.toggle.textContent = playing ? "❚❚" : "▶";
      this.toggle.setAttribute("aria-label", playing ? "Pause" : "Play");
    }
    this.root.querySelector("[data-now]").textContent = `${clock(now)}.${Math.floor(now * 10) % 10}`;
    const turn = this.showTurn(now);
    this.wave.setAttribute("aria-valuenow", Math.round(now));
    const who = turn ? `, ${turn.querySelector(".who").textContent}` : "";
    this.wave.setAttribute("aria-valuetext", `${clock(now)} of ${clock(Math.round(this.duration))}${who}`);
    if (this.width) {
      const x = (now / this.duration) * this.width;
      this.played.setAttribute("width", x);
      for (const name of ["x1", "x2"]) this.line.setAttribute(name, x);
    }
  }

  showTurn(now) {
    const turns = [...document.querySelectorAll(".turn")];
    const current = turns.findLast((turn) => turn.dataset.start <= now + 0.05 && now < Number(turn.dataset.end) + 0.6);
    const before = document.querySelector(".turn.current");
    if (before === current || (!before && !current)) return current;
    before?.classList.remove("current");
    current?.classList.add("current");
    if (current && !this.audio.paused && document.querySelector("[data-follow] input")?.checked)
      current.scrollIntoView({ block: "nearest" });
    return current;
  }

  draw() {
    const [width, height] = [this.wave.clientWidth, this.wave.clientHeight];
    if (!width) return;
    this.width = width;
    const picture = svg("svg", { "aria-hidden": "true", viewBox: `0 0 ${width} ${height}` });
    const clip = svg("clipPath", { id: "played" });
    this.played = svg("rect", { x: 0, y: 0, width: 0, height });
    clip.append(this.played);
    picture.append(clip);
    const room = (height - 14) / this.lanes.length;
    this.lanes.forEach((lane, index) => {
      const shape = this.lane(index, 14 + room * (index + 0.5), room / 2 - 2, width);
      picture.append(svg("path", { d: shape, class: `${lane} ahead` }));
      picture.append(svg("path", { d: shape, class: lane, "clip-path": "url(#played)" }));
    });
    this.drawEvidence(picture);
    this.line = svg("line", { class: "now", x1: 0, x2: 0, y1: 8, y2: height });
    picture.append(this.line);
    this.wave.replaceChildren(picture);
    this.tick();
  }

  lane(index, middle, room, width) {
    const peaks = this.peaks?.channels[Math.min(index, this.peaks.channels.length - 1)] ?? [];
    const bars = Math.floor(width / BAR);
    const loudest = Math.max(8, ...peaks.reduce((top, value) => (value > top[0] ? [value] : top), [0]));
    let shape = "";
    for (let bar = 0; bar < bars; bar++) {
      const from = Math.floor((bar / bars) * peaks.length);
      const to = Math.max(from + 1, Math.floor(((bar + 1) / bars) * peaks.length));
      let peak = 0;
      for (let point = from; point < to; point++) peak = Math.max(peak, peaks[point] ?? 0);
      const half = Math.max(0.6, (peak / loudest) * room).toFixed(1);
      shape += `M${bar * BAR + 1} ${middle - half}V${middle + Number(half)}`;
    }
    return shape;
  }

  drawEvidence(picture) {
    for (const link of document.querySelectorAll(".heard .play[data-mark]")) {
      const x = (Number(link.dataset.from) / this.duration) * this.width;
      const tone = link.closest("[data-tone]").dataset.tone;
      picture.append(svg("polygon", { class: tone, points: `${x - 5},0 ${x + 5},0 ${x},8` }));
    }
  }
}

let chosenTab = null;

function makeTabs() {
  const parts = [...document.querySelectorAll("[data-tab]")];
  if (parts.length < 2) return;
  const list = document.querySelector(".tabs") ?? newTabs(parts);
  const choose = (id) => {
    chosenTab = id;
    for (const [index, part] of parts.entries()) {
      part.hidden = part.id !== id;
      list.children[index].setAttribute("aria-selected", part.id === id);
      list.children[index].tabIndex = part.id === id ? 0 : -1;
    }
    dispatchEvent(new CustomEvent("qa:tab"));
  };
  for (const [index, part] of parts.entries()) {
    const tab = list.children[index];
    tab.textContent = `${part.dataset.tab} · ${part.dataset.open} ${part.dataset.openWords ?? "to look at"}`;
    tab.onclick = () => choose(part.id);
    tab.onkeydown = (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step) return;
      const next = (index + step + parts.length) % parts.length;
      choose(parts[next].id);
      list.children[next].focus();
    };
    part.setAttribute("role", "tabpanel");
    part.setAttribute("aria-labelledby", tab.id);
    part.querySelector("h2").classList.add("visually-hidden");
  }
  parts[0].parentElement.classList.add("tabbed");
  choose(parts.some((part) => part.id === chosenTab) ? chosenTab : parts[0].id);
}

function newTabs(parts) {
  const list = document.createElement("div");
  list.className = "tabs no-print";
  list.setAttribute("role", "tablist");
  list.setAttribute("aria-label", "Rubrics");
  for (const part of parts) {
    const tab = document.createElement("button");
    tab.type = "button";
    tab.id = `tab-${part.id}`;
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", part.id);
    list.append(tab);
  }
  parts[0].before(list);
  return list;
}

let player = null;

function wire() {
  const root = document.getElementById("player");
  if (root && player?.root !== root) player = new Player(root);
  else player?.draw();
  const follow = document.querySelector("[data-follow]");
  if (follow) follow.hidden = false;
  makeTabs();
}

document.addEventListener("click", (event) => {
  if (!player || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const link = event.target.closest("a[data-from]");
  const word = event.target.closest("[data-t]");
  if (!link && !word) return;
  event.preventDefault();
  if (link) player.play(Number(link.dataset.from), Number(link.dataset.to ?? 0));
  else player.seek(Number(word.dataset.t));
});

addEventListener("qa:swapped", wire);
addEventListener("qa:tabs", makeTabs);
wire();
