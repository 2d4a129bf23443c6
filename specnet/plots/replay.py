"""How predictions became what they are: the frames of a run's record, side by side or one after the other."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from specnet.errors import PlotError
from specnet.plots import style
from specnet.plots.base import Plot, Trained
from specnet.plots.sample_panels import panel_of
from specnet.recording.scene import Scene
from specnet.recording.scenes import recorded_scene

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

PANELS = 9
"""Epochs that a `HistoryGrid` shows."""
_FRAMES = 100
"""Epochs that a `Replay` shows at most."""
_LISTED = 8
"""Entries that the legend of a `Replay` has room for."""


class HistoryGrid(Plot):
    """Predictions over one or two inputs at nine epochs: a curve, a decision boundary or a map of one number.

    The epochs are the first, the last, and seven between them whose square roots are evenly spaced, because most
    changes happen early.
    """

    def check(self, run: Trained) -> None:
        scene = recorded_scene(run)
        if not scene.axes:
            raise PlotError(
                "this plot shows predictions over a grid of one or two inputs, but the record has some samples",
                help="leave it out; replay shows one class or one number for each sample",
            )
        panel_of(scene)

    def draw(self, run: Trained) -> Figure:
        scene = recorded_scene(run)
        panel, epochs = panel_of(scene), scene.frames.epochs
        frames = frames_by_root(epochs, PANELS)
        columns = min(3, len(frames))
        rows = math.ceil(len(frames) / columns)
        figure = style.figure(f"{run.name}: epochs {epochs[0]} to {epochs[-1]}", 3 * columns, 2.9 * rows + 0.8)
        for number, frame in enumerate(frames):
            axes = figure.add_subplot(rows, columns, number + 1)
            panel.set_up(axes)
            panel.paint(axes, frame)
            axes.set_title(heading(scene, frame), fontsize=10)
            left, lowest = number % columns == 0, number + columns >= len(frames)
            axes.tick_params(labelleft=left, labelbottom=lowest)
            axes.xaxis.label.set_visible(lowest)
            axes.yaxis.label.set_visible(left)
        panel.add_bar(figure)
        handles = panel.handles(axes)
        beside = math.ceil(len(handles) / 20)
        figure.set_figwidth(3 * columns + 2.3 * beside)
        style.legend(figure, handles, place="outside right center", columns=beside)
        return figure


class Replay(Plot):
    """The recorded predictions as an animation: a curve, boundary, map, images, or predictions of some samples.

    With more than a hundred frames, it shows the first, the last, and some between them at even distances in the
    square root of the epoch. As a still picture, it is the last frame.
    """

    def check(self, run: Trained) -> None:
        panel_of(recorded_scene(run))

    def draw(self, run: Trained) -> Figure:
        scene = recorded_scene(run)
        return next(_replay(run.name, scene, [len(scene.frames.epochs) - 1]))

    def frames(self, run: Trained) -> Iterator[Figure]:
        scene = recorded_scene(run)
        return _replay(run.name, scene, frames_by_root(scene.frames.epochs, _FRAMES))


def _replay(name: str, scene: Scene, frames: Iterable[int]) -> Iterator[Figure]:
    """Yield one figure, drawn anew for each of these frames."""
    from matplotlib.lines import Line2D

    panel = panel_of(scene)
    last = scene.frames.epochs[-1]
    figure = style.figure(name, 4.8, 4.0, dpi=100)
    progress = Line2D([0, 0], [0, 0], color="0.4", linewidth=6, transform=figure.transFigure)
    figure.add_artist(progress)
    axes = figure.add_subplot()
    panel.set_up(axes)
    panel.add_bar(figure)
    drawn: list[Artist] = []
    for frame in frames:
        for artist in drawn:
            artist.remove()
        first, drawn = not drawn, panel.paint(axes, frame)
        axes.set_title(heading(scene, frame, len(str(last))), loc="left", fontsize=9)
        progress.set_xdata([0, scene.frames.epochs[frame] / max(last, 1)])
        if first:
            list_below(figure, panel.handles(axes))
            style.lay_out_figure(figure)
            figure.set_layout_engine("none")  # from here on nothing moves that is not meant to
        yield figure


def list_below(figure: Figure, handles: list[Artist]) -> None:
    """Put a legend below a small picture, in as many columns as it has room for, unless it takes too much."""
    longest = max((len(str(handle.get_label())) for handle in handles), default=0)
    if 0 < len(handles) <= _LISTED:
        columns = int(figure.get_figwidth() / (0.06 * longest + 0.5))
        style.legend(figure, handles, columns=max(1, min(columns, len(handles))), fontsize=8)


def heading(scene: Scene, frame: int, places: int = 1) -> str:
    """Return the title of a frame: its epoch, padded to at least `places` digits, and the training loss."""
    epoch, loss = scene.frames.epochs[frame], scene.frames.losses[frame]
    text = f"{epoch:\u2007>{places}}"  # filled with spaces as wide as a digit
    return f"epoch {text}, " + ("initial weights" if epoch == 0 else f"training loss {loss:#.3g}")


def frames_by_root(epochs: np.ndarray, most: int) -> np.ndarray:
    """Return the numbers of at most `most` frames, the first, the last, and others evenly in the epoch's root."""
    count = min(most, len(epochs))
    wanted = np.linspace(0.0, math.sqrt(epochs[-1]), count)
    position = np.arange(count)
    nearest = np.abs(np.sqrt(epochs) - wanted[:, np.newaxis]).argmin(axis=1)
    # Each at least one after the one before, and early enough for those that follow.
    later = np.maximum.accumulate(nearest - position) + position
    return np.minimum(later, len(epochs) - count + position)
