// What a trial took: its bill as a stacked bar, item by item, and its latency.
const SVG = "http://www.w3.org/2000/svg";
const drawing = (tag, attributes) => set(document.createElementNS(SVG, tag), attributes);
const seconds = (value) => {
  if (value == null) return "–";
  if (value < 0.9995) return (value * 1000).toFixed(value < 0.0095 ? 1 : 0) + " ms";
  return value.toFixed(value < 9.995 ? 2 : 1) + " s";
};
const ITEM_NAMES = { text: "messages", markup: "template", tools: "tools", media: "media", unexplained: "unexplained", input: "input", output: "output" };
const bill = (trial) => {
  const usage = trial.usage || {};
  const billed = usage.input_tokens;
  const items = [];
  // A ledger leaves out what is 0; what is unknown is null.
  const ledger = trial.ledger && { text: 0, markup: 0, tools: 0, media: 0, ...trial.ledger };
  const known = ledger && ["text", "markup", "tools", "media"].every((name) => ledger[name] != null);
  if (known && billed != null) {
    for (const name of ["text", "markup", "tools", "media"]) items.push([name, ledger[name]]);
    const predicted = items.reduce((sum, [, count]) => sum + count, 0);
    items.push(["unexplained", billed - predicted]);
    items.predicted = predicted;
  } else if (billed != null) items.push(["input", billed]);
  if (usage.output_tokens != null) items.push(["output", usage.output_tokens]);
  items.billed = billed;
  items.total = items.reduce((sum, [, count]) => sum + Math.max(count, 0), 0);
  return items;
};
const billBar = (items, most, told) => {
  const bar = drawing("svg", { class: "fx st", height: 20, role: "img", "aria-label": told });
  let x = 0;
  for (const [name, count] of items) {
    const width = (Math.max(count, 0) / most) * 100;
    if (!width) continue;
    bar.append(drawing("rect", { class: "s-" + name, x: x + "%", width: width + "%", height: 20 }));
    if (width > 6) {
      const label = drawing("text", { class: "t-" + name, x: x + width / 2 + "%", y: 14 });
      label.textContent = counted(count);
      bar.append(label);
    }
    x += width;
  }
  return bar;
};
const tokensOf = (columns, trials) => {
  const bills = trials.map((trial) => (trial ? bill(trial) : []));
  const most = Math.max(...bills.map((items) => items.total || 0));
  if (!most && trials.every((trial) => trial?.latency_s == null)) return null;
  const grid = make("div", "lg");
  const used = new Set();
  trials.forEach((trial, at) => {
    if (!trial) return;
    const items = bills[at];
    for (const [name, count] of items) if (count) used.add(name);
    const told = items.map(([name, count]) => `${ITEM_NAMES[name]} ${count}`).join(", ") || "no tokens reported";
    const head = index.columns.length > 1 ? letter(columns[at]) : make("span");
    grid.append(head, items.total ? billBar(items, most, told) : make("span", "soft", told), make("span", "n", seconds(trial.latency_s)));
  });
  const legend = make("p", "key");
  for (const name in ITEM_NAMES) if (used.has(name)) legend.append(make("span", "", make("i", "sw s-" + name), ITEM_NAMES[name]));
  return section("Tokens, latency", grid, legend, billTable(columns, trials, bills));
};
const billTable = (columns, trials, bills) => {
  const lines = new Map();
  const put = (name, at, value) => {
    if (value == null) return;
    if (!lines.has(name)) lines.set(name, columns.map(() => "–"));
    lines.get(name)[at] = typeof value === "number" ? counted(value).replace("-", "−") : value;
  };
  trials.forEach((trial, at) => {
    if (!trial) return;
    for (const [name, count] of bills[at]) if (name !== "output" && name !== "unexplained" && name !== "input") put(ITEM_NAMES[name], at, count);
    put("predicted input", at, bills[at].predicted);
    put("billed input", at, bills[at].billed);
    put("unexplained = billed − predicted", at, bills[at].predicted == null ? null : bills[at].billed - bills[at].predicted);
    const usage = trial.usage || {};
    for (const name of ["cached_input_tokens", "image_tokens", "video_tokens", "audio_tokens"]) put(name.replaceAll("_", " "), at, usage[name]);
    put("output", at, usage.output_tokens);
    put("of it reasoning", at, usage.reasoning_tokens);
    put("counted by", at, trial.ledger && (trial.ledger.method || "estimate"));
    put("first token", at, trial.first_token_s == null ? null : seconds(trial.first_token_s));
    put("cost", at, trial.cost == null ? null : String(trial.cost));
  });
  return lines.size ? make("details", "", make("summary", "", "Ledger"), table("plain", columns, lines)) : null;
};
const table = (kind, columns, lines) => {
  const several = index.columns.length > 1;
  const head = several ? make("thead", "", make("tr", "", make("td"), ...columns.map((one) => set(make("th", "n", letter(one)), { scope: "col" })))) : null;
  const body = make("tbody");
  for (const [name, values] of lines) {
    body.append(make("tr", "", set(make("th", "", name), { scope: "row" }), ...values.map((value) => make("td", "n", value))));
  }
  return make("table", kind, head, body);
};
