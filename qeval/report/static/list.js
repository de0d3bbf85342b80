// The list: rows of one height, of which only those in sight exist.
const ROW = 60;
const SPARE = 6;
const DOTS = 16;
let current = -1;
let drawn = [0, 0];
const list = byId("list");

const pips = (ended) => {
  const dots = make("span", "pips");
  for (const one of ended) dots.append(make("span", "pip " + one));
  return dots;
};
const passedOf = (ended) => (ended ? `${ended.length - failures(ended)} of ${ended.length} passed` : "not asked");
const columnsOf = (row) => {
  const cols = make("span", "cols");
  const isDense = row.ended.join("").length > DOTS;
  row.ended.forEach((ended, column) => {
    const passed = ended.length - failures(ended);
    const what = !ended ? "–" : isDense ? make("span", passed < ended.length ? "bad" : "", `${passed}/${ended.length}`) : pips(ended);
    cols.append(make("span", "", row.ended.length > 1 ? letter(column) : null, what));
  });
  return cols;
};
const place = (row) => [row.target, row.scenario].filter(Boolean).map(plainly).join(" · ");
const makeRow = (row, at) => {
  const several = index.targets.length > 1 || index.scenarios.length > 1;
  const below = several ? place(row) : plainly(row.excerpt);
  const said = row.ended.map((ended, column) => (row.ended.length > 1 ? index.columns[column][0] + " " : "") + passedOf(ended));
  const word = row.word.replace("_", " ");
  const made = make("div", "row", shown(make("b"), row.id), badge(row.word), make("small", "", below), columnsOf(row));
  set(made, {
    role: "option", id: "row" + at, "aria-selected": String(at === current), "aria-posinset": at + 1,
    "aria-setsize": view.length, "aria-label": `${word}: ${plainly(row.id)}, ${place(row)}. ${said.join(", ")}`,
  });
  made.style.top = at * ROW + "px";
  made.addEventListener("click", () => choose(at, { isEntering: true }));
  return made;
};
const paint = (isForced) => {
  const from = Math.max(0, Math.floor(list.scrollTop / ROW) - SPARE);
  const to = Math.min(view.length, Math.ceil((list.scrollTop + list.clientHeight) / ROW) + SPARE);
  if (!isForced && from === drawn[0] && to === drawn[1]) return;
  drawn = [from, to];
  const made = document.createDocumentFragment();
  for (let at = from; at < to; at++) made.append(makeRow(view[at], at));
  // The active descendant exists also where it has been scrolled away.
  if (current >= 0 && current < view.length && (current < from || current >= to)) made.append(makeRow(view[current], current));
  byId("rows").replaceChildren(made);
  if (current >= 0) list.setAttribute("aria-activedescendant", "row" + current);
  else list.removeAttribute("aria-activedescendant");
};
const reveal = () => {
  const top = current * ROW;
  if (top < list.scrollTop) list.scrollTop = top;
  else if (top + ROW > list.scrollTop + list.clientHeight) list.scrollTop = top + ROW - list.clientHeight;
};
const isNarrow = () => matchMedia("(max-width: 760px)").matches;
const showList = () => {
  byId("rows").style.height = view.length * ROW + "px";
  byId("none").hidden = view.length > 0;
  list.hidden = !view.length;
  current = state.case ? view.findIndex((row) => row.name === state.case) : -1;
  if (current < 0) list.scrollTop = 0;
  else reveal();
  paint(true);
  const chosen = state.case ? rows.find((row) => row.name === state.case) : null;
  root.classList.toggle("reading", !!chosen);
  if (chosen) show(chosen);
  else if (view.length) show(view[0]);
  else byId("case").replaceChildren();
};
const choose = (at, { isEntering = false } = {}) => {
  if (!view.length) return;
  current = Math.max(0, Math.min(view.length - 1, at));
  const isStep = !state.case || isEntering;
  state.case = view[current].name;
  state.trial = "";
  reveal();
  paint(true);
  writeAddress(isStep);
  show(view[current]);
  if (!isNarrow() || !isEntering) return;
  root.classList.add("reading");
  byId("case").focus();
  byId("case").scrollIntoView();
};
const leave = () => {
  if (isNarrow() && state.case) {
    root.classList.remove("reading");
    state.case = state.trial = "";
    writeAddress(true);
  }
  (list.hidden ? byId("q") : list).focus();
};
