"""How a regression fits its samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from specnet.datasets.base import Data
from specnet.errors import PlotError
from specnet.functions import extremes
from specnet.plots import style
from specnet.plots.base import Plot, Trained, in_memory, last_split, one_prediction
from specnet.plots.classes import check_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POINTS = 1000
"""Inputs at which the prediction is drawn."""
VECTORS = 5000
"""Points from which on they become one image inside an SVG."""


class RegressionFit(Plot):
    """Prediction of one number from one input, over the samples of each split.

    Where the dataset knows its function without noise, that is drawn too.
    """

    def check(self, run: Trained) -> None:
        inputs = run.data.train.inputs.shape[1:]
        if inputs != (1,):
            raise PlotError(
                f"this plot shows one number over one input, here inputs have shape {inputs}",
                help="leave it out; for one number of any inputs there is residuals, for classes confusion_matrix",
            )
        check_number(run.data, one_prediction(run))
        run.predict(grid(run.data)[:1])  # a transform may not take what lies beyond the samples

    def draw(self, run: Trained) -> Figure:
        x = grid(run.data)
        figure = style.figure(f"{run.name}: prediction and data", 8, 5)
        axes = figure.add_subplot()
        draw_samples(axes, run, x)
        axes.plot(x[:, 0], run.predict(x).reshape(-1), color=style.PALETTE[3], linewidth=2.5, label="prediction")
        style.legend(figure, axes.get_lines())
        return figure


class Residuals(Plot):
    """How far the truth is from each prediction of one number, over the predictions, and how these distances spread.

    A residual is the truth minus the prediction. Of the test split if there is one, else of validation, else of
    train.
    """

    def check(self, run: Trained) -> None:
        check_number(run.data, one_prediction(run))
        targets = last_split(run.data)[1].targets
        if run.task.only.has_classes and targets.ndim == 1 and np.issubdtype(targets.dtype, np.integer):
            raise PlotError(
                "this plot shows one number for each sample, here targets are class numbers",
                help="leave it out; for classes there is confusion_matrix",
            )

    def draw(self, run: Trained) -> Figure:
        split, samples = last_split(run.data)
        prediction = run.predict(samples.inputs, samples.mask).reshape(-1)
        residuals = samples.targets.reshape(-1) - prediction
        name = target_name(run.data)
        title = f"{run.name}: residuals, {split} split, mean {residuals.mean():.3g}, "
        figure = style.figure(f"{title}standard deviation {residuals.std():.3g}", 9, 5)
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 1))
        style.dress(left, f"predicted {name}", f"truth − prediction, {name}")
        style.dress(right, "samples", "")
        for axes in (left, right):
            axes.axhline(0.0, color="0.35", linestyle=":", linewidth=1.2)
        left.plot(
            prediction,
            residuals,
            linestyle="",
            marker=style.MARKERS[split],
            markersize=style.point_size(len(residuals)),
            color=style.COLORS[split],
            alpha=0.6,
            rasterized=len(residuals) > VECTORS,
        )
        right.hist(residuals, bins=30, orientation="horizontal", color=style.COLORS[split])
        return figure


def draw_samples(axes: Axes, run: Trained, x: np.ndarray, scale: float = 1.0) -> None:
    """Draw the samples of each split over their one input, and what is true at inputs x (n, 1) where that is known.

    Points have `scale` times the usual size.
    """
    style.dress(axes, (*run.data.input_names, "input")[0], target_name(run.data))
    axes.margins(x=0)
    splits = in_memory(run.data)
    size = scale * style.point_size(sum(len(samples.inputs) for samples in splits.values()))
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


def target_name(data: Data) -> str:
    """Return what the one number is called that a network predicts."""
    return (*data.target_names, "target")[0]


def grid(data: Data) -> np.ndarray:
    """Return evenly spaced inputs (points, 1) that reach a little beyond the samples."""
    low, high = extremes(samples.inputs.astype(np.float64) for samples in in_memory(data).values())
    margin = 0.05 * (high - low or 1.0)
    return np.linspace(low - margin, high + margin, POINTS)[:, np.newaxis]
