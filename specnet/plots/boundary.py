"""What a classifier of two inputs says everywhere in the plane."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from specnet.datasets.base import Data
from specnet.errors import PlotError
from specnet.functions import classes, extremes
from specnet.plots import style
from specnet.plots.base import Plot, Trained, in_memory
from specnet.plots.classes import all_classes, class_name, class_numbers

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.contour import ContourSet
    from matplotlib.figure import Figure

POINTS = 300
"""Inputs along each axis at which the prediction is drawn."""


class DecisionBoundary(Plot):
    """Predicted classes over the plane of two inputs, and the samples of each split.

    One predicted probability is shown in steps of a tenth with a line at 0.5; of several scores, the region that
    each class wins.
    """

    def check(self, run: Trained) -> None:
        data = run.data
        if data.train.inputs.shape[1:] != (2,):
            raise PlotError(
                f"decision_boundary shows two inputs, here inputs have shape {data.train.inputs.shape[1:]}",
                help="leave this plot out; confusion_matrix takes any inputs",
            )
        all_classes(data)
        x, y = grid_axes(data)
        class_numbers(classes(run.predict(np.array([[x[0], y[0]]]))))

    def draw(self, run: Trained) -> Figure:
        from matplotlib.lines import Line2D
        from matplotlib.patches import Patch

        data = run.data
        x, y = grid_axes(data)
        grid = np.stack(np.meshgrid(x, y), axis=-1)
        prediction = run.predict(grid.reshape(-1, 2))
        predicted = class_numbers(classes(prediction)).reshape(len(y), len(x))
        known = all_classes(data, predicted.reshape(-1))
        names = [style.label(class_name(int(number), data)) for number in known]
        colors = style.class_colors(len(known))
        legend_columns = math.ceil((len(known) + len(data.splits)) / 20)

        figure = style.figure(f"{run.name}: decision boundary", 6 + 2 * legend_columns, 6)
        axes = figure.add_subplot()
        style.dress(axes, *(data.input_names or ("input 0", "input 1")))
        if len(known) == 2 and prediction.size == predicted.size and not np.issubdtype(prediction.dtype, np.integer):
            filled = fill_probability(axes, x, y, prediction.reshape(predicted.shape), colors)
            figure.colorbar(filled, ax=axes).set_label(f"probability of {names[1]}", labelpad=8)
        else:
            fill_regions(axes, x, y, np.searchsorted(known, predicted), colors)

        splits = in_memory(data)
        size = style.point_size(sum(len(samples.inputs) for samples in splits.values()))
        handles: list[Artist] = [Patch(color=color, label=name) for name, color in zip(names, colors, strict=True)]
        for split, samples in splits.items():
            marker, outlined = style.MARKERS[split], split != "train"
            shades = [colors[position] for position in np.searchsorted(known, class_numbers(samples.targets))]
            axes.scatter(
                samples.inputs[:, 0],
                samples.inputs[:, 1],
                s=size**2,
                marker=marker,
                facecolors="white" if outlined else shades,
                edgecolors=shades if outlined else "white",
                linewidths=size / 5 if outlined else 0.4,
                label=split,
            )
            face = "white" if outlined else "0.3"
            handles.append(Line2D([], [], linestyle="", marker=marker, color="0.3", markerfacecolor=face, label=split))
        style.legend(figure, handles, place="outside right center", columns=legend_columns)
        return figure


def grid_axes(data: Data) -> tuple[np.ndarray, np.ndarray]:
    """Return evenly spaced points along both inputs, reaching a little beyond the samples."""
    low, high = extremes((samples.inputs.astype(np.float64) for samples in in_memory(data).values()), axis=0)
    margin = 0.05 * np.where(high > low, high - low, 1.0)
    x, y = np.linspace(low - margin, high + margin, POINTS).T
    return x, y


def fill_probability(
    axes: Axes, x: np.ndarray, y: np.ndarray, probability: np.ndarray, colors: list[str]
) -> ContourSet:
    """Fill the plane with the probability of the second class, from one class's colour over white to the other's."""
    from matplotlib.colors import LinearSegmentedColormap

    shades = LinearSegmentedColormap.from_list("classes", [style.pale(colors[0]), "white", style.pale(colors[1])])
    axes.contour(x, y, probability, [0.5], colors="black", linewidths=1.5)
    return axes.contourf(x, y, np.clip(probability, 0.0, 1.0), np.linspace(0.0, 1.0, 11), cmap=shades)


def fill_regions(axes: Axes, x: np.ndarray, y: np.ndarray, positions: np.ndarray, colors: list[str]) -> None:
    """Fill the plane with the colour of the class that is predicted at each point, white lines in between."""
    from matplotlib.colors import ListedColormap

    # Not contours of the numbers: between the regions of classes 0 and 2 they would draw a band of class 1.
    shades = ListedColormap([style.pale(color) for color in colors])
    axes.pcolormesh(x, y, positions, cmap=shades, vmin=-0.5, vmax=len(colors) - 0.5)
    for position in np.unique(positions):
        axes.contour(x, y, positions == position, [0.5], colors="white", linewidths=2)
