// Differences word by word: Myers (1986), "An O(ND) difference algorithm", with a bound on its work.
const WORD = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]|[\p{L}\p{N}\p{M}_]+|\s+|[^]/gu;
const MOST_WORDS = 20000;
const MOST_STEPS = 900;
const differences = (before, after) => {
  let a = before.match(WORD) || [];
  let b = after.match(WORD) || [];
  let start = 0;
  let end = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const head = a.slice(0, start);
  const tail = a.slice(a.length - end);
  a = a.slice(start, a.length - end);
  b = b.slice(start, b.length - end);
  const steps = a.length + b.length > MOST_WORDS ? null : path(a, b);
  const middle = steps || [...a.map((one) => [-1, one]), ...b.map((one) => [1, one])];
  return { steps: joined([...head.map((one) => [0, one]), ...middle, ...tail.map((one) => [0, one])]), isWhole: !!steps };
};
const path = (a, b) => {
  const most = Math.min(a.length + b.length, MOST_STEPS);
  const zero = most + 1;
  const ends = new Int32Array(2 * most + 3);
  const trace = [];
  for (let d = 0; d <= most; d++) {
    trace.push(ends.slice(zero - d - 1, zero + d + 2));
    for (let k = -d; k <= d; k += 2) {
      let x = k === -d || (k !== d && ends[zero + k - 1] < ends[zero + k + 1]) ? ends[zero + k + 1] : ends[zero + k - 1] + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      ends[zero + k] = x;
      if (x >= a.length && x - k >= b.length) return walked(a, b, trace);
    }
  }
  return null;
};
const walked = (a, b, trace) => {
  const back = [];
  let x = a.length;
  let y = b.length;
  for (let d = trace.length - 1; d > 0; d--) {
    const ends = trace[d];
    const zero = d + 1;
    const k = x - y;
    const from = k === -d || (k !== d && ends[zero + k - 1] < ends[zero + k + 1]) ? k + 1 : k - 1;
    const startX = ends[zero + from];
    while (x > startX && y > startX - from) back.push([0, a[--x], y--]);
    if (x === startX) back.push([1, b[--y]]);
    else back.push([-1, a[--x]]);
  }
  while (x > 0) back.push([0, a[--x]]);
  return back.reverse();
};
// Neighbours of one kind are one; white space between two changes belongs to them.
const joined = (steps) => {
  const wide = steps.flatMap((step, at) => {
    const isBetween = step[0] === 0 && /^\s+$/.test(step[1]) && steps[at - 1]?.[0] && steps[at + 1]?.[0];
    return isBetween ? [[-1, step[1]], [1, step[1]]] : [step];
  });
  const runs = [];
  let gone = "";
  let come = "";
  const close = () => {
    if (gone) runs.push([-1, gone]);
    if (come) runs.push([1, come]);
    gone = come = "";
  };
  for (const [kind, text] of wide) {
    if (kind < 0) gone += text;
    else if (kind > 0) come += text;
    else {
      close();
      if (runs.length && runs.at(-1)[0] === 0) runs.at(-1)[1] += text;
      else runs.push([0, text]);
    }
  }
  close();
  return runs;
};
