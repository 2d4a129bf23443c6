"""Sequences, and what is predicted for them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from specnet.errors import PlotError
from specnet.plots import style
from specnet.plots.base import SplitPlot, Trained

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN, _LINES = 6, 3
"""Sequences, and lines of each, that are shown at most."""


class Sequences(SplitPlot):
    """Sequences of the test split with their inputs, and predictions for each position or for the whole sequence.

    Predictions for positions are lines with dots beside those of the truth; classes are shown by their numbers. A
    number that is predicted for the whole sequence is a dot after its end, with the truth as a ring.
    """

    most_samples = SHOWN

    def check(self, run: Trained) -> None:
        shape = run.data.train.inputs.shape[1:]
        if len(shape) not in (1, 2) or shape[0] < 2 or (len(shape) == 1 and len(run.input_names) == shape[0]):
            raise PlotError(f"inputs of shape {shape} are not sequences (time, features)", help="leave this plot out")

    def reset(self) -> None:
        self.shown: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def update(self, prediction: np.ndarray, target: np.ndarray, inputs: np.ndarray) -> None:
        self.shown += zip(inputs, target, prediction, strict=True)

    def picture(self, run: Trained, shown: str) -> Figure:
        rows = math.ceil(len(self.shown) / 2)
        figure = style.figure(f"{run.name}: {shown}", 9, 2.2 * rows + 0.8)
        for number, (x, target, prediction) in enumerate(self.shown):
            axes = figure.add_subplot(rows, 2, number + 1)
            style.dress(axes, "position", "")
            self.paint(axes, x.reshape(len(x), -1), target, prediction, run.task.only.has_classes)
        style.legend(figure, axes.get_legend_handles_labels()[0])
        return figure

    def paint(self, axes: Axes, x: np.ndarray, target: np.ndarray, prediction: np.ndarray, classes: bool) -> None:
        """Draw a sequence x (time, features)."""
        time = np.arange(len(x))
        for number, line in enumerate(x.T[:_LINES]):
            axes.plot(
                time, line, color="0.6", linewidth=1, linestyle=style.DASHES[number], label="" if number else "inputs"
            )
        if classes and prediction.dtype.kind not in "iu" and prediction.ndim > target.ndim:
            prediction = prediction.argmax(axis=-1)
        if prediction.ndim and len(prediction) == len(x) and target.shape[:1] == prediction.shape[:1]:
            for number in range(min(_LINES, prediction.size // len(x))):
                true, guess = (each.reshape(len(x), -1)[:, number] for each in (target, prediction))
                axes.plot(time, true, color=style.PALETTE[0], label="" if number else "truth")
                axes.plot(time, guess, ".--", color=style.PALETTE[1], label="" if number else "prediction")
            return
        for label, values in (("truth", target), ("prediction", prediction)):
            color = style.PALETTE[label == "prediction"]
            numbers = np.atleast_1d(values)[:_LINES]
            place = np.full(len(numbers), len(x) + 0.5)
            axes.plot(place, numbers, "o", color=color, fillstyle="none" if label == "truth" else "full", label=label)
