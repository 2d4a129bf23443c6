"""The inputs whose predictions a record keeps: a grid over one or two inputs, or some samples."""

from __future__ import annotations

from itertools import chain
from typing import NamedTuple

import numpy as np

from specnet.datasets.base import Data
from specnet.datasets.rows import pieces
from specnet.errors import DataError, SpecnetError
from specnet.functions import extremes
from specnet.report.packing import spread
from specnet.spec.model import Record
from specnet.training.model import Model

POINTS = {1: 200, 2: 32}
"""Grid points along each of one or two inputs, where the spec says nothing else."""
UNIT_POINTS = {1: 200, 2: 32}
"""Points along each at which the responses of hidden units are kept."""


class Asked(NamedTuple):
    """Inputs x as the network takes them, how they are arranged, what a record tells of them, and their mask.

    Of a grid the record tells `axis_0` and, for two inputs, `axis_1`, in the dataset's units; `shape` is
    (points[, points]), its first axis that of input 0. Of samples it tells `sample_split` and `sample_rows`; `shape`
    is (samples,).
    """

    x: np.ndarray
    shape: tuple[int, ...]
    told: dict[str, np.ndarray]
    mask: np.ndarray | None = None


def ask(record: Record, model: Model, data: Data) -> Asked:
    """Return what a record keeps predictions of: a grid, where there are one or two inputs that it is possible for.

    Raises:
        DataError: if the record asks for a grid, and the data have other inputs.
    """
    shape = data.train.inputs.shape[1:]
    if shape in [(1,), (2,)]:
        try:
            return over_grid(record, model, data, record.points or POINTS[shape[0]])
        except SpecnetError:  # a transform may not take what lies between samples, or beyond
            return of_samples(record, model, data)
    if record.points or record.margin is not None or record.units:
        raise DataError(
            f"a record over a grid needs one or two inputs, this dataset's inputs have shape {shape}",
            pointer=("record",),
            help="leave points, margin and units out: predictions of some samples are kept",
        )
    return of_samples(record, model, data)


def over_grid(record: Record, model: Model, data: Data, points: int) -> Asked:
    """Return a grid over one or two inputs, with so many points along each."""
    inputs = chain.from_iterable(pieces(split.inputs) for split in data.splits.values())
    low, high = (each.astype(np.float64) for each in extremes(inputs, axis=0))
    margin = record.margin if record.margin is not None else 0.1 * np.where(high > low, high - low, 1.0)
    axes = np.linspace(low - margin, high + margin, points).T
    grids = np.meshgrid(*axes, indexing="ij")
    x = model.take(np.stack([grid.ravel() for grid in grids], axis=1))
    return Asked(x, grids[0].shape, {f"axis_{number}": axis for number, axis in enumerate(axes)})


def of_samples(record: Record, model: Model, data: Data) -> Asked:
    """Return samples, evenly chosen from the test split if there is one, else from validation, else from train."""
    split, samples = list(data.splits.items())[-1]
    rows = spread(len(samples.inputs), record.samples)
    chosen = samples.select(rows)
    told = {"sample_split": np.array(split), "sample_rows": rows}
    return Asked(model.take(chosen.inputs[:]), rows.shape, told, None if chosen.mask is None else chosen.mask[:])
