"""What plots require of a run's targets and predictions: a `PlotError` says what is missing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from specnet.errors import PlotError
from specnet.plots.base import Trained
from specnet.recording.classes import required_classes
from specnet.task import are_probabilities, class_scores

MOST_CLASSES = 100
"""Classes that a picture can show if each takes a colour or a row."""


def one_prediction(run: Trained) -> np.ndarray:
    """Return the prediction of one sample: (1,), (1, 1) or (1, k)."""
    prediction = run.predict(run.data.train.inputs[:1])
    if prediction.ndim > 2:
        raise PlotError(
            f"predictions of shape {prediction.shape[1:]} for each sample are not shown: this plot takes one class or "
            "one number",
            help="leave this plot out",
        )
    return prediction


def check_number(run: Trained) -> None:
    """Check that targets and predictions are one number for each sample."""
    shapes = {"targets": run.data.train.targets.shape[1:], "predictions": one_prediction(run).shape[1:]}
    for what, shape in shapes.items():
        if shape not in [(), (1,)]:
            raise PlotError(
                f"this plot shows one number for each sample, but {what} have shape {shape}",
                help="leave this plot out; for classes there is confusion_matrix",
            )


def check_few(names: Sequence[str]) -> None:
    """Check that each class can have a colour or a row."""
    if len(names) > MOST_CLASSES:
        raise PlotError(
            f"there are {len(names)} different classes: this plot shows at most {MOST_CLASSES}", help="leave it out"
        )


def scores_of(prediction: np.ndarray) -> np.ndarray:
    """Return a score (n, k) for each class, as `class_scores` does."""
    if prediction.dtype.kind in "iu" or prediction.ndim > 2:
        raise PlotError(
            "this plot needs a score for each class, but the predictions are "
            + (f"of shape {prediction.shape[1:]}" if prediction.ndim > 2 else "class numbers"),
            help="leave it out; confusion_matrix needs no scores",
        )
    return class_scores(prediction)


def scored_classes(run: Trained, scores: np.ndarray) -> list[str]:
    """Return the names of the classes, each of which has a score among (n, k)."""
    names, count = required_classes(run), scores.shape[1]
    if len(names) > count:
        raise PlotError(
            f"there is a class {count}, but only scores for the classes 0 to {count - 1}",
            help="leave this plot out, or give the last layer one unit for each class",
        )
    return names


def check_probabilities(scores: np.ndarray) -> None:
    """Check that scores (n, k) are probabilities."""
    if not are_probabilities(scores):
        raise PlotError(
            "this plot needs probabilities, from 0 to 1 with the sum 1, but the predictions are other scores",
            help="leave it out, or let the loss be cross_entropy or bce_with_logits",
        )


def target_name(run: Trained) -> str:
    """Return the name of the one number that a network predicts."""
    return (*run.task.only.names, "target")[0]
