"""Checks of plots: the contract of `specnet.plots.base.Plot`."""

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
from specnet.testing.core import Problems, Situation, checker, examine_situations
from specnet.testing.demos import DemoRun, demo_runs
from specnet.testing.outcome import Outcome


@dataclass(frozen=True)
class PlotChecks(Situation[Plot]):
    """A plot of one run."""

    run: DemoRun
    accepted = "it shows a run, and refuses others by a PlotError"
    refusal = PlotError
    once = (
        "pyplot_and_settings_are_left_alone",
        "the_picture_is_the_same_each_time",
        "the_run_is_left_alone",
        "it_can_be_checked_before_training",
        "it_moves_if_it_says_so",
        "it_streams",
    )

    def accept(self) -> None:
        self.fresh().check(self.run)

    @cached_property
    def used(self) -> Plot:
        """A plot that all checks of this run share."""
        return self.fresh()

    @cached_property
    def drawn(self) -> tuple[Any, dict[str, list[Any]]]:
        """A figure of the run, and changes that drawing it has made elsewhere, which are undone."""
        import matplotlib

        figures, settings = _current(), dict(matplotlib.rcParams)
        arrays = dict(_arrays(self.run))
        kept = {name: array.copy() for name, array in arrays.items()}
        figure = self.used.draw(self.run)
        changed: list[Any] = [name for name, value in matplotlib.rcParams.items() if settings.get(name) != value]
        matplotlib.rcParams.update({name: settings[name] for name in changed})
        written = [name for name, array in arrays.items() if array.tobytes() != kept[name].tobytes()]
        for name in written:
            arrays[name][...] = kept[name]
        return figure, {"settings": changed, "current": [*{*_current()} - {*figures}], "arrays": written}

    @cached_property
    def picture(self) -> bytes:
        """The figure, in pixels."""
        return picture(self.drawn[0])

    def it_draws_a_figure_of_its_own(self) -> Problems:
        """`draw` returns a `matplotlib.figure.Figure` with something in it."""
        figure, _ = self.drawn
        yield from _no_figure("draw returns", figure)
        if not figure.axes:
            yield "the figure has no axes"

    def pyplot_and_settings_are_left_alone(self) -> Problems:
        """Pictures share neither a current figure nor settings."""
        _, changed = self.drawn
        if changed["current"]:
            yield "pyplot makes the figure and keeps it: use matplotlib.figure.Figure instead"
        if changed["settings"]:
            yield f"settings are changed for all pictures: {', '.join(changed['settings'][:3])}"

    def the_picture_is_the_same_each_time(self) -> Problems:
        """A second drawing is a new figure with the same picture: random numbers in it have a fixed seed."""
        second = self.used.draw(self.run)
        if second is self.drawn[0]:
            yield "draw returns the same figure twice"
        if self.picture != picture(second):
            yield "the second drawing is a different picture"

    def the_run_is_left_alone(self) -> Problems:
        """`draw` does not write to data, history, record and parameters."""
        for name in self.drawn[1]["arrays"]:
            yield f"{name} is written to"
        yield from self.changed_fields(self.used)

    def it_can_be_checked_before_training(self) -> Problems:
        """While the history is empty, `check` returns or raises a `PlotError`."""
        with suppress(PlotError):
            self.used.check(self.run.untrained())
        yield from ()

    def it_moves_if_it_says_so(self) -> Problems:
        """Frames are figures of one size: several if the plot `moves`, else one."""
        sizes: list[tuple[float, ...]] = []
        for figure in self.used.frames(self.run):
            yield from _no_figure("frames yields", figure)
            sizes.append(tuple(figure.get_size_inches().tolist()))
        if (len(sizes) > 1) != self.used.moves:
            yield f"moves is {self.used.moves}, but there are {len(sizes)} frames"
        if len({*sizes}) > 1:
            yield f"frames are of different sizes: {' and '.join(map(str, {*sizes}))}"

    def it_streams(self) -> Problems:
        """Samples that are read a piece at a time have the same picture."""
        streamed = self.run.streamed()
        self.used.check(streamed)
        if picture(self.used.draw(streamed)) != self.picture:
            yield "samples that are read a piece at a time have a different picture"


def _current() -> list[int]:
    """Return the figures that pyplot keeps, if it is imported."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    return pyplot.get_fignums() if pyplot else []


def _arrays(run: DemoRun) -> Iterator[tuple[str, np.ndarray]]:
    """Yield all arrays that a plot may read."""
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
    """Return a figure in a few pixels."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="rgba", dpi=30)
    return buffer.getvalue()


@checker("plots")
def check_plot(plot: Plot, runs: Mapping[str, DemoRun] | None = None) -> Iterator[Outcome]:
    """Check a plot of small runs; by default of some that are trained for it.

    Each run is drawn that its `check` accepts, and the picture of the first is examined.
    """
    yield from examine_situations(
        [PlotChecks(plot, about, demo) for about, demo in (demo_runs() if runs is None else runs).items()]
    )
