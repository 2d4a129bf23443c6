"""Which parts of an image or a sequence a network looks at."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.functions import is_image
from specnet.inspection.saliency import Map, looked_at_samples, occlusion, saliency
from specnet.plots import style
from specnet.plots.base import Plot, Trained
from specnet.plots.sample_panels import pictures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLUMNS = 4
"""Images side by side."""
_FEATURES = 5
"""Features of a sequence that are drawn at most."""


class Saliency(Plot):
    """The size of the gradient of the predicted class's score at each place of some held-out images or sequences.

    Half of them are wrong predictions, if there are enough. The score is the network's output, and its gradient is
    with respect to the transformed inputs. The map below each image goes from white (0) to dark (the largest gradient
    in that image). Simonyan, Vedaldi & Zisserman, "Deep inside convolutional networks", 2013.
    """

    def check(self, run: Trained) -> None:
        looked_at_samples(run, 1, candidates=1)

    def draw(self, run: Trained) -> Figure:
        return _draw_maps(run, saliency(run))


class Occlusion(Plot):
    """How far the predicted class's probability falls where a patch is covered by the mean of the training samples.

    Shows some held-out images or sequences; half of them are wrong predictions, if there are enough. Where the
    probability rises, the map is blue. Zeiler & Fergus, "Visualizing and understanding convolutional networks", 2014.
    """

    def check(self, run: Trained) -> None:
        looked_at_samples(run, 1, candidates=1)

    def draw(self, run: Trained) -> Figure:
        return _draw_maps(run, occlusion(run))


def _draw_maps(run: Trained, found: Map) -> Figure:
    """Return a picture of samples and their maps: two rows of images, or a panel for each sequence."""
    looked_at = found.looked_at
    title = f"{run.name}: {found.what}, {len(looked_at.captions)} samples of the {looked_at.split} split"
    inputs = looked_at.samples.inputs
    return _draw_images(title, found) if is_image(inputs.shape[1:]) else _draw_sequences(title, found)


def _draw_images(title: str, found: Map) -> Figure:
    looked_at, count = found.looked_at, len(found.values)
    across = min(_COLUMNS, count)
    down = math.ceil(count / across)
    figure = style.figure(title, max(5.0, 1.8 * across), 4.2 * down + 0.6)
    panels = figure.subplots(2 * down, across, squeeze=False)
    for axes in panels.flat:
        axes.set(xticks=[], yticks=[])
    for number, image in enumerate(pictures(looked_at.samples.inputs)):
        row, column = divmod(number, across)
        above, below = panels[2 * row : 2 * row + 2, column]
        above.imshow(image, cmap="gray", vmin=0.0, vmax=1.0, interpolation="nearest")
        below.imshow(found.values[number], interpolation="nearest", **_colors(found.values[number]))
        below.set_xlabel(f"up to {np.abs(found.values[number]).max():.2g}", fontsize=8)
        wrong = bool(looked_at.wrong[number])
        text = style.label(looked_at.captions[number], 16)
        above.set_title(f"✗ {text}" if wrong else text, fontsize=9, color=style.WRONG if wrong else "black")
    for axes in panels.flat:
        if not axes.images:
            axes.remove()
    return figure


def _draw_sequences(title: str, found: Map) -> Figure:
    looked_at, count = found.looked_at, len(found.values)
    figure = style.figure(title, 9, 1.3 * count + 0.8)
    panels = figure.subplots(count, 1, squeeze=False, sharex=True)[:, 0]
    for number, axes in enumerate(panels):
        x, wrong = looked_at.samples.inputs[number], bool(looked_at.wrong[number])
        low, high = float(np.nanmin(x)), float(np.nanmax(x))
        edge = 0.05 * ((high - low) or 1.0)
        box = (-0.5, len(x) - 0.5, low - edge, high + edge)
        values = found.values[number]
        axes.imshow(values[np.newaxis], aspect="auto", extent=box, alpha=0.7, **_colors(values))
        for feature, color in zip(x.T[:_FEATURES], ("black", *style.PALETTE[2:]), strict=False):
            axes.plot(feature, color=color, linewidth=1)
        text = style.label(looked_at.captions[number], 30)
        axes.set_title(f"✗ {text}" if wrong else text, fontsize=9, loc="left", color=style.WRONG if wrong else "black")
    panels[-1].set_xlabel("position")
    return figure


def _colors(values: np.ndarray) -> dict[str, Any]:
    """Return colours of numbers: dark where large; where some are negative, red above 0 and blue below."""
    most = float(np.abs(values).max()) or 1.0
    return (
        {"cmap": "RdBu_r", "vmin": -most, "vmax": most}
        if values.min() < 0
        else {"cmap": "Reds", "vmin": 0.0, "vmax": most}
    )
