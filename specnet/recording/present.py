"""The scene of what a run predicts now."""

from __future__ import annotations

from itertools import chain

import numpy as np

from specnet.datasets.rows import pieces
from specnet.functions import extremes
from specnet.plots.base import Trained
from specnet.recording.scene import Scene
from specnet.recording.scenes import grid_scene


def present_scene(run: Trained, points: int, names: list[str] | None) -> Scene:
    """Return the scene of what a run predicts now over its one or two inputs, a little beyond the samples.

    Raises:
        SpecnetError: as `grid_scene`, or if a transform refuses values that are not in the data.
    """
    inputs = chain.from_iterable(pieces(split.inputs) for split in run.data.splits.values())
    low, high = extremes((piece.astype(np.float64) for piece in inputs), axis=0)
    margin = 0.05 * np.where(high > low, high - low, 1.0)
    axes = list(np.linspace(low - margin, high + margin, points).T)
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    predictions = run.predict(grid.reshape(-1, len(axes)))
    return grid_scene(run, axes, predictions.reshape(1, *grid.shape[:-1], *predictions.shape[1:]), names)
