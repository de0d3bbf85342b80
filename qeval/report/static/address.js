// What is shown stands in the address's fragment: a copied link shows it again.
const FACETS = ["verdict", "check", "target", "scenario", "tag"];
const SINGLES = ["q", "differ", "sort", "case", "trial", "columns"];
const blank = () => {
  const fresh = { sort: "worst" };
  for (const name of FACETS) fresh[name] = new Set();
  for (const name of SINGLES) fresh[name] ??= "";
  return fresh;
};
let state = blank();
const readAddress = () => {
  const fresh = blank();
  const given = new URLSearchParams(location.hash.slice(1));
  for (const name of FACETS) for (const value of given.getAll(name)) fresh[name].add(value);
  for (const name of SINGLES) if (given.has(name)) fresh[name] = given.get(name);
  return fresh;
};
const fragment = (held) => {
  const said = new URLSearchParams();
  for (const name of FACETS) for (const value of held[name]) said.append(name, value);
  for (const name of SINGLES) if (held[name] && !(name === "sort" && held.sort === "worst")) said.set(name, held[name]);
  return said.toString().replaceAll("%2F", "/");
};
const isOurs = () => !location.hash || location.hash.includes("=");
const writeAddress = (isStep) => {
  const wanted = fragment(state);
  if (wanted === location.hash.slice(1)) return;
  const url = wanted ? "#" + wanted : location.pathname;
  try {
    history[isStep ? "pushState" : "replaceState"](null, "", url);
  } catch {
    location.hash = wanted;
  }
};
