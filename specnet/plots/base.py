"""The contract of plots, and the look they share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from specnet.component import Component
from specnet.datasets.base import Data, Dataset
from specnet.functions import evenly_spaced
from specnet.layers.base import Layer
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
        """The dataset; it may know the noise-free function."""

    @property
    def data(self) -> Data:
        """The splits, in the dataset's units."""

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the input columns, if the dataset has them."""

    @property
    def transformed_names(self) -> tuple[str, ...]:
        """Names of the columns that the network gets, after transforms; empty if unknown."""

    @property
    def task(self) -> Task:
        """What the network learns: numbers, or classes with their names."""

    @property
    def record(self) -> Mapping[str, np.ndarray]:
        """Arrays of `record.npz` by name; empty if the spec has no record."""

    @property
    def params(self) -> Mapping[str, np.ndarray]:
        """Parameters by name, such as `layers.0.weight`."""

    @property
    def layers(self) -> Sequence[Layer]:
        """The layers of the network, built: each has the shapes of its inputs and outputs."""

    def look_inside(
        self, inputs: np.ndarray, wanted: Mapping[str, str], mask: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        """Return an attribute of some layers, by name of layer, after a forward pass for raw inputs.

        `wanted` are attributes by names of layers, such as `{"layers.2": "p"}`; "y" are outputs.
        """

    def predict(self, inputs: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
        """Return predictions for raw inputs; `mask` is that of `Samples`."""

    def evaluate(self, data: Any) -> dict[str, float]:
        """Return loss and metrics on raw `Samples`."""

    def input_gradient(self, inputs: np.ndarray, outputs: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
        """Return the gradient of output `outputs[i]` of each sample i with respect to the transformed inputs."""


class Plot(Component):
    """One picture of a run.

    `draw` returns a `matplotlib.figure.Figure` that is made without pyplot, so pictures share no state. Methods import
    matplotlib themselves, because validating a spec does not need it. `samples.pieces()` reads samples a piece at a
    time. A picture of one split is easier as a `SplitPlot`.
    """

    group: ClassVar[str] = "plots"

    def check(self, run: Trained) -> None:
        """Check that this plot can show a run; also called before training, when the history is empty.

        Raises:
            PlotError: if it cannot.
        """
        return

    @abstractmethod
    def draw(self, run: Trained) -> Figure:
        """Return the picture of a run; for an animated plot, the last one."""

    def frames(self, run: Trained) -> Iterator[Figure]:
        """Yield one picture after the other; each may be the previous figure, drawn anew."""
        yield self.draw(run)

    @property
    def moves(self) -> bool:
        """Whether there are several pictures: the plot overrides `frames`."""
        return type(self).frames is not Plot.frames


class SplitPlot(Plot):
    """A picture of one split of a run: of the test split if there is one, else of validation, else of train.

    It is fed like a metric, so that samples need not fit into memory: `reset()`, then `update(prediction, target,
    inputs)` with one batch after the other, then `picture(run, shown)`. If `most_samples` is a number, only that many
    are shown of a larger split, evenly spaced from the first to the last; `shown` says which, for the title.
    """

    most_samples: ClassVar[int | None] = None

    @abstractmethod
    def reset(self) -> None:
        """Forget all samples."""

    @abstractmethod
    def update(self, prediction: np.ndarray, target: np.ndarray, inputs: np.ndarray) -> None:
        """Take predictions (n, ...), and targets (n, ...) and inputs (n, ...) of the dataset, into account.

        Raises:
            PlotError: if they cannot be shown.
        """

    @abstractmethod
    def picture(self, run: Trained, shown: str) -> Figure:
        """Return the picture of all samples since the last reset, such as "test split"."""

    def draw(self, run: Trained) -> Figure:
        split, samples = run.data.last_split
        total, shown = len(samples.inputs), f"{split} split"
        if self.most_samples is not None and total > self.most_samples:
            samples = samples.select(evenly_spaced(total, self.most_samples))
            shown = f"{self.most_samples:,} of {total:,} samples of the {shown}"
        self.reset()
        for piece in samples.pieces():
            self.update(run.predict(piece.inputs, piece.mask), piece.targets, piece.inputs)
        return self.picture(run, shown)
