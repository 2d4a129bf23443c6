"""`influence`: what single training samples change, by training again without each of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from specnet.errors import UsageError
from specnet.functions import evenly_spaced
from specnet.inspection.columns import HeldOutSamples, held_out
from specnet.inspection.dependence import prediction_names
from specnet.runs.results import finite_scores
from specnet.runs.run import Run
from specnet.runs.storage.directory import RunDirectory, inside
from specnet.runs.storage.files import write_json
from specnet.spec.model import Spec, json_digest
from specnet.studies.engine import JobOutcome, train_all
from specnet.studies.plans import MOST_RUNS, Member
from specnet.studies.summary import RunSummary
from specnet.studies.training import GroupObserver, train_members

FOLDER = "influence"
"""Folder in a run directory with the runs that were trained without a sample."""
SUMMARY_OF_INFLUENCE = "influence.json"
"""Name of the file with what they say."""
ALL_SAMPLES = "all"
"""Name of the run that was trained again with all samples."""


class RowInfluence(NamedTuple):
    """What changes without a training sample: `changes` of loss and metrics, and of the predictions of one sample.

    They are empty if that run did not finish, which `status` says. `place` is where the sample comes from.
    """

    row: int
    place: str
    status: str
    changes: dict[str, float]
    predictions: dict[str, float]


class Influence(NamedTuple):
    """Training samples whose absence raises the loss most come first.

    `values` are loss and metrics on `label` after training again with all samples, `predictions` those of the asked
    sample.
    """

    directory: Path
    split: str
    label: str
    values: dict[str, float]
    predictions: dict[str, float]
    rows: list[RowInfluence]

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON value; numbers that are not finite are null."""
        rows = [{**row._asdict(), "changes": finite_scores(row.changes)} for row in self.rows]
        return {
            "split": self.split,
            "values": finite_scores(self.values),
            "predictions": self.predictions,
            "rows": rows,
        }


def influence(
    run: Run | str | Path,
    samples: int = 20,
    rows: Sequence[int] = (),
    split: str | None = None,
    *,
    predict: int | None = None,
    workers: int | None = None,
    threads: int | None = None,
    engine: str | None = None,
    data: Any = None,
    observer: GroupObserver | None = None,
) -> Influence:
    """Train the spec of a run again without each of some training samples, and return what that changes.

    The samples are `rows` of the training split, from 0 on, or `samples` of them, evenly spaced. Each run has the same
    initial weights, and takes the other samples in the same order, so that batches have other limits but not another
    order. Transforms are fitted again. What is drawn for each sample of a batch, as by dropout, is not the same after
    the first epoch. The run is also trained again with all samples, with as many BLAS threads as the others: changes
    are those to its results.

    Changes are measured on a split, by default test, else validation, else train. `predict` is the number of a sample
    in it whose predictions are compared as well. `workers`, `threads` and `engine` are as in `train_all`. Runs are kept
    in the folder `influence` of the run directory: the same call again resumes what was stopped, and trains only
    samples that are new.

    Cook, "Detection of influential observation in linear regression", 1977.

    Raises:
        UsageError: if the run is not finished, its samples are streamed, or there is no such row or split.
        SpecnetError: if the data cannot be loaded any more, or a run cannot be trained.
        BusyError: if another process writes to the run directory.
        Interrupted: on SIGINT, SIGTERM or SIGHUP, after the runs were saved.
    """
    run = run if isinstance(run, Run) else Run(run, data=data)
    _check(run)
    held = held_out(run, split)
    wanted = _choose(run, samples, rows)
    if predict is not None and not 0 <= predict < held.total:
        raise UsageError(f"there is no sample {predict:,} in the {held.split} split: they are 0 to {held.total - 1:,}")
    asked = None if predict is None else run.data.splits[held.split].select(np.array([predict])).inputs[:]
    observer = observer or GroupObserver()
    train = partial(train_all, workers=workers, threads=threads, engine=engine)
    with RunDirectory(run.directory):
        folder = _folder(run)
        members = {row: _member(run, row) for row in (None, *wanted)}
        outcomes = train_members(folder, [*members.values()], train, observer, data, needed=(ALL_SAMPLES,))
        found = _compare(run, folder, held, asked, members, outcomes, data)
        write_json(folder / SUMMARY_OF_INFLUENCE, found.to_json())
    return found


