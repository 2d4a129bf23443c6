"""`Run`: a run directory as an object."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from specnet import registry
from specnet.component import build
from specnet.datasets.base import Data, Dataset, Samples
from specnet.errors import RunError, SpecError, SpecnetError, UsageError, suggest
from specnet.plots.base import Plot
from specnet.runs.checkpoints import find_checkpoint, read_checkpoint
from specnet.runs.experiment import build_model, load_data, pipelines
from specnet.runs.files import read_json, write_file
from specnet.runs.history import History
from specnet.spec.load import parse_spec
from specnet.spec.model import Spec
from specnet.training.model import Model


class Run:
    """A trained run: its spec, history and data, and the model of one of its checkpoints.

    `checkpoint` is "best" (by the value that the spec monitors), "latest" or a step number.

    Raises:
        RunError: if the directory is not that of a run, or cannot be trusted.
    """

    def __init__(self, directory: str | Path, checkpoint: str = "best") -> None:
        self.directory = Path(directory)
        if not (self.directory / "manifest.json").is_file():
            raise RunError(f"{self.directory} is not a run directory: it has no manifest.json")
        self.manifest = read_json(self.directory / "manifest.json")
        self.spec: Spec = self._read_spec()
        self.checkpoint = find_checkpoint(self.directory, checkpoint)
        self.progress: dict[str, Any] = {}
        self.model = self._read_model()

    def _read_spec(self) -> Spec:
        path = self.directory / "spec.json"
        try:
            spec = parse_spec(read_json(path), self.directory)
        except SpecError as error:
            error.file = str(path)
            raise self._missing_distributions() or error from None
        spec._source = path
        return spec

    def _missing_distributions(self) -> RunError | None:
        """Name what the run was made with and is no longer installed."""
        missing = {
            distribution
            for key, distribution in self.manifest.get("components", {}).items()
            for group, _, name in [key.partition(".")]
            if name not in registry.claims(group)
        }
        if not missing:
            return None
        return RunError(
            f"{self.directory} was made with {', '.join(sorted(missing))}, which is not installed",
            help=f"pip install {' '.join(name.replace(' ', '==') for name in sorted(missing))}",
        )

    def _read_model(self) -> Model:
        snapshot, layout = read_checkpoint(self.checkpoint)
        inputs, targets = pipelines(self.spec)
        try:
            self.progress = snapshot.progress
            inputs.restore(self.progress["transforms"]["inputs"])
            targets.restore(self.progress["transforms"]["targets"])
            model = build_model(self.spec, tuple(self.progress["data"]["input_shape"]), inputs, targets)
        except (KeyError, TypeError, ValueError, SpecnetError) as error:
            raise RunError(f"{self.checkpoint} does not fit the run's spec: {error}") from error
        network = model.network
        held = [(network.params.flat, snapshot.params), (network.state.flat, snapshot.state)]
        if layout != network.params.layout or any(
            own.shape != saved.shape or own.dtype != saved.dtype for own, saved in held
        ):
            raise RunError(f"{self.checkpoint} does not fit the run's spec: its arrays are not those of the layers")
        for own, saved in held:
            own[...] = saved
        return model

    @property
    def name(self) -> str:
        """The spec's name."""
        return self.spec.name

    @property
    def dataset(self) -> Dataset:
        """The dataset that the spec names."""
        return self.spec.dataset

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the class numbers, if the dataset has them."""
        return tuple(self.progress["data"]["classes"])

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the input columns, if the dataset has them."""
        return tuple(self.progress["data"]["input_names"])

    @property
    def target_names(self) -> tuple[str, ...]:
        """Names of the target columns, if the dataset has them."""
        return tuple(self.progress["data"]["target_names"])

    @property
    def best(self) -> dict[str, Any]:
        """Checkpoint, epoch, step, monitored value's name and value of the best state."""
        return read_json(self.directory / "best.json")

    @property
    def plots(self) -> list[Path]:
        """The pictures drawn so far."""
        return sorted((self.directory / "plots").glob("*.png"))

    @cached_property
    def data(self) -> Data:
        """The splits in the dataset's units, loaded when first asked for."""
        return load_data(self.spec)

    @cached_property
    def history(self) -> Mapping[str, np.ndarray]:
        """Columns of the history, `train/loss` and so on, one item per epoch."""
        return History.read(self.directory / "history.jsonl")

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Return predictions (n, ...) for raw inputs (n, ...).

        Probabilities where the loss is on logits; in the dataset's units where targets were transformed.
        """
        return self.model.predict(np.asarray(inputs))

    def evaluate(self, split: str | Samples = "test") -> dict[str, float]:
        """Return loss and metrics over one of the run's splits, or over further samples.

        Raises:
            UsageError: if the run has no such split.
        """
        if isinstance(split, Samples):
            return self.model.evaluate(split)
        if split not in self.data.splits:
            raise UsageError(f"this run has no {split} samples", help=suggest(split, self.data.splits))
        return self.model.evaluate(self.data.splits[split])

    def plot(self, plot: str | Mapping[str, Any] | Plot) -> Path:
        """Draw a plot, given as in a spec, into the run's `plots` folder and return its path.

        Raises:
            PlotError: if it cannot show this kind of problem.
        """
        built = build("plots", plot)
        assert isinstance(built, Plot)
        built.check(self.data)
        path = self.directory / "plots" / f"{built.to_spec()['type']}.png"
        path.parent.mkdir(exist_ok=True)
        figure = built.draw(self)
        write_file(path, lambda file: figure.savefig(file, format="png"))
        return path


def load_run(directory: str | Path, checkpoint: str = "best") -> Run:
    """Return the run in a directory, with the model of a checkpoint: "best", "latest" or a step number.

    Raises:
        RunError: if the directory is not that of a run, or cannot be trusted.
    """
    return Run(directory, checkpoint)
