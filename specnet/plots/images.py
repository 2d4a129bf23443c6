"""Images, and what is predicted for them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from specnet.datasets.base import Samples
from specnet.errors import PlotError
from specnet.functions import evenly_spaced, is_image
from specnet.plots import style
from specnet.plots.base import SplitPlot, Trained
from specnet.plots.requirements import check_number, one_prediction
from specnet.recording.scenes import IMAGES, Scene, sample_scene
from specnet.task import are_probabilities, class_scores

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 8
"""Samples in a row."""
WIDE, HIGH = 1.3, 1.7
"""The place of an image and its texts, in units of the image's longer side."""
LONGEST = 13
"""Letters of a class's name beside a sample."""


class SampleImages(SplitPlot):
    """Images with what they are, above, and what is predicted, below; wrong predictions are framed and crossed.

    Samples evenly spread over the test split if there is one, else validation, else train.
    """

    most_samples = IMAGES

    def check(self, run: Trained) -> None:
        shape = run.data.train.inputs.shape[1:]
        if not is_image(shape):
            raise PlotError(
                f"samples shows images of shape (height, width, channels) with 1, 3 or 4 channels, "
                f"here inputs have shape {shape}",
                help="leave this plot out; confusion_matrix and residuals take any inputs",
            )
        if not run.task.only.has_classes:
            check_number(run)
        one_prediction(run)

    def reset(self) -> None:
        self.batches: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def update(self, prediction: np.ndarray, target: np.ndarray, inputs: np.ndarray) -> None:
        self.batches.append((inputs, target, prediction))

    def picture(self, run: Trained, shown: str) -> Figure:
        inputs, targets, predictions = (np.concatenate(parts) for parts in zip(*self.batches, strict=True))
        scene = sample_scene(run, run.data.last_split[0], Samples(inputs, targets), predictions[np.newaxis])
        predicted, right = captions(scene, 0, len(inputs))
        title = f"{run.name}: {shown}" if " of " in shown else f"{run.name}: samples of the {shown}"
        if scene.classes is not None:
            title += f", {right.sum()} of {len(right)} right"
        lines = math.ceil(len(inputs) / COLUMNS)
        figure = style.figure(title, COLUMNS * WIDE, lines * HIGH + 0.6)
        axes = figure.add_subplot()
        hang(axes, scene, len(inputs), COLUMNS, 9)
        caption(axes, predicted, right, COLUMNS, 9)
        return figure


def captions(scene: Scene, frame: int, most: int) -> tuple[list[str], np.ndarray]:
    """Return predictions of at most `most` samples as text, with their probability if known, and which are right.

    Of numbers none is wrong.
    """
    shown = evenly_spaced(len(scene.samples[0].truth), most)
    predictions = scene.predictions[frame, shown]
    if scene.classes is None:
        return [f"{number:.4g}" for number in predictions[:, 0]], np.ones(len(shown), bool)
    winners = scene.winners[frame, shown]
    texts = [style.label(scene.classes[number], LONGEST) for number in winners]
    if scene.has_scores and are_probabilities(scores := class_scores(predictions)):
        texts = [f"{text}\n{share:.0%}" for text, share in zip(texts, scores.max(axis=1), strict=True)]
    return texts, winners == scene.samples[0].truth[shown]


def pictures(images: np.ndarray) -> np.ndarray:
    """Return images (n, height, width, channels) as they are drawn: from 0 to 1, grey ones without channels."""
    low, high = float(images.min()), float(images.max())
    scaled = (images.astype(np.float64) - low) / ((high - low) or 1.0)
    return scaled[..., 0] if images.shape[-1] == 1 else scaled


def place(number: int, columns: int) -> tuple[float, float]:
    """Return the middle of an image, left to right and downwards, in units of its longer side."""
    return (number % columns + 0.5) * WIDE, (number // columns + 0.47) * HIGH


def hang(axes: Axes, scene: Scene, most: int, columns: int, fontsize: float) -> None:
    """Fill a panel with at most `most` images, `columns` in a row, and their truth above each."""
    (points,) = scene.samples
    shown = evenly_spaced(len(points.truth), most)
    images, truth = points.inputs[shown], points.truth[shown]
    if scene.classes is None:
        names = [f"{number:.4g}" for number in truth[:, 0]]
    else:
        names = [style.label(scene.classes[number], LONGEST) for number in truth]
    axes.set_axisbelow(True)
    axes.set(xticks=[], yticks=[], xlabel="above an image the truth, below it the prediction; ✗ marks wrong ones")
    axes.xaxis.label.set_fontsize(fontsize + 1)
    axes.spines[:].set_visible(False)
    height, width = images.shape[1:3] / np.max(images.shape[1:3])
    for number, (image, name) in enumerate(zip(pictures(images), names, strict=True)):
        x, y = place(number, columns)
        box = (x - width / 2, x + width / 2, y + height / 2, y - height / 2)
        axes.imshow(image, cmap="gray", vmin=0.0, vmax=1.0, extent=box)
        axes.text(x, y - 0.54, name, fontsize=fontsize, ha="center", va="bottom")
    axes.set(xlim=(0, columns * WIDE), ylim=(math.ceil(len(images) / columns) * HIGH, 0), aspect="equal")


def caption(axes: Axes, predicted: list[str], right: np.ndarray, columns: int, fontsize: float) -> list[Artist]:
    """Write what is predicted below each image, and frame and cross the wrong ones."""
    from matplotlib.patches import Rectangle

    drawn: list[Artist] = []
    for number, (name, fits) in enumerate(zip(predicted, right, strict=True)):
        x, y = place(number, columns)
        color, text = ("black", name) if fits else (style.WRONG, f"✗ {name}")
        drawn.append(axes.text(x, y + 0.56, text, color=color, fontsize=fontsize, ha="center", va="top"))
        if not fits:
            frame = Rectangle((x - 0.52, y - 0.52), 1.04, 1.04, fill=False, ec=color, lw=fontsize / 4)
            drawn.append(axes.add_patch(frame))
    return drawn
