"""Images, and what is said of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from specnet.errors import PlotError
from specnet.functions import is_image
from specnet.plots import style
from specnet.plots.base import Plot, Trained, last_split, one_prediction
from specnet.plots.classes import Answers

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN = 24
COLUMNS = 8
"""How many samples are shown, and how many of them in a row."""
WIDE, HIGH = 1.3, 1.7
"""The place of an image and its texts, in units of the image's longer side."""


class SampleImages(Plot):
    """Images with what they are, above, and what is predicted, below; wrong predictions are framed and crossed.

    Samples evenly spread over the test split if there is one, else validation, else train.
    """

    def check(self, run: Trained) -> None:
        shape = run.data.train.inputs.shape[1:]
        if not is_image(shape):
            raise PlotError(
                f"samples shows images of shape (height, width, channels) with 1, 3 or 4 channels, "
                f"here inputs have shape {shape}",
                help="leave this plot out; confusion_matrix and residuals take any inputs",
            )
        Answers(run, last_split(run.data)[1].targets[:1], one_prediction(run))

    def draw(self, run: Trained) -> Figure:
        split, samples = last_split(run.data)
        rows = np.unique(np.linspace(0, len(samples.inputs) - 1, SHOWN).astype(int))
        shown = samples.select(rows)
        answers = Answers(run, shown.targets, one_prediction(run))
        predicted, right = answers.read(run.predict(shown.inputs, shown.mask))
        title = f"{run.name}: samples of the {split} split"
        if answers.are_classes:
            title += f", {right.sum()} of {len(right)} right"
        lines = math.ceil(len(rows) / COLUMNS)
        figure = style.figure(title, COLUMNS * WIDE, lines * HIGH + 0.6)
        axes = figure.add_subplot()
        hang(axes, shown.inputs, answers.truth, COLUMNS, 9)
        caption(axes, predicted, right, COLUMNS, 9)
        return figure


def pictures(images: np.ndarray) -> np.ndarray:
    """Return images (n, height, width, channels) as they are drawn: from 0 to 1, grey ones without channels."""
    low, high = float(images.min()), float(images.max())
    scaled = (images.astype(np.float64) - low) / ((high - low) or 1.0)
    return scaled[..., 0] if images.shape[-1] == 1 else scaled


def place(number: int, columns: int) -> tuple[float, float]:
    """Return the middle of an image, left to right and downwards, in units of its longer side."""
    return (number % columns + 0.5) * WIDE, (number // columns + 0.47) * HIGH


def hang(axes: Axes, images: np.ndarray, truth: list[str], columns: int, fontsize: float) -> None:
    """Fill a panel with images, `columns` in a row, what they are above each."""
    axes.set_axisbelow(True)
    axes.set(xticks=[], yticks=[], xlabel="above an image the truth, below it the prediction; ✗ marks wrong ones")
    axes.xaxis.label.set_fontsize(fontsize + 1)
    axes.spines[:].set_visible(False)
    height, width = images.shape[1:3] / np.max(images.shape[1:3])
    for number, (image, name) in enumerate(zip(pictures(images), truth, strict=True)):
        x, y = place(number, columns)
        box = (x - width / 2, x + width / 2, y + height / 2, y - height / 2)
        axes.imshow(image, cmap="gray", vmin=0.0, vmax=1.0, extent=box)
        axes.text(x, y - 0.54, name, fontsize=fontsize, horizontalalignment="center", verticalalignment="bottom")
    axes.set(xlim=(0, columns * WIDE), ylim=(math.ceil(len(images) / columns) * HIGH, 0), aspect="equal")


def caption(axes: Axes, predicted: list[str], right: np.ndarray, columns: int, fontsize: float) -> list[Artist]:
    """Write what is predicted below each image, and frame and cross the wrong ones."""
    from matplotlib.patches import Rectangle

    drawn: list[Artist] = []
    for number, (name, fits) in enumerate(zip(predicted, right, strict=True)):
        x, y = place(number, columns)
        color, text = ("black", name) if fits else (style.WRONG, f"✗ {name}")
        drawn.append(
            axes.text(
                x,
                y + 0.56,
                text,
                color=color,
                fontsize=fontsize,
                horizontalalignment="center",
                verticalalignment="top",
            )
        )
        if not fits:
            drawn.append(
                axes.add_patch(Rectangle((x - 0.52, y - 0.52), 1.04, 1.04, fill=False, ec=color, lw=fontsize / 4))
            )
    return drawn
