"""Checks of plots: the contract of `specnet.plots.base.Plot`."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from specnet.datasets.base import Samples
from specnet.errors import PlotError
from specnet.plots.base import Plot
from specnet.runs.trained.unsaved import UnsavedRun
from specnet.testing.base import Checks, Problems
from specnet.testing.comparison import overwritten
from specnet.testing.endurance import endure
from specnet.testing.examination import checker, examine_all
from specnet.testing.outcomes import Outcome
from specnet.testing.small_runs import before_training, small_runs, streamed
from specnet.testing.surroundings import attempt


@dataclass(frozen=True)
class PlotChecks(Checks[Plot]):
    """A plot of one run."""

    run: UnsavedRun
    accepted = "it shows a run, and refuses others by a PlotError"
    refusal = PlotError
    once = (
        "the_same_data_have_the_same_results",
        "it_endures_a_hundred_steps",
        "it_can_be_checked_before_training",
        "it_moves_if_it_says_so",
        "it_streams",
    )

    def accept(self) -> None:
        self.used.check(self.run)

    @cached_property
    def used(self) -> Plot:
        """A plot that all checks of this run share, because drawing takes long."""
        return self.fresh()

    @cached_property
    def drawn(self) -> tuple[Any, list[str]]:
        """A figure of the run, and the arrays that drawing it writes to."""
        figures, arrays = list[Any](), dict(_arrays(self.run))
        written = [*overwritten("draw", arrays, lambda: figures.append(self.used.draw(self.run)))]
        return figures[0], written

    @cached_property
    def picture(self) -> bytes:
        """The figure, in pixels."""
        return picture(self.drawn[0])

    @cached_property
    def streamed(self) -> Any:
        """A picture of the same samples, read a piece at a time; or the error that drawing it raises."""

        def draw() -> bytes:
            run = streamed(self.run)
            self.used.check(run)
            figure = self.used.draw(run)
            assert figure is not self.drawn[0], "draw returns the same figure twice"
            return picture(figure)

        return attempt(draw)

    def it_draws_a_figure_of_its_own(self) -> Problems:
        """`draw` returns a `matplotlib.figure.Figure` with something in it."""
        figure, _ = self.drawn
        yield from _no_figure("draw returns", figure)
        if not figure.axes:
            yield "the figure has no axes"

    def arguments_are_left_alone(self) -> Problems:
        """`draw` writes neither to data nor to history, record and parameters."""
        yield from self.drawn[1]

    def the_same_data_have_the_same_results(self) -> Problems:
        """A second drawing has the same picture: random numbers in it have a fixed seed."""
        if self.streamed != self.picture and picture(self.used.draw(self.run)) != self.picture:
            yield "the second drawing is a different picture"
        yield from self.changed_fields(self.used)

    def it_streams(self) -> Problems:
        """Samples that are read a piece at a time have the same picture, on a new figure."""
        if isinstance(self.streamed, BaseException):
            raise self.streamed
        if self.streamed != self.picture:
            yield "samples that are read a piece at a time have a different picture"

    def it_endures_a_hundred_steps(self) -> Problems:
        """A run may be checked many times: a hundred pictures would take too long."""
        yield from endure(lambda: self.used.check(self.run))

    def it_can_be_checked_before_training(self) -> Problems:
        """While the history is empty, `check` returns or raises a `PlotError`."""
        with suppress(PlotError):
            self.used.check(before_training(self.run))
        yield from ()

    def it_moves_if_it_says_so(self) -> Problems:
        """Frames are figures of one size: several if the plot `moves`, else one."""
        if type(self.used).frames is Plot.frames:
            return
        sizes: list[tuple[float, ...]] = []
        for figure in self.used.frames(self.run):
            yield from _no_figure("frames yields", figure)
            sizes.append(tuple(figure.get_size_inches().tolist()))
        if (len(sizes) > 1) != self.used.moves:
            yield f"moves is {self.used.moves}, but there are {len(sizes)} frames"
        if len({*sizes}) > 1:
            yield f"frames are of different sizes: {' and '.join(map(str, {*sizes}))}"


def _arrays(run: UnsavedRun) -> Iterator[tuple[str, np.ndarray]]:
    """Yield all arrays that a plot may read."""
    for what, named in {"history": run.history, "record": run.record, "parameter": run.params}.items():
        yield from ((f"{what} {name}", array) for name, array in named.items())
    for split, samples in run.data.splits.items():
        if isinstance(samples, Samples):
            yield f"{split} inputs", samples.inputs
            yield f"{split} targets", samples.targets


def _no_figure(what: str, figure: Any) -> Iterator[str]:
    from matplotlib.figure import Figure

    if not isinstance(figure, Figure):
        yield f"{what} {type(figure).__name__}, not a matplotlib.figure.Figure"


def picture(figure: Any) -> bytes:
    """Return a figure in a few pixels."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="rgba", dpi=30)
    return buffer.getvalue()


@checker("plots")
def check_plot(plot: Plot, runs: Mapping[str, UnsavedRun] | None = None) -> Iterator[Outcome]:
    """Check a plot of small runs; by default of some that are trained for it.

    Each run is drawn that its `check` accepts, and the picture of the first is examined.
    """
    yield from examine_all(
        [PlotChecks(plot, about, run) for about, run in (small_runs() if runs is None else runs).items()]
    )
