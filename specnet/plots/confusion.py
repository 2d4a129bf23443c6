"""Which classes are taken for which."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from specnet.plots import style
from specnet.plots.base import Plot, Trained, one_prediction
from specnet.plots.classes import all_classes, check_few, class_name, read_classes
from specnet.task import classes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROOMY = 12
"""Classes up to which a cell has room for its percentage."""


class ConfusionMatrix(Plot):
    """How many samples of each class are predicted as which, and what share of their class that is.

    Of the test split if there is one, else of validation, else of train.
    """

    streams: ClassVar[bool] = True

    def check(self, run: Trained) -> None:
        prediction = one_prediction(run)
        check_few(all_classes(run.data))
        read_classes(classes(prediction))

    def draw(self, run: Trained) -> Figure:
        split, samples = list(run.data.splits.items())[-1]
        wanted = np.concatenate([read_classes(piece.targets) for piece in samples.pieces()])
        found = [read_classes(classes(run.predict(piece.inputs, piece.mask))) for piece in samples.pieces()]
        predicted = np.concatenate(found)
        known = all_classes(run.data, predicted)
        check_few(known)
        counts = count_pairs(np.searchsorted(known, wanted), np.searchsorted(known, predicted), len(known))
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        names = [style.label(class_name(int(number), run), 18) for number in known]

        roomy = len(known) <= ROOMY
        side = max(4.0, len(known) * (0.65 if roomy else 0.38))
        right = np.trace(counts) / len(wanted)
        title = f"{run.name}: confusion, {split} split, {right:.1%} right"
        figure = style.figure(title, side + 3, side + 1.2)
        axes = figure.add_subplot()
        style.dress(axes, "predicted class", "true class")
        axes.grid(False)
        image = axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
        figure.colorbar(image, ax=axes, label="share of the true class", format="{x:.0%}", shrink=0.8)
        axes.set_xticks(range(len(names)), names)
        axes.set_yticks(range(len(names)), names)
        if max(map(len, names)) * len(names) > 9 * side:  # side by side they would touch
            for text in axes.get_xticklabels():
                text.set(rotation=45, horizontalalignment="right", rotation_mode="anchor")
        for (row, column), count in np.ndenumerate(counts):
            if not count and not roomy:
                continue  # a large matrix reads better when its empty cells are empty
            axes.text(
                column,
                row,
                f"{count}\n{shares[row, column]:.1%}" if roomy and count else f"{count}",
                color="white" if shares[row, column] > 0.5 else "black",
                fontsize=9 if roomy else 7,
                horizontalalignment="center",
                verticalalignment="center",
            )
        figure.draw_without_rendering()  # the layout of square cells is right from the second time on
        return figure


def count_pairs(wanted: np.ndarray, predicted: np.ndarray, size: int) -> np.ndarray:
    """Return how often each pair of numbers below `size` occurs, (wanted, predicted)."""
    return np.bincount(wanted * size + predicted, minlength=size * size).reshape(size, size)
