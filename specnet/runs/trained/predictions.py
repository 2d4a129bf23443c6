"""Predictions as columns with names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from specnet.losses.base import Loss
from specnet.metrics.base import drop_column
from specnet.runs.trained.model import TrainedModel
from specnet.task import TaskPart, class_scores, classes


def name_predictions(run: TrainedModel, predictions: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the name and the values (n,) of each column of predictions (n,) or (n, k).

    First those of the targets, classes by name; then, for classes and labels, `probability of NAME`, or `score of NAME`
    if the loss does not take probabilities. With several heads, `species: probability of Adelie`, and so for each.
    """
    rows = predictions if predictions.ndim == 2 else predictions[:, np.newaxis]
    task, losses = run.task, run.spec.loss.heads
    if len(losses) == 1:
        yield from _of_part(task.only, rows, run.target_names, losses[0])
        return
    for part, loss in zip(task.parts, losses, strict=True):
        for name, values in _of_part(part, task.predictions_of(part, rows), part.names, loss):
            yield name if name in part.names else f"{part.name}: {name}", values


def name_targets(run: TrainedModel, targets: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the name and the values (n,) of each column of targets (n,) or (n, k), classes by name."""
    task, losses = run.task, run.spec.loss.heads
    if len(losses) == 1:
        yield from name_predictions(run, targets)
        return
    for part, loss in zip(task.parts, losses, strict=True):
        rows = task.targets_of(part, targets).reshape(len(targets), -1)
        rows = rows if part.kind == "regression" else rows.astype(np.int64)
        yield from _of_part(part, rows, part.names, loss)


def _of_part(part: TaskPart, rows: np.ndarray, targets: Sequence[str], loss: Loss) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the columns of a part of a task, whose target columns have these names."""
    if part.kind == "regression":
        numbered = tuple(f"y{number}" for number in range(rows.shape[1]))
        yield from zip(targets if len(targets) == len(numbered) else numbered, rows.T, strict=True)
        return
    # Outputs beyond the dataset's classes have numbers instead of names.
    names = [*part.classes, *map(str, range(len(part.classes), rows.shape[1]))]
    if part.has_classes:
        (target,) = targets if len(targets) == 1 else ("class",)
        yield target, np.array(names, object)[drop_column(classes(rows))]
    else:
        yield from zip(names, (rows >= 0.5).astype(np.int64).T, strict=True)
    if rows.dtype.kind in "iu":
        return
    what = "score" if loss.takes == "numbers" else "probability"
    if part.has_classes and rows.shape[1] == 1:
        rows, names = (rows, names[1:]) if what == "score" else (class_scores(rows), names)
    yield from zip([f"{what} of {name}" for name in names], rows.T, strict=True)
