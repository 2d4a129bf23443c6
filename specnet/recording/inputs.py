"""The inputs whose predictions are recorded: a grid over one or two inputs, or some samples."""

from __future__ import annotations

from itertools import chain
from typing import NamedTuple

import numpy as np

from specnet.datasets.base import Data
from specnet.datasets.rows import pieces
from specnet.datasets.sampling import samples_at
from specnet.errors import DataError, SpecnetError
from specnet.functions import evenly_spaced, extremes
from specnet.spec.model import Record
from specnet.training.model import Model

_POINTS = {1: 200, 2: 80}
"""Grid points along each of one or two inputs, unless the spec has a number."""
UNIT_POINTS = {1: 200, 2: 32}
"""The same for responses of hidden units, of which there are many."""


class RecordedInputs(NamedTuple):
    """Inputs x as the network takes them, the shape of their arrangement, arrays that describe them, and their mask.

    A grid has the arrays `axis_0` and, for two inputs, `axis_1`, in the dataset's units; its shape is
    (points[, points]), and its first axis is that of input 0. Samples have `sample_split` and `sample_rows`; their
    shape is (samples,).
    """

    x: np.ndarray
    shape: tuple[int, ...]
    arrays: dict[str, np.ndarray]
    mask: np.ndarray | None = None


def recorded_inputs(record: Record, model: Model, data: Data) -> RecordedInputs:
    """Return a grid, if there are one or two inputs and the transforms accept it, else samples.

    Raises:
        DataError: if the record asks for a grid and the data have other inputs.
    """
    shape = data.train.inputs.shape[1:]
    if shape in [(1,), (2,)]:
        try:
            return grid_inputs(record, model, data, record.points or _POINTS[shape[0]])
        except SpecnetError:  # a transform may refuse values that are not in the data
            return sample_inputs(record, model, data)
    if record.points or record.margin is not None or record.units:
        raise DataError(
            f"a record over a grid needs one or two inputs, but this dataset's inputs have shape {shape}",
            pointer=("record",),
            help="leave points, margin and units out: predictions of some samples are kept",
        )
    return sample_inputs(record, model, data)


def grid_inputs(record: Record, model: Model, data: Data, points: int) -> RecordedInputs:
    """Return a grid over one or two inputs with `points` along each."""
    axes = grid_axes(data, points, 0.1, record.margin)
    grids = np.meshgrid(*axes, indexing="ij")
    x = model.take(np.stack([grid.ravel() for grid in grids], axis=1))
    return RecordedInputs(x, grids[0].shape, {f"axis_{number}": axis for number, axis in enumerate(axes)})


def grid_axes(data: Data, points: int, share: float, margin: float | None = None) -> np.ndarray:
    """Return evenly spaced values (inputs, points) over the range of each input in all splits, and beyond.

    They go beyond it by `margin`, or else by a `share` of the range. Missing values, which are NaN, do not count.
    """
    inputs = chain.from_iterable(pieces(split.inputs) for split in data.splits.values())
    low, high = (each.astype(np.float64) for each in extremes(inputs, axis=0))
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused by the model
        beyond = share * np.where(high > low, high - low, 1.0) if margin is None else margin
        return np.linspace(low - beyond, high + beyond, points).T


def sample_inputs(record: Record, model: Model, data: Data) -> RecordedInputs:
    """Return samples, evenly chosen from the test split if there is one, else from validation, else from train."""
    split, samples = data.last_split
    rows = evenly_spaced(len(samples.inputs), record.samples)
    chosen = samples_at(samples, rows)
    arrays = {"sample_split": np.array(split), "sample_rows": rows}
    return RecordedInputs(model.take(chosen.inputs), rows.shape, arrays, chosen.mask)
