"""Whether two groups of runs can be told apart, in numbers and in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from specnet.functions import format_number
from specnet.report.entries import RunSet, rounded_like
from specnet.statistics import (
    LEAST_PAIRS,
    LEAST_UNPAIRED,
    LEVEL,
    bootstrap_interval,
    holm,
    needed_in_each,
    paired_test,
    pairs_needed,
    unpaired_test,
)

MOST_SEEDS = 100_000
"""Seeds above which their number is not given."""
FORMULA = (
    "The number of seeds assumes the difference d and the standard deviation s found so far, a two-sided test at 5 % "
    "and a power of 80 %: {formula} (Guenther, 1981)."
)
PAIRED, UNPAIRED = "n = (1.96 + 0.84)² s²/d² + 1.92", "n = 2 (1.96 + 0.84)² s²/d² + 0.96 in each group"

Key = tuple[tuple[str, Any], ...]
"""What belongs together in two groups: seeds and fold."""


class Sample(NamedTuple):
    """A number of a run, and the digest of its data."""

    number: float
    data: str


class GroupPair(NamedTuple):
    """The difference of the means of two entries, `first` minus `second`, which are their numbers.

    `size` are the pairs, or the runs of the smaller group where runs are not paired. `more` is the number of further
    seeds that would probably tell them apart; None where they are, or no number would. If they cannot be compared,
    `reason` says why, and numbers are missing. `unit` is what pairs have in common, a seed or a fold.
    """

    first: int
    second: int
    paired: bool
    size: int
    difference: float = math.nan
    sd: float = math.nan
    interval: tuple[float, float] = (math.nan, math.nan)
    p: float = math.nan
    more: int | None = None
    reason: str = ""
    unit: str = "seed"

    @property
    def apart(self) -> bool:
        """Whether the two are told apart."""
        return self.p < 1 - LEVEL


def compare_pair(first: int, second: int, a: Mapping[Key, Sample], b: Mapping[Key, Sample]) -> GroupPair:
    """Return the comparison of the entries with these numbers, whose samples are known by seed.

    Runs of the same seeds are paired, if they have the same data. Without common seeds the groups are compared as a
    whole, if all have the same data.
    """
    common = [key for key in a if key in b]
    if len(common) < 2 and len(a) > 1 and len(b) > 1:
        if len({sample.data for sample in (*a.values(), *b.values())}) > 1:
            return GroupPair(
                first, second, False, 0, reason="their runs have no seeds in common, and different samples"
            )
        return _unpaired(first, second, [each.number for each in a.values()], [each.number for each in b.values()])
    if any(a[key].data != b[key].data for key in common):
        return GroupPair(first, second, True, len(common), reason="runs of the same seed have different samples")
    if len(common) < 2:
        return GroupPair(first, second, True, len(common), reason="each needs at least two runs with the same seeds")
    numbers = [np.array([group[key].number for key in common]) for group in (a, b)]
    d = numbers[0] - numbers[1]
    sd, mean = float(d.std(ddof=1)), float(d.mean())
    p = paired_test(*numbers)
    more = _more(p, pairs_needed(mean, sd), len(d), LEAST_PAIRS)
    unit = "fold" if len({dict(key).get("split.fold") for key in common}) > 1 else "seed"
    return GroupPair(first, second, True, len(d), mean, sd, bootstrap_interval(d), p, more, unit=unit)


def _unpaired(first: int, second: int, a: Sequence[float], b: Sequence[float]) -> GroupPair:
    difference = float(np.mean(a) - np.mean(b))
    sd = math.sqrt(0.5 * (np.var(a, ddof=1) + np.var(b, ddof=1)))
    half = 1.96 * math.sqrt(np.var(a, ddof=1) / len(a) + np.var(b, ddof=1) / len(b))
    p, count = unpaired_test(a, b), min(len(a), len(b))
    more = _more(p, needed_in_each(difference, sd), count, LEAST_UNPAIRED)
    return GroupPair(first, second, False, count, difference, sd, (difference - half, difference + half), p, more)


def _more(p: float, needed: float, count: int, least: int) -> int | None:
    if p < 1 - LEVEL or not math.isfinite(needed):
        return None
    return max(math.ceil(needed), least, count + 1) - count


def corrected(pairs: Sequence[GroupPair]) -> list[GroupPair]:
    """Return pairs with p-values corrected for their number, after Holm."""
    tested = [pair for pair in pairs if not pair.reason]
    found = iter(holm([pair.p for pair in tested]))
    return [pair if pair.reason else pair._replace(p=next(found)) for pair in pairs]


def pair_in_words(pair: GroupPair, entries: Sequence[RunSet], name: str, tests: int) -> str:
    """Return a pair in words; `name` is the value that is compared, one of `tests` corrected tests."""
    one, other = entries[pair.first].name, entries[pair.second].name
    if pair.reason:
        return f"{one} and {other} are not compared: {pair.reason}."
    sign = -1 if pair.apart and pair.difference < 0 else 1
    difference, *limits = (rounded_like(sign * each, pair.sd) for each in (pair.difference, *pair.interval))
    seeds = f"{pair.size} pairs of runs with the same {pair.unit}s" if pair.paired else "runs with different seeds"
    test = f"permutation test{', Holm-corrected' if tests > 1 else ''}"
    interval = " to ".join(limits[::sign])
    about = f"by {difference} (95 % interval {interval}; {seeds}; p = {format_number(pair.p, 2)}, {test})"
    if pair.apart:
        return f"{name} of {one} is {'higher' if sign > 0 else 'lower'} than that of {other} {about}."
    text = f"{one} and {other} cannot be told apart: {name} differs {about}"
    if pair.more is None:
        return f"{text}. No number of {pair.unit}s would change that: the difference is 0."
    more = f"about {pair.more:,}" if pair.more <= MOST_SEEDS else f"more than {MOST_SEEDS:,}"
    return f"{text}. {more.capitalize()} more {pair.unit}{'s' * (pair.more > 1)} would tell them apart."
