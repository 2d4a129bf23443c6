"""What a run has recorded, as a panel that is drawn anew for each frame."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np

from specnet.errors import PlotError
from specnet.functions import extremes, is_image
from specnet.plots import style
from specnet.plots.base import Trained, in_memory, one_prediction, recorded
from specnet.plots.boundary import GROUND, Plane, plane_names, scatter, split_handles
from specnet.plots.classes import (
    Answers,
    all_classes,
    check_number,
    check_scores,
    read_scores,
)
from specnet.plots.fit import draw_samples, target_name
from specnet.plots.images import caption, hang
from specnet.task import are_probabilities

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


SMALL = 0.7
"""Size of points in a small panel, in relation to the usual one."""
STEPS = 20
"""Colours of a `Relief`, from its lowest number to its highest."""


class Scene(ABC):
    """A panel of a run's record; `prediction(frame)` is what the model said at that time."""

    def __init__(self, run: Trained) -> None:
        self.run = run
        self.example = one_prediction(run)

    def prediction(self, frame: int) -> np.ndarray:
        """Return the predictions of a frame, as the run itself gives them."""
        # Recorded numbers are shorter ones; only of whole ones that matters, which are class numbers.
        return self.run.record["predictions"][frame].astype(self.example.dtype)

    @abstractmethod
    def set_up(self, axes: Axes) -> None:
        """Draw what stays the same."""

    @abstractmethod
    def paint(self, axes: Axes, frame: int) -> list[Artist]:
        """Draw what the model says in a frame, and return what is to be removed before the next one."""

    def handles(self, axes: Axes) -> list[Artist]:
        """Return what a legend shows of a panel that is drawn."""
        return list(axes.get_legend_handles_labels()[0])

    def add_bar(self, figure: Figure) -> None:
        """Put a scale of the colours beside the panels, where colours are numbers."""
        return


class Curve(Scene):
    """One number of one input: the curve through the samples."""

    def __init__(self, run: Trained) -> None:
        super().__init__(run)
        check_number(run.data, self.example)
        self.x = run.record["axis_0"]

    def set_up(self, axes: Axes) -> None:
        draw_samples(axes, self.run, self.x[:, np.newaxis], SMALL)
        low, high = with_margin(np.concatenate([split.targets for split in in_memory(self.run.data).values()]))
        # The first curves may go anywhere: the samples say what is looked at.
        axes.set(xlim=(self.x[0], self.x[-1]), ylim=(low, high))

    def paint(self, axes: Axes, frame: int) -> list[Artist]:
        y = self.prediction(frame).reshape(-1)
        return list(axes.plot(self.x, y, color=style.PALETTE[3], linewidth=2.5, label="prediction"))


class InPlane(Scene):
    """What is predicted of two inputs."""

    def __init__(self, run: Trained) -> None:
        super().__init__(run)
        self.x, self.y = run.record["axis_0"], run.record["axis_1"]

    def prediction(self, frame: int) -> np.ndarray:
        return np.swapaxes(super().prediction(frame), 0, 1)  # a picture has its rows upwards, so y comes first


class Boundary(InPlane):
    """Classes of two inputs: the plane and the samples in it."""

    def __init__(self, run: Trained) -> None:
        super().__init__(run)
        frames = range(len(run.record["predictions"]))
        self.plane = Plane(run, *(self.prediction(frame) for frame in frames))

    def set_up(self, axes: Axes) -> None:
        self.plane.dress(axes)
        self.plane.scatter(axes, SMALL)
        axes.set(xlim=(self.x[0], self.x[-1]), ylim=(self.y[0], self.y[-1]))

    def paint(self, axes: Axes, frame: int) -> list[Artist]:
        return list(self.plane.fill(axes, self.x, self.y, self.prediction(frame)))

    def handles(self, axes: Axes) -> list[Artist]:
        return self.plane.handles()


class Relief(InPlane):
    """One number of two inputs, in colours whose scale is that of the samples' targets."""

    def __init__(self, run: Trained) -> None:
        from matplotlib.cm import ScalarMappable

        super().__init__(run)
        check_number(run.data, self.example)
        low, high = extremes(split.targets.astype(np.float64) for split in in_memory(run.data).values())
        self.levels = np.linspace(low, high if high > low else low + 1.0, STEPS + 1)
        self.colors = ScalarMappable(cmap="viridis")
        self.colors.set_clim(self.levels[0], self.levels[-1])

    def set_up(self, axes: Axes) -> None:
        style.dress(axes, *plane_names(self.run.data))
        # Filled, all of them: on a ground of many colours an outline does not show its own.
        scatter(axes, self.run.data, lambda targets: self.colors.to_rgba(targets.reshape(-1)), SMALL, filled=True)
        axes.set(xlim=(self.x[0], self.x[-1]), ylim=(self.y[0], self.y[-1]))

    def paint(self, axes: Axes, frame: int) -> list[Artist]:
        # The first predictions may go anywhere: the samples say what is told apart.
        z = np.clip(self.prediction(frame).reshape(len(self.y), len(self.x)), self.levels[0], self.levels[-1])
        return [axes.contourf(self.x, self.y, z, self.levels, cmap="viridis", zorder=GROUND)]

    def handles(self, axes: Axes) -> list[Artist]:
        return split_handles(self.run.data, filled=True)

    def add_bar(self, figure: Figure) -> None:
        slim = 5 * figure.get_figheight()
        figure.colorbar(self.colors, ax=figure.axes, label=style.label(target_name(self.run.data)), aspect=slim)


