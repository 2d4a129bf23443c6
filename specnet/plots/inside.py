"""Pictures of what happens inside a network."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from specnet.plots import style
from specnet.plots.base import Plot, Trained
from specnet.recording.inside import Maps, attention_maps, embedded, feature_maps

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLUMNS = 8
"""Maps side by side."""
_NAMED = 100
"""Rows of an embedding up to which each has its name beside it."""


class FeatureMaps(Plot):
    """The outputs of each convolution for the first image of the test split: one grey image for each filter.

    If an activation follows a convolution, its outputs are shown. Black is the smallest and white the largest number
    of a layer. At most 16 filters of eight layers are shown. The filters of the first layer are shown by `weights`.
    """

    def check(self, run: Trained) -> None:
        feature_maps(run)

    def draw(self, run: Trained) -> Figure:
        image, maps = feature_maps(run)
        image = image.mean(axis=-1) if image.ndim == 3 else image
        return draw_maps(f"{run.name}: feature maps of a sample", [Maps("input", image[np.newaxis], 1), *maps], "gray")


class AttentionMaps(Plot):
    """How much each position of a sequence, a row, attends to each other, a column; one picture for each head.

    The sequence is the first of the test split. White is 0; rows add up to 1. At most 16 heads of eight layers.
    """

    def check(self, run: Trained) -> None:
        attention_maps(run)

    def draw(self, run: Trained) -> Figure:
        return draw_maps(f"{run.name}: attention in a sequence", attention_maps(run), "Blues", low=0.0)


class EmbeddingPlot(Plot):
    """The rows of an embedding in the plane of their two largest principal components.

    Without an embedding, shows the inputs of the last trained layer for at most 1,000 samples, in the colours of their
    classes.
    """

    def check(self, run: Trained) -> None:
        embedded(run)

    def draw(self, run: Trained) -> Figure:
        found = embedded(run)
        labels = [style.label(name) for name in found.classes or ()]
        columns = min(5, max(1, int(6 / (0.08 * max(map(len, labels), default=0) + 0.5))))
        height = max(5.4, 4.4 + 0.2 * math.ceil(len(labels) / columns))  # the plane stays as large beside many classes
        figure = style.figure(f"{run.name}: {found.what}", 6.4, height)
        axes = figure.add_subplot()
        names = [
            f"component {number + 1}, {share:.0%} of the variance" for number, share in enumerate(found.plane.shares)
        ]
        style.dress(axes, *names)
        x, y = found.plane.points.T
        size = 2 * style.point_size(len(x))
        if found.classes is None:
            shown = axes.scatter(x, y, c=found.truth, s=size * 4, cmap="viridis")
            if 0 < len(found.rows) <= _NAMED:
                for row, point in zip(found.rows, found.plane.points, strict=True):
                    name = style.label(row)
                    axes.annotate(name, tuple(point), xytext=(3, 3), textcoords="offset points", fontsize=7)
            else:
                figure.colorbar(shown, ax=axes, label="number of the row" if found.rows else "target")
            return figure
        for number, (label, color) in enumerate(zip(labels, style.class_colors(len(labels)), strict=True)):
            of = found.truth == number
            axes.scatter(x[of], y[of], s=size * 4, color=color, alpha=0.7, label=label)
        style.legend(figure, axes.get_legend_handles_labels()[0], columns=columns)
        return figure


def draw_maps(title: str, maps: list[Maps], colors: str, low: float | None = None) -> Figure:
    """Return a picture with the images of each layer in rows of their own, in one scale for each layer."""
    rows = [(each, start) for each in maps for start in range(0, len(each.images), _COLUMNS)]
    width = min(_COLUMNS, max(len(each.images) for each in maps))
    figure = style.figure(title, max(4.0, 1.2 * width + 0.4), 1.35 * len(rows) + 0.6)
    for number, (each, start) in enumerate(rows):
        for column, image in enumerate(each.images[start : start + _COLUMNS]):
            axes = figure.add_subplot(len(rows), width, number * width + column + 1)
            least = float(each.images.min()) if low is None else low
            axes.imshow(image, cmap=colors, vmin=least, vmax=float(each.images.max()), interpolation="nearest")
            axes.set(xticks=[], yticks=[])
            if column == 0 and start == 0:
                axes.set_title(style.label(each.title, 40), fontsize=9, loc="left")
    return figure
