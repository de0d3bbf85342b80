// The page begins: the index is opened, the address read, the rest made searchable while idle.
const restore = () => {
  byId("q").value = state.q;
  if (byId("differ")) byId("differ").checked = !!state.differ;
  byId("sort").value = ORDERS[state.sort] ? state.sort : "worst";
  search();
  select();
};
const follow = () => {
  if (!isOurs()) return;
  const before = state.case;
  state = readAddress();
  restore();
  if (state.case && state.case !== before) byId("app").scrollIntoView({ behavior: "instant" });
};
const start = async () => {
  await openIndex();
  for (const name in ORDERS) {
    const option = make("option", "", ORDERS[name][0]);
    option.value = name;
    byId("sort").append(option);
  }
  makeChips();
  root.classList.add("on");
  byId("app").hidden = false;
  listen();
  state = readAddress();
  restore();
  if (state.case || location.hash === "#cases") byId("cases").scrollIntoView({ behavior: "instant" });
  addEventListener("popstate", follow);
  performance.mark("usable");
  await readTexts((share) => {
    const from = read * index.firsts.length;
    read = share;
    const first = index.firsts[Math.round(from)];
    const last = index.firsts[Math.round(share * index.firsts.length)] ?? rows.length;
    if (searchOnIn(first, last)) select();
    else if (query.length) tell();
  });
  performance.mark("read");
};
themes();
start();
