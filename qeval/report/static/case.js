// One group: what was asked, what each column answered, how it was judged.
const section = (title, ...inside) => make("section", "sec", make("h4", "", title), ...inside);
let isMarking = true;
let asking = 0;
const show = async (row) => {
  const mine = ++asking;
  const held = await detail(row);
  if (mine !== asking) return;
  const columns = chosenColumns(held);
  const count = Math.max(0, ...held.trials.map((trials) => trials?.length || 0));
  const trial = chosenTrial(held, columns, count);
  const trials = columns.map((column) => held.trials[column]?.[trial]);
  const parts = [headOf(row, held), questionOf(held, columns), answersOf(row, held, columns, trials, trial, count)];
  parts.push(checksOf(columns, trials), tokensOf(columns, trials), rawOf(row, held, columns, trials));
  const place_ = byId("case");
  place_.replaceChildren(...parts.filter(Boolean));
  place_.setAttribute("aria-label", "Group " + [plainly(row.id), place(row)].filter(Boolean).join(", "));
};
const chosenColumns = (held) => {
  const last = index.columns.length - 1;
  if (!last) return [0];
  const letters = index.columns.map((one) => one[0]);
  const wanted = [...state.columns].map((one) => letters.indexOf(one)).filter((one) => one >= 0);
  return wanted.length === 2 ? wanted : [0, 1];
};
const chosenTrial = (held, columns, count) => {
  const wanted = Number(state.trial) - 1;
  if (wanted >= 0 && wanted < count) return wanted;
  const last = held.trials[columns.at(-1)] || [];
  const failed = last.findIndex((trial) => trial.outcome !== "passed");
  return Math.max(0, failed);
};

const headOf = (row, held) => {
  const back = button("← Cases", "Back to the list", leave);
  back.classList.add("back");
  const at = view.indexOf(row);
  const copy = button("Copy link", "", async () => {
    const link = location.href.split("#")[0] + "#" + fragment({ ...blank(), case: row.name, trial: state.trial, columns: state.columns });
    try {
      await navigator.clipboard.writeText(link);
      copy.textContent = "Copied";
    } catch {
      state.case = row.name;
      writeAddress(true);
      copy.textContent = "In the address bar";
    }
  });
  copy.classList.add("lk");
  const steps = [button("↑", "Previous group", () => choose(at - 1)), button("↓", "Next group", () => choose(at + 1))];
  const head = make("div", "dh", badge(row.word), shown(make("h3"), row.id), make("span", "sp", back, ...steps, copy));
  const where = held.asked.find(Boolean)?.where;
  const about = [place(row), row.tags.map((tag) => plainly(index.tags[tag])).join(", "), plainly(where || "")];
  const whys = held.changes.map((change, n) => {
    if (!change?.[0]) return null;
    const line = make("p", "meta", held.changes.length > 1 ? letter(n + 1) : null);
    return shown(line, change[0]);
  });
  return make("header", "", head, make("p", "meta", about.filter(Boolean).join(" · ")), ...whys);
};

const questionOf = (held, columns) => {
  const seen = [];
  const parts = columns.map((column) => {
    const asked = held.asked[column];
    const text = JSON.stringify(asked?.messages);
    const told = asked?.messages?.length || asked?.description || asked?.skip;
    if (!told || seen.includes(text)) return null;
    seen.push(text);
    const box = make("div", "asks");
    if (asked.description) box.append(make("b", "", "about"), prose(asked.description));
    if (asked.skip) box.append(make("b", "", "skipped"), prose(asked.skip));
    for (const message of asked.messages || []) box.append(shown(make("b"), message.role || ""), contentOf(message));
    return seen.length > 1 ? make("div", "gap", letter(column), " asked", box) : box;
  });
  return section("Question", ...parts);
};
const contentOf = (message) => {
  const box = make("div");
  const pieces = typeof message.content === "string" ? [{ text: message.content }] : message.content || [];
  for (const piece of pieces) {
    if (piece.text) box.append(prose(piece.text));
    for (const kind of ["image", "video", "audio"]) {
      const value = piece[kind];
      if (!value) continue;
      if (kind === "image" && /^data:image\/(png|jpeg|gif|webp);base64,/i.test(value)) {
        const picture = set(make("img"), { alt: "picture of the question", decoding: "async" });
        picture.src = value;
        box.append(picture);
      } else box.append(shown(make("div", "soft", kind + ": "), String(value)));
    }
  }
  for (const call of message.tool_calls || []) box.append(shown(make("div", "code"), `${call.name}(${call.arguments})`));
  return box;
};

