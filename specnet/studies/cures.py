"""`explain`: what stands out in a run. `try_cures`: whether what it proposes helps, over several seeds."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from specnet.diagnosis.outcome import compared_metrics
from specnet.diagnosis.symptom import Symptom
from specnet.diagnosis.table import Diagnosis, diagnose
from specnet.errors import SpecnetError, UsageError
from specnet.functions import finite_json
from specnet.runs.run import Run
from specnet.spec.document import read_document
from specnet.spec.load import load_spec
from specnet.statistics import bootstrap_interval
from specnet.studies.group import Group
from specnet.studies.statistics import Limits
from specnet.studies.summary import is_group
from specnet.studies.training import GroupObserver, repeat

_BEFORE = "before"
"""Name of the group of the spec as it is."""
_OTHER_UNITS = ("transforms.targets", "loss")
"""Places whose change makes a loss another quantity."""
_OTHER_SAMPLES = ("split", "dataset")
"""Places whose change lets it be measured on other samples."""


class TriedCure(NamedTuple):
    """What the cure of a finding has done to runs with several seeds.

    `value` is what was measured, such as "validation/accuracy", in the `before` runs of the spec and in those `after`
    the change, which are NaN where one diverged; `better` is the mean gain, positive where the cure helps, and
    `interval` that of 95 %. All four are None if the change makes it another quantity. `gone` says whether the finding
    is no longer made about the first of the runs.
    """

    finding: Symptom
    directory: Path
    gone: bool
    value: str | None = None
    before: list[float] | None = None
    after: list[float] | None = None
    better: float | None = None
    interval: Limits | None = None

    @property
    def verdict(self) -> str:
        """Whether it helped, in words."""
        finding = "the finding is gone" if self.gone else "the finding stays"
        if self.before is None or self.after is None:
            return f"{finding}; values cannot be compared"
        lost, ended = (sum(map(math.isnan, values)) for values in (self.before, self.after))
        if lost != ended:
            word = "helped" if ended < lost else "made it worse"
            return f"{word}: {ended} of {len(self.after)} runs diverge, not {lost}"
        if self.interval and self.interval[0] > 0:
            return f"helped; {finding}"
        if self.interval and self.interval[1] < 0:
            return f"made it worse; {finding}"
        return f"no difference that these seeds show; {finding}"

    def to_json(self) -> dict[str, Any]:
        """Return the same as a JSON value."""
        known = self._asdict() | {"finding": self.finding.code, "directory": str(self.directory)}
        return known | {
            "overrides": list(self.finding.cure.overrides) if self.finding.cure else [],
            "before": finite_json(self.before),
            "after": finite_json(self.after),
            "verdict": self.verdict,
        }


def explain(run: Run | str | Path, data: Any = None) -> Diagnosis:
    """Return what stands out in a run, each finding with its line in the run's spec.json.

    Trains a few steps where the results are poor, to see whether the network can learn at all; the run itself is only
    read. A run that was trained on `data` given in Python needs the same again; without data, `unchecked` says which
    checks were not done.

    Raises:
        RunError: if it is not a run, or cannot be trusted.
    """
    loaded = run if isinstance(run, Run) else Run(run, data=data)
    with loaded.in_turn():
        found = diagnose(loaded)
    document = read_document(loaded.directory / "spec.json")
    located = [each._replace(location=document.locate(each.diagnostic).location) for each in found.findings]
    return found._replace(findings=located)


def try_cures(
    run: Run | str | Path,
    findings: Sequence[Symptom] | None = None,
    seeds: int | Sequence[int] = 3,
    out: str | Path | None = None,
    *,
    workers: int | None = None,
    data: Any = None,
    observer: GroupObserver | None = None,
) -> Iterator[TriedCure]:
    """Train the spec of a run with several seeds, as it is and with each cure of its findings, and yield the outcomes.

    `findings` are by default those of `explain`. `out` is the directory for the runs, by default `runs/` and the name
    of the spec with `-cures`; runs that are there already are kept. `seeds`, `workers` and `data` are as in `repeat`.

    Raises:
        UsageError: if no finding has a cure.
        SpecnetError: as `repeat` does.
    """
    loaded = run if isinstance(run, Run) else Run(run, data=data)
    chosen = [each for each in (explain(loaded).findings if findings is None else findings) if each.cure]
    if not chosen:
        raise UsageError(f"there is nothing to try for {loaded.directory}: no finding proposes a change")
    place = Path("runs") / f"{loaded.name}-cures" if out is None else Path(out)
    _check_free(place)

    def train(name: str, overrides: Sequence[str]) -> Group:
        spec = load_spec(loaded.spec.to_json(), overrides, kernels=loaded.spec.kernels_name, data=data)
        spec = spec.model_copy(update={"plots": []})
        return repeat(spec, seeds, place / name, workers=workers, data=data, observer=observer)

    before = train(_BEFORE, ())
    groups: dict[tuple[str, ...], Group] = {}
    for finding in chosen:
        assert finding.cure
        if (overrides := finding.cure.overrides) not in groups:
            groups[overrides] = train(finding.code, overrides)
        yield _judge(loaded, finding, before, groups[overrides])


def _check_free(place: Path) -> None:
    """Raise a UsageError if a directory contains anything but cures that were tried before."""
    if os.path.lexists(place) and not is_group(place / _BEFORE) and not (place.is_dir() and not any(place.iterdir())):
        raise UsageError(f"{place} already exists", help="choose another name, or remove it")


def _judge(run: Run, finding: Symptom, before: Group, after: Group) -> TriedCure:
    assert finding.cure
    gone = _is_gone(finding, after)
    metric = next(iter(compared_metrics(run.spec)), None)
    changed = [override.partition("=")[0] for override in finding.cure.overrides]
    others = _OTHER_SAMPLES if metric else (*_OTHER_SAMPLES, *_OTHER_UNITS)
    split = "validation" if "validation" in run.data.splits else "train"
    value = f"{split}/{metric.label if metric else 'loss'}"
    if any(place.startswith(others) for place in changed):
        return TriedCure(finding, after.directory, gone)
    old, new = _values(before, value), _values(after, value)
    sign = 1 if metric and metric.higher_is_better else -1
    pairs = [sign * (b - a) for a, b in zip(old, new, strict=True) if math.isfinite(b - a)]
    better = sum(pairs) / len(pairs) if pairs else None
    interval = bootstrap_interval(pairs) if len(pairs) > 1 else None
    return TriedCure(finding, after.directory, gone, value, old, new, better, interval)


def _values(group: Group, value: str) -> list[float]:
    """Return a value of each run, NaN where it has none."""
    found = [None if run.status == "diverged" else run.values.get(value) for run in group.summary.runs]
    return [math.nan if each is None else each for each in found]


def _is_gone(finding: Symptom, group: Group) -> bool:
    try:
        found = explain(group.directory / group.summary.runs[0].name)
    except SpecnetError:
        return False
    return finding.code not in {each.code for each in found.findings} | found.unchecked.keys()
