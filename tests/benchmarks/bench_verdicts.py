"""How often the verdicts are wrong, and how often they see what is there: simulated in small.

Each line is the share of seeded replications with one answer, beside the figure of the larger
simulation by which the rules were chosen (10,000 replications a cell), and whether the two agree:
within three standard errors and the rounding of the printed figure. Where only a worst or best
of many cells was printed, a single cell of them has to stay on its side of it.

Cases are as hard as a beta distribution makes them: mean `base`, and `rho` of the variance between
cases. A drop is spread out (each case loses the same share of its passes) or concentrated (so
many cases stop passing).

    python tests/benchmarks/bench_verdicts.py
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from math import log, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qeval.stats.families import discoveries
from qeval.stats.fisher import least_p, mid_p
from qeval.stats.paired import Estimate, Pair, by_cases, by_suite
from qeval.stats.ranks import location

ALPHA = 0.05
SEED = 20_261_122
EVEN, USUAL, UNEVEN = 0.0, 1 / 3, 2 / 3
SIZES = (1, 2, 3, 5, 9)
"""Of clusters: unequal."""

Rates = NDArray[np.float64]


class Cell(NamedTuple):
    """What one cell simulates."""

    n: int
    base: float
    k: int
    reading: str = "cases"
    rho: float = USUAL
    drop: float = 0.0
    concentrated: bool = False
    redrawn: bool = False
    """Half of the cases are as hard as others on B, with equal means."""
    margin: float = 0.05

    def __str__(self) -> str:
        """Say it in a line."""
        drop = f" drop {self.drop:.2f}" if self.drop else ""
        kind = " concentrated" if self.concentrated else ""
        return f"{self.reading} n {self.n} base {self.base} k {self.k}{drop}{kind}"


class Finding(NamedTuple):
    """One line of the table; shares in percent."""

    what: str
    measured: float
    printed: float
    replications: int
    side: str = "="
    """`=`: the same cell was printed; `≤`, `≥`: the worst of many was."""

    @property
    def noise(self) -> float:
        """Three standard errors, and half of the printed figure's last digit."""
        share = min(max(self.printed / 100, 1 / self.replications), 1 - 1 / self.replications)
        rounding = 0.5 if float(self.printed).is_integer() else 0.05
        return 300 * sqrt(share * (1 - share) / self.replications) + rounding

    @property
    def agrees(self) -> bool:
        """Whether the difference is noise, or on the right side."""
        over = self.measured - self.printed
        if self.side == "≤":
            return over <= self.noise
        return over >= -self.noise if self.side == "≥" else abs(over) <= self.noise


def hardness(draw: np.random.Generator, cell: Cell, count: int) -> Rates:
    """Pass rates of the cases of `count` suites."""
    shape = (count, cell.n)
    if not cell.rho:
        return np.full(shape, cell.base)
    whole = 1 / cell.rho - 1
    return draw.beta(cell.base * whole, (1 - cell.base) * whole, shape)


def sides(draw: np.random.Generator, cell: Cell, count: int) -> tuple[Rates, Rates]:
    """Pass rates of both sides."""
    old = hardness(draw, cell, count)
    lost = cell.drop / cell.base
    if cell.concentrated:
        return old, np.where(draw.random(old.shape) < lost, 0.0, old)
    new = old * (1 - lost)
    if cell.redrawn:
        half = cell.n // 2
        new[:, :half] = hardness(draw, cell, count)[:, :half] * (1 - lost)
    return old, new


@cache
def pair(a: int, b: int, k: int) -> Pair:
    """A pair of so many passes of k trials."""
    noise = [x * (k - x) / (k * (k - 1)) if k > 1 else 0.0 for x in (a, b)]
    return Pair((b - a) / k, k, k, noise[0], noise[1])


