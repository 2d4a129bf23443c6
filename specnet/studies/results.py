"""What a group is completed with: predictions of held-out samples, a sentence, curves with bands, a page."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from specnet.datasets.base import Samples
from specnet.datasets.sampling import samples_at
from specnet.functions import format_number
from specnet.randomness import stream
from specnet.report.compare import main_value
from specnet.runs.results import finite_scores
from specnet.runs.run import Run
from specnet.runs.storage.directory import RunDirectory
from specnet.runs.storage.files import write_bytes, write_json, write_text
from specnet.runs.trained.building import keeping_data
from specnet.runs.trained.intervals import intervals_of
from specnet.runs.trained.predictions import name_predictions, name_targets
from specnet.studies.curves import draw_bands
from specnet.studies.group import Group, show_limits
from specnet.studies.summary import SUMMARY, GroupSummary, Pooled, RunSummary, read_summary, with_results
from specnet.training.measures import Measures

PREDICTIONS = "predictions.csv"


class HeldOut(NamedTuple):
    """Predictions (n, ...) of the samples of a fold, which are rows (n,) of the dataset."""

    about: RunSummary
    run: Run
    rows: np.ndarray
    samples: Samples
    predictions: np.ndarray


def complete(group: Group, directory: RunDirectory) -> Group:
    """Write what belongs to a group whose runs are trained, and return it."""
    summary = group.summary
    if summary.plan.kind == "cross-validation" and summary.done:
        with keeping_data():
            held_out = _predict_held_out(group)
        if all(each.predictions.ndim <= 2 for each in held_out):
            write_bytes(directory.file(PREDICTIONS), _table(held_out))
        summary.pooled = _pool(held_out, summary.plan.folds)
    summary.sentence = describe_group(group)
    write_json(directory.file(SUMMARY), summary.model_dump(mode="json"))
    picture = draw_bands({group.name: list(group.histories.values())}, group.name)
    if picture:
        write_bytes(directory.file("curves.png"), picture)
    from specnet.studies.page import group_page  # with templates, which take long to import

    write_text(directory.file("report.html"), group_page(group, picture))
    return group


def forget(path: Path, names: Collection[str]) -> None:
    """Write a group as it is without these runs, which were removed.

    Raises:
        SpecnetError: if the summary is damaged, the group is being trained, or its runs cannot be read any more.
    """
    read_summary(path)
    with RunDirectory(path) as directory:
        summary = read_summary(path)
        left = [run for run in summary.runs if run.name not in names]
        summary = summary.model_copy(update={"runs": left, "pooled": None, "sentence": ""})
        for name in (PREDICTIONS, "curves.png"):
            directory.file(name).unlink(missing_ok=True)
        write_json(directory.file(SUMMARY), with_results(summary, path).model_dump(mode="json"))
        complete(Group(path), directory)


def _predict_held_out(group: Group) -> list[HeldOut]:
    found = []
    for about, run in zip(group.summary.done, group.runs, strict=True):
        test = run.data.test
        assert test is not None
        samples = samples_at(test, np.arange(len(test.inputs)))
        predictions = run.predict(samples.inputs, samples.mask)
        found.append(HeldOut(about, run, run.data.origins["test"], samples, predictions))
    return found


def _table(held_out: Sequence[HeldOut]) -> bytes:
    """Return CSV: repeat, fold, row of the dataset and targets, then predictions in the columns of `predict`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for number, (about, run, rows, samples, predictions) in enumerate(held_out):
        truth = dict(name_targets(run, samples.targets))
        columns = {
            "repeat": np.full(len(rows), about.repeat),
            "fold": np.full(len(rows), about.fold),
            "row": rows,
            **truth,
        }
        for name, values in name_predictions(run, predictions):
            columns[f"predicted {name}" if name in columns else name] = values
        if number == 0:
            writer.writerow(columns)
        writer.writerows(zip(*(values.tolist() for values in columns.values()), strict=True))
    return text.getvalue().encode()


