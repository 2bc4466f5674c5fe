// Applies the colours somebody chose, before the first paint (so this file is not deferred).
// Without it the page follows the system's setting.
(() => {
  const root = document.documentElement;
  const stored = () => {
    try {
      return localStorage.getItem("theme") || "";
    } catch {
      return "";
    }
  };
  const apply = (theme) => {
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
  };
  apply(stored());
  addEventListener("DOMContentLoaded", () => {
    const select = document.getElementById("theme");
    if (!select) return;
    select.closest("[data-theme-choice]").hidden = false;
    select.value = stored();
    select.addEventListener("change", () => {
      apply(select.value);
      try {
        localStorage.setItem("theme", select.value);
      } catch {
        // Private windows may refuse storage: the choice then holds for this page.
      }
    });
  });
})();