def estimates(cell: Cell, count: int) -> Iterator[tuple[Estimate, float]]:
    """Estimates of so many simulated comparisons, each with the true difference."""
    draw = np.random.default_rng([SEED, *cell[:1], int(1000 * cell.base), cell.k])
    old, new = sides(draw, cell, count)
    seen = draw.binomial(cell.k, old), draw.binomial(cell.k, new)
    # For cases in general the truth is the drop; for this suite it is that of its own cases.
    truth = (new - old).mean(axis=1) if cell.reading == "suite" else np.full(count, -cell.drop)
    judge = by_suite if cell.reading == "suite" else by_cases
    for a, b, true in zip(seen[0].tolist(), seen[1].tolist(), truth.tolist(), strict=True):
        found = judge([pair(x, y, cell.k) for x, y in zip(a, b, strict=True)], margin=cell.margin)
        if found is not None:
            yield found, true


def share(cell: Cell, count: int, of: Callable[[Estimate, float], bool]) -> float:
    """Percent of the comparisons of which something holds."""
    return 100 * sum(of(*each) for each in estimates(cell, count)) / count


def alarm(found: Estimate, _: float) -> bool:
    """Better or worse."""
    return found.p < ALPHA


def worse(found: Estimate, _: float) -> bool:
    """Worse."""
    return found.p < ALPHA and found.difference < 0


def same(found: Estimate, _: float) -> bool:
    """The same."""
    return found.p_same < ALPHA


def covers(found: Estimate, true: float) -> bool:
    """The interval holds the truth."""
    return found.low <= true <= found.high


def false_alarms(count: int) -> Iterator[Finding]:
    """Better or worse where nothing changed: the worst over how hard cases are, and how."""
    cells = {
        Cell(20, 0.8, 1): 3.5,
        Cell(50, 0.8, 3): 4.6,
        Cell(50, 0.95, 1): 0.8,
        Cell(200, 0.95, 5): 4.8,
        Cell(20, 0.8, 5, "suite"): 4.1,
        Cell(50, 0.95, 3, "suite"): 3.4,
        Cell(200, 0.8, 3, "suite"): 4.9,
    }
    for cell, printed in cells.items():
        kinds = [False] if cell.reading == "suite" else [False, True]
        worst = max(
            share(cell._replace(rho=rho, redrawn=redrawn), count, alarm)
            for rho in (EVEN, USUAL, UNEVEN)
            for redrawn in kinds
        )
        yield Finding(f"false alarm, {cell}", worst, printed, count)


def coverage(count: int) -> Iterator[Finding]:
    """The 95 % interval holds the truth; printed are the worst of many cells."""
    cells = {
        Cell(20, 0.8, 3, drop=0.1): 94.9,
        Cell(50, 0.95, 5, drop=0.05): 94.9,
        Cell(200, 0.5, 1, drop=0.2): 94.7,
        Cell(50, 0.95, 3, drop=0.1, concentrated=True): 92.2,
        Cell(50, 0.8, 5, "suite", drop=0.1): 94.9,
        Cell(200, 0.95, 3, "suite", drop=0.05, concentrated=True): 95.0,
    }
    for cell, printed in cells.items():
        yield Finding(f"coverage, {cell}", share(cell, count, covers), printed, count, "≥")
    # The weak spot that is printed too: the broken case is mostly not in the suite at all.
    weak = Cell(20, 0.99, 5, drop=0.05, concentrated=True)
    worst = min(share(weak._replace(rho=rho), count, covers) for rho in (EVEN, USUAL, UNEVEN))
    yield Finding(f"coverage, {weak}", worst, 66.3, count)


def false_sameness(count: int) -> Iterator[Finding]:
    """Called the same at a true drop of just the margin; printed are the worst of many cells."""
    cells = {
        Cell(20, 0.95, 3, margin=0.05, drop=0.05, concentrated=True): 0.0,
        Cell(50, 0.95, 3, margin=0.10, drop=0.10): 4.6,
        Cell(200, 0.95, 1, margin=0.05, drop=0.05): 5.3,
        Cell(200, 0.95, 5, margin=0.05, drop=0.05, concentrated=True): 5.5,
        Cell(50, 0.95, 5, "suite", margin=0.05, drop=0.05): 5.4,
        Cell(200, 0.8, 3, "suite", margin=0.05, drop=0.05): 5.5,
    }
    for cell, printed in cells.items():
        yield Finding(f"false same, {cell}", share(cell, count, same), printed, count, "≤")


