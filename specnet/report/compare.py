"""Runs and groups of runs side by side: what came out of each, and what their specs say differently."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from specnet.component import Component
from specnet.datasets.split import SPLITS
from specnet.report.base import Reported
from specnet.report.differences import Row, differing_rows
from specnet.report.entries import (
    VARYING,
    Measured,
    RunSet,
    flat_values,
    measured,
    named_apart,
    pairing_key,
    single,
    unquoted,
)
from specnet.report.outcomes import DIFFERENT_VALUES, fact_rows
from specnet.report.pairs import (
    FORMULA,
    PAIRED,
    UNPAIRED,
    GroupPair,
    Key,
    Sample,
    compare_pair,
    corrected,
    pair_in_words,
)
from specnet.report.paths import relative_paths
from specnet.report.series import FEW, metrics_of
from specnet.report.view import Part, make_part
from specnet.spec.model import Spec
from specnet.words import enumerate_some, first_few

SplitScores = Mapping[str, Mapping[str, float]]
"""Loss and metrics of each split of a run."""
IGNORED_FIELDS = ("name", "description")
"""Fields of a spec that are not compared."""
SHOWN_COLUMNS = 30
"""Columns of a table at most for where specs differ, and for results; JSON and CSV have all."""
DIFFERENT_SAMPLES = (
    "the runs were trained or measured on different samples, so no result is marked as the best; "
    'where data come from a file, the same "split.seed" divides them alike for every seed'
)


class ValueRow(NamedTuple):
    """A loss or metric of a split, of each entry; `best` are the numbers of the best entries."""

    name: str
    values: list[Measured | None]
    best: frozenset[int] = frozenset()


class Comparison(NamedTuple):
    """Runs and groups side by side: how they went, their results, where specs differ, and what can be concluded.

    `main` names the value by which groups are compared in `pairs`; `conclusions` say so in words, `notes` what is
    missing. Of each run, not of each entry, are `parameters`, where specs differ, and `numbers`, its main value.
    """

    entries: list[RunSet]
    facts: list[Row]
    results: list[ValueRow]
    specs: list[Row]
    parameters: list[Row]
    numbers: list[float | None]
    main: str | None
    pairs: list[GroupPair]
    conclusions: list[str]
    notes: list[str]

    @property
    def names(self) -> list[str]:
        """What each entry is called."""
        return [entry.name for entry in self.entries]

    @property
    def varied(self) -> list[Row]:
        """The facts of a few entries, or those that differ among many."""
        return [row for row in self.facts if len(self.names) <= FEW or len(set(row.values)) > 1]

    @property
    def shared(self) -> str:
        """What came out the same for all of many entries, in words; `varied` are the other facts."""
        return ", ".join(f"{row.name} {row.values[0]}" for row in self.facts if row not in self.varied)

    @property
    def shown_specs(self) -> list[Row]:
        """Where specs differ, as much of it as a table shows."""
        return self.specs[:SHOWN_COLUMNS]

    @property
    def shown_results(self) -> list[ValueRow]:
        """Loss and metrics, the main value first, as many as a table shows."""
        return self._ranked_results[:SHOWN_COLUMNS]

    @property
    def _ranked_results(self) -> list[ValueRow]:
        return sorted(self.results, key=lambda row: row.name != self.main)

    @property
    def more(self) -> list[str]:
        """What a table does not show, in words."""
        places = [row.name for row in self.specs[SHOWN_COLUMNS:]]
        values = [row.name for row in self._ranked_results[SHOWN_COLUMNS:]]
        found = {"more places": places, "more values": values}
        return [f"And {len(names):,} {what}: {enumerate_some(names)}." for what, names in found.items() if names]


def compare(given: Sequence[RunSet | Reported]) -> Comparison:
    """Return the comparison of entries; a run alone is one, too."""
    entries = named_apart([each if isinstance(each, RunSet) else single(each) for each in given])
    runs = [run for entry in entries for run in entry.runs]
    parts = {id(run): make_part(run, lambda run=run: run.metrics) for run in runs}  # type: ignore[misc]
    found = [[parts[id(run)].value or {} for run in entry.runs] for entry in entries]
    results = [*_measure(entries, found)]
    main = main_value([row.name for row in results if all(row.values) and is_comparable(entries, row.name)])
    same = len({frozenset(data_of(run) for run in entry.runs) for entry in entries}) == 1
    grouped = any(entry.is_group for entry in entries)
    pairs = _compare_groups(entries, found, results, main)
    if same and not grouped:
        results = [row._replace(best=best(entries, row)) for row in results]
    elif grouped:
        results = [row._replace(best=_best_groups(pairs)) if row.name == main else row for row in results]
    notes = first_few([*_missing(entries, parts)], "without results")
    if not same and not pairs and len(entries) > 1:
        notes.append(DIFFERENT_SAMPLES)
    rows = [row for row in differing_rows([run.spec for run in runs]) if row.name not in IGNORED_FIELDS]
    rows = [Row(row.name, [v and mailed(v, run) for v, run in zip(row.values, runs, strict=True)]) for row in rows]
    tests = sum(not pair.reason for pair in pairs)
    said = [pair_in_words(pair, entries, main or "", tests) for pair in pairs]
    return Comparison(
        entries,
        [*fact_rows(entries)],
        results,
        [*_of_entries(rows, entries)],
        [row for row in rows if not VARYING.fullmatch(row.name)],
        [_number(scores, main) for each in found for scores in each],
        main,
        pairs,
        [*first_few(said, "pairs"), *_formulas(pairs), *_caveats(entries, pairs)],
        notes,
    )


def data_of(run: Reported) -> str:
    """Return the digest of a run's data, all splits."""
    return str(run.manifest["data"]["sha256"])


