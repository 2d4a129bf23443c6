"""Curves of the history: what training reaches, and how fast it goes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from specnet.errors import PlotError
from specnet.functions import falls_far, thin
from specnet.plots import style
from specnet.plots.base import Plot, Trained

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Curves(Plot):
    """Loss and metrics over the epochs, for train and, where there is one, validation.

    Each value has a panel of its own; one that falls far, from a peak to less than a tenth of it, has a
    logarithmic scale. The epoch of the lowest validation loss is marked.
    """

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
                style.scale_by_decades(axes)
        style.legend(figure, figure.axes[0].get_lines())
        return figure


class Schedule(Plot):
    """The learning rate and every scheduled hyper-parameter over the steps, as in the last step of each epoch.

    The scale is logarithmic where a quarter of the epochs have less than a tenth of the highest value.
    """

    def draw(self, run: Trained) -> Figure:
        if not run.history:
            raise PlotError("there is no learning rate yet: no epoch is complete", help="train for at least one epoch")
        places = [name for name in run.history if "." in name and "/" not in name]
        if not places:
            raise PlotError("no hyper-parameter has a schedule, and the optimizer has no learning rate")
        figure = style.figure(f"{run.name}: schedule", 7, 1 + 3 * len(places))
        for axes, place in zip(figure.subplots(len(places), squeeze=False)[:, 0], places, strict=True):
            steps, values = run.history["step"], run.history[place]
            style.dress(axes, "step", place.removeprefix("optimizer.").replace("_", " "))
            drawn = thin(values)
            marker = "o" if len(values) <= 20 else ""
            axes.plot(steps[drawn], values[drawn], color=style.PALETTE[0], linewidth=1.8, marker=marker, markersize=4)
            axes.xaxis.set_major_formatter("{x:,.0f}")
            axes.yaxis.set_major_formatter("{x:g}")
            if values.min() > 0 and values.max() > 10 * np.quantile(values, 0.25):
                style.scale_by_decades(axes)
            else:
                axes.set_ylim(bottom=0.0)
        return figure
