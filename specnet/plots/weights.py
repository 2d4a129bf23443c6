"""What the first layer looks for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np

from specnet.plots import style
from specnet.plots.base import Plot, Trained
from specnet.recording.inside import first_weights

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_UNITS = 64
"""Units that are shown as images: of more, those with the largest weights."""
_NAMED = 30
"""Inputs up to which each has its name beside its row."""


class Weights(Plot):
    """Weights of the first layer: one image per unit if inputs are images, else the matrix (inputs, units).

    Blue is below 0, red above, white 0. For three channels, the colour shows the weight of each, and grey is 0. For
    other numbers of channels, the mean is shown. Convolution kernels (height, width, channels, units) are images, too.
    """

    def check(self, run: Trained) -> None:
        first_weights(run)

    def draw(self, run: Trained) -> Figure:
        name, weights = first_weights(run)
        return draw_filters(run, name, weights) if weights.ndim == 4 else draw_matrix(run, name, weights)


def draw_filters(run: Trained, name: str, weights: np.ndarray) -> Figure:
    """Return a picture of filters (height, width, channels, units), each as an image."""
    height, width, channels, units = weights.shape
    strength = np.linalg.norm(weights.reshape(-1, units), axis=0)
    chosen = np.sort(np.argsort(-strength, kind="stable")[:_UNITS])
    filters = np.moveaxis(weights[..., chosen], -1, 0)
    if channels != 3:
        filters = filters.mean(axis=-1, keepdims=True)
    columns = math.ceil(len(filters) ** 0.5)
    rows = math.ceil(len(filters) / columns)
    # A line of nothing around each image keeps them apart.
    high, wide = height + 1, width + 1
    sheet = np.full((rows * high + 1, columns * wide + 1, filters.shape[-1]), np.nan)
    for number, each in enumerate(filters):
        top, left = number // columns * high + 1, number % columns * wide + 1
        sheet[top : top + height, left : left + width] = each

    of = "" if channels in (1, 3) else ", mean over channels"
    every = len(filters) == units
    title = f"{run.name}: {name}, {f'all {units}' if every else f'the {_UNITS} strongest of {units}'} units{of}"
    figure = style.figure(title, 8, min(12.0, max(2.0, 6.0 * len(sheet) / sheet.shape[1])) + 1.2)
    axes = figure.add_subplot()
    style.dress(axes, "unit in the row", "first unit of the row")
    axes.set_xticks(np.arange(columns) * wide + wide / 2, [f"{column}" for column in range(columns)])
    axes.set_yticks(np.arange(rows) * high + high / 2, [f"{chosen[row * columns]}" for row in range(rows)])
    for number, unit in enumerate(() if every else chosen):
        place = number % columns * wide + 0.8, number // columns * high + 0.8
        axes.text(*place, f"{unit}", fontsize=6, va="top", bbox={"color": "white", "alpha": 0.75, "pad": 0.8})
    if channels == 3:
        limit = highest(filters)
        axes.imshow(np.nan_to_num(0.5 + sheet / (2.0 * limit), nan=1.0))
        axes.set_xlabel(f"unit in the row; black −{limit:.3g}, grey 0, white {limit:.3g} in each channel")
    else:
        show(axes, sheet[..., 0], figure)
    axes.grid(False)
    return figure


def draw_matrix(run: Trained, name: str, weights: np.ndarray) -> Figure:
    """Return a picture of a matrix (inputs, units)."""
    from matplotlib.ticker import MaxNLocator

    inputs = len(weights)
    figure = style.figure(f"{run.name}: {name}", 8, min(8.0, max(1.2, 0.3 * inputs)) + 1.5)
    axes = figure.add_subplot()
    style.dress(axes, "unit", "input")
    show(axes, weights, figure, aspect="auto")
    axes.grid(False)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    names = run.transformed_names
    if len(names) == inputs <= _NAMED:
        axes.set_yticks(range(inputs), [style.label(each) for each in names])
    return figure


def show(axes: Axes, values: np.ndarray, figure: Figure, aspect: Literal["equal", "auto"] = "equal") -> None:
    """Show weights (rows, columns) in colours that are symmetric about 0, with their scale beside them."""
    from matplotlib import colormaps

    limit = highest(values)
    shades = colormaps["RdBu_r"].with_extremes(bad="0.55")
    image = axes.imshow(values, cmap=shades, vmin=-limit, vmax=limit, aspect=aspect, interpolation="nearest")
    figure.colorbar(image, ax=axes, label="weight")


def highest(values: np.ndarray) -> float:
    """Return the largest distance of a weight from 0, or 1 where all are 0."""
    return float(np.nanmax(np.abs(values))) or 1.0