const answersOf = (row, held, columns, trials, trial, count) => {
  const made = section("Answers");
  const title = made.firstChild;
  if (count > 1) title.append(make("span", "soft", "trial"), trialButtons(row, held, columns, trial, count));
  if (index.columns.length > 2) title.append(columnChooser(row, columns));
  const [one, two] = trials;
  const canDiffer = columns.length > 1 && one?.text && two?.text && one.text !== two.text;
  const found = canDiffer && isMarking ? differences(one.text, two.text) : null;
  if (canDiffer) {
    const box = set(make("input"), { type: "checkbox", id: "marking" });
    box.checked = isMarking;
    box.addEventListener("change", () => {
      isMarking = box.checked;
      show(row);
    });
    title.append(make("label", "tg", box, "word differences"));
  }
  const pair = make("div", "pair");
  columns.forEach((column, side) => pair.append(answerOf(column, trials[side], { side, other: trials[1 - side], found })));
  made.append(pair);
  if (found && !found.isWhole) made.append(make("p", "note", "The answers differ in too many words to be matched one by one."));
  return made;
};
const trialButtons = (row, held, columns, trial, count) => {
  const line = make("span", "tr");
  for (let number = 0; number < count; number++) {
    const ended = columns.map((column) => held.trials[column]?.[number]?.outcome);
    const names = ended.map((one, side) => (columns.length > 1 ? index.columns[columns[side]][0] + " " : "") + (one || "not asked"));
    const made = button(String(number + 1), "", () => {
      state.trial = String(number + 1);
      state.case = row.name;
      writeAddress(false);
      show(row).then(() => byId("case").querySelectorAll(".tr .btn")[number]?.focus());
    });
    made.append(...ended.map((one) => make("span", "pip " + (one ? one[0] : "s"))));
    set(made, { "aria-pressed": String(number === trial), "aria-label": `${number + 1}: ${names.join(", ")}` });
    line.append(made);
  }
  return line;
};
const columnChooser = (row, columns) => {
  const line = make("span", "tr");
  columns.forEach((chosen, side) => {
    const select_ = set(make("select"), { "aria-label": side ? "Column on the right" : "Column on the left" });
    index.columns.forEach(([name, label], column) => {
      const option = make("option", "", `${name} ${plainly(label)}`);
      option.value = name;
      option.selected = column === chosen;
      select_.append(option);
    });
    select_.addEventListener("change", () => {
      const names = columns.map((one) => index.columns[one][0]);
      names[side] = select_.value;
      state.columns = names.join("");
      writeAddress(true);
      show(row);
    });
    line.append(select_);
  });
  return line;
};
const answerOf = (column, trial, { side, other, found }) => {
  const several = index.columns.length > 1;
  const head = make("header", "", several ? letter(column) : null, several ? shown(make("span"), index.columns[column][1]) : null);
  const box = make("div");
  const made = make("section", "ans k" + column, head, box);
  if (!trial) {
    box.append("Not asked.");
    return made;
  }
  const facts = [];
  if (several && other && trial.text && other.text === trial.text) facts.push("identical");
  if (trial.truncated) facts.push("truncated");
  if (trial.finish_reason && trial.finish_reason !== "stop") facts.push("ended by " + plainly(trial.finish_reason));
  if (trial.attempts > 1) facts.push(plural(trial.attempts, "attempt"));
  if (trial.model) facts.push("model as reported: " + plainly(trial.model));
  head.append(make("span", "soft", facts.join(" · ")), make("span", "o " + trial.outcome, `${SIGNS[trial.outcome]} ${trial.outcome}`));
  said(box, trial, side, found);
  return made;
};
const said = (box, trial, side, found) => {
  if (trial.reasoning) {
    box.append(make("details", "", make("summary", "", `reasoning, ${plural(trial.reasoning.length, "character")}`), shown(make("pre"), trial.reasoning)));
  }
  (trial.earlier || []).forEach((text, turn) => box.append(make("p", "then", `turn ${turn + 1}`), prose(text)));
  for (const call of trial.calls || []) box.append(shown(make("div", "call"), `${call.name}(${call.arguments})`));
  if (trial.earlier?.length || trial.calls?.length) box.append(make("p", "then", "last"));
  if (trial.text && found) {
    const text = set(make("div", "txt" + (CODE.test(trial.text) ? " code" : "")), { dir: "auto" });
    for (const [kind, piece] of found.steps) {
      if (kind === 0) shown(text, piece);
      else if (kind < 0 && side === 0) text.append(shown(make("del"), piece));
      else if (kind > 0 && side === 1) text.append(shown(make("ins"), piece));
    }
    box.append(text);
  } else if (trial.text) box.append(prose(trial.text));
  else if (trial.answer) box.append(make("em", "soft", `The answer was not kept; its digest is ${trial.answer}.`));
  else if (!trial.error) box.append(make("em", "soft", "nothing"));
  if (trial.error) box.append(shown(make("pre", "o " + trial.outcome), trial.error));
};

