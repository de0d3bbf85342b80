// The data of the page: an index, and chunks of cases that are opened when needed.
let index;
let rows = [];
const decode = async (id) => {
  const text = byId(id).textContent;
  if (byId(id).type === "application/json") return JSON.parse(text);
  const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).json();
};

const KEPT = 12;
const opened = new Map();
const chunk = (number) => {
  let found = opened.get(number);
  opened.delete(number);
  found ||= decode("part" + number);
  opened.set(number, found);
  if (opened.size > KEPT) opened.delete(opened.keys().next().value);
  return found;
};
const chunkOf = (row) => {
  let low = 0;
  let high = index.firsts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (index.firsts[middle] <= row.n) low = middle;
    else high = middle - 1;
  }
  return low;
};
const detailIn = (part, row, first) => {
  const [asked, trials, changes, passes] = part.rows[row.n - first];
  return { asked: asked.map((one) => (one == null ? null : part.asked[one])), trials, changes, passes };
};
const detail = async (row) => {
  const number = chunkOf(row);
  return detailIn(await chunk(number), row, index.firsts[number]);
};

const OUTCOME_RANK = ["failed", "errored", "refused", "skipped", "passed"];
const RANK = ["worse", "undecided", "not_comparable", "lost", "better", "gone", "new", "same", ...OUTCOME_RANK, ""];
const rank = (word) => (RANK.indexOf(word) + RANK.length + 1) % (RANK.length + 1);
const worstOf = (words) => words.reduce((a, b) => (rank(b) < rank(a) ? b : a), "");
const failures = (ended) => {
  let count = 0;
  for (const one of ended) count += one !== "p";
  return count;
};
const rise = (values) => {
  const [first, ...others] = values;
  const last = others.filter((one) => one != null).pop();
  if (values.length === 1) return first ?? -Infinity;
  return first == null || last == null ? -Infinity : last - first;
};
const key = (parts) => parts.map((one) => encodeURIComponent(one)).join("/");
const openIndex = async () => {
  index = await decode("index");
  rows = index.rows.map(([c, t, s, words, ended, checks, tokens, latency, flags], n) => {
    const [id, excerpt, tags] = index.cases[c];
    const target = index.targets[t] || "";
    const scenario = index.scenarios[s] || "";
    const shares = ended.map((one) => (one ? failures(one) / one.length : 0));
    return {
      n, c, t, s, id, excerpt, tags, words, ended, checks, target, scenario,
      word: worstOf(words), differs: flags & 1, warned: flags & 2,
      fall: shares.length > 1 ? Math.max(...shares.slice(1)) - shares[0] : shares[0],
      tokens: rise(tokens), latency: rise(latency),
      name: key([id, target, scenario]),
      text: (id + "\n" + tags.map((tag) => index.tags[tag]).join(" ") + "\n" + excerpt).toLowerCase(),
    };
  });
};

// Printing cannot wait: it shows in full what has been made ready, on small pages all.
const PRINTED = 200;
const SMALL = 1000;
const ready = new Map();

// What is searched beside the index: prompts and answers, folded once, a chunk at a time.
const texts = [];
const textOf = (row, part, first) => {
  const { asked, trials } = detailIn(part, row, first);
  const said = [];
  for (const one of new Set(asked)) {
    for (const message of one?.messages || []) {
      if (typeof message.content === "string") said.push(message.content);
      else for (const piece of message.content || []) if (piece.text) said.push(piece.text);
    }
  }
  for (const column of trials) {
    for (const trial of column || []) said.push(trial.text || "", ...(trial.earlier || []), trial.error || "");
  }
  return [...new Set(said)].join("\n").toLowerCase();
};
const readTexts = async (tell) => {
  for (let number = 0; number < index.firsts.length; number++) {
    const first = index.firsts[number];
    const part = await decode("part" + number);
    part.rows.forEach((_, at) => {
      const row = rows[first + at];
      texts[row.n] = textOf(row, part, first);
      if (rows.length <= SMALL) ready.set(row.n, detailIn(part, row, first));
    });
    tell((number + 1) / index.firsts.length);
    await new Promise((done) => setTimeout(done));
  }
};
