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
from specnet.errors import DataError, RunError, SpecError, SpecnetError, UsageError, suggest
from specnet.plots.base import Plot
from specnet.runs.checkpoints import find_checkpoint, read_checkpoint
from specnet.runs.experiment import build_model, load_data, pipelines
from specnet.runs.files import read_json, write_file
from specnet.runs.history import History
from specnet.runs.manifest import data_digest
from specnet.spec.load import parse_spec
from specnet.spec.model import Spec, json_digest
from specnet.training.model import Model


class Run:
    """A trained run: its spec, history and data, and the model of one of its checkpoints.

    `checkpoint` is "best" (by the value that the spec monitors), "latest" or a step number.

    Raises:
        RunError: if the directory is not that of a run, or cannot be trusted.
    """

    def __init__(self, directory: str | Path, checkpoint: str | int = "best") -> None:
        self.directory = Path(directory)
        if not (self.directory / "manifest.json").is_file():
            raise RunError(f"{self.directory} is not a run directory: it has no manifest.json")
        self.manifest = read_json(self.directory / "manifest.json")
        self.spec: Spec = self._read_spec()
        self.checkpoint = find_checkpoint(self.directory, str(checkpoint))
        self.progress: dict[str, Any] = {}
        self.model = self._read_model()

    def __repr__(self) -> str:
        return f"Run({str(self.directory)!r}, checkpoint={self.checkpoint.stem!r})"

    def _recorded(self, *keys: str) -> Any:
        """What the manifest says under nested keys."""
        value: Any = self.manifest
        for key in keys:
            if not isinstance(value, dict) or key not in value:
                raise RunError(f"{self.directory / 'manifest.json'} is damaged: it has no {'.'.join(keys)}")
            value = value[key]
        return value

    def _read_spec(self) -> Spec:
        path = self.directory / "spec.json"
        document = read_json(path)
        if json_digest(document) != self._recorded("spec", "sha256"):
            raise RunError(f"{path} is not the spec of this run: it has another SHA-256 than the manifest tells")
        try:
            return parse_spec(document, str(path))
        except SpecError as error:
            message = f"the spec of this run is no longer understood\n{error}"
            raise RunError(message, help=self._missing()) from None

    def _missing(self) -> str | None:
        """Say how to install what the run was made with and is not installed now."""
        missing = {
            str(distribution).replace(" ", "==")
            for key, distribution in dict(self._recorded("components")).items()
            for group, _, name in [key.partition(".")]
            if name not in registry.claims(group)
        }
        return f"pip install {' '.join(sorted(missing))}" if missing else None

    def _read_model(self) -> Model:
        snapshot, layout, spec = read_checkpoint(self.checkpoint)
        if json_digest(spec) != self._recorded("spec", "sha256"):
            raise RunError(f"{self.checkpoint} is a checkpoint of another spec")
        inputs, targets = pipelines(self.spec)
        try:
            self.progress = snapshot.progress
            inputs.restore(self.progress["transforms"]["inputs"])
            targets.restore(self.progress["transforms"]["targets"])
            model = build_model(self.spec, tuple(self.progress["data"]["input_shape"]), inputs, targets)
        except (KeyError, TypeError, ValueError, SpecnetError) as error:
            raise RunError(f"{self.checkpoint} does not fit the run's spec: {error}") from error
        network = model.network
        slots = np.empty((len(self.spec.optimizer.slot_names), network.params.flat.size), network.dtype)
        arrays = [
            (network.params.flat, snapshot.params),
            (network.state.flat, snapshot.state),
            (slots, snapshot.slots),
        ]
        if layout != network.params.layout or any(
            own.shape != saved.shape or own.dtype != saved.dtype for own, saved in arrays
        ):
            raise RunError(f"{self.checkpoint} does not fit the run's spec: its arrays are not those of the layers")
        network.params.flat[...] = snapshot.params
        network.state.flat[...] = snapshot.state
        return model

    @property
    def name(self) -> str:
        """The spec's name."""
        return self.spec.name

    @property
    def status(self) -> str:
        """How the run ended: completed, stopped early, diverged, interrupted or failed; or running."""
        return str(self._recorded("status"))

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
        """The splits in the dataset's units, loaded when first asked for.

        Raises:
            DataError: if they are not the data that the run was made with.
        """
        data = load_data(self.spec)
        if not self.dataset.computed and data_digest(data) != self._recorded("data", "sha256"):
            raise DataError(
                "the data are not those that the run was made with: they have another SHA-256 than the manifest tells",
                help="bring the old data back, or evaluate other samples with --data",
            )
        return data

    @cached_property
    def history(self) -> Mapping[str, np.ndarray]:
        """Columns of the history, `train/loss` and so on, one item per epoch."""
        return History.read(self.directory / "history.jsonl")

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Return predictions (n, ...) for raw inputs (n, ...).

        Probabilities where the loss is on logits; in the dataset's units where targets were transformed.

        Raises:
            DataError: if the inputs are not real numbers, as many in each row.
        """
        try:
            array = np.asarray(inputs)
        except ValueError as error:
            raise DataError(f"the inputs are no array: {error}") from error
        if array.ndim == 0 or array.dtype.kind not in "biuf":
            raise DataError(f"inputs of dtype {array.dtype} and shape {array.shape} are not rows of real numbers")
        return self.model.predict(array)

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
        built.check(self)
        # A picture of another checkpoint than the usual one does not take the usual one's place.
        suffix = "" if self.checkpoint.name == self.best.get("checkpoint") else f"-{self.checkpoint.stem}"
        path = self.directory / "plots" / f"{built.to_spec()['type']}{suffix}.png"
        path.parent.mkdir(exist_ok=True)
        figure = built.draw(self)
        write_file(path, lambda file: figure.savefig(file, format="png"))
        return path


def load_run(directory: str | Path, checkpoint: str | int = "best") -> Run:
    """Return the run in a directory, with the model of a checkpoint: "best", "latest" or a step number.

    Raises:
        RunError: if the directory is not that of a run, or cannot be trusted.
    """
    return Run(directory, checkpoint)
