"""`Spec`: the content of one JSON file."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, NonNegativeFloat, PositiveInt, PrivateAttr

from specnet.component import Section
from specnet.datasets.base import Dataset
from specnet.datasets.split import Split
from specnet.errors import Diagnostic
from specnet.improvement import Mode
from specnet.kernels.base import DEFAULT, KernelSet, find_kernels
from specnet.layers.base import Layer
from specnet.losses.base import Loss
from specnet.metrics.base import Metric
from specnet.optimizers.base import Optimizer
from specnet.plots.base import Plot
from specnet.spec.document import Document
from specnet.spec.pretrained import Pretrained
from specnet.training.settings import Training
from specnet.transforms.pipeline import Transforms


class Checkpoint(Section):
    """When the state of a run is saved, and which states are kept."""

    every: PositiveInt | None = Field(
        default=None, description="epochs between checkpoints; null: ten in a run, or none if every_steps is given"
    )
    every_steps: PositiveInt | None = Field(default=None, description="steps between checkpoints, also within epochs")
    keep: PositiveInt = Field(
        default=3, description="number of newest checkpoints to keep, besides the first and the best"
    )
    monitor: str | None = Field(
        default=None,
        description="value that determines the best; null: that of early stopping, else validation/loss, and none "
        "without validation: the last state is then used",
    )
    mode: Mode | None = Field(default=None, description="which values are better; null: by the kind of value")


class Record(Section):
    """What a run records for its replay.

    Each frame has predictions, over a grid of one or two inputs or else of some samples, norms of weights, gradients
    and steps of each layer, and the share of dead or saturated units.
    """

    every: PositiveInt | None = Field(
        default=None,
        description="epochs between frames; null: increasing, a tenth of those before, with only as many frames "
        "as cost little time",
    )
    points: Annotated[int, Field(ge=2, le=1000)] | None = Field(
        default=None, description="grid points along each input; null: 200 for one input, 80 for two"
    )
    margin: NonNegativeFloat | None = Field(
        default=None,
        description="margin of the grid around the data, in units of the input; null: a tenth of its range",
    )
    samples: PositiveInt = Field(
        default=200, description="samples whose predictions are recorded if there are more than two inputs"
    )
    units: bool = Field(default=False, description="whether to record the response of each hidden unit")
    curvature: bool = Field(
        default=False,
        description="whether to record the largest curvatures of the training loss and, of small networks, all "
        "parameters; each frame then takes as long as training on some thousands of samples",
    )
    tokens: Annotated[int, Field(ge=0, le=10_000)] = Field(
        default=0, description="characters, bytes or words that a network of a text writes in each frame"
    )
    budget: PositiveInt = Field(
        default=8_000_000,
        description="maximum bytes of the frames, before compression; if exceeded, some are dropped, "
        "fewer among the earlier ones",
    )


_Seed = Annotated[int, Field(ge=0, lt=2**63)]


class Seeds(Section):
    """Seeds of parts of a run. Where one is null, it is the seed of the spec; "split" has its own."""

    start: _Seed | None = Field(default=None, description="determines initial weights")
    order: _Seed | None = Field(
        default=None,
        description="determines the order of samples and other random numbers in training, such as those of dropout",
    )
    data: _Seed | None = Field(default=None, description="determines the samples of a synthetic dataset")


class Spec(Section):
    """A whole run: dataset, layers, loss and schedule. Only the first three are required."""

    model_config = ConfigDict(title="specnet spec")
    further_keys = ("extends",)

    schema_: str | None = Field(default=None, alias="$schema", exclude=True, description="JSON Schema for editors")
    name: str = Field(
        default="run",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        max_length=100,
        description="name of the run's directory; by default the spec file's name",
    )
    description: str = Field(default="", description="purpose of the spec, in a sentence")
    seed: int = Field(default=0, ge=0, lt=2**63, description="seed of every random number of the run")
    seeds: Seeds = Field(default_factory=Seeds, description="separate seeds for parts of the run")
    dtype: Literal["float32", "float64"] = Field(default="float32", description="precision of the network")
    dataset: Dataset = Field(description="source of the samples")
    split: Split = Field(default_factory=Split, description="shares set aside for validation and test")
    transforms: Transforms = Field(default_factory=Transforms, description="changes of samples before the network")
    layers: list[Layer] = Field(min_length=1, max_length=1000, description="the network, from inputs to outputs")
    pretrained: Pretrained | None = Field(default=None, description="initial weights; null: those of the initializers")
    loss: Loss = Field(description="number that training minimizes")
    optimizer: Optimizer = Field(default="adam", description="update rule")  # type: ignore[assignment]
    metrics: list[Metric] = Field(default=[], max_length=100, description="numbers to report")
    training: Training = Field(default_factory=Training, description="length and batches of training")
    checkpoint: Checkpoint = Field(default_factory=Checkpoint, description="when the state is saved")
    record: Record | None = Field(default_factory=Record, description="data to record for a replay; null: none")
    plots: list[Plot] = Field(default=["curves"], max_length=100, description="pictures to draw at the end")  # type: ignore[list-item]

    _document: Document | None = PrivateAttr(None)
    _warnings: list[Diagnostic] = PrivateAttr([])
    _memory_budget: float = PrivateAttr(math.inf)
    _kernels: str = PrivateAttr(DEFAULT)

    def loaded(self, document: Document, memory_budget: float = math.inf, warnings: Sequence[Diagnostic] = ()) -> Self:
        """Set the document the spec was loaded from, the memory budget in bytes, and warnings."""
        self._document, self._memory_budget, self._warnings = document, memory_budget, list(warnings)
        return self

    def __repr__(self) -> str:
        parts = [self.dataset, *self.layers, self.loss, self.optimizer]
        dataset, *layers, loss, optimizer = (type(part).__repr_name__(part) for part in parts)
        shown = ", ".join(layers if len(layers) <= 12 else [*layers[:5], f"… {len(layers) - 10} more", *layers[-5:]])
        return f"Spec({self.name!r}: {dataset}, [{shown}], {loss}, {optimizer}, {self.training.epochs:,} epochs)"

    @property
    def source(self) -> str | None:
        """The file the spec was loaded from."""
        return self._document.name if self._document else None

    @property
    def warnings(self) -> list[Diagnostic]:
        """Warnings: what is allowed but probably not intended."""
        return self._warnings

    @property
    def memory_budget(self) -> float:
        """The bytes that training may take."""
        return self._memory_budget

    @property
    def kernels(self) -> type[KernelSet]:
        """The set of kernels to compute with; not part of the JSON, as it belongs to the machine.

        Raises:
            ComponentError: if it cannot be used.
        """
        return find_kernels(self._kernels)

    @property
    def kernels_name(self) -> str:
        """The name of the set of kernels."""
        return self._kernels

    def with_kernels(self, name: str) -> Self:
        """Return the spec with another set of kernels.

        Raises:
            ComponentError: if there is no such set, or it cannot be used.
        """
        spec = self.model_copy()
        spec._kernels = name
        _ = spec.kernels
        return spec

    def seed_of(self, part: str) -> int:
        """Return the seed of a part of the run: "start", "order" and "data" as in `Seeds`, or "split"."""
        own: int | None = self.split.seed if part == "split" else getattr(self.seeds, part)
        return self.seed if own is None else own

    def locate(self, found: Diagnostic) -> Diagnostic:
        """Return a diagnostic with its place in the text that the spec was loaded from."""
        return self._document.locate(found) if self._document and found.pointer else found

    def to_json(self) -> dict[str, Any]:
        """Return the resolved spec as a JSON value: every default written out, every path absolute.

        The path of the JSON Schema is left out: it would be wrong in a run's directory.
        """
        return self.model_dump(mode="json", by_alias=True)

    def digest(self) -> str:
        """Return the SHA-256 of the resolved spec, key order aside, in hexadecimal."""
        return json_digest(self.to_json())


def json_digest(document: Any) -> str:
    """Return the SHA-256 of a JSON value, key order aside, in hexadecimal."""
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
