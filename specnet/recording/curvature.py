"""What a run records of the shape of its loss: the largest curvatures, and parameters."""

from __future__ import annotations

import numpy as np

from specnet.datasets.rows import Rows
from specnet.errors import DataError
from specnet.functions import evenly_spaced
from specnet.network.curvature import largest_curvatures
from specnet.training.batches import Batch, PreparedSplit, map_arrays
from specnet.training.fixed_loss import FixedLoss
from specnet.training.model import Model
from specnet.training.trainer import Trainer

CURVATURES = 3
"""Eigenvalues that are recorded."""
CURVATURE_ROWS = 256
"""Training samples on which they are computed at most."""
CURVED_PARAMETERS = 250_000
"""Parameters of a network up to which they can be recorded."""
KEPT_PARAMETERS = 50_000
"""Parameters up to which all are recorded with them."""


class CurvatureProbe:
    """Measures the largest curvatures of a model's training loss, on samples that stay the same.

    Raises:
        DataError: if the network is too large.
    """

    def __init__(self, model: Model, train: PreparedSplit) -> None:
        self.model, self.w = model, model.network.params.flat
        if self.w.size > CURVED_PARAMETERS:
            raise DataError(
                f"the network has {self.w.size:,} parameters; curvatures are recorded of at most {CURVED_PARAMETERS:,}",
                pointer=("record", "curvature"),
            )
        self.sample = choose_samples(train, CURVATURE_ROWS)

    def measure(self, training: Trainer) -> dict[str, np.ndarray]:
        """Return the largest curvatures at the current parameters."""
        time = training.pace.time(training.epoch, training.step - 1, training.batches.position)
        training.scheduled.set(max(time, 0))  # a resumed run may not have taken a step yet
        fixed = FixedLoss(self.model, training.training, self.sample)
        return {"curvature": largest_curvatures(fixed.gradient, self.w, CURVATURES, fixed.trained)}

    def parameters(self) -> dict[str, np.ndarray]:
        """Return all parameters if there are not too many."""
        return {"parameters": self.w.astype(np.float32)} if self.w.size <= KEPT_PARAMETERS else {}


def choose_samples(split: PreparedSplit, most: int) -> Batch:
    """Return at most this many samples of a split, evenly chosen."""
    rows = evenly_spaced(split.rows, most)
    return map_arrays(split, lambda array: choose_rows(array, rows))


def choose_rows(array: np.ndarray | Rows, numbers: np.ndarray) -> np.ndarray:
    """Return the rows of these ascending numbers."""
    return array[numbers] if isinstance(array, np.ndarray) else array.select(numbers)[:]
