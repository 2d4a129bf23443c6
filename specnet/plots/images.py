"""Images, and what is predicted for them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from specnet.datasets.base import Samples
from specnet.errors import PlotError
from specnet.functions import is_image
from specnet.plots import style
from specnet.plots.base import SplitPlot, Trained
from specnet.plots.requirements import check_number, one_prediction
from specnet.plots.sample_panels import HIGH, WIDE, AlbumPanel
from specnet.recording.scenes import IMAGES, sample_scene

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class LargeAlbumPanel(AlbumPanel):
    """An album that fills a figure of its own."""

    most, columns, fontsize = IMAGES, 8, 9


class SampleImages(SplitPlot):
    """Images with the truth above and the prediction below; wrong predictions are framed and crossed.

    Samples evenly spread over the test split if there is one, else validation, else train.
    """

    most_samples = IMAGES

    def check(self, run: Trained) -> None:
        shape = run.data.train.inputs.shape[1:]
        if not is_image(shape):
            raise PlotError(
                f"samples shows images of shape (height, width[, channels]) with 1, 3 or 4 channels, "
                f"but inputs have shape {shape}",
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
        panel = LargeAlbumPanel(scene)
        title = f"{run.name}: {shown}" if " of " in shown else f"{run.name}: samples of the {shown}"
        if scene.classes is not None:
            title += f", {panel.right(0).sum()} of {len(inputs)} correct"
        rows = math.ceil(len(inputs) / panel.columns)
        figure = style.figure(title, panel.columns * WIDE, rows * HIGH + 0.6)
        axes = figure.add_subplot()
        panel.set_up(axes)
        panel.paint(axes, 0)
        return figure
