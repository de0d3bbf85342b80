"use strict";
// Theme, filter, search and links to a case. The page reads whole without any of it.
(() => {
  const root = document.documentElement;
  const byId = (id) => document.getElementById(id);

  const theme = byId("theme");
  const themes = ["auto", "light", "dark"];
  theme.hidden = false;
  theme.addEventListener("click", () => {
    const next = themes[(themes.indexOf(root.dataset.theme || "auto") + 1) % themes.length];
    root.dataset.theme = next;
    theme.textContent = "◐ " + next;
  });

  const cases = [...document.querySelectorAll("details.c")];
  const tools = document.querySelector(".tools");
  const search = byId("search");
  const found = byId("found");
  const fold = byId("fold");
  const chips = [...tools.querySelectorAll("[data-show]")];
  tools.hidden = cases.length < 2;

  const isShown = (one, show) =>
    show === "all" || (show === "warned" ? "w" in one.dataset : one.dataset.o === show);
  for (const chip of chips) {
    const count = cases.filter((one) => isShown(one, chip.dataset.show)).length;
    chip.append(" " + count.toLocaleString("en"));
    chip.hidden = count === 0;
  }

  // A case's text is folded once, when a search first needs it.
  const texts = new Map();
  const text = (one) => {
    if (!texts.has(one)) texts.set(one, one.textContent.toLowerCase());
    return texts.get(one);
  };
  let show = "all";
  let isWaiting = false;
  const apply = () => {
    isWaiting = false;
    const wanted = search.value.trim().toLowerCase();
    let count = 0;
    for (const one of cases) {
      one.hidden = !(isShown(one, show) && (!wanted || text(one).includes(wanted)));
      count += !one.hidden;
    }
    found.textContent = count === cases.length ? "" : `${count} of ${cases.length} cases`;
  };
  const applySoon = () => {
    if (!isWaiting) requestAnimationFrame(apply);
    isWaiting = true;
  };
  search.addEventListener("input", applySoon);
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      show = chip.dataset.show;
      for (const other of chips) other.setAttribute("aria-pressed", String(other === chip));
      applySoon();
    });
  }
  fold.addEventListener("click", () => {
    const isOpening = fold.textContent === "Open all";
    for (const one of cases) if (!one.hidden) one.open = isOpening;
    fold.textContent = isOpening ? "Close all" : "Open all";
  });
  addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== search) {
      event.preventDefault();
      search.focus();
    } else if (event.key === "Escape" && document.activeElement === search) {
      search.value = "";
      applySoon();
    }
  });

  // The address names the case that was opened last, so that it can be copied.
  const follow = () => {
    let id = "";
    try { id = decodeURIComponent(location.hash.slice(1)); } catch { return; }
    const one = id.startsWith("c:") && byId(id);
    if (!one) return;
    one.hidden = false;
    one.open = true;
    one.scrollIntoView();
    one.querySelector("summary").focus({ preventScroll: true });
  };
  for (const one of cases) {
    one.querySelector("summary").addEventListener("click", () => {
      if (!one.open) history.replaceState(null, "", "#" + encodeURIComponent(one.id));
    });
  }
  addEventListener("hashchange", follow);
  // Not at once: the browser goes to the fragment by itself first, and takes the focus along.
  addEventListener("load", () => requestAnimationFrame(follow));
})();
