"""Targets as classes, for the plots of classifiers."""

from __future__ import annotations

import numpy as np

from specnet import functions
from specnet.datasets.base import Data, pieces
from specnet.errors import PlotError
from specnet.plots import style

LARGEST = 100
"""Classes that a picture can show, where each takes a colour or a row of its own."""
LONGEST = 13
"""Letters of a class's name below a sample."""


def class_numbers(targets: np.ndarray) -> np.ndarray:
    """Return the class numbers (n,) that targets stand for: a whole number each, or one-hot (n, k).

    Raises:
        PlotError: if they are neither.
    """
    numbers = functions.class_numbers(targets)
    if numbers is None or numbers.ndim != 1:
        raise PlotError(
            f"the targets, of shape {targets.shape[1:]}, are not classes",
            help="this plot takes class numbers, 0 and 1, or one-hot targets; for one number there is residuals",
        )
    return numbers


def class_name(number: int, data: Data) -> str:
    """Return the name of a class number: the dataset's, that of its one-hot column, or the number itself."""
    shape = data.train.targets.shape[1:]
    one_hot = len(shape) == 1 and shape[0] > 1
    names = data.classes or (data.target_names if one_hot else ())
    return names[number] if 0 <= number < len(names) else str(number)


def all_classes(data: Data, *found: np.ndarray) -> np.ndarray:
    """Return in ascending order the class numbers that have names, or are in any split or among `found`.

    Raises:
        PlotError: if targets are not classes.
    """
    known = np.unique(np.concatenate([np.arange(len(data.classes)), *found]))
    for samples in data.splits.values():
        for piece in pieces(samples.targets):
            known = np.union1d(known, class_numbers(piece))
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


def are_classes(data: Data, prediction: np.ndarray) -> bool:
    """Tell whether targets are classes, for a model with such a prediction (1, ...).

    Whole numbers that have no names, and are not all 0 or 1, are numbers where one number is predicted.
    """
    try:
        known = all_classes(data)
    except PlotError:
        return False
    one_number = prediction.size == 1 and not np.issubdtype(prediction.dtype, np.integer)
    return bool(data.classes) or not one_number or set(known.tolist()) <= {0, 1}


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


def class_scores(prediction: np.ndarray) -> np.ndarray:
    """Return a score (n, k) for each class: as it is predicted, or, of one probability p of yes, 1 - p and p.

    Raises:
        PlotError: if predictions have no scores.
    """
    if np.issubdtype(prediction.dtype, np.integer) or prediction.ndim > 2:
        raise PlotError(
            "this plot needs a score for each class, the predictions are "
            + (f"of shape {prediction.shape[1:]}" if prediction.ndim > 2 else "class numbers"),
            help="leave it out; confusion_matrix needs no scores",
        )
    scores = prediction.reshape(len(prediction), -1).astype(np.float64)
    return np.concatenate([1.0 - scores, scores], axis=1) if scores.shape[1] == 1 else scores


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


def are_probabilities(scores: np.ndarray) -> bool:
    """Tell whether scores (n, k) are probabilities: from 0 to 1, and 1 together."""
    return bool(((scores >= 0) & (scores <= 1)).all() and np.allclose(scores.sum(axis=1), 1.0, atol=0.01))


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

    `are_classes` is which of both; `truth` says what each sample is.

    Raises:
        PlotError: if targets, or predictions like this one (1, ...), are neither.
    """

    def __init__(self, data: Data, targets: np.ndarray, prediction: np.ndarray) -> None:
        self.data = data
        self.are_classes = are_classes(data, prediction)
        if self.are_classes:
            class_numbers(functions.classes(prediction))
            self.numbers = class_numbers(targets)
            self.truth = self._names(self.numbers)
        else:
            check_number(data, prediction)
            self.truth = [f"{number:.4g}" for number in targets.reshape(-1)]

    def _names(self, numbers: np.ndarray) -> list[str]:
        return [style.label(class_name(int(number), self.data), LONGEST) for number in numbers]

    def read(self, prediction: np.ndarray) -> tuple[list[str], np.ndarray]:
        """Return what predictions (n, ...) say, with probabilities where there are some, and which are right (n,).

        Of numbers none is wrong.
        """
        if not self.are_classes:
            return [f"{number:.4g}" for number in prediction.reshape(-1)], np.ones(len(prediction), bool)
        found = class_numbers(functions.classes(prediction))
        texts = self._names(found)
        if not np.issubdtype(prediction.dtype, np.integer):
            scores = class_scores(prediction)
            if are_probabilities(scores):
                texts = [f"{text}\n{share:.0%}" for text, share in zip(texts, scores.max(axis=1), strict=True)]
        return texts, found == self.numbers