def _pool(held_out: Sequence[HeldOut], folds: int | None) -> Pooled | None:
    """Return metrics of all predictions together; None for sequences with a mask, or without metrics.

    With repeats they are means over those in which all folds have results. The bootstrap draws samples, with the
    predictions of all repeats.
    """
    model = held_out[0].run.model
    if not model.metrics or any(each.samples.mask is not None for each in held_out):
        return None
    counts = Counter(each.about.repeat or 1 for each in held_out)
    repeats: list[tuple[np.ndarray, np.ndarray, np.ndarray | None]] = []
    for repeat in sorted(repeat for repeat in counts if len(counts) == 1 or counts[repeat] == folds):
        chosen = [each for each in held_out if (each.about.repeat or 1) == repeat]
        order = np.argsort(np.concatenate([each.rows for each in chosen]))
        weights = [each.samples.weight for each in chosen]
        repeats.append((
            np.concatenate([each.predictions for each in chosen])[order],
            np.concatenate([each.samples.targets for each in chosen])[order],
            None if weights[0] is None else np.concatenate(weights)[order],  # type: ignore[arg-type]
        ))  # fmt: skip
    if not repeats:
        return None
    n = len(repeats[0][0])
    measures = Measures(model.metrics, lambda y: y)

    def measure(rows: np.ndarray) -> dict[str, float]:
        found = []
        for predictions, truth, weight in repeats:
            measures.reset()
            measures.update(predictions[rows], truth[rows], None if weight is None else weight[rows])
            found.append(measures.compute())
        return {name: float(np.mean([each[name] for each in found if name in each])) for name in found[0]}

    plain = len(repeats) == 1 and repeats[0][2] is None and repeats[0][1].ndim <= 2
    shares = [name for name, metric in model.metrics.items() if plain and metric.is_share]
    rng = stream(held_out[0].run.spec.seed, "intervals")
    values = measure(np.arange(n))
    return Pooled(rows=n, values=finite_scores(values), interval=intervals_of(measure, n, shares, rng))


def describe_group(group: Group) -> str:
    """Return a sentence about the main result, with all that a reader of a paper needs to know about it."""
    summary, spec = group.summary, group.spec
    name = main_value(summary.statistics)
    if name is None:
        return ""
    value = name.partition("/")[2].replace("_", " ").replace("/", " of ")
    statistic, plan, failed = summary.statistics[name], summary.plan, len(summary.runs) - len(summary.done)
    without = f" {failed} of {len(summary.runs)} runs have no results." if failed else ""
    if plan.kind == "repeat":
        said = {"start": "initial weights", "order": "order of samples", "data": "data", "split": "split"}
        varied, fixed = (
            " and ".join(said[part] for part in said if (part in plan.vary) is chosen) for chosen in (True, False)
        )
        same = f"; the same {fixed}" if fixed else ""
        text = f"Over {statistic.count} seed{'s' * (statistic.count > 1)} (other {varied}{same}), the {value} on the "
        text += f"{name.partition('/')[0]} samples was "
        text += f"{_mean_and_spread(group, name)}{_interval(group, name)}."
        return text + _say_reached(summary) + without
    pooled, split = summary.pooled, spec.split
    repeats = max(run.repeat or 1 for run in summary.runs)
    how = {"order": ", each predicted from the samples before it", "group": f" of whole groups by {split.column}"}
    folds = f"{plan.folds}-fold cross-validation{how.get(split.by, '')}"
    times = f", repeated {repeats} times" if repeats > 1 else ""
    text = f"In {folds}{times}, the {value} on held-out samples was {_mean_and_spread(group, name)}, over "
    text += f"{statistic.count} runs."
    if pooled and (found := pooled.values.get(name.partition("/")[2])) is not None:
        limits = pooled.interval.get(name.partition("/")[2])
        text += f" Over the predictions of all {pooled.rows:,} samples together it was {format_number(found)}"
        text += f", 95 % interval {show_limits(limits)}." if limits else "."
    return text + f" {say_inner_split(group)}" + without


def say_inner_split(group: Group) -> str:
    """Return a sentence about the validation split of each run of a cross-validation."""
    split, training = group.spec.split, group.spec.training
    if not split.validation:
        return "No samples were set aside for validation."
    what = "for early stopping" if training.early_stopping else "to choose the best epoch"
    return f"In each run {split.validation:.3g} of the other folds was set aside {what}."


def _mean_and_spread(group: Group, name: str) -> str:
    statistic = group.statistics[name]
    spread = "" if statistic.std is None else f" ± {format_number(statistic.std, 2)} (mean and standard deviation)"
    return f"{format_number(statistic.mean)}{spread}"


def _interval(group: Group, name: str) -> str:
    limits = group.statistics[name].interval
    return f"; 95 % bootstrap interval of the mean {show_limits(limits)}" if limits else ""


def _say_reached(summary: GroupSummary) -> str:
    target, reached = summary.target, summary.reached
    if not (target and reached):
        return ""
    bound = "at least" if target.mode == "max" else "at most"
    low, high = reached.interval
    text = (
        f" {reached.count} of {reached.runs} runs ({reached.share:.0%}, 95 % interval {low:.0%} to {high:.0%}) reached "
    )
    text += f"a {target.monitor} of {bound} {format_number(target.value)}"
    return text + (f", in {format_number(reached.epochs.median)} epochs in the median." if reached.epochs else ".")
