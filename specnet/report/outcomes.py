"""How the runs of each entry of a comparison went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from specnet.report.base import Reported
from specnet.report.differences import Row
from specnet.report.entries import RunSet
from specnet.report.view import duration, facts

_IGNORED_FACTS = ("started", "seed")
"""Facts that are not results."""
DIFFERENT_VALUES = 4
"""Different values within a group that are listed; of more their number is given."""


def fact_rows(entries: Sequence[RunSet]) -> Iterator[Row]:
    """Yield how the runs of each entry went; none is the best of them."""
    found = [[dict(facts(run)) for run in entry.runs] for entry in entries]
    names = dict.fromkeys(name for each in found for run in each for name in run)
    for name in names:
        texts = [_together([run.get(name) for run in each]) for each in found]
        if name == "epochs":
            texts = [_epochs(entry.runs) for entry in entries]
        if name == "time":
            texts = [duration(sum(run.manifest["seconds"] for run in entry.runs)) for entry in entries]
        if name not in _IGNORED_FACTS and any(texts):
            yield Row(name, texts)
    if any(entry.is_group for entry in entries):
        yield Row("runs", [str(len(entry.runs)) for entry in entries])


def _together(texts: Sequence[str | None]) -> str | None:
    """Return what the runs of an entry say in one text: what is the same, or a few texts with their counts."""
    counts = Counter(text for text in texts if text is not None)
    if len(counts) < 2:
        return next(iter(counts), None)
    if len(counts) > DIFFERENT_VALUES or max(counts.values()) == 1:
        return None
    return ", ".join(f"{text} ({count} run{'s' * (count > 1)})" for text, count in counts.most_common())


def _epochs(runs: Sequence[Reported]) -> str:
    """Return the epochs of an entry's runs and those of their specs, the least and the most, as in "7 to 15 of 15"."""
    trained = [run.history["epoch"][-1] if run.history else 0 for run in runs]
    wanted = [run.spec.training.epochs for run in runs]
    return " of ".join(" to ".join(f"{n:,}" for n in sorted({min(each), max(each)})) for each in (trained, wanted))
