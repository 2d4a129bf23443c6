"""How a regression fits its samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from specnet.errors import PlotError
from specnet.plots import style
from specnet.plots.base import Plot, SplitPlot, Trained
from specnet.plots.panels import CurvePanel
from specnet.plots.requirements import check_number, target_name
from specnet.recording.scenes import present_scene

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_POINTS = 1000
"""Points of the curve."""


class RegressionFit(Plot):
    """Prediction of one number from one input, over the samples of each split.

    The dataset's function without noise is drawn if it is known. At most 1,000 samples of a split are shown, evenly
    chosen.
    """

    def check(self, run: Trained) -> None:
        inputs = run.data.train.inputs.shape[1:]
        if inputs != (1,):
            raise PlotError(
                f"this plot shows one number over one input, but inputs have shape {inputs}",
                help="leave it out; for one number of any inputs there is residuals, for classes confusion_matrix",
            )
        check_number(run)
        present_scene(run, 2, None)  # a transform may refuse values beyond the samples

    def draw(self, run: Trained) -> Figure:
        panel = CurvePanel(present_scene(run, _POINTS, None), 1.0)
        figure = style.figure(f"{run.name}: prediction and data", 8, 5)
        axes = figure.add_subplot()
        panel.set_up(axes)
        panel.paint(axes, 0)
        axes.autoscale(axis="y")  # all of the curve is of interest
        style.legend(figure, panel.handles(axes))
        return figure


class Residuals(SplitPlot):
    """The residual of each prediction of one number, over the predictions, and the distribution of the residuals.

    A residual is the truth minus the prediction. The split is test if there is one, else validation, else train. At
    most 5,000 samples are shown, evenly chosen.
    """

    most_samples = 5000

    def check(self, run: Trained) -> None:
        check_number(run)
        if run.task.only.has_classes:
            raise PlotError(
                "this plot shows one number for each sample, but targets are class numbers",
                help="leave it out; for classes there is confusion_matrix",
            )

    def reset(self) -> None:
        self.predictions = self.residuals = np.empty(0)

    def update(self, prediction: np.ndarray, target: np.ndarray, inputs: np.ndarray) -> None:
        y = prediction.reshape(-1)
        self.predictions = np.append(self.predictions, y)
        self.residuals = np.append(self.residuals, target.reshape(-1) - y)

    def picture(self, run: Trained, shown: str) -> Figure:
        split, name = run.data.last_split[0], target_name(run)
        title = f"{run.name}: residuals, {shown}, mean {self.residuals.mean():.3g}, "
        figure = style.figure(f"{title}standard deviation {self.residuals.std():.3g}", 9, 5)
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 1))
        style.dress(left, f"predicted {name}", f"truth − prediction, {name}")
        style.dress(right, "samples", "")
        for axes in (left, right):
            axes.axhline(0.0, color="0.35", linestyle=":", linewidth=1.2)
        look = {**style.points(split), "markersize": style.point_size(len(self.residuals))}
        left.plot(self.predictions, self.residuals, **look)
        right.hist(self.residuals, bins=30, orientation="horizontal", color=style.COLORS[split])
        return figure
