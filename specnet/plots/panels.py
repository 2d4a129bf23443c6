"""Scenes in panels of a figure, drawn anew for each frame."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.plots import style
from specnet.plots.requirements import check_few
from specnet.recording.scene import Scene

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure

GROUND = 0.9
"""Where the colours of the plane lie: above the grid and below the samples, whichever is drawn first."""
SMALL = 0.7
"""Size of points in a small panel, relative to the usual one."""
_STEPS = 20
"""Colours of a map of numbers, from the lowest to the highest."""


class Panel(ABC):
    """A scene in a panel: `set_up` draws what stays the same, `paint` a frame. Too many classes are a PlotError."""

    def __init__(self, scene: Scene, scale: float = SMALL) -> None:
        self.scene = scene
        self.size = scale * style.point_size(sum(len(points.inputs) for points in scene.samples))

    @abstractmethod
    def set_up(self, axes: Axes) -> None:
        """Draw what stays the same."""

    @abstractmethod
    def paint(self, axes: Axes, frame: int) -> list[Artist]:
        """Draw the predictions of a frame, and return what must be removed before the next one."""

    def handles(self, axes: Axes) -> list[Artist]:
        """Return what the legend of a painted panel shows."""
        return list(axes.get_legend_handles_labels()[0])

    def add_bar(self, figure: Figure) -> None:
        """Put a scale of the colours beside the panels, where colours are numbers."""
        return


class CurvePanel(Panel):
    """Numbers, or probabilities of classes, of one input: curves through the samples."""

    def set_up(self, axes: Axes) -> None:
        scene, (x,) = self.scene, self.scene.axes
        several = len(scene.outputs) > 1
        style.dress(axes, x.name, scene.measure)
        for points in scene.samples:
            look = {**style.points(points.split), "markersize": self.size}
            if scene.classes is None:
                face = style.COLORS[points.split] if points.split == "train" else "white"
                shown = points.inputs.reshape(-1), points.truth.reshape(-1)
                axes.plot(*shown, markerfacecolor=face, label=points.label, **look)
                continue
            del look["color"]
            axes.plot([], [], color="0.3", label=points.label, **look)
            for number in np.unique(points.truth):  # a class has the colour of its curve
                color = style.PALETTE[number] if number < len(style.PALETTE) else "0.5"
                x_own = points.inputs[points.truth == number].reshape(-1)
                axes.plot(x_own, np.full(len(x_own), float(several or number == 1)), color=color, **look)
        if scene.function is not None:
            axes.plot(x.values, scene.function, color="black", linestyle="--", linewidth=1.2, label="without noise")
        axes.set(xlim=(x.values[0], x.values[-1]), ylim=scene.range)

    def paint(self, axes: Axes, frame: int) -> list[Artist]:
        several, lines = len(self.scene.outputs) > 1, []
        colors = style.PALETTE if several else style.PALETTE[1:] if self.scene.classes else style.PALETTE[3:]
        names = self.scene.outputs if several else ["prediction"]
        for name, color, dashes, y in zip(names, colors, cycle(style.DASHES), self.scene.values[frame].T, strict=False):
            look: dict[str, Any] = {"color": color, "linestyle": dashes, "linewidth": 2.5, "label": style.label(name)}
            lines += axes.plot(self.scene.axes[0].values, y, **look)
        return list(lines)


class PlanePanel(Panel):
    """Predictions of two inputs: the plane and the samples in it."""

    filled = False

    def __init__(self, scene: Scene, scale: float = SMALL) -> None:
        super().__init__(scene, scale)
        self.x, self.y = (axis.values for axis in scene.axes)

    def shade(self, truth: np.ndarray) -> Any:
        """Return the colours of samples."""

    def set_up(self, axes: Axes) -> None:
        style.dress(axes, *(axis.name for axis in self.scene.axes))
        for points in self.scene.samples:
            outlined, shades = points.split != "train", self.shade(points.truth)
            axes.scatter(
                points.inputs[:, 0],
                points.inputs[:, 1],
                s=self.size**2,
                marker=style.MARKERS[points.split],
                facecolors="white" if outlined and not self.filled else shades,
                edgecolors="white" if not outlined else "black" if self.filled else shades,
                linewidths=self.size / (8 if self.filled else 5) if outlined else 0.4,
                label=points.split,
            )
        axes.set(xlim=(self.x[0], self.x[-1]), ylim=(self.y[0], self.y[-1]))

    def handles(self, axes: Axes) -> list[Artist]:
        from matplotlib.lines import Line2D

        handles: list[Artist] = []
        for points in self.scene.samples:
            outlined = points.split != "train"
            color = "black" if outlined and self.filled else "0.6" if self.filled else "0.3"
            face = "0.6" if self.filled else "white" if outlined else "0.3"
            marker, label = style.MARKERS[points.split], points.label
            handles.append(Line2D([], [], linestyle="", marker=marker, color=color, markerfacecolor=face, label=label))
        return handles


class ClassPlane(PlanePanel):
    """Classes of two inputs: the probability of the second of two, or the region that each class wins."""

    def __init__(self, scene: Scene, scale: float = SMALL) -> None:
        super().__init__(scene, scale)
        assert scene.classes is not None
        check_few(scene.classes)
        self.graded = scene.probability is not None
        self.names = [style.label(name) for name in scene.classes]
        self.colors = style.class_colors(len(self.names))

    def shade(self, truth: np.ndarray) -> Any:
        return np.array(self.colors)[truth]

    def paint(self, axes: Axes, frame: int) -> list[Artist]:
        return self._paint_probability(axes, frame) if self.graded else self._paint_regions(axes, frame)

    def _paint_probability(self, axes: Axes, frame: int) -> list[Artist]:
        """From one class's colour over white to the other's."""
        from matplotlib.colors import LinearSegmentedColormap

        z = self.scene.predictions[frame, ..., 0].T  # a picture has its rows upwards, so y comes first
        pale = [style.pale(color) for color in self.colors]
        shades = LinearSegmentedColormap.from_list("classes", [pale[0], "white", pale[1]])
        half = axes.contour(self.x, self.y, z, [0.5], colors="black", linewidths=1.5)
        steps = np.linspace(0.0, 1.0, 11)
        return [half, axes.contourf(self.x, self.y, np.clip(z, 0.0, 1.0), steps, cmap=shades, zorder=GROUND)]

    def _paint_regions(self, axes: Axes, frame: int) -> list[Artist]:
        """The colour of the class that is predicted at each point, white lines in between."""
        from matplotlib.colors import ListedColormap

        # Not contours of the numbers: between the regions of classes 0 and 2 they would draw a band of class 1.
        z, count = self.scene.winners[frame].T, len(self.colors)
        shades = ListedColormap([style.pale(color) for color in self.colors])
        regions = axes.pcolormesh(self.x, self.y, z, cmap=shades, vmin=-0.5, vmax=count - 0.5, zorder=GROUND)
        return [
            regions,
            *(axes.contour(self.x, self.y, z == each, [0.5], colors="white", linewidths=2) for each in np.unique(z)),
        ]

    def handles(self, axes: Axes) -> list[Artist]:
        from matplotlib.patches import Patch

        patches = [Patch(color=color, label=name) for name, color in zip(self.names, self.colors, strict=True)]
        return [*patches, *super().handles(axes)]


class NumberPlane(PlanePanel):
    """One number of two inputs, in colours from the least to the greatest truth."""

    filled = True  # on a ground of many colours an outline would not show its own

    def __init__(self, scene: Scene, scale: float = SMALL) -> None:
        super().__init__(scene, scale)
        self.levels = np.linspace(*scene.range, _STEPS + 1)

    @cached_property
    def colors(self) -> ScalarMappable:
        """The colours of numbers."""
        from matplotlib.cm import ScalarMappable

        colors = ScalarMappable(cmap="viridis")
        colors.set_clim(*self.scene.range)
        return colors

    def shade(self, truth: np.ndarray) -> Any:
        return self.colors.to_rgba(truth[:, 0])

    def paint(self, axes: Axes, frame: int) -> list[Artist]:
        z = np.clip(self.scene.predictions[frame, ..., 0].T, self.levels[0], self.levels[-1])
        return [axes.contourf(self.x, self.y, z, self.levels, cmap="viridis", zorder=GROUND)]

    def add_bar(self, figure: Figure) -> None:
        name = style.label(self.scene.outputs[0])
        figure.colorbar(self.colors, ax=figure.axes, label=name, aspect=5 * figure.get_figheight())
