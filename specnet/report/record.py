"""What a run keeps for its replay: predictions over a grid of inputs, epoch by epoch."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import numpy as np

from specnet.datasets.base import Data, pieces, read_npz
from specnet.errors import DataError, RunError, SpecnetError
from specnet.functions import extremes
from specnet.runs.files import write_file
from specnet.spec.model import Record
from specnet.training.model import Model


class Recorder:
    """Collects frames, the first of the model as it is given, and writes them as `record.npz`.

    That file holds `epochs` (frames,), `axis_0` and, for two inputs, `axis_1` with the grid along each input in the
    dataset's units, and `predictions` (frames, points[, points], ...) in float32; the first grid axis is input 0.
    """

    def __init__(self, record: Record, model: Model, data: Data) -> None:
        shape = data.train.inputs.shape[1:]
        if shape not in [(1,), (2,)]:
            raise DataError(
                "a record keeps predictions over a grid of one or two inputs, "
                f"this dataset's inputs have shape {shape}",
                pointer=("record",),
                help="leave record out",
            )
        self.every = record.every
        self.model = model
        points = record.points or {1: 200, 2: 100}[shape[0]]
        inputs = chain.from_iterable(pieces(split.inputs) for split in data.splits.values())
        low, high = (each.astype(np.float64) for each in extremes(inputs, axis=0))
        margin = record.margin if record.margin is not None else 0.1 * (high - low)
        self.axes = list(np.linspace(low - margin, high + margin, points).T)
        grids = np.meshgrid(*self.axes, indexing="ij")
        self._shape = grids[0].shape
        self._grid = np.stack([grid.ravel() for grid in grids], axis=1)
        self.epochs: list[int] = []
        self.frames: list[np.ndarray] = []
        self._written: int | None = None
        self.keep(0)

    def keep(self, epoch: int) -> None:
        """Keep a frame of the model as it is after `epoch` epochs, unless it is kept already."""
        if epoch not in self.epochs[-1:]:
            predictions = self.model.predict(self._grid).astype(np.float32)
            self.epochs.append(epoch)
            self.frames.append(predictions.reshape(*self._shape, *predictions.shape[1:]))

    def resume(self, path: Path, epoch: int) -> None:
        """Take over what a run has written that goes on from the end of `epoch`.

        Raises:
            RunError: if the file does not hold what such a run has kept until then.
        """
        epochs = list(range(0, epoch + 1, self.every))
        if epochs == self.epochs:
            return
        try:
            arrays = read_npz(path)
            frames = dict(zip(arrays["epochs"].tolist(), arrays["predictions"], strict=True))
            kept = [frames[each] for each in epochs]
        except (SpecnetError, KeyError, TypeError, ValueError) as error:
            reason = error.message if isinstance(error, SpecnetError) else repr(error)
            raise RunError(f"{path} is not what the run had kept by epoch {epoch}: {reason}") from error
        if any(frame.shape != self.frames[0].shape or frame.dtype != self.frames[0].dtype for frame in kept):
            raise RunError(f"{path} does not hold the predictions of this run")
        self.epochs, self.frames = epochs, kept

    def write(self, path: Path, final: bool) -> None:
        """Write what has been kept, unless that is written already; compressed, which takes its time, at the end."""
        if not final and self._written == self.epochs[-1]:
            return
        axes = {f"axis_{number}": axis for number, axis in enumerate(self.axes)}
        arrays = {"epochs": np.array(self.epochs), "predictions": np.stack(self.frames), **axes}
        save = np.savez_compressed if final else np.savez
        write_file(path, lambda file: save(file, **arrays))
        self._written = self.epochs[-1]
