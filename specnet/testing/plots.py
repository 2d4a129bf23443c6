"""Checks of plots: what `specnet.plots.base.Plot` promises of every one."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from specnet.datasets.base import Samples
from specnet.errors import PlotError
from specnet.plots.base import Plot
from specnet.plots.base import check_plot as ask_plot
from specnet.testing.demos import Demo, demos
from specnet.testing.outcome import Check, Outcome, Problems, demand_of, outcomes, sift
from specnet.testing.written import changed_fields, its_JSON_describes_it_in_full

DPI = 30
"""Dots of an inch of the pictures that are compared."""


def check_plot(plot: Plot | str | dict[str, object], runs: Mapping[str, Demo] | None = None) -> None:
    """Check that a plot keeps its contract, of small runs that are trained for it.

    Runs that its `check` refuses are passed over.

    Raises:
        ConformanceError: naming every check that fails, and why.
    """
    demand_of("plots", plot, lambda built: examine_plot(built, runs))


class Drawn(NamedTuple):
    """Two figures of one run, and what drawing them has changed elsewhere."""

    first: Any
    second: Any
    settings: list[str]
    current: list[int]
    written: list[str]


@dataclass(frozen=True)
class PlotSubject:
    """A plot of one run."""

    component: Plot
    situation: str
    run: Demo

    @cached_property
    def used(self) -> Plot:
        """A plot that checks may use."""
        return self.component.model_copy(deep=True)

    @cached_property
    def drawn(self) -> Drawn:
        """What is drawn, with all that was changed put back."""
        import matplotlib

        figures, settings = _current(), dict(matplotlib.rcParams)
        arrays = dict(_arrays(self.run))
        kept = {name: array.copy() for name, array in arrays.items()}
        first, second = self.used.draw(self.run), self.used.draw(self.run)
        changed: list[Any] = [name for name, value in matplotlib.rcParams.items() if settings.get(name) != value]
        matplotlib.rcParams.update({name: settings[name] for name in changed})
        written = [name for name, array in arrays.items() if array.tobytes() != kept[name].tobytes()]
        for name in written:
            arrays[name][...] = kept[name]
        return Drawn(first, second, changed, sorted({*_current()} - {*figures}), written)

    @cached_property
    def picture(self) -> bytes:
        """The first figure, in pixels."""
        return picture(self.drawn.first)


def _current() -> list[int]:
    """The figures that pyplot keeps, if anybody has imported it."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    return pyplot.get_fignums() if pyplot else []


def _arrays(run: Demo) -> Iterator[tuple[str, np.ndarray]]:
    """Everything that a plot may read."""
    for what, named in {"history": run.history, "record": run.record, "parameter": run.params}.items():
        yield from ((f"{what} {name}", array) for name, array in named.items())
    for split, samples in run.data.splits.items():
        if isinstance(samples, Samples):
            yield f"{split} inputs", samples.inputs
            yield f"{split} targets", samples.targets


def picture(figure: Any) -> bytes:
    """Return a figure as few pixels."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="rgba", dpi=DPI)
    return buffer.getvalue()


def examine_plot(plot: Plot, runs: Mapping[str, Demo] | None = None) -> Iterator[Outcome]:
    """Give the outcome of each check of a plot; arguments as in `check_plot`."""
    tried = [PlotSubject(plot, about, run) for about, run in (demos() if runs is None else runs).items()]
    subjects, outcome = sift(
        "it shows a run, and refuses others by a PlotError",
        tried,
        lambda subject: ask_plot(plot.model_copy(deep=True), subject.run),
        PlotError,
    )
    yield outcome
    if subjects:
        yield from outcomes(FIRST, CHECKS, subjects)


def it_draws_a_figure_of_its_own(subject: PlotSubject) -> Problems:
    """Draw returns a `matplotlib.figure.Figure` with something in it, and a new one each time."""
    from matplotlib.figure import Figure

    first, second, *_ = subject.drawn
    if not isinstance(first, Figure):
        yield f"draw returns {type(first).__name__}, not a matplotlib.figure.Figure"
    elif not first.axes:
        yield "the figure has no axes"
    elif first is second:
        yield "draw returns the same figure twice"


def pyplot_and_settings_are_left_alone(subject: PlotSubject) -> Problems:
    """Nothing is shared between pictures: no current figure, no settings."""
    if subject.drawn.current:
        yield "the figure is made by pyplot, which keeps it: fill a matplotlib.figure.Figure"
    if subject.drawn.settings:
        yield f"settings are changed for all pictures: {', '.join(subject.drawn.settings[:3])}"


def the_picture_is_the_same_each_time(subject: PlotSubject) -> Problems:
    """A run has one picture: what is random in it has a seed of its own."""
    if subject.picture != picture(subject.drawn.second):
        yield "drawn twice, the picture is another"


def the_run_is_left_alone(subject: PlotSubject) -> Problems:
    """Data, history, record and parameters are read."""
    for name in subject.drawn.written:
        yield f"{name} is written to"
    yield from changed_fields(subject.component, subject.used)


def it_can_be_asked_before_training(subject: PlotSubject) -> Problems:
    """Where the history is empty yet, check says that it can show the run, or raises a `PlotError`."""
    with suppress(PlotError):
        subject.used.check(subject.run.untrained())
    yield from ()


def it_moves_if_it_says_so(subject: PlotSubject) -> Problems:
    """Frames are figures of one size: several of a plot that `moves`, one of any other."""
    from matplotlib.figure import Figure

    plot, shapes = subject.used, []
    frames: Iterator[Any] = plot.frames(subject.run)
    for figure in frames:
        if not isinstance(figure, Figure):
            yield f"frames gives {type(figure).__name__}, not a matplotlib.figure.Figure"
            return
        shapes.append(tuple(figure.get_size_inches()))
    if (len(shapes) > 1) != plot.moves:
        yield f"moves is {plot.moves}, but there are {len(shapes)} frames"
    elif len({*shapes}) > 1:
        yield f"frames are of different sizes: {shapes[0]} and {next(each for each in shapes if each != shapes[0])}"


def it_streams_if_it_says_so(subject: PlotSubject) -> Problems:
    """A plot that `streams` shows the same of samples that are read a piece at a time."""
    if subject.component.streams:
        plot, streamed = subject.used, subject.run.streamed()
        plot.check(streamed)
        if picture(plot.draw(streamed)) != subject.picture:
            yield "of samples that are read a piece at a time the picture is another"


FIRST: tuple[Check[PlotSubject], ...] = (it_draws_a_figure_of_its_own,)
CHECKS: tuple[Check[PlotSubject], ...] = (
    pyplot_and_settings_are_left_alone,
    the_picture_is_the_same_each_time,
    the_run_is_left_alone,
    it_can_be_asked_before_training,
    it_moves_if_it_says_so,
    it_streams_if_it_says_so,
    its_JSON_describes_it_in_full,
)
