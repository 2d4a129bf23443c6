"""The contract of plots, and the look they share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np

from specnet.component import Component
from specnet.datasets.base import Data, Dataset, Samples
from specnet.errors import PlotError
from specnet.task import Task

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Trained(Protocol):
    """What a plot may ask of a run."""

    @property
    def name(self) -> str:
        """The spec's name."""

    @property
    def history(self) -> Mapping[str, np.ndarray]:
        """Columns of the history, `train/loss` and so on, one item per epoch."""

    @property
    def dataset(self) -> Dataset:
        """Where the data came from; may know the noise-free function."""

    @property
    def data(self) -> Data:
        """The splits, in the dataset's units."""

    @property
    def task(self) -> Task:
        """What the network learns: numbers, or classes with their names."""

    @property
    def record(self) -> Mapping[str, np.ndarray]:
        """Arrays of `record.npz` by name; none where the spec keeps no record."""

    @property
    def params(self) -> Mapping[str, np.ndarray]:
        """Parameters by name, such as `layers.0.weight`."""

    def predict(self, inputs: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
        """Return predictions for raw inputs; `mask` is that of `Samples`."""


class Plot(Component):
    """One picture of a run.

    `draw` fills a `matplotlib.figure.Figure` with the objects of that class alone, never through pyplot, so that
    nothing is shared between pictures. matplotlib is imported inside methods: who draws nothing does not wait.
    """

    group: ClassVar[str] = "plots"
    streams: ClassVar[bool] = False
    """Whether the plot takes samples that do not fit into memory: it looks at `pieces` of them, or at none.

    One that shows nothing but the history says so too.
    """

    def check(self, run: Trained) -> None:
        """Check that this plot can show such a run; called before training, too, where the history is empty.

        Raises:
            PlotError: if it cannot.
        """
        return

    @abstractmethod
    def draw(self, run: Trained) -> Figure:
        """Return the picture of a run; of a moving one the last."""

    def frames(self, run: Trained) -> Iterator[Figure]:
        """Give one picture after the other; each may be the one before, drawn anew."""
        yield self.draw(run)

    @property
    def moves(self) -> bool:
        """Whether there is more than one picture: such a plot has `frames` of its own."""
        return type(self).frames is not Plot.frames


def check_plot(plot: Plot, run: Trained) -> None:
    """Check that a plot can show a run.

    Raises:
        PlotError: if it cannot, or not where samples are streamed.
    """
    if not plot.streams and run.data.streamed:
        raise PlotError(
            "this plot shows each sample, and they take more than the dataset's buffer",
            help="leave it out, or let the buffer be larger",
        )
    plot.check(run)


def in_memory(data: Data) -> dict[str, Samples]:
    """Return the splits, as a plot knows them that does not stream."""
    return {name: samples for name, samples in data.splits.items() if isinstance(samples, Samples)}


def last_split(data: Data) -> tuple[str, Samples]:
    """Return name and samples of the split furthest from training, as a plot knows it that does not stream."""
    return list(in_memory(data).items())[-1]


def recorded(run: Trained) -> Mapping[str, np.ndarray]:
    """Return what a run has recorded.

    Raises:
        PlotError: if that is nothing, or what older versions recorded.
    """
    if not run.record:
        raise PlotError("this plot shows what a run records, and the spec keeps no record", help='let "record" be {}')
    if not {"layers", "train/loss"} <= set(run.record):
        raise PlotError("this record is of an older version of specnet", help="train the spec again for this plot")
    return run.record


def one_prediction(run: Trained) -> np.ndarray:
    """Return what is predicted of one sample: a class or a number, (1,) or (1, 1), or some of them, (1, k).

    Raises:
        PlotError: if it has more axes than that, like a sequence.
    """
    prediction = run.predict(run.data.train.inputs[:1])
    if prediction.ndim > 2:
        raise PlotError(
            f"predictions of shape {prediction.shape[1:]} for each sample are not shown: this plot takes one class or "
            "one number",
            help="leave this plot out",
        )
    return prediction