const checksOf = (columns, trials) => {
  const names = [...new Set(trials.flatMap((trial) => (trial?.scores || []).map((score) => score.check || "check")))];
  if (!names.length) return null;
  const several = index.columns.length > 1;
  const head = make("thead", "", make("tr", "", several ? make("td") : null, ...(several ? columns.map((one) => set(make("th", "", letter(one)), { scope: "col" })) : [])));
  const body = make("tbody");
  for (const name of names) {
    const line = make("tr", "", set(shown(make("th"), name), { scope: "row" }));
    for (const trial of trials) {
      const cell = make("td");
      for (const score of (trial?.scores || []).filter((one) => (one.check || "check") === name)) {
        const isWarning = score.severity === "warn" && !score.passed;
        const [kind, mark] = score.passed ? ["passed", "✓ passed"] : isWarning ? ["warned", "! warning"] : ["failed", "✗ failed"];
        cell.append(make("span", "o " + kind, mark), score.reason ? shown(make("span", "why"), score.reason) : "");
      }
      line.append(cell);
    }
    body.append(line);
  }
  return section("Checks", make("table", "ck", several ? head : null, body));
};

const rawOf = (row, held, columns, trials) => {
  const made = section("Raw request and response");
  made.classList.add("raw");
  made.append(make("p", "note", "In qeval's own words, as the run file keeps them; the exact bodies are in the cassette."));
  columns.forEach((column, side) => {
    const trial = trials[side];
    if (!trial) return;
    const setups = index.setups[column];
    const request = {
      target: setups.targets.find((one) => one.name === trial.target),
      scenario: setups.scenarios.find((one) => one.name === trial.scenario),
      messages: held.asked[column]?.messages,
      digest: trial.request,
    };
    for (const [name, value] of [["request", request], ["response", trial]]) {
      const fold = make("details", "", make("summary", "", index.columns.length > 1 ? letter(column) : null, name));
      fold.addEventListener("toggle", () => {
        if (!fold.open || fold.querySelector("pre")) return;
        const label = `${index.columns[column][0]} ${name}`;
        fold.append(set(shown(make("pre"), JSON.stringify(value, shortened, 2)), { tabindex: "0", role: "region", "aria-label": label }));
      });
      made.append(fold);
    }
  });
  return made;
};
const shortened = (_, value) => (typeof value === "string" && value.startsWith("data:image/") ? value.slice(0, 60) + "…" : value);
