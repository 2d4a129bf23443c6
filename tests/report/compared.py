"""Parts of invented runs that tests of comparisons share."""

import numpy as np

from specnet.datasets.base import Data, Samples

SOME = Data(Samples(np.zeros((2, 2)), np.array([0, 1])))
BOTH = Data(SOME.train, SOME.train)
LINEAR = {"type": "linear", "units": 4}
LAST = {"type": "linear", "units": 1}
ACCURACY = {"metrics": ["accuracy"]}


def texts(values):
    return [value and str(value) for value in values.values]


def row(rows, name):
    (found,) = [each for each in rows if each.name == name]
    return found


def history(number):
    losses = 1.0 / np.arange(1.0, 6.0) + number
    return {"epoch": np.arange(1, 6), "train/loss": losses, "validation/loss": losses + 0.5}
