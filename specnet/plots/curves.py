"""Learning curves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from specnet.errors import PlotError
from specnet.plots import style
from specnet.plots.base import Plot, Trained

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PIECES = 1000
"""Pieces of a long curve of which only the lowest and highest point are drawn."""


class Curves(Plot):
    """Loss and metrics over the epochs, for train and, where there is one, validation.

    Each value has a panel of its own; one that falls far, from a peak to less than a tenth of it, has a
    logarithmic scale. The epoch of the lowest validation loss is marked.
    """

    streams: ClassVar[bool] = True

    def draw(self, run: Trained) -> Figure:
        from matplotlib.ticker import MaxNLocator

        history = run.history
        names = [column.removeprefix("train/") for column in history if column.startswith("train/")]
        if not names:
            raise PlotError("there are no curves yet: no epoch is complete", help="train for at least one epoch")
        rows = 1 if len(names) <= 3 else 2
        columns = math.ceil(len(names) / rows)
        figure = style.figure(f"{run.name}: learning curves", 7 if columns == 1 else 4.5 * columns, 3.8 * rows + 0.7)
        epochs = history["epoch"]
        for number, name in enumerate(names):
            axes = figure.add_subplot(rows, columns, number + 1)
            style.dress(axes, "epoch", name)
            axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
            curves = {split: history[f"{split}/{name}"] for split in style.COLORS if f"{split}/{name}" in history}
            for split, values in curves.items():
                drawn = thin(values)
                axes.plot(
                    epochs[drawn],
                    values[drawn],
                    color=style.COLORS[split],
                    label=split,
                    linewidth=1.5,
                    alpha=0.8,
                    marker=style.MARKERS[split] if len(values) <= 20 else "",
                    markersize=4,
                )
            if "validation/loss" in history:
                best = int(np.argmin(np.nan_to_num(history["validation/loss"], nan=np.inf)))
                text = f"lowest validation loss: epoch {epochs[best]}"
                axes.axvline(epochs[best], color="0.35", linestyle=":", linewidth=1.2, label=text, zorder=3)
            if falls_far(curves["train"]) and all((values > 0).all() for values in curves.values()):
                scale_by_decades(axes)
        style.legend(figure, figure.axes[0].get_lines())
        return figure


def thin(values: np.ndarray) -> np.ndarray:
    """Return the positions to draw of a curve: all, or the first, the last and the extremes of each piece."""
    if len(values) <= 2 * PIECES:
        return np.arange(len(values))
    pieces = np.array_split(np.arange(len(values)), PIECES)
    extremes = [piece[extreme(values[piece])] for piece in pieces for extreme in (np.argmin, np.argmax)]
    return np.unique([0, *extremes, len(values) - 1])


def scale_by_decades(axes: Axes) -> None:
    """Give a panel a logarithmic scale with plain numbers; where it shows few decades, at 2 and 5 as well."""
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    low, high = axes.get_ylim()
    if high < 100 * low:
        axes.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))
        axes.yaxis.set_minor_formatter("{x:g}")


def falls_far(values: np.ndarray) -> bool:
    """Tell whether a curve falls from a peak to less than a tenth of it."""
    lowest = int(np.argmin(values))
    return bool(values[: lowest + 1].max() > 10 * values[lowest])
