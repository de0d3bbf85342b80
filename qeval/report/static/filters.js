// Chips, search and order: which rows are in view.
const ORDERS = {
  worst: ["worst first", (a, b) => rank(a.word) - rank(b.word) || b.fall - a.fall || a.n - b.n],
  suite: ["suite order", (a, b) => a.n - b.n],
  id: ["case id", (a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : a.n - b.n)],
  tokens: ["output tokens", (a, b) => b.tokens - a.tokens || a.n - b.n],
  latency: ["latency", (a, b) => b.latency - a.latency || a.n - b.n],
};
const sorted = {};
const inOrder = () => {
  const name = ORDERS[state.sort] ? state.sort : "worst";
  return (sorted[name] ||= [...rows].sort(ORDERS[name][1]));
};
const SHOWN = 8;
const WARNED = "warned";
const VALUES = {
  verdict: (row) => (row.warned && index.columns.length === 1 ? [row.word, WARNED] : [row.word]),
  check: (row) => row.checks.map((one) => index.checks[one]),
  target: (row) => (row.target ? [row.target] : []),
  scenario: (row) => (row.scenario ? [row.scenario] : []),
  tag: (row) => row.tags.map((one) => index.tags[one]),
};
const TITLES = { check: "failed check" };
const chips = [];

const makeChips = () => {
  TITLES.verdict = index.columns.length > 1 ? "verdict" : "ended";
  for (const facet of FACETS) {
    const totals = new Map();
    for (const row of rows) {
      row[facet] = VALUES[facet](row);
      for (const value of row[facet]) totals.set(value, (totals.get(value) || 0) + 1);
    }
    if (!totals.size || (totals.size < 2 && facet !== "check" && facet !== "tag")) continue;
    const values = [...totals.keys()];
    if (facet === "verdict") values.sort((a, b) => rank(a) - rank(b));
    else if (facet !== "target" && facet !== "scenario") values.sort((a, b) => totals.get(b) - totals.get(a));
    const title = TITLES[facet] || facet;
    const line = set(make("div", "", make("span", "", title)), { role: "group", "aria-label": title });
    values.forEach((value, place) => line.append(makeChip(facet, value, place)));
    if (values.length > SHOWN + 1) line.append(moreButton(line, values.length - SHOWN));
    byId("chips").append(line);
  }
};
const makeChip = (facet, value, place) => {
  const count = make("b");
  const chip = make("button", "chip", facet === "verdict" && WORDS[value] ? WORDS[value][0] + " " : null);
  shown(chip, facet === "verdict" ? value.replace("_", " ") : value).append(" ", count);
  chip.type = "button";
  chip.hidden = place >= SHOWN;
  chip.addEventListener("click", () => {
    if (!state[facet].delete(value)) state[facet].add(value);
    apply({ isStep: true });
  });
  chips.push({ facet, value, chip, count });
  return chip;
};
const moreButton = (line, left) => {
  const more = button(`${left} more`, "", () => {
    for (const chip of line.querySelectorAll(".chip")) chip.hidden = false;
    more.remove();
  });
  more.className = "chip";
  return more;
};

// Search: the index at once, the chunks in slices between frames.
const SLICE_MS = 6;
let hits = new Uint8Array(0);
let found = 0;
let query = [];
let searching = 0;
const matches = (text) => query.every((word) => text.includes(word));
const search = () => {
  const mine = ++searching;
  query = state.q.toLowerCase().split(/\s+/).filter(Boolean);
  hits = new Uint8Array(rows.length);
  if (!query.length) return;
  for (const row of rows) hits[row.n] = matches(row.text) ? 1 : 0;
  const slice = (from) => {
    if (mine !== searching) return;
    const end = performance.now() + SLICE_MS;
    let at = from;
    let isNew = false;
    for (; at < rows.length && (at % 64 || performance.now() < end); at++) {
      if (hits[at] || texts[at] === undefined) continue;
      if (matches(rows[at].text + "\n" + texts[at])) isNew = !!(hits[at] = 1);
    }
    if (isNew) select();
    if (at < rows.length) setTimeout(slice, 0, at);
  };
  setTimeout(slice, 0, 0);
};
const searchOnIn = (from, to) => {
  let isNew = false;
  for (let at = from; query.length && at < to; at++) {
    if (!hits[at] && matches(rows[at].text + "\n" + texts[at])) isNew = !!(hits[at] = 1);
  }
  return isNew;
};

// A chip counts the rows that all filters but those of its own line let through.
let view = [];
const select = () => {
  const tests = FACETS.map((facet) => (state[facet].size ? (row) => row[facet].some((one) => state[facet].has(one)) : null));
  const counts = FACETS.map(() => new Map());
  const all = inOrder();
  view = [];
  for (const row of all) {
    if ((query.length && !hits[row.n]) || (state.differ && !row.differs)) continue;
    let failed = -1;
    let count = 0;
    for (let at = 0; at < tests.length; at++) {
      if (tests[at] && !tests[at](row)) {
        failed = at;
        count++;
      }
    }
    if (count === 0) view.push(row);
    if (count > 1) continue;
    for (let at = 0; at < tests.length; at++) {
      if (count && at !== failed) continue;
      for (const value of row[FACETS[at]]) counts[at].set(value, (counts[at].get(value) || 0) + 1);
    }
  }
  for (const { facet, value, chip, count } of chips) {
    const number = counts[FACETS.indexOf(facet)].get(value) || 0;
    const isOn = state[facet].has(value);
    count.textContent = counted(number);
    chip.classList.toggle("zero", !number && !isOn);
    chip.setAttribute("aria-pressed", String(isOn));
    if (isOn) chip.hidden = false;
  }
  showList();
  tell();
};
let read = 0;
const tell = () => {
  const reading = query.length && read < 1 ? `, reading answers ${Math.floor(read * 100)} %` : "";
  const number = view.length === rows.length ? plural(rows.length, "group") : `${counted(view.length)} of ${plural(rows.length, "group")}`;
  byId("status").textContent = number + reading;
};
const apply = ({ isStep = false, isNewSearch = false } = {}) => {
  if (isNewSearch) search();
  select();
  writeAddress(isStep);
};
