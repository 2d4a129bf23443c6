"""The network itself: boxes, and what leads from one to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from specnet.network.diagram import Box, Diagram, draw_network
from specnet.plots import style
from specnet.plots.base import Plot, Trained

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FILLS = {"layer": "#F4F4F4", "trained": "#DCEBF7", "merge": "#FBE7D6", "frame": "none"}
"""Grounds of boxes: those with parameters of their own, and where outputs become one, have a colour."""
_HEAD = 36.0
"""Room above all boxes for the title."""


class NetworkPlot(Plot):
    """The layers as boxes, from top to bottom: type and name, output shape and parameters.

    Layers made of layers are frames around these, with branches side by side. Only one copy of repeated layers is
    shown. Lines on the right lead from layers with names to those that take their outputs. Layers with parameters are
    blue, those that merge several outputs are orange. A network that would be too tall continues at the top of the
    next column.
    """

    def draw(self, run: Trained) -> Figure:
        return draw_diagram(draw_network(run.layers, run.layers[0].input_shape), run.name)


def draw_diagram(diagram: Diagram, title: str) -> Figure:
    """Return a picture of a network under a title."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    width, height = max(diagram.width, 200.0), diagram.height + _HEAD
    figure = Figure(figsize=(width / 72, height / 72), dpi=150)
    figure.suptitle(style.label(title, int(width / 9)), fontsize=13, y=1 - 8 / height)
    axes = figure.add_axes((0, 0, 1, diagram.height / height))
    axes.set(xlim=(0, width), ylim=(diagram.height, 0))
    axes.set_axis_off()
    for line in diagram.lines:
        xs, ys = zip(*line.points, strict=True)
        axes.add_line(Line2D(xs, ys, color="0.35", linewidth=1, solid_joinstyle="round"))
        if line.arrow:
            (xa, ya), (xb, yb) = line.points[-2:]
            down = abs(yb - ya) > abs(xb - xa)
            place = (xb, yb - 2.5) if down else (xb + 2.5, yb)
            axes.plot(*place, marker="v" if down else "<", color="0.35", markersize=4)
        if line.label:
            axes.text(xs[0] + 2, ys[0], style.label(line.label), fontsize=7.5, va="center", color="0.35")
    for box in diagram.boxes:
        _draw_box(axes, box)
    return figure


def _draw_box(axes: Axes, box: Box) -> None:
    """Draw a box with its texts."""
    from matplotlib.patches import FancyBboxPatch

    top, middle = box.y, box.x + box.width / 2
    edge: dict[str, Any] = {"linewidth": 0.8, "edgecolor": "0.45", "facecolor": _FILLS[box.kind]}
    rounded = "round,pad=0,rounding_size=4"
    axes.add_patch(FancyBboxPatch((box.x, top), box.width, box.height, boxstyle=rounded, zorder=2, **edge))
    height = box.height / 2 if not box.detail else 0.35 * box.height
    text: dict[str, Any] = {"ha": "center", "va": "center", "zorder": 3}
    axes.text(middle, top + height, style.label(box.title, 80), fontsize=9, **text)
    axes.text(middle, top + 0.75 * box.height, box.detail, fontsize=7.5, color="0.35", **text)
