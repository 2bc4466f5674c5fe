// The sound of a scorecard: one recording, and buttons that play stretches of it. Without it the browser's own player
// stands there, and the links lead to the page with their stretch in the address.

const root = document.getElementById("listen");
const audio = root?.querySelector("audio");

const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

if (audio) {
  const round = root.querySelector("button[data-from]");
  const now = root.querySelector("[data-now]");
  let [stopAt, wanted, current, lastEnd] = [null, null, null, Number(round?.dataset.to ?? 0)];

  // One seek at a time, as soon as the recording's length is known.
  const apply = () => {
    if (wanted === null || audio.readyState === 0 || audio.seeking) return;
    audio.currentTime = wanted;
    wanted = null;
  };

  const play = (source, from, to) => {
    [current, stopAt, lastEnd, wanted] = [source, to, to, from];
    apply();
    audio.play().catch(() => dispatchEvent(new CustomEvent("qa:announce", { detail: "The sound cannot be played." })));
  };

  const show = () => {
    const playing = !audio.paused;
    for (const one of document.querySelectorAll("[data-from]")) {
      const mine = playing && one === current;
      if (one === round) {
        round.textContent = mine ? "❚❚" : "▶";
        round.setAttribute("aria-label", mine ? "Pause" : "Play the clip");
      } else one.classList.toggle("playing", mine);
    }
    if (now) now.textContent = playing ? `· playing ${clock(wanted ?? audio.currentTime)}` : "";
  };

  const tick = () => {
    if (stopAt !== null && wanted === null && !audio.seeking && audio.currentTime >= stopAt + 0.25) {
      stopAt = null;
      audio.pause();
    }
    show();
    if (!audio.paused) requestAnimationFrame(tick);
  };

  for (const name of ["loadedmetadata", "seeked"]) audio.addEventListener(name, apply);
  for (const name of ["play", "pause", "ended"]) audio.addEventListener(name, tick);
  // While the page is hidden no frame is drawn, but the clip has to end all the same.
  audio.addEventListener("timeupdate", () => document.hidden && tick());

  document.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    const source = event.target.closest("[data-from]");
    const more = event.target.closest("[data-more]");
    if (!source && !more) return;
    event.preventDefault();
    if (more) {
      const step = Number(more.dataset.more);
      if (!audio.paused && stopAt !== null) lastEnd = stopAt += step;
      else play(round, lastEnd, lastEnd + step);
    } else if (source === current && !audio.paused) audio.pause();
    else if (source === current && stopAt !== null) audio.play();
    else play(source, Number(source.dataset.from), Number(source.dataset.to));
  });

  if (round) {
    round.hidden = false;
    audio.controls = false;
    audio.hidden = true;
  }
}
