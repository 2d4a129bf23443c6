"""Scenes of samples in panels of a figure: images, classes and numbers; and the panel of any scene."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from specnet.errors import PlotError
from specnet.functions import evenly_spaced, with_channels
from specnet.plots import style
from specnet.plots.panels import SMALL, ClassPlane, CurvePanel, NumberPlane, Panel
from specnet.recording.scene import Scene
from specnet.task import are_probabilities, class_scores

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

WIDE, HIGH = 1.3, 1.7
"""Space for an image and its texts, relative to the image's longer side."""
LONGEST = 13
"""Characters of a class's name beside a sample."""


class AlbumPanel(Panel):
    """At most `most` images, `columns` in a row, with their truth above and their prediction below each."""

    most, columns, fontsize = 8, 4, 8

    def __init__(self, scene: Scene, scale: float = SMALL) -> None:
        super().__init__(scene, scale)
        (self.points,) = scene.samples
        self.shown = evenly_spaced(len(self.points.truth), self.most)

    def set_up(self, axes: Axes) -> None:
        axes.set_axisbelow(True)
        axes.set(xticks=[], yticks=[], xlabel="above an image the truth, below it the prediction; ✗ marks wrong ones")
        axes.xaxis.label.set_fontsize(self.fontsize + 1)
        axes.spines[:].set_visible(False)
        images = self.points.inputs[self.shown]
        height, width = images.shape[1:3] / np.max(images.shape[1:3])
        names = self.names(self.points.truth[self.shown])
        for number, (image, name) in enumerate(zip(pictures(images), names, strict=True)):
            x, y = self.place(number)
            box = (x - width / 2, x + width / 2, y + height / 2, y - height / 2)
            axes.imshow(image, cmap="gray", vmin=0.0, vmax=1.0, extent=box)
            axes.text(x, y - 0.54, name, fontsize=self.fontsize, ha="center", va="bottom")
        rows = math.ceil(len(images) / self.columns)
        axes.set(xlim=(0, self.columns * WIDE), ylim=(rows * HIGH, 0), aspect="equal")

    def paint(self, axes: Axes, frame: int) -> list[Artist]:
        """Write the prediction below each image, and frame and cross the wrong ones."""
        from matplotlib.patches import Rectangle

        drawn: list[Artist] = []
        for number, (name, fits) in enumerate(zip(self.captions(frame), self.right(frame), strict=True)):
            x, y = self.place(number)
            color, text = ("black", name) if fits else (style.WRONG, f"✗ {name}")
            drawn.append(axes.text(x, y + 0.56, text, color=color, fontsize=self.fontsize, ha="center", va="top"))
            if not fits:
                frame_box = Rectangle((x - 0.52, y - 0.52), 1.04, 1.04, fill=False, ec=color, lw=self.fontsize / 4)
                drawn.append(axes.add_patch(frame_box))
        return drawn

    def place(self, number: int) -> tuple[float, float]:
        """Return the middle of an image, rightwards and downwards, relative to its longer side."""
        return (number % self.columns + 0.5) * WIDE, (number // self.columns + 0.47) * HIGH

    def names(self, values: np.ndarray) -> list[str]:
        """Return class numbers (n,) or numbers (n, 1) as text."""
        if self.scene.classes is None:
            return [f"{number:.4g}" for number in values[:, 0]]
        return [style.label(self.scene.classes[number], LONGEST) for number in values]

    def right(self, frame: int) -> np.ndarray:
        """Return which of the shown predictions are right; of numbers none is wrong."""
        if self.scene.classes is None:
            return np.ones(len(self.shown), bool)
        return self.scene.winners[frame, self.shown] == self.points.truth[self.shown]

    def captions(self, frame: int) -> list[str]:
        """Return the shown predictions as text, with their probability if it is known."""
        predictions = self.scene.predictions[frame, self.shown]
        if self.scene.classes is None:
            return self.names(predictions)
        texts = self.names(self.scene.winners[frame, self.shown])
        if self.scene.has_scores and are_probabilities(scores := class_scores(predictions)):
            texts = [f"{text}\n{share:.0%}" for text, share in zip(texts, scores.max(axis=1), strict=True)]
        return texts


def pictures(images: np.ndarray) -> np.ndarray:
    """Return images (n, height, width[, channels]) as they are drawn: from 0 to 1, grey ones without channels."""
    low, high = float(images.min()), float(images.max())
    scaled = (images.astype(np.float64) - low) / ((high - low) or 1.0)
    scaled = with_channels(scaled)
    return scaled[..., 0] if scaled.shape[-1] == 1 else scaled


class RestoredPanel(Panel):
    """At most eight images that are to be predicted, and the prediction below each, in one scale."""

    most = 8

    def __init__(self, scene: Scene, scale: float = SMALL) -> None:
        super().__init__(scene, scale)
        (self.points,) = scene.samples
        self.shown = evenly_spaced(len(self.points.truth), self.most)

    def set_up(self, axes: Axes) -> None:
        axes.set(xticks=[], yticks=[], xlabel=f"images of {self.points.label}, below each its prediction")
        axes.spines[:].set_visible(False)
        self.draw_row(axes, self.points.truth[self.shown], 0)
        axes.set(xlim=(0, 1.1 * len(self.shown)), ylim=(2.2, 0), aspect="equal")

    def paint(self, axes: Axes, frame: int) -> list[Artist]:
        truth = self.points.truth
        return self.draw_row(axes, np.clip(self.scene.predictions[frame, self.shown], truth.min(), truth.max()), 1)

    def draw_row(self, axes: Axes, images: np.ndarray, row: int) -> list[Artist]:
        """Draw images beside each other, from the least to the greatest number of all that are to be predicted."""
        low, high = float(self.points.truth.min()), float(self.points.truth.max())
        height, width = images.shape[1:3] / np.max(images.shape[1:3])
        drawn: list[Artist] = []
        for number, image in enumerate(with_channels((images - low) / ((high - low) or 1.0))):
            box = (1.1 * number, 1.1 * number + width, 1.1 * row + height, 1.1 * row)
            grey = image[..., 0] if image.shape[-1] == 1 else image
            drawn.append(axes.imshow(grey, cmap="gray", vmin=0.0, vmax=1.0, extent=box))
        return drawn


class VerdictPanel(Panel):
    """Classes of any inputs: the score that each sample's own class has, beside those of the same class."""

    def __init__(self, scene: Scene, scale: float = SMALL) -> None:
        super().__init__(scene, scale)
        (self.points,) = scene.samples
        self.order = np.argsort(self.points.truth, kind="stable")
        self.scores, self.right = scene.scores[:, self.order], (scene.winners == self.points.truth)[:, self.order]

    def set_up(self, axes: Axes) -> None:
        style.dress(axes, f"samples of {self.points.label}, by class", self.scene.measure)
        axes.set(xticks=[], ylim=self.scene.range)
        for begin in np.flatnonzero(np.diff(self.points.truth[self.order])) + 1:
            axes.axvline(begin - 0.5, color="0.8", linewidth=0.8)

    def paint(self, axes: Axes, frame: int) -> list[Artist]:
        right = self.right[frame]
        x, y, size = np.arange(len(right)), self.scores[frame], style.point_size(len(right))
        return [
            *axes.plot(x[right], y[right], "o", color=style.PALETTE[0], markersize=size, label="right"),
            *axes.plot(x[~right], y[~right], "x", color=style.WRONG, markersize=size, label="wrong"),
        ]


class NumberPanel(Panel):
    """One number of any inputs: the prediction over the truth."""

    def set_up(self, axes: Axes) -> None:
        (points,), (name,), limits = self.scene.samples, self.scene.outputs, self.scene.range
        style.dress(axes, f"true {name}, {points.label} split", f"predicted {name}")
        axes.plot(limits, limits, color="0.5", linestyle=":", linewidth=1.2, label="truth")
        axes.set(xlim=limits, ylim=limits)

    def paint(self, axes: Axes, frame: int) -> list[Artist]:
        (points,) = self.scene.samples
        look = {**style.points(points.split), "markersize": style.point_size(len(points.truth))}
        return list(axes.plot(points.truth[:, 0], self.scene.predictions[frame, :, 0], label="prediction", **look))


def panel_of(scene: Scene) -> Panel:
    """Return the panel of a scene, or raise a PlotError if it has several numbers a sample, or too many classes."""
    if scene.classes is None and scene.predictions.shape[-1] > 1 and scene.kind != "restored":
        raise PlotError(
            f"this plot shows one number for each sample, but there are {scene.predictions.shape[-1]}",
            help="leave this plot out",
        )
    kinds: dict[str, Callable[[Scene], Panel]] = {
        "plane": ClassPlane if scene.classes else NumberPlane,
        "curve": CurvePanel,
        "images": AlbumPanel,
        "restored": RestoredPanel,
        "verdicts": VerdictPanel,
        "numbers": NumberPanel,
    }
    return kinds[scene.kind](scene)
