"""Checks of plots: what `specnet.plots.base.Plot` promises of every one."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from specnet.datasets.base import Samples
from specnet.errors import PlotError
from specnet.plots.base import Plot
from specnet.testing.checks import Checks, Problems, checker, outcomes, sift
from specnet.testing.demos import Demo, demos
from specnet.testing.outcome import Outcome


@dataclass(frozen=True)
class PlotChecks(Checks[Plot]):
    """A plot of one run."""

    run: Demo

    @cached_property
    def used(self) -> Plot:
        """A plot that checks may use."""
        return self.fresh()

    @cached_property
    def drawn(self) -> tuple[Any, Any, dict[str, list[Any]]]:
        """Two figures of the run, and the global changes made by drawing them, which are undone."""
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
        return first, second, {"settings": changed, "current": [*{*_current()} - {*figures}], "arrays": written}

    @cached_property
    def picture(self) -> bytes:
        """The first figure, in pixels."""
        return picture(self.drawn[0])

    def it_draws_a_figure_of_its_own(self) -> Problems:
        """Draw returns a `matplotlib.figure.Figure` with something in it, and a new one each time."""
        first, second, _ = self.drawn
        yield from _no_figure("draw returns", first)
        if not first.axes:
            yield "the figure has no axes"
        if first is second:
            yield "draw returns the same figure twice"

    def pyplot_and_settings_are_left_alone(self) -> Problems:
        """Nothing is shared between pictures: no current figure, no settings."""
        *_, changed = self.drawn
        if changed["current"]:
            yield "the figure is made by pyplot, which keeps it: fill a matplotlib.figure.Figure"
        if changed["settings"]:
            yield f"settings are changed for all pictures: {', '.join(changed['settings'][:3])}"

    def the_picture_is_the_same_each_time(self) -> Problems:
        """A run has one picture: randomness in it has a fixed seed."""
        if self.picture != picture(self.drawn[1]):
            yield "drawn twice, the picture is another"

    def the_run_is_left_alone(self) -> Problems:
        """Data, history, record and parameters are not written to."""
        for name in self.drawn[2]["arrays"]:
            yield f"{name} is written to"
        yield from self.changed_fields(self.used)

    def it_can_be_asked_before_training(self) -> Problems:
        """While the history is empty, check accepts the run or raises a `PlotError`."""
        with suppress(PlotError):
            self.used.check(self.run.untrained())
        yield from ()

    def it_moves_if_it_says_so(self) -> Problems:
        """Frames are figures of one size: several of a plot that `moves`, one of any other."""
        sizes: list[tuple[float, ...]] = []
        for figure in self.used.frames(self.run):
            yield from _no_figure("frames gives", figure)
            sizes.append(tuple(figure.get_size_inches().tolist()))
        if (len(sizes) > 1) != self.used.moves:
            yield f"moves is {self.used.moves}, but there are {len(sizes)} frames"
        if len({*sizes}) > 1:
            yield f"frames are of different sizes: {' and '.join(map(str, {*sizes}))}"

    def it_streams(self) -> Problems:
        """The picture is the same if samples are read a piece at a time."""
        streamed = self.run.streamed()
        self.used.check(streamed)
        if picture(self.used.draw(streamed)) != self.picture:
            yield "if samples are read a piece at a time, the picture is another"


def _current() -> list[int]:
    """Return the figures that pyplot keeps, if it is imported."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    return pyplot.get_fignums() if pyplot else []


def _arrays(run: Demo) -> Iterator[tuple[str, np.ndarray]]:
    """Yield every array that a plot may read."""
    for what, named in {"history": run.history, "record": run.record, "parameter": run.params}.items():
        yield from ((f"{what} {name}", array) for name, array in named.items())
    for split, samples in run.data.splits.items():
        if isinstance(samples, Samples):
            yield f"{split} inputs", samples.inputs
            yield f"{split} targets", samples.targets


def _no_figure(told: str, figure: Any) -> Iterator[str]:
    from matplotlib.figure import Figure

    if not isinstance(figure, Figure):
        yield f"{told} {type(figure).__name__}, not a matplotlib.figure.Figure"


def picture(figure: Any) -> bytes:
    """Return a figure as a small image."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="rgba", dpi=30)
    return buffer.getvalue()


@checker("plots")
def check_plot(plot: Plot, runs: Mapping[str, Demo] | None = None) -> Iterator[Outcome]:
    """Check a plot on small runs, which are trained if none are given.

    Runs that its `check` refuses are skipped.
    """
    tried = [PlotChecks(plot, about, run) for about, run in (demos() if runs is None else runs).items()]
    what = "it shows a run, and refuses others by a PlotError"
    yield from outcomes((yield from sift(what, tried, lambda each: each.fresh().check(each.run), PlotError)))