def mailed(value: str, run: Reported) -> str:
    """Return JSON whose absolute paths are relative to the run."""
    return json.dumps(relative_paths(json.loads(value), run.directory), ensure_ascii=False)


def _missing(entries: Sequence[RunSet], parts: dict[int, Part]) -> Iterator[str]:
    """Yield why runs have no results."""
    for entry in entries:
        reasons = Counter(parts[id(run)].reason for run in entry.runs)
        for reason, count in reasons.items():
            if reason:
                yield f"{entry.name}{f', {count} runs' if count > 1 else ''}: {reason}"


def _of_entries(rows: Sequence[Row], entries: Sequence[RunSet]) -> Iterator[Row]:
    """Yield rows of runs as rows of entries; what varies alike within each group does not count."""
    for row in rows:
        values, texts = iter(row.values), []
        for entry in entries:
            own = list(dict.fromkeys(next(values) for _ in entry.runs))
            several = ", ".join(map(unquoted, own)) if len(own) <= DIFFERENT_VALUES else f"{len(own)} values"
            texts.append(own[0] if len(own) == 1 else json.dumps(several, ensure_ascii=False))
        if len(set(texts)) > 1:
            yield Row(row.name, texts)


def _measure(entries: Sequence[RunSet], found: Sequence[Sequence[SplitScores]]) -> Iterator[ValueRow]:
    """Yield loss and metrics of each split, with the parameters of the best checkpoints."""
    for split in SPLITS:
        scores = [[run.get(split, {}) for run in each] for each in found]
        for name in dict.fromkeys(name for each in scores for run in each for name in run):
            values = []
            for entry, each in zip(entries, scores, strict=True):
                intervals = [run.stored_intervals.get(split, {}).get(name) for run in entry.runs]
                values.append(measured([run.get(name) for run in each], intervals))
            yield ValueRow(f"{split}/{name}", values)


def main_value(names: Collection[str]) -> str | None:
    """Return the value to judge by among such as "test/loss": the first metric, else the loss, of the last split."""
    for split in reversed(SPLITS):
        of_split = [name for name in names if name.startswith(f"{split}/")]
        if of_split:
            return next((name for name in of_split if name.split("/")[1] != "loss"), of_split[0])
    return None


