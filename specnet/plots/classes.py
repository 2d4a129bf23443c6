"""Targets as classes, for the plots of classifiers."""

from __future__ import annotations

import numpy as np

from specnet import functions
from specnet.datasets.base import Data, pieces
from specnet.errors import PlotError

LARGEST = 100
"""Classes that a picture can show."""


def class_numbers(targets: np.ndarray) -> np.ndarray:
    """Return the class numbers (n,) that targets stand for: a whole number each, or one-hot (n, k).

    Raises:
        PlotError: if they are neither.
    """
    numbers = functions.class_numbers(targets)
    if numbers is None or numbers.ndim != 1:
        raise PlotError(
            f"the targets, of shape {targets.shape[1:]}, are not classes",
            help="this plot takes class numbers, 0 and 1, or one-hot targets; for one number of one input "
            "there is regression_fit",
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
        PlotError: if targets are not classes, or too many.
    """
    known = np.unique(np.concatenate([np.arange(len(data.classes)), *found]))
    for samples in data.splits.values():
        for piece in pieces(samples.targets):
            known = np.union1d(known, class_numbers(piece))
    if len(known) > LARGEST:
        raise PlotError(
            f"there are {len(known)} different classes: a picture shows at most {LARGEST}",
            help="leave this plot out; for one number of one input there is regression_fit",
        )
    return known