class Recorded(Scene):
    """Some samples and what is predicted of them; at most `most`, evenly spread over those recorded."""

    most = 1000

    def __init__(self, run: Trained) -> None:
        super().__init__(run)
        self.split, rows = str(run.record["sample_split"]), run.record["sample_rows"]
        self.chosen = np.unique(np.linspace(0, len(rows) - 1, self.most).astype(int))
        self.inputs, self.targets, *_ = in_memory(run.data)[self.split].select(rows[self.chosen])
        self.answers = Answers(run, self.targets, self.example)

    def prediction(self, frame: int) -> np.ndarray:
        return super().prediction(frame)[self.chosen]


class Album(Recorded):
    """Images, with what they are above and what is predicted below each."""

    most = 8
    columns = 4
    fontsize = 8

    def set_up(self, axes: Axes) -> None:
        hang(axes, self.inputs, self.answers.truth, self.columns, self.fontsize)

    def paint(self, axes: Axes, frame: int) -> list[Artist]:
        return caption(axes, *self.answers.read(self.prediction(frame)), self.columns, self.fontsize)


class Verdicts(Recorded):
    """Classes of any inputs: the score that each sample's own class has, beside those of the same class."""

    def __init__(self, run: Trained) -> None:
        super().__init__(run)
        self.order = np.argsort(self.answers.numbers, kind="stable")
        scores = [read_scores(self.prediction(frame)) for frame in range(len(run.record["predictions"]))]
        check_scores(all_classes(run.data), scores[0])
        self.scores = np.stack([each[self.order, self.answers.numbers[self.order]] for each in scores])
        self.what = "probability" if are_probabilities(scores[0]) else "score"

    def set_up(self, axes: Axes) -> None:
        style.dress(axes, f"{self.split} samples, by class", f"{self.what} of the truth")
        axes.set(xticks=[], ylim=(-0.03, 1.03) if self.what == "probability" else with_margin(self.scores))
        for begin in np.flatnonzero(np.diff(self.answers.numbers[self.order])) + 1:
            axes.axvline(begin - 0.5, color="0.8", linewidth=0.8)

    def paint(self, axes: Axes, frame: int) -> list[Artist]:
        right = self.answers.read(self.prediction(frame))[1][self.order]
        x, y = np.arange(len(right)), self.scores[frame]
        size = style.point_size(len(right))
        return [
            *axes.plot(x[right], y[right], "o", color=style.PALETTE[0], markersize=size, label="right"),
            *axes.plot(x[~right], y[~right], "x", color=style.WRONG, markersize=size, label="wrong"),
        ]


class Numbers(Recorded):
    """One number of any inputs: what is predicted over what is true."""

    def set_up(self, axes: Axes) -> None:
        name = target_name(self.run.data)
        style.dress(axes, f"true {name}, {self.split} split", f"predicted {name}")
        limits = with_margin(self.targets)
        axes.plot(limits, limits, color="0.5", linestyle=":", linewidth=1.2, label="truth")
        axes.set(xlim=limits, ylim=limits)

    def paint(self, axes: Axes, frame: int) -> list[Artist]:
        return list(
            axes.plot(
                self.targets.reshape(-1),
                self.prediction(frame).reshape(-1),
                linestyle="",
                marker=style.MARKERS[self.split],
                markersize=style.point_size(len(self.targets)),
                color=style.COLORS[self.split],
                alpha=0.6,
                label="prediction",
            )
        )


def grid_scene(run: Trained) -> Curve | Boundary | Relief:
    """Return the scene of a record over a grid of inputs.

    Raises:
        PlotError: if that cannot be shown, or the record has no grid.
    """
    record = recorded(run)
    if "axis_0" not in record:
        raise PlotError(
            "this plot shows predictions over a grid of one or two inputs, the record has those of some samples",
            help="leave it out; replay shows one class or one number for each sample",
        )
    if "axis_1" not in record:
        return Curve(run)
    return Boundary(run) if run.task.only.has_classes else Relief(run)


def any_scene(run: Trained) -> Scene:
    """Return the scene of a record.

    Raises:
        PlotError: if it cannot be shown.
    """
    if "axis_0" in recorded(run):
        return grid_scene(run)
    if is_image(run.data.train.inputs.shape[1:]):
        return Album(run)
    numbers = Numbers(run)
    return Verdicts(run) if numbers.answers.are_classes else numbers


def with_margin(values: np.ndarray) -> tuple[float, float]:
    """Return limits a little beyond the least and the greatest of some values."""
    low, high = float(values.min()), float(values.max())
    margin = 0.15 * (high - low or 1.0)
    return low - margin, high + margin
