"""The look that all plots share. Nothing here touches matplotlib's global settings."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6D1F")
"""Colours that colour-blind readers can tell apart: Okabe & Ito, with a brown for their yellow, too pale on white."""

COLORS = {"train": PALETTE[0], "validation": PALETTE[1], "test": PALETTE[2]}
MARKERS = {"train": "o", "validation": "s", "test": "^"}
"""How each split is drawn in every picture; points of train are filled, the others outlined."""
DASHES = ("-", (0, (3.3, 1.7)), (0, (1.1, 1.4)), (0, (5, 1.7, 1.1, 1.7)))
"""Lines of curves that are told apart by more than their colour, as on the page; in widths of the line."""
SPLIT_DASHES = dict(zip(COLORS, DASHES, strict=False))
WRONG = PALETTE[1]
"""What marks a wrong prediction, never by colour alone."""


def figure(title: str, width: float, height: float, dpi: float = 150) -> Figure:
    """Return an empty figure of `width` by `height` inches under a title."""
    from matplotlib.figure import Figure

    empty = Figure(figsize=(width, height), dpi=dpi, layout="constrained")
    # About nine letters of this size take an inch; a name may be long and has no spaces.
    empty.suptitle(escape(textwrap.fill(title, int(9 * width))), fontsize=13)
    return empty


def dress(axes: Axes, x: str, y: str) -> None:
    """Name the axes of a panel, as far as there is room, and lay a light grid under it."""
    # Twelve letters take an inch; the texts and colours beside a panel take a part of it.
    letters = 8.5 / axes.figure.dpi
    axes.set_xlabel(label(x, min(48, int(letters * axes.bbox.width))), fontsize=11)
    axes.set_ylabel(label(y, int(letters * axes.bbox.height)), fontsize=11)
    axes.grid(color="0.9", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


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


def leave_out_specks(axes: Axes, values: np.ndarray) -> None:
    """Let a logarithmic axis begin below all but a few positive values (n,) that are far smaller, and say how many."""
    known = values[np.isfinite(values) & (values > 0)]
    if not len(known):
        return
    low = float(np.quantile(known, 0.05)) / 100
    if below := int(np.sum(known < low)):
        axes.set_ylim(bottom=low)
        axes.text(
            0.99, 0.02, f"{below} below {low:.1g}", transform=axes.transAxes, ha="right", color="0.35", fontsize=9
        )


def lay_out_figure(figure: Figure) -> None:
    """Make room for the texts of a figure, without drawing it."""
    engine = figure.get_layout_engine()
    assert engine is not None
    engine.execute(figure)


def legend(
    figure: Figure,
    handles: Sequence[Artist],
    *,
    place: Literal["outside lower center", "outside right center"] = "outside lower center",
    columns: int = 5,
    fontsize: float = 10,
) -> None:
    """Put a legend beside the panels, where it covers nothing."""
    figure.legend(handles=handles, loc=place, ncols=columns, frameon=False, fontsize=fontsize)


def label(text: str, length: int = 24) -> str:
    """Return text of any origin as a label: on one line, not longer than `length`, meaning what it says."""
    line = " ".join(text.split())
    return escape(line if len(line) <= length else line[: length - 1] + "…")


def escape(text: str) -> str:
    r"""Return text that matplotlib shows as it is: a bare `$` would begin a formula.

    >>> escape("5 $")
    '5 \\$'
    """
    return text.replace("$", r"\$")


def class_colors(count: int) -> list[str]:
    """Return a colour for each of `count` classes: the palette, or a rainbow where it is too short."""
    if count <= len(PALETTE):
        return list(PALETTE[:count])
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    # Both ends of the map are nearly black.
    return [to_hex(colormaps["turbo"](0.07 + 0.86 * number / (count - 1))) for number in range(count)]


def pale(color: str) -> str:
    """Return a colour mixed with white, as a ground for points of that colour."""
    from matplotlib.colors import to_hex, to_rgb

    red, green, blue = to_rgb(color)
    return to_hex((0.4 * red + 0.6, 0.4 * green + 0.6, 0.4 * blue + 0.6))


def point_size(count: int) -> float:
    """Return the diameter of markers, in points, for `count` of them: fewer are larger."""
    return min(6.0, max(2.0, 100.0 / count**0.5))


def points(split: str) -> dict[str, Any]:
    """Return how the points of a split are drawn without a line."""
    return {"linestyle": "", "marker": MARKERS[split], "color": COLORS[split], "alpha": 0.6}


def depth_colors(count: int) -> list[str]:
    """Return a colour for each of `count` layers, from dark at the input to light at the output."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    # The lightest seventh of the map is too pale on white.
    return [to_hex(colormaps["viridis"](0.86 * number / max(1, count - 1))) for number in range(count)]