def _check(run: Run) -> None:
    """Raise a UsageError unless training again would repeat the run."""
    if run.status != "finished":
        help = "" if run.status in ("diverged", "stopped") else "resume it first"
        raise UsageError(f"the run has {run.status}: only one that has finished can be repeated", help=help)
    if (run.manifest.get("reason") or "").startswith("training has taken"):
        raise UsageError("training.max_seconds ended this run: training again may end at a different step")
    if run.data.streamed:
        raise UsageError("the samples are read piece by piece: without one of them all batches would change")


def _choose(run: Run, samples: int, rows: Sequence[int]) -> list[int]:
    """Return the rows of the training split to leave out, each once."""
    count = len(run.data.train.inputs)
    if wrong := [row for row in rows if not 0 <= row < count]:
        raise UsageError(f"there is no training sample {wrong[0]:,}: they are 0 to {count - 1:,}")
    chosen = [*dict.fromkeys(rows)] or evenly_spaced(count, samples).tolist()
    if not 1 <= len(chosen) < MOST_RUNS:
        raise UsageError(f"1 to {MOST_RUNS - 1:,} samples can be left out, each in a separate run, not {len(chosen):,}")
    return chosen


def _folder(run: Run) -> Path:
    """Return the folder of the runs, which belongs to this spec: a longer run has another."""
    key = json_digest([run.spec.to_json(), run.spec.kernels_name])[:8]
    return inside(inside(run.directory, FOLDER, key), SUMMARY_OF_INFLUENCE).parent


def _member(run: Run, row: int | None) -> Member:
    name = ALL_SAMPLES if row is None else f"row-{row}"
    return Member(RunSummary(name=name, seed=run.spec.seed), spec_without(run.spec, row))


def spec_without(spec: Spec, row: int | None) -> Spec:
    """Return a spec without a row of its training split, with nothing that only shows training."""
    before = np.unique(np.array(spec.split.leave_out, np.int64))
    left_out = before.tolist()
    if row is not None:
        for earlier in left_out:  # rows are numbered as they are left
            row += earlier <= row
        left_out = sorted([*left_out, row])
    changes: dict[str, Any] = {
        "split": spec.split.model_copy(update={"leave_out": left_out}),
        "training": spec.training.model_copy(update={"max_seconds": None}),
        "record": None,
        "plots": [],
    }
    return spec.model_copy(update=changes)


def _compare(
    run: Run,
    folder: Path,
    held: HeldOutSamples,
    asked: np.ndarray | None,
    members: Mapping[int | None, Member],
    outcomes: Mapping[str, JobOutcome],
    data: Any,
) -> Influence:
    def measure(name: str) -> tuple[dict[str, float], dict[str, float]]:
        trained = Run(folder / name, data=data)
        values = trained.evaluate(held.samples)
        return values, {} if asked is None else named_prediction(trained, asked)

    values, predictions = measure(ALL_SAMPLES)
    found = []
    for row, member in members.items():
        if row is None:
            continue
        name = member.about.name
        status, place = outcomes[name].status, run.data.place("train", row)
        if status != "finished":
            found.append(RowInfluence(row, place, status, {}, {}))
            continue
        own, predicted = measure(name)
        changes = {key: own[key] - value for key, value in values.items()}
        found.append(
            RowInfluence(row, place, status, changes, {key: predicted[key] - y for key, y in predictions.items()})
        )
    found.sort(key=lambda each: -each.changes.get("loss", -math.inf))
    return Influence(folder, held.split, held.label, values, predictions, found)


def named_prediction(run: Run, inputs: np.ndarray) -> dict[str, float]:
    """Return the predictions for one sample by name, or raise a UsageError if they are not a row of numbers."""
    y = run.predict(inputs)
    if y.ndim > 2 or y.dtype.kind in "iu":
        raise UsageError(f"predictions of shape {y.shape[1:]} are not compared", help="leave out --predict")
    numbers = y.reshape(-1)
    return dict(zip(prediction_names(run, len(numbers)), map(float, numbers), strict=True))
