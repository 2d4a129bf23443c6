"""A regression of one variable as a curve through its points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from specnet.datasets.base import Data
from specnet.errors import PlotError
from specnet.functions import extremes
from specnet.plots import style
from specnet.plots.base import Plot, Trained, in_memory

if TYPE_CHECKING:
    from matplotlib.figure import Figure

POINTS = 1000
"""Inputs at which the prediction is drawn."""


class RegressionFit(Plot):
    """Prediction of one number from one input, over the samples of each split.

    Where the dataset knows its function without noise, that is drawn too.
    """

    def check(self, run: Trained) -> None:
        inputs, targets = run.data.train.inputs.shape[1:], run.data.train.targets.shape[1:]
        if inputs != (1,) or targets not in [(), (1,)]:
            raise PlotError(
                "regression_fit shows one number over one input, "
                f"here inputs have shape {inputs} and targets have shape {targets}",
                help="leave this plot out; for classes there are decision_boundary (two inputs) and confusion_matrix",
            )
        prediction = run.predict(grid(run.data)[:1])
        if prediction.size != 1:
            raise PlotError(
                f"regression_fit shows one number over one input, a prediction has shape {prediction.shape[1:]}",
                help="leave this plot out; for classes there is confusion_matrix",
            )

    def draw(self, run: Trained) -> Figure:
        data = run.data
        x = grid(data)
        prediction = run.predict(x)
        figure = style.figure(f"{run.name}: prediction and data", 8, 5)
        axes = figure.add_subplot()
        style.dress(axes, (*data.input_names, "input")[0], (*data.target_names, "target")[0])
        axes.margins(x=0)
        splits = in_memory(data)
        size = style.point_size(sum(len(samples.inputs) for samples in splits.values()))
        for split, samples in splits.items():
            axes.plot(
                samples.inputs.reshape(-1),
                samples.targets.reshape(-1),
                linestyle="",
                marker=style.MARKERS[split],
                markersize=size,
                color=style.COLORS[split],
                markerfacecolor=style.COLORS[split] if split == "train" else "white",
                alpha=0.6,
                label=split,
            )
        truth = run.dataset.function(x)
        if truth is not None:
            axes.plot(x[:, 0], truth.reshape(-1), color="black", linestyle="--", linewidth=1.2, label="without noise")
        axes.plot(x[:, 0], prediction.reshape(-1), color=style.PALETTE[3], linewidth=2.5, label="prediction")
        style.legend(figure, axes.get_lines())
        return figure


def grid(data: Data) -> np.ndarray:
    """Return evenly spaced inputs (points, 1) that reach a little beyond the samples."""
    low, high = extremes(samples.inputs.astype(np.float64) for samples in in_memory(data).values())
    margin = 0.05 * (high - low or 1.0)
    return np.linspace(low - margin, high + margin, POINTS)[:, np.newaxis]