def power(count: int) -> Iterator[Finding]:
    """A drop is called worse."""
    spread = {
        Cell(50, 0.95, 1, drop=0.05): 7,
        Cell(50, 0.95, 3, drop=0.05): 42,
        Cell(50, 0.95, 5, "suite", drop=0.05): 65,
        Cell(50, 0.8, 1, drop=0.1): 23,
        Cell(50, 0.8, 3, drop=0.1): 62,
        Cell(50, 0.8, 5, drop=0.1): 82,
        Cell(50, 0.8, 3, "suite", drop=0.1): 63,
        Cell(200, 0.5, 3, drop=0.05): 53,
        Cell(20, 0.95, 3, drop=0.2): 88,
    }
    broken = {
        Cell(50, 0.8, 1, drop=0.1, concentrated=True): 24,
        Cell(50, 0.8, 5, drop=0.1, concentrated=True): 50,
        Cell(50, 0.8, 5, "suite", drop=0.1, concentrated=True): 82,
        Cell(50, 0.95, 3, drop=0.1, concentrated=True): 48,
    }
    for cell, printed in {**spread, **broken}.items():
        yield Finding(f"power, {cell}", share(cell, count, worse), printed, count)


def sameness(count: int) -> Iterator[Finding]:
    """Nothing changed, and it is called the same."""
    cells = {
        Cell(100, 0.95, 3): 69,
        Cell(200, 0.8, 3): 63,
        Cell(200, 0.95, 1): 69,
        Cell(200, 0.5, 5, "suite"): 72,
        Cell(50, 0.95, 3, "suite"): 39,
        Cell(50, 0.8, 3, margin=0.1): 44,
        Cell(50, 0.95, 1, margin=0.1): 53,
    }
    for cell, printed in cells.items():
        what = f"same, {cell} margin {cell.margin:.2f}"
        yield Finding(what, share(cell, count, same), printed, count)


def named(old: Sequence[int], new: Sequence[int], k: int) -> tuple[bool, ...]:
    """Which cases of a list are judged to differ."""
    counts = list(zip(old, new, strict=True))
    ps = [mid_p(a, k, b, k) for a, b in counts]
    return discoveries(ps, [least_p(k, k, a + b) for a, b in counts], ALPHA).rejected


def lists(
    rates: tuple[Rates, Rates], k: int, seed: int
) -> Iterator[tuple[tuple[bool, ...], list[bool]]]:
    """Of each simulated list, the cases that were named, and those of them that fell."""
    draw = np.random.default_rng([SEED, k, seed])
    old, new = (draw.binomial(k, rate).tolist() for rate in rates)
    for a, b in zip(old, new, strict=True):
        found = named(a, b, k)
        yield found, [x > y and hit for x, y, hit in zip(a, b, found, strict=True)]


def case_list(count: int) -> Iterator[Finding]:
    """Forty cases one by one: false discoveries, and broken cases that are named."""
    draw = np.random.default_rng([SEED, 40])
    for k in (5, 20):
        rates = hardness(draw, Cell(40, 0.8, k), count)
        shown = sum(any(fell) for _, fell in lists((rates, rates), k, 0))
        yield Finding(f"any case worse, A/A, k {k}", 100 * shown / count, 2.0, count, "≤")
        broken = rates.copy()
        broken[:, :3] = 0.0
        wrong = [sum(found[3:]) / max(1, sum(found)) for found, _ in lists((rates, broken), k, 1)]
        rate = 100 * sum(wrong) / count
        yield Finding(f"false discoveries, 3 broken of 40, k {k}", rate, 4.2, count, "≤")
    good = np.ones((count, 40))
    outright, partly = good.copy(), good.copy()
    outright[:, :3] = 0.0
    partly[:, :3] = 0.8
    hits = sum(sum(found[:3]) for found, _ in lists((good, outright), 5, 2))
    yield Finding("3 broken outright of 40 good, k 5: named", 100 * hits / (3 * count), 100, count)
    for k, printed in ((20, 35), (30, 58), (50, 95)):
        hits = sum(sum(found[:3]) for found, _ in lists((good, partly), k, 3))
        what = f"3 of 40 wrong one time in five, k {k}: named"
        yield Finding(what, 100 * hits / (3 * count), printed, count)


