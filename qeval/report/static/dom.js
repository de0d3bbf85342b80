// Elements. Text of models enters by `shown` alone: as text nodes, what would be obeyed as marks.
const root = document.documentElement;
const byId = (id) => document.getElementById(id);
const make = (tag, kind, ...inside) => {
  const element = document.createElement(tag);
  if (kind) element.className = kind;
  element.append(...inside.filter((one) => one != null));
  return element;
};
const set = (element, attributes) => {
  for (const name in attributes) element.setAttribute(name, attributes[name]);
  return element;
};
const button = (label, name, act) => {
  const made = make("button", "btn", label);
  made.type = "button";
  if (name) made.setAttribute("aria-label", name);
  made.addEventListener("click", act);
  return made;
};

const OBEYED = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060\u2066-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff\ufffe\uffff]/u;
const NAMES = {
  0x1b: "␛", 0x7f: "␡", 0x61c: "ALM", 0x200b: "ZWSP", 0x200e: "LRM", 0x200f: "RLM", 0x2028: "LS", 0x2029: "PS",
  0x202a: "LRE", 0x202b: "RLE", 0x202c: "PDF", 0x202d: "LRO", 0x202e: "RLO", 0x2060: "WJ", 0x2066: "LRI",
  0x2067: "RLI", 0x2068: "FSI", 0x2069: "PDI", 0xfeff: "BOM",
};
const marked = (character) => {
  const code = character.codePointAt(0);
  if (code < 0x20) return NAMES[code] || String.fromCodePoint(0x2400 + code);
  return NAMES[code] || "U+" + code.toString(16).toUpperCase().padStart(4, "0");
};
const shown = (element, text) => {
  if (!OBEYED.test(text)) {
    element.append(text);
    return element;
  }
  let plain = "";
  for (const character of text) {
    if (!OBEYED.test(character)) {
      plain += character;
      continue;
    }
    element.append(plain, make("span", "inv", marked(character)));
    plain = "";
  }
  element.append(plain);
  return element;
};
const plainly = (text) =>
  OBEYED.test(text) ? Array.from(text, (one) => (OBEYED.test(one) ? `‹${marked(one)}›` : one)).join("") : text;

const WORDS = {
  worse: ["▼", "WORSE"], better: ["▲", "BETTER"], same: ["=", "SAME"], undecided: ["?", "UNDECIDED"],
  not_comparable: ["≠", "NOT COMPARABLE"], new: ["+", "NEW"], gone: ["−", "GONE"], lost: ["∅", "LOST"],
  passed: ["●", "passed"], failed: ["□", "failed"], errored: ["△", "errored"], refused: ["⊘", "refused"],
  skipped: ["–", "skipped"],
};
const ENDS = { p: "passed", f: "failed", e: "errored", r: "refused", s: "skipped" };
const SIGNS = { passed: "✓", failed: "✗", errored: "!", refused: "⊘", skipped: "–" };
const badge = (word) => {
  const [glyph, name] = WORDS[word] || ["", word];
  return make("span", "v v-" + word, set(make("span", "g", glyph), { "aria-hidden": "true" }), name);
};
const letter = (column) => make("span", "L k" + column, index.columns[column][0]);
const counted = (number) => number.toLocaleString("en");
const plural = (number, noun) => `${counted(number)} ${noun}${number === 1 ? "" : "s"}`;
const CODE = /```|^\s*[[{<]|\n[ \t]+\S|\|.*\|/;
const prose = (text, kind = "txt") =>
  set(shown(make("div", kind + (CODE.test(text.slice(0, 20000)) ? " code" : "")), text), { dir: "auto" });
