// Keyboard, theme, help and print.
const step = (by) => {
  const trials = [...byId("case").querySelectorAll(".tr .btn")];
  trials[trials.findIndex((one) => one.getAttribute("aria-pressed") === "true") + by]?.click();
};
const enter = () => {
  if (current < 0) choose(0);
  root.classList.add("reading");
  byId("case").focus();
};
const MOVES = {
  ArrowDown: () => current + 1, ArrowUp: () => current - 1, Home: () => 0, End: () => view.length - 1,
  PageDown: () => current + 8, PageUp: () => current - 8,
};
const LETTERS = {
  "/": () => byId("q").focus(),
  "?": () => byId("help").showModal(),
  j: () => choose(current + 1),
  k: () => choose(current - 1),
  d: () => byId("differ")?.click(),
  "[": () => step(-1),
  "]": () => step(1),
};
const isTyping = (element) => /^(INPUT|SELECT|TEXTAREA)$/.test(element.tagName) && element.type !== "checkbox";
const escape = (element) => {
  if (element.id !== "q") return leave();
  if (state.q) {
    byId("q").value = state.q = "";
    apply({ isNewSearch: true });
  } else leave();
};
const onKey = (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || byId("help").open) return;
  if (event.key === "Escape") return escape(event.target);
  if (isTyping(event.target) || !byId("single").checked) return;
  const act = LETTERS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
};
const listen = () => {
  list.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const to = MOVES[event.key];
    if (!to && event.key !== "Enter") return;
    event.preventDefault();
    if (to) choose(to());
    else enter();
  });
  addEventListener("keydown", onKey);
  list.addEventListener("scroll", () => paint(), { passive: true });
  addEventListener("resize", () => paint(true));

  byId("q").addEventListener("input", () => {
    state.q = byId("q").value;
    state.case = state.trial = "";
    apply({ isNewSearch: true });
  });
  byId("differ")?.addEventListener("change", () => {
    state.differ = byId("differ").checked ? "1" : "";
    apply({ isStep: true });
  });
  byId("sort").addEventListener("change", () => {
    state.sort = byId("sort").value;
    apply({ isStep: true });
  });
  for (const id of ["clear", "clear-none"]) {
    byId(id).addEventListener("click", () => {
      state = blank();
      restore();
      writeAddress(true);
      byId("q").focus();
    });
  }
  const help = byId("help");
  byId("help-open").addEventListener("click", () => help.showModal());
  byId("help-close").addEventListener("click", () => help.close());
  byId("print").addEventListener("click", async () => {
    for (const row of view.slice(0, PRINTED)) ready.set(row.n, await detail(row));
    print();
  });
  addEventListener("beforeprint", printable);
};

const THEMES = [["", "◐ auto"], ["light", "☀ light"], ["dark", "☾ dark"]];
const themes = () => {
  let at = 0;
  byId("theme").addEventListener("click", () => {
    at = (at + 1) % THEMES.length;
    const [name, label] = THEMES[at];
    if (name) root.dataset.theme = name;
    else delete root.dataset.theme;
    byId("theme").textContent = label;
  });
};

// On paper: the rows that the filter chose, in full as far as their chunks are open.
const printed = (row, held) => {
  const made = make("article", "np", make("h3", "", badge(row.word), " ", shown(make("span"), row.id), " ", make("small", "", place(row))));
  made.append(columnsOf(row));
  if (!held) {
    made.append(shown(make("p"), row.excerpt));
    return made;
  }
  for (const change of held.changes) if (change?.[0]) made.append(shown(make("p"), change[0]));
  const columns = chosenColumns(held);
  made.append(questionOf(held, columns));
  const trial = chosenTrial(held, columns, Math.max(0, ...held.trials.map((one) => one?.length || 0)));
  const trials = columns.map((column) => held.trials[column]?.[trial]);
  const pair = make("div", "pair");
  columns.forEach((column, side) => pair.append(answerOf(column, trials[side], { side, other: trials[1 - side] })));
  made.append(pair);
  const checks = checksOf(columns, trials);
  if (checks) made.append(checks);
  return made;
};
const printable = () => {
  const paper = byId("paper");
  const chosen = view.slice(0, PRINTED);
  paper.replaceChildren(...chosen.map((row) => printed(row, ready.get(row.n))));
  if (view.length > chosen.length) paper.append(make("p", "note", `${counted(view.length - chosen.length)} more groups are in view.`));
};
