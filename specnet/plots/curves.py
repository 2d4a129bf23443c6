"""Curves of the history: what training reaches, and how fast it goes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from specnet.errors import PlotError
from specnet.functions import thin
from specnet.plots import style
from specnet.plots.base import Plot, Trained
from specnet.recording.curves import history_curves, spans_decades, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Curves(Plot):
    """Loss and metrics over the epochs, for train and, where there is one, validation.

    Each value has its own panel. If a value falls to less than a tenth of its peak, its scale is logarithmic. The
    epoch of the lowest validation loss is marked.
    """

    def draw(self, run: Trained) -> Figure:
        from matplotlib.ticker import MaxNLocator

        history = run.history
        values = {value: curves for value, curves in history_curves(history).items() if "train" in curves}
        if not values:
            raise PlotError("there are no curves yet: no epoch is complete", help="train for at least one epoch")
        rows = 1 if len(values) <= 3 else 2
        columns = math.ceil(len(values) / rows)
        figure = style.figure(f"{run.name}: learning curves", 7 if columns == 1 else 4.5 * columns, 3.8 * rows + 0.7)
        epochs = history["epoch"]
        for number, (value, curves) in enumerate(values.items()):
            axes = figure.add_subplot(rows, columns, number + 1)
            style.dress(axes, "epoch", title(value))
            axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
            for split, numbers in curves.items():
                drawn = thin(numbers)
                axes.plot(
                    epochs[drawn],
                    numbers[drawn],
                    color=style.COLORS[split],
                    label=split,
                    linestyle=style.SPLIT_DASHES[split],
                    linewidth=1.5,
                    alpha=0.8,
                    marker=style.MARKERS[split] if len(numbers) <= 20 else "",
                    markersize=4,
                )
            if "validation/loss" in history:
                best = int(np.argmin(np.nan_to_num(history["validation/loss"], nan=np.inf)))
                text = f"lowest validation loss: epoch {epochs[best]}"
                axes.axvline(epochs[best], color="0.35", linestyle=":", linewidth=1.2, label=text, zorder=3)
            if spans_decades(curves.values()):
                style.scale_by_decades(axes)
        style.legend(figure, figure.axes[0].get_lines())
        return figure


class ScheduleCurves(Plot):
    """The learning rate and every scheduled hyper-parameter in the last step of each epoch, over the steps.

    The scale is logarithmic if a quarter of the epochs have less than a tenth of the highest value.
    """

    def draw(self, run: Trained) -> Figure:
        if not run.history:
            raise PlotError("there is no learning rate yet: no epoch is complete", help="train for at least one epoch")
        places = {place: curves[""] for place, curves in history_curves(run.history).items() if "" in curves}
        if not places:
            raise PlotError("no hyper-parameter has a schedule, and the optimizer has no learning rate")
        figure = style.figure(f"{run.name}: schedule", 7, 1 + 3 * len(places))
        steps = run.history["step"]
        for axes, (place, values) in zip(figure.subplots(len(places), squeeze=False).flat, places.items(), strict=True):
            style.dress(axes, "step", title(place))
            drawn = thin(values)
            marker = "o" if len(values) <= 20 else ""
            axes.plot(steps[drawn], values[drawn], color=style.PALETTE[0], linewidth=1.8, marker=marker, markersize=4)
            axes.xaxis.set_major_formatter("{x:,.0f}")
            axes.yaxis.set_major_formatter("{x:g}")
            if spans_decades([values], scheduled=True):
                style.scale_by_decades(axes)
            else:
                axes.set_ylim(bottom=0.0)
        return figure
