"""What a classifier of two inputs predicts everywhere in the plane."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from specnet.errors import PlotError
from specnet.plots import style
from specnet.plots.base import Plot, Trained
from specnet.plots.panels import ClassPlane
from specnet.plots.requirements import check_few, one_prediction
from specnet.recording.classes import required_classes
from specnet.recording.scenes import present_scene

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_POINTS = 200
"""Points along each side of the plane."""
ALIKE = 2.0
"""Ratio of the ranges of both inputs up to which their axes have one scale."""


class DecisionBoundary(Plot):
    """Predicted classes over the plane of two inputs, and the samples of each split.

    A single predicted probability is shown in steps of a tenth, with a line at 0.5. With several scores, the region of
    each predicted class is shown. At most 1,000 samples of a split are shown, evenly chosen.
    """

    def check(self, run: Trained) -> None:
        inputs = run.data.train.inputs.shape[1:]
        if inputs != (2,):
            raise PlotError(
                f"this plot shows two inputs, but inputs have shape {inputs}",
                help="leave it out; for classes of any inputs there is confusion_matrix",
            )
        one_prediction(run)
        check_few(required_classes(run))
        present_scene(run, 2, required_classes(run))  # a transform may refuse values beyond the samples

    def draw(self, run: Trained) -> Figure:
        panel = ClassPlane(present_scene(run, _POINTS, required_classes(run)), 1.0)
        columns = 0 if panel.graded else math.ceil((len(panel.names) + len(panel.scene.samples)) / 20)
        width, height = (abs(axis.values[-1] - axis.values[0]) for axis in panel.scene.axes)
        alike = 1 / ALIKE < height / width < ALIKE
        figure = style.figure(
            f"{run.name}: decision boundary", 6.6 + 2 * columns, 6.4 * (height / width if alike else 1)
        )
        axes = figure.add_subplot()
        panel.set_up(axes)
        if alike:
            axes.set_aspect("equal")
        filled: Any = panel.paint(axes, 0)[-1]
        if panel.graded:
            figure.colorbar(filled, ax=axes).set_label(f"probability of {panel.names[1]}", labelpad=8)
        if panel.graded:  # the right side is that of the colour bar
            style.legend(figure, panel.handles(axes), columns=3)
        else:
            style.legend(figure, panel.handles(axes), place="outside right center", columns=columns)
        if alike:
            style.lay_out_figure(figure)  # the layout of equal scales is right from the second time on
        return figure
