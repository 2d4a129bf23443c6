"""How gradients and steps of each layer go over the epochs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from specnet.errors import PlotError
from specnet.functions import evenly_spaced
from specnet.plots import style
from specnet.plots.base import Plot, Trained
from specnet.recording.curves import OF_WEIGHTS, layer_curves
from specnet.recording.scenes import recorded

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NAMED = 20
"""Layers that are named beside the scale of colours; of more, these are spread evenly."""


class GradientNorms(Plot):
    """Euclidean norm of each layer's gradient, and that of its steps divided by that of its weights, over the epochs.

    Both are those of an epoch's last step. Layers go from dark, at the input, to light, at the output.
    """

    def check(self, run: Trained) -> None:
        if not len(recorded(run)["layers"]):
            raise PlotError("no layer has parameters: there are no gradients to show", help="leave this plot out")

    def draw(self, run: Trained) -> Figure:
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import BoundaryNorm, ListedColormap
        from matplotlib.ticker import MaxNLocator

        record = recorded(run)
        layers, epochs, values = record["layers"].tolist(), record["epochs"], layer_curves(record)
        colors = style.depth_colors(len(layers))

        figure = style.figure(f"{run.name}: gradients and steps of each layer", 10, 4.5)
        for number, name in enumerate(OF_WEIGHTS[:2]):
            axes = figure.add_subplot(1, 2, number + 1)
            style.dress(axes, "epoch", name)
            axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
            curves = list(values.get(name, {}).values())
            for column, color in zip(curves, colors, strict=False):
                known = column > 0  # a logarithm has no place for 0, and in the first frame there was no step yet
                marker = "o" if known.sum() <= 20 else ""
                axes.plot(epochs[known], column[known], color=color, linewidth=1.5, marker=marker, markersize=4)
            style.leave_out_specks(axes, np.concatenate(curves) if curves else np.empty(0))
            style.scale_by_decades(axes)

        places = evenly_spaced(len(layers), _NAMED)
        mapping = ScalarMappable(BoundaryNorm(np.arange(len(layers) + 1) - 0.5, len(layers)), ListedColormap(colors))
        bar = figure.colorbar(mapping, ax=figure.axes, ticks=places, label="layer")
        bar.ax.set_yticklabels([style.label(layers[place]) for place in places])
        bar.ax.minorticks_off()
        bar.ax.invert_yaxis()
        return figure
