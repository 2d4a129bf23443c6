"""Which classes are taken for which."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from specnet.plots import style
from specnet.plots.base import SplitPlot, Trained
from specnet.plots.requirements import check_few, one_prediction
from specnet.recording.classes import Confusion, required_classes
from specnet.task import Task, TaskPart

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROOMY = 12
"""Classes up to which a cell has room for its percentage."""


class ConfusionMatrix(SplitPlot):
    """How many samples of each class are predicted as each class, and their share of the true class.

    Right predictions are blue. Mistakes are orange, the darker the more frequent; cells without samples are empty. The
    split is test if there is one, else validation, else train. With several heads, each that learns classes has a
    panel.
    """

    def check(self, run: Trained) -> None:
        one_prediction(run)
        for part in _heads(run.task):
            check_few(_names(run, part))

    def draw(self, run: Trained) -> Figure:
        self.task = run.task
        return super().draw(run)

    def reset(self) -> None:
        self.counted = [(part, Confusion()) for part in _heads(self.task)]

    def update(self, prediction: np.ndarray, target: np.ndarray, inputs: np.ndarray) -> None:
        for part, confusion in self.counted:
            confusion.update(*self.task.select(part, prediction, target))

    def picture(self, run: Trained, shown: str) -> Figure:
        found = [(part.name, *confusion.of(_names(run, part))) for part, confusion in self.counted]
        for _, names, _ in found:
            check_few(names)
        sides = [max(4.0, len(names) * (0.65 if len(names) <= ROOMY else 0.38)) for _, names, _ in found]
        several = len(run.task.parts) > 1
        right = [f"{np.trace(counts) / counts.sum():.1%} correct" for *_, counts in found]
        title = f"{run.name}: confusion matrix, {shown}" + ("" if several else f", {right[0]}")
        figure = style.figure(title, sum(sides) + 3 * len(sides), max(sides) + (1.6 if several else 1.2))
        panels = figure.subplots(1, len(found), squeeze=False, width_ratios=sides)[0]
        for axes, side, share, (head, names, counts) in zip(panels, sides, right, found, strict=True):
            _draw_matrix(axes, names, counts, side)
            if several:
                axes.set_title(f"{style.label(head)}: {share}")
        style.lay_out_figure(figure)  # the layout of square cells is right from the second time on
        return figure


def _heads(task: Task) -> list[TaskPart]:
    """Return the parts of a task that learn classes, or else the first, whose targets may still be some."""
    return [part for part in task.parts if part.has_classes] or [task.parts[0]]


def _names(run: Trained, part: TaskPart) -> list[str]:
    """Return the names of the classes of a part."""
    return list(part.classes) if part.has_classes else required_classes(run)


def _draw_matrix(axes: Axes, names: list[str], counts: np.ndarray, side: float) -> None:
    """Draw counts (k, k) of classes with these names on axes of this size in inches."""
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names, roomy = [style.label(name, 18) for name in names], len(names) <= ROOMY
    style.dress(axes, "predicted class", "true class")
    axes.grid(False)
    right = np.eye(len(names), dtype=bool)
    most = shares[~right].max() or 1.0
    mistakes = axes.imshow(np.ma.masked_array(shares, right), cmap="Oranges", vmin=0.0, vmax=most)
    axes.imshow(np.ma.masked_array(shares, ~right), cmap="Blues", vmin=0.0, vmax=1.0)
    label = "mistakes, share of the true class"
    axes.figure.colorbar(mistakes, ax=axes, label=label, format="{x:.1%}", shrink=0.8)
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