def is_comparable(entries: Sequence[RunSet], name: str) -> bool:
    """Return whether a value means the same in all runs."""
    rules = [dependencies(run.spec, name.partition("/")[2]) for entry in entries for run in entry.runs]
    return all(rule == rules[0] for rule in rules)


def is_higher_better(entries: Sequence[RunSet], name: str) -> bool:
    """Return whether larger numbers of a value are better."""
    value = name.partition("/")[2]
    rules = [rule for entry in entries for run in entry.runs for rule in metrics_of(run.spec, value)]
    return bool(rules) and all(rule.higher_is_better for rule in rules)  # a loss has no rules


def best(entries: Sequence[RunSet], row: ValueRow) -> frozenset[int]:
    """Return which entries have the best number; none where all have the same, or each something else.

    Numbers count as they are shown: what looks equal is equal. What is not finite is worse than any.
    """
    there = {n: value for n, value in enumerate(row.values) if value}
    if not is_comparable([entries[n] for n in there], row.name):
        return frozenset()
    sign = 1 if is_higher_better(entries, row.name) else -1
    known = {n: sign * float(f"{value.mean:.6g}") if value.numbers else -math.inf for n, value in there.items()}
    top = max(known.values())
    return frozenset(n for n, number in known.items() if number == top) if len(set(known.values())) > 1 else frozenset()


def dependencies(spec: Spec, name: str) -> list[Component]:
    """Return the components that a loss or metric depends on: only where these are equal can it be compared."""
    if name.partition("/")[0] == "loss":  # of the network, or of one of its heads
        return [spec.loss, *spec.transforms.targets]
    return [*metrics_of(spec, name)]


def _compare_groups(
    entries: Sequence[RunSet], found: Sequence[Sequence[SplitScores]], results: Sequence[ValueRow], main: str | None
) -> list[GroupPair]:
    """Return the comparison of the best group with each other one."""
    groups = [n for n, entry in enumerate(entries) if entry.is_group]
    if main is None or len(groups) < 2:
        return []
    samples: dict[int, dict[Key, Sample]] = {}
    for n in groups:
        samples[n] = {}
        for run, scores in zip(entries[n].runs, found[n], strict=True):
            if (number := _number(scores, main)) is not None:
                samples[n][pairing_key(dict(flat_values(run.spec.to_json())))] = Sample(number, data_of(run))
    (row,) = [each for each in results if each.name == main]
    sign = 1 if is_higher_better(entries, main) else -1
    means = {n: sign * value.mean for n in groups if (value := row.values[n]) and value.numbers}
    if len(means) < 2:
        return []
    top = max(means, key=means.__getitem__)
    return corrected([compare_pair(top, n, samples[top], samples[n]) for n in means if n != top])


def _number(scores: SplitScores, name: str | None) -> float | None:
    """Return a value of a run by its name; None if it is missing or not finite."""
    split, _, value = (name or "").partition("/")
    number = scores.get(split, {}).get(value, math.nan)
    return float(number) if math.isfinite(number) else None


def _best_groups(pairs: Sequence[GroupPair]) -> frozenset[int]:
    """Return the best group and those that cannot be told apart from it; none where no group differs from it."""
    if not pairs or any(pair.reason for pair in pairs) or not any(pair.apart for pair in pairs):
        return frozenset()
    return frozenset({pairs[0].first, *(pair.second for pair in pairs if not pair.apart)})


def _formulas(pairs: Sequence[GroupPair]) -> Iterator[str]:
    for paired, formula in ((True, PAIRED), (False, UNPAIRED)):
        if any(pair.more is not None and pair.paired == paired for pair in pairs):
            yield FORMULA.format(formula=formula)


def _caveats(entries: Sequence[RunSet], pairs: Sequence[GroupPair]) -> Iterator[str]:
    """Yield what makes intervals over folds too narrow."""
    specs = [dict(flat_values(run.spec.to_json())) for pair in pairs for run in entries[pair.first].runs]
    if len({spec.get("split.fold") for spec in specs}) > 1:
        yield (
            "Training samples of different folds overlap: intervals and p-values over folds are too small "
            "(Nadeau & Bengio, 2003)."
        )
