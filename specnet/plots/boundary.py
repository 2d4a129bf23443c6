"""What a classifier of two inputs says everywhere in the plane."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.datasets.base import Data
from specnet.errors import PlotError
from specnet.functions import extremes
from specnet.plots import style
from specnet.plots.base import Plot, Trained, in_memory, one_prediction
from specnet.plots.classes import all_classes, check_few, class_name, read_classes
from specnet.task import classes

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.collections import Collection
    from matplotlib.figure import Figure

POINTS = 300
"""Inputs along each axis at which the prediction is drawn."""
GROUND = 0.9
"""Where the colours of the plane lie: above the grid and below the samples, whichever is drawn first."""


class DecisionBoundary(Plot):
    """Predicted classes over the plane of two inputs, and the samples of each split.

    One predicted probability is shown in steps of a tenth with a line at 0.5; of several scores, the region that
    each class wins.
    """

    def check(self, run: Trained) -> None:
        data = run.data
        if data.train.inputs.shape[1:] != (2,):
            raise PlotError(
                f"this plot shows two inputs, here inputs have shape {data.train.inputs.shape[1:]}",
                help="leave it out; for classes of any inputs there is confusion_matrix",
            )
        one_prediction(run)
        check_few(all_classes(data))
        x, y = grid_axes(data)
        read_classes(classes(run.predict(np.array([[x[0], y[0]]]))))

    def draw(self, run: Trained) -> Figure:
        x, y = grid_axes(run.data)
        grid = np.stack(np.meshgrid(x, y), axis=-1)
        prediction = run.predict(grid.reshape(-1, 2))
        prediction = prediction.reshape(len(y), len(x), *prediction.shape[1:])
        plane = Plane(run, prediction)
        handles = plane.handles()
        columns = math.ceil(len(handles) / 20)

        figure = style.figure(f"{run.name}: decision boundary", 6 + 2 * columns, 6)
        axes = figure.add_subplot()
        plane.dress(axes)
        filled = plane.fill(axes, x, y, prediction)[-1]
        if plane.graded:
            figure.colorbar(filled, ax=axes).set_label(f"probability of {plane.names[1]}", labelpad=8)
        plane.scatter(axes)
        style.legend(figure, handles, place="outside right center", columns=columns)
        return figure


class Plane:
    """The plane of two inputs: its classes with their names and colours, and the samples of each split.

    `graded` is whether predictions, (points of y, points of x, ...), are one probability of two classes.
    """

    def __init__(self, run: Trained, *predictions: np.ndarray) -> None:
        self.data = data = run.data
        self.known = all_classes(data, *(winners(prediction).reshape(-1) for prediction in predictions))
        check_few(self.known)
        self.names = [style.label(class_name(int(number), run)) for number in self.known]
        self.colors = style.class_colors(len(self.known))
        self.graded = len(self.known) == 2 and all(
            math.prod(prediction.shape[2:]) == 1 and not np.issubdtype(prediction.dtype, np.integer)
            for prediction in predictions
        )

    def dress(self, axes: Axes) -> None:
        """Name the axes after the inputs."""
        style.dress(axes, *plane_names(self.data))

    def fill(self, axes: Axes, x: np.ndarray, y: np.ndarray, prediction: np.ndarray) -> list[Collection]:
        """Show a prediction, the probability or the region that each class wins, and return what shows it."""
        if self.graded:
            return fill_probability(axes, x, y, prediction.reshape(len(y), len(x)), self.colors)
        return fill_regions(axes, x, y, np.searchsorted(self.known, winners(prediction)), self.colors)

    def scatter(self, axes: Axes, scale: float = 1.0) -> None:
        """Draw the samples in the colours of their classes; `scale` times the usual size."""
        colors = np.array(self.colors)
        scatter(axes, self.data, lambda targets: colors[np.searchsorted(self.known, read_classes(targets))], scale)

    def handles(self) -> list[Artist]:
        """Return what a legend shows: the classes, and the splits."""
        from matplotlib.patches import Patch

        patches = [Patch(color=color, label=name) for name, color in zip(self.names, self.colors, strict=True)]
        return [*patches, *split_handles(self.data)]


def scatter(axes: Axes, data: Data, shade: Callable[[np.ndarray], Any], scale: float, *, filled: bool = False) -> None:
    """Draw the samples of each split in the plane of two inputs, in the colours (n,) or (n, 4) of their targets.

    Points have `scale` times the usual size. Those of other splits than train are outlined in their colour, or, if
    all are `filled`, in black.
    """
    splits = in_memory(data)
    size = scale * style.point_size(sum(len(samples.inputs) for samples in splits.values()))
    for split, samples in splits.items():
        outlined, shades = split != "train", shade(samples.targets)
        axes.scatter(
            samples.inputs[:, 0],
            samples.inputs[:, 1],
            s=size**2,
            marker=style.MARKERS[split],
            facecolors="white" if outlined and not filled else shades,
            edgecolors="white" if not outlined else "black" if filled else shades,
            linewidths=size / (8 if filled else 5) if outlined else 0.4,
            label=split,
        )


def split_handles(data: Data, *, filled: bool = False) -> list[Artist]:
    """Return what a legend shows of the splits, whose points are all `filled` or not."""
    from matplotlib.lines import Line2D

    handles: list[Artist] = []
    for split in data.splits:
        if split == "train":
            color, face = ("0.6", "0.6") if filled else ("0.3", "0.3")
        else:
            color, face = ("black", "0.6") if filled else ("0.3", "white")
        marker = style.MARKERS[split]
        handles.append(Line2D([], [], linestyle="", marker=marker, color=color, markerfacecolor=face, label=split))
    return handles


def plane_names(data: Data) -> tuple[str, ...]:
    """Return what the two inputs are called."""
    return data.input_names or ("input 0", "input 1")


def winners(prediction: np.ndarray) -> np.ndarray:
    """Return the class number at each point of a grid, for predictions (points, points, ...)."""
    numbers = read_classes(classes(prediction.reshape(-1, *prediction.shape[2:])))
    return numbers.reshape(prediction.shape[:2])


def grid_axes(data: Data) -> tuple[np.ndarray, np.ndarray]:
    """Return evenly spaced points along both inputs, reaching a little beyond the samples."""
    low, high = extremes((samples.inputs.astype(np.float64) for samples in in_memory(data).values()), axis=0)
    margin = 0.05 * np.where(high > low, high - low, 1.0)
    x, y = np.linspace(low - margin, high + margin, POINTS).T
    return x, y


def fill_probability(
    axes: Axes, x: np.ndarray, y: np.ndarray, probability: np.ndarray, colors: list[str]
) -> list[Collection]:
    """Fill the plane with the probability of the second class, from one class's colour over white to the other's."""
    from matplotlib.colors import LinearSegmentedColormap

    shades = LinearSegmentedColormap.from_list("classes", [style.pale(colors[0]), "white", style.pale(colors[1])])
    half = axes.contour(x, y, probability, [0.5], colors="black", linewidths=1.5)
    steps = np.linspace(0.0, 1.0, 11)
    return [half, axes.contourf(x, y, np.clip(probability, 0.0, 1.0), steps, cmap=shades, zorder=GROUND)]


def fill_regions(
    axes: Axes, x: np.ndarray, y: np.ndarray, positions: np.ndarray, colors: list[str]
) -> list[Collection]:
    """Fill the plane with the colour of the class that is predicted at each point, white lines in between."""
    from matplotlib.colors import ListedColormap

    # Not contours of the numbers: between the regions of classes 0 and 2 they would draw a band of class 1.
    shades = ListedColormap([style.pale(color) for color in colors])
    regions = axes.pcolormesh(x, y, positions, cmap=shades, vmin=-0.5, vmax=len(colors) - 0.5, zorder=GROUND)
    lines = [
        axes.contour(x, y, positions == position, [0.5], colors="white", linewidths=2)
        for position in np.unique(positions)
    ]
    return [regions, *lines]
