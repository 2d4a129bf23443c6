"""Targets as classes, for the plots of classifiers."""

from __future__ import annotations

import numpy as np

from specnet.datasets.base import Data
from specnet.datasets.rows import pieces
from specnet.errors import PlotError
from specnet.plots import style
from specnet.plots.base import Trained
from specnet.task import are_probabilities, class_numbers, class_scores, classes

LARGEST = 100
"""Classes that a picture can show, where each takes a colour or a row of its own."""
LONGEST = 13
"""Letters of a class's name below a sample."""


def read_classes(targets: np.ndarray) -> np.ndarray:
    """Return the class numbers (n,) that targets stand for: a whole number each, or one-hot (n, k).

    Raises:
        PlotError: if they are neither.
    """
    numbers = class_numbers(targets)
    if numbers is None or numbers.ndim != 1:
        raise PlotError(
            f"the targets, of shape {targets.shape[1:]}, are not classes",
            help="this plot takes class numbers, 0 and 1, or one-hot targets; for one number there is residuals",
        )
    return numbers


def class_name(number: int, run: Trained) -> str:
    """Return the name of a class number, or the number itself."""
    names = run.task.only.classes
    return names[number] if 0 <= number < len(names) else str(number)


def all_classes(data: Data, *found: np.ndarray) -> np.ndarray:
    """Return in ascending order the class numbers that have names, or are in any split or among `found`.

    Raises:
        PlotError: if targets are not classes.
    """
    known = np.unique(np.concatenate([np.arange(len(data.classes)), *found]))
    for samples in data.splits.values():
        for piece in pieces(samples.targets):
            known = np.union1d(known, read_classes(piece))
    return known


def check_few(known: np.ndarray) -> None:
    """Check that each of the known class numbers (classes,) can have a colour or a row of its own.

    Raises:
        PlotError: if they are too many.
    """
    if len(known) > LARGEST:
        raise PlotError(
            f"there are {len(known)} different classes: this plot shows at most {LARGEST}", help="leave it out"
        )


def check_number(data: Data, prediction: np.ndarray) -> None:
    """Check that targets, and predictions like this one (1, ...), are one number for each sample.

    Raises:
        PlotError: if they are not.
    """
    for what, shape in {"targets": data.train.targets.shape[1:], "predictions": prediction.shape[1:]}.items():
        if shape not in [(), (1,)]:
            raise PlotError(
                f"this plot shows one number for each sample, here {what} have shape {shape}",
                help="leave this plot out; for classes there is confusion_matrix",
            )


def read_scores(prediction: np.ndarray) -> np.ndarray:
    """Return a score (n, k) for each class, as `class_scores` does.

    Raises:
        PlotError: if predictions have no scores.
    """
    if np.issubdtype(prediction.dtype, np.integer) or prediction.ndim > 2:
        raise PlotError(
            "this plot needs a score for each class, the predictions are "
            + (f"of shape {prediction.shape[1:]}" if prediction.ndim > 2 else "class numbers"),
            help="leave it out; confusion_matrix needs no scores",
        )
    return class_scores(prediction)


def check_scores(known: np.ndarray, scores: np.ndarray) -> None:
    """Check that there is a score for each of the known class numbers (classes,) among scores (n, k).

    Raises:
        PlotError: if there is not.
    """
    missing = known[(known < 0) | (known >= scores.shape[1])]
    if len(missing):
        raise PlotError(
            f"there is a class {missing[0]}, but scores for the classes 0 to {scores.shape[1] - 1} alone",
            help="leave this plot out, or give the last layer one unit for each class",
        )


def check_probabilities(scores: np.ndarray) -> None:
    """Check that scores (n, k) are probabilities.

    Raises:
        PlotError: if they are not.
    """
    if not are_probabilities(scores):
        raise PlotError(
            "this plot needs probabilities, from 0 to 1 and 1 together, the predictions are other scores",
            help="leave it out, or let the loss be cross_entropy or bce_with_logits",
        )


class Answers:
    """What samples are and what is predicted of them, in words: classes by name, or one number each.

    `are_classes` is which of both; `truth` contains what each sample is.

    Raises:
        PlotError: if targets, or predictions like this one (1, ...), are neither.
    """

    def __init__(self, run: Trained, targets: np.ndarray, prediction: np.ndarray) -> None:
        self.run = run
        self.are_classes = run.task.only.has_classes
        if self.are_classes:
            read_classes(classes(prediction))
            self.numbers = read_classes(targets)
            self.truth = self._names(self.numbers)
        else:
            check_number(run.data, prediction)
            self.truth = [f"{number:.4g}" for number in targets.reshape(-1)]

    def _names(self, numbers: np.ndarray) -> list[str]:
        return [style.label(class_name(int(number), self.run), LONGEST) for number in numbers]

    def read(self, prediction: np.ndarray) -> tuple[list[str], np.ndarray]:
        """Return what predictions (n, ...) say, with probabilities where there are some, and which are right (n,).

        Of numbers none is wrong.
        """
        if not self.are_classes:
            return [f"{number:.4g}" for number in prediction.reshape(-1)], np.ones(len(prediction), bool)
        found = read_classes(classes(prediction))
        texts = self._names(found)
        if not np.issubdtype(prediction.dtype, np.integer):
            scores = read_scores(prediction)
            if are_probabilities(scores):
                texts = [f"{text}\n{share:.0%}" for text, share in zip(texts, scores.max(axis=1), strict=True)]
        return texts, found == self.numbers