def slight(count: int) -> Iterator[Finding]:
    """Three cases of forty that fail one time in five, in the reading of this suite."""
    for k, printed in ((5, 16), (10, 67), (15, 93), (20, 99)):
        draw = np.random.default_rng([SEED, k])
        hits = 0
        for passed in draw.binomial(k, 0.8, (count, 3)).tolist():
            found = by_suite([pair(k, b, k) for b in passed] + [pair(k, k, k)] * 37)
            hits += found is not None and worse(found, 0.0)
        yield Finding(f"the same, k {k}: overall worse", 100 * hits / count, printed, count)


def clusters(count: int) -> Iterator[Finding]:
    """Cases of one document change together: with clusters, and as if there were none."""
    draw = np.random.default_rng([SEED, 6])
    sizes = SIZES * 4
    held = [number for number, size in enumerate(sizes) for _ in range(size)]
    alarms = [0, 0]
    for _ in range(count):
        shift = draw.normal(0, 0.2, len(sizes))
        old = np.full(len(held), 0.5)
        seen = draw.binomial(5, old), draw.binomial(5, np.clip(old + shift[held], 0, 1))
        pairs = [pair(a, b, 5) for a, b in zip(seen[0].tolist(), seen[1].tolist(), strict=True)]
        for place, given in enumerate((held, None)):
            found = by_cases(pairs, clusters=given)
            alarms[place] += found is not None and found.p < ALPHA
    kept, ignored = (100 * number / count for number in alarms)
    yield Finding("false alarm, 20 clusters of 1 to 9 cases", kept, 5.2, count, "≤")
    yield Finding("the same, clusters ignored", ignored, 7, count, "≥")


def measures(count: int) -> Iterator[Finding]:
    """Log ratios of a measure with light tails, one trial a side."""
    printed = {10: (5.0, 23), 20: (4.9, 43), 50: (4.9, 83), 200: (5.1, 100)}
    for n, (wrong, seen) in printed.items():
        draw = np.random.default_rng([SEED, n])
        # Each side varies by 0.3 about its own middle.
        ratios = draw.normal(0, 0.3 * sqrt(2), (count, n))
        for shift, figure in ((0.0, wrong), (log(1.2), seen)):
            hits = sum(beyond_zero(row) for row in (ratios + shift).tolist())
            what = "power of 1.2 times" if shift else "false alarm"
            yield Finding(f"measures, {what}, n {n}", 100 * hits / count, figure, count)


def beyond_zero(ratios: Sequence[float]) -> bool:
    """The interval leaves out no change."""
    found = location(ratios, alpha=ALPHA)
    return found.low is not None and found.high is not None and (found.low > 0 or found.high < 0)


def main() -> None:
    """Print the table."""
    start = time.perf_counter()
    parts = {
        false_alarms: 1_000,
        coverage: 2_000,
        false_sameness: 2_000,
        power: 2_000,
        sameness: 2_000,
        case_list: 1_000,
        slight: 2_000,
        clusters: 2_000,
        measures: 1_000,
    }
    outside = lines = 0
    print(f"{'':64}{'here %':>8}   {'printed':>7}   noise")
    for part, count in parts.items():
        for found in part(count):
            lines += 1
            outside += not found.agrees
            told = "within" if found.agrees else "OUTSIDE"
            print(
                f"{found.what:64}{found.measured:8.1f} {found.side} {found.printed:7g}"
                f" ± {found.noise:4.1f}  {told}"
            )
    print(f"{lines - outside} of {lines} within the noise; {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
