"""Which classes are taken for which."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from specnet.plots import style
from specnet.plots.base import SplitPlot, Trained
from specnet.plots.requirements import check_few, one_prediction
from specnet.recording.classes import Confusion, required_classes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROOMY = 12
"""Classes up to which a cell has room for its percentage."""


class ConfusionMatrix(SplitPlot):
    """How many samples of each class are predicted as which, and what share of their class that is.

    What is right is blue. Mistakes are orange, up to the most frequent one; cells without any are empty.

    Of the test split if there is one, else of validation, else of train.
    """

    def check(self, run: Trained) -> None:
        one_prediction(run)
        check_few(required_classes(run))

    def reset(self) -> None:
        self.confusion = Confusion()

    def update(self, prediction: np.ndarray, target: np.ndarray, inputs: np.ndarray) -> None:
        self.confusion.update(prediction, target)

    def picture(self, run: Trained, shown: str) -> Figure:
        names, counts = self.confusion.of(required_classes(run))
        check_few(names)
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        names = [style.label(name, 18) for name in names]

        roomy = len(names) <= ROOMY
        side = max(4.0, len(names) * (0.65 if roomy else 0.38))
        title = f"{run.name}: confusion, {shown}, {np.trace(counts) / counts.sum():.1%} right"
        figure = style.figure(title, side + 3, side + 1.2)
        axes = figure.add_subplot()
        style.dress(axes, "predicted class", "true class")
        axes.grid(False)
        right = np.eye(len(names), dtype=bool)
        most = shares[~right].max() or 1.0
        mistakes = axes.imshow(np.ma.masked_array(shares, right), cmap="Oranges", vmin=0.0, vmax=most)
        axes.imshow(np.ma.masked_array(shares, ~right), cmap="Blues", vmin=0.0, vmax=1.0)
        figure.colorbar(mistakes, ax=axes, label="mistakes, share of the true class", format="{x:.1%}", shrink=0.8)
        axes.set_xticks(range(len(names)), names)
        axes.set_yticks(range(len(names)), names)
        if max(map(len, names)) * len(names) > 9 * side:  # side by side they would touch
            for tick in axes.get_xticklabels():
                tick.set(rotation=45, horizontalalignment="right", rotation_mode="anchor")
        for (row, column), count in np.ndenumerate(counts):
            if count == 0:
                continue
            text = f"{count}\n{shares[row, column]:.1%}" if roomy else f"{count}"
            color = "white" if shares[row, column] > 0.55 * (1.0 if row == column else most) else "black"
            axes.text(column, row, text, color=color, fontsize=9 if roomy else 7, ha="center", va="center")
        style.lay_out_figure(figure)  # the layout of square cells is right from the second time on
        return figure
