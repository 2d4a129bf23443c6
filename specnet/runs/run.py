"""`Run`: a run directory as an object."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np

from specnet.component import build
from specnet.datasets.base import AnySamples, Data, Dataset, Samples
from specnet.datasets.checks import check_weights
from specnet.errors import DataError, RunError, SpecnetError, UsageError
from specnet.names import suggest
from specnet.plots.base import Plot
from specnet.report.pictures import FORMATS, check_format, write_picture
from specnet.runs.baseline import baselines
from specnet.runs.building import build_model, load_data, pipelines
from specnet.runs.checkpoints import Listing, best_of, first_believed
from specnet.runs.code import changed_code
from specnet.runs.directory import inside
from specnet.runs.files import write_file
from specnet.runs.frames import frame_columns, frame_names
from specnet.runs.history import History
from specnet.runs.kernels import choose_kernels
from specnet.runs.manifest import data_digest, read_manifest, read_spec
from specnet.runs.plugins import changed_plugins
from specnet.runs.record import read_record
from specnet.runs.state import read_checkpoint
from specnet.runs.threads import blas_threads, recorded_threads
from specnet.spec.model import Spec
from specnet.task import Task
from specnet.training.model import Model
from specnet.training.state import TrainingState

ONE_AT_A_TIME = RLock()
"""Layers write to their own arrays, and BLAS has one number of threads for the whole process."""


class Run:
    """A trained run: its spec, history and data, and the model of one of its checkpoints.

    `checkpoint` is "best" (by the value that the spec monitors), "latest" or a step number. If the best or latest is
    damaged, the one before it is used, and `warnings` say so.

    It uses the set of kernels of the run. `allow_other_kernels` allows another one.

    Raises:
        RunError: if the directory is not a run directory, or cannot be trusted.
        UsageError: if `kernels` names another set, or the run's own is not installed.
    """

    def __init__(
        self,
        directory: str | Path,
        checkpoint: str | int = "best",
        kernels: str | None = None,
        allow_other_kernels: bool = False,
    ) -> None:
        self.directory = Path(directory)
        self.manifest = read_manifest(self.directory)
        self._given = kernels, allow_other_kernels
        chosen, changed = choose_kernels(self.manifest, self.directory, *self._given, exactly=False)
        self.spec: Spec = read_spec(self.directory, self.manifest).with_kernels(chosen)
        self.checkpoint: Path
        self.progress: dict[str, Any]
        self._scores: dict[str, dict[str, float]] = {}
        self._listing = Listing(self.directory, self.manifest["identities"])
        self.model, refused = first_believed(self._listing, str(checkpoint), self._read_model)
        self.warnings = [*changed, *changed_code(self.manifest, self.spec), *changed_plugins(self.manifest, self.spec)]
        self.warnings += [f"{reason}; {self.checkpoint.name} is used in its place" for reason in refused]

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how to load the run again from the same checkpoint, such as in another process."""
        return load_run, (self.directory.resolve(), self.checkpoint.stem, *self._given)

    def __repr__(self) -> str:
        return f"Run({str(self.directory)!r}, checkpoint={self.checkpoint.stem!r})"

    def _read_state(self, path: Path) -> TrainingState:
        return read_checkpoint(path, self.spec, self.manifest["identities"])

    def _read_model(self, path: Path) -> Model:
        state = self._read_state(path)
        inputs, targets = pipelines(self.spec)
        try:
            arrays = {f"transforms.{name}": array for name, array in state.take("transforms").items()}
            inputs.restore(arrays)
            targets.restore(arrays)
            shape = tuple(state.progress["data"]["input_shape"])
            model = build_model(self.spec, shape, inputs, targets, seed=None)
        except (KeyError, TypeError, ValueError, SpecnetError) as error:
            raise RunError(f"{path} does not fit the run's spec: {error}") from error
        params = state.arrays.get("evaluation.params", state.arrays["params"])
        if params.shape != model.network.params.flat.shape:
            raise RunError(f"{path} does not fit the run's spec: parameters for evaluation have shape {params.shape}")
        model.network.params.flat[...] = params
        model.network.state.flat[...] = state.arrays["state"]
        self.checkpoint, self.progress = path, state.progress
        return model

    @property
    def name(self) -> str:
        """The spec's name."""
        return self.spec.name

    @property
    def status(self) -> str:
        """How the run ended: finished, interrupted, diverged or failed; running if it is in progress or was killed."""
        return str(self.manifest["status"])

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
    def task(self) -> Task:
        """The task of the network: numbers, or classes with their names."""
        return Task.from_json(self.progress["data"]["task"])

    @property
    def best(self) -> dict[str, Any]:
        """Checkpoint, epoch, step, and name and value of the monitored quantity of the best state."""
        return best_of(self._newest.progress)

    @cached_property
    def _newest(self) -> TrainingState:
        """The newest intact state: history and record have to match it."""
        return first_believed(self._listing, "latest", self._read_state)[0]

    @property
    def plots(self) -> list[Path]:
        """The pictures drawn so far."""
        return sorted(path for path in (self.directory / "plots").glob("*.*") if path.suffix[1:] in FORMATS)

    @cached_property
    def data(self) -> Data:
        """The splits in the dataset's units, loaded when first asked for.

        Raises:
            DataError: if they are not the data that the run was made with.
        """
        data = load_data(self.spec)
        if not self.dataset.synthetic and data_digest(data) != self.manifest["data"]["sha256"]:
            raise DataError(
                "the data are not those that the run was made with: their SHA-256 does not match the manifest",
                help="bring the old data back, or evaluate other samples with --data",
            )
        return data

    @cached_property
    def history(self) -> Mapping[str, np.ndarray]:
        """Columns of the history, `train/loss` and so on, one item per epoch."""
        return History.read(self.directory / "history.jsonl", self._newest.take("callbacks.history"))

    @cached_property
    def record(self) -> Mapping[str, np.ndarray]:
        """Arrays of `record.npz` by name, as `Recorder.arrays` describes them; empty if the run has no record.

        Raises:
            RunError: if they cannot be read, or have changed since they were written.
        """
        record = self.spec.record
        return read_record(self.directory / "record.npz", record, self._newest) if record else {}

    @property
    def params(self) -> Mapping[str, np.ndarray]:
        """Parameters of the checkpoint by name, such as `layers.0.weight`."""
        return self.model.network.params

    def predict(self, inputs: Any, mask: np.ndarray | None = None) -> np.ndarray:
        """Return predictions (n, ...) for raw inputs (n, ...): an array, or a data frame with named columns.

        If the dataset has names for its inputs, columns of a frame are taken by name, and others are ignored.
        Probabilities if the loss is on logits; in the dataset's units if targets were transformed. A `mask`
        (n, time) of bool is True at the positions of sequences that count.

        Raises:
            DataError: if the inputs are not rows of real numbers of one shape, columns are missing, or the mask does
                not match.
        """
        if self.input_names and frame_names(inputs):
            inputs = frame_columns(inputs, self.input_names)
        try:
            array = np.asarray(inputs)
        except ValueError as error:
            raise DataError(f"the inputs are not an array: {error}") from error
        if array.ndim == 0 or array.dtype.kind not in "biuf":
            raise DataError(f"inputs of dtype {array.dtype} and shape {array.shape} are not rows of real numbers")
        mask = None if mask is None else np.asarray(mask)
        check_weights("given", Samples(array, array, mask=mask))
        with ONE_AT_A_TIME, self._as_in_training():
            return self.model.predict(array, mask)

    def evaluate(self, split: str | AnySamples = "test") -> dict[str, float]:
        """Return loss and metrics on one of the run's splits, or on other samples.

        Raises:
            UsageError: if the run has no such split.
        """
        if not isinstance(split, str):
            with ONE_AT_A_TIME, self._as_in_training():
                return self.model.evaluate(split)
        if split not in self.data.splits:
            raise UsageError(f"this run has no {split} samples", help=suggest(split, self.data.splits, "splits"))
        if split not in self._scores:
            self._scores[split] = self.evaluate(self.data.splits[split])
        return {**self._scores[split]}

    @cached_property
    def baselines(self) -> dict[str, dict[str, float]]:
        """Metrics of a constant prediction on each split, as `specnet.runs.baseline` defines it."""
        return baselines(self.task, self.data, self.model.metrics)

    def _as_in_training(self) -> AbstractContextManager[Any]:
        """Use as many BLAS threads as in training, unless the environment says otherwise: bits depend on them."""
        return blas_threads(None, recorded_threads(self.manifest))

    def plot(self, plot: str | Mapping[str, Any] | Plot, output: str | Path | None = None, format: str = "png") -> Path:
        """Draw a plot, given as in a spec, into the run's `plots` folder and return its path.

        `format` is png, svg or, for an animated plot, gif. `output` names another file, with its format as extension.
        `warnings` say which characters no installed font has.

        Raises:
            PlotError: if it cannot show this kind of problem, or fails.
            UsageError: if there is no such format.
        """
        built = build("plots", plot)
        assert isinstance(built, Plot)
        format = format if output is None else Path(output).suffix[1:].lower()
        check_format(built, format)
        path = self._picture(built.to_spec()["type"], format) if output is None else Path(output)
        write_file(path, lambda file: self._warn(write_picture(built, self, file, format)))
        return path

    def _warn(self, warnings: Sequence[str]) -> None:
        self.warnings += [warning for warning in warnings if warning not in self.warnings]

    def _picture(self, name: str, format: str) -> Path:
        # A picture of another checkpoint does not replace that of the default one.
        suffix = "" if self.checkpoint.name == self.best.get("checkpoint") else f"-{self.checkpoint.stem}"
        return inside(self.directory, "plots", f"{name}{suffix}.{format}")

    def report(self) -> Path:
        """Write the run's `report.html`, a self-contained page, and return its path."""
        path = inside(self.directory, "report.html")
        page = self._page().encode("utf-8", "backslashreplace")
        write_file(path, lambda file: file.write(page))
        return path

    def _page(self) -> str:
        from specnet.report.page import page

        return page([self])

    def _repr_html_(self) -> str:
        """Return the run's report as notebooks show it."""
        page = html.escape(self._page())
        style = "width: 100%; height: 800px; border: 0"
        return f'<iframe srcdoc="{page}" sandbox="allow-scripts" title="report of a run" style="{style}"></iframe>'


def load_run(
    directory: str | Path,
    checkpoint: str | int = "best",
    kernels: str | None = None,
    allow_other_kernels: bool = False,
) -> Run:
    """Return the run in a directory, with the model of a checkpoint: "best", "latest" or a step number.

    It uses the set of kernels of the run. `allow_other_kernels` allows another one.

    Raises:
        RunError: if the directory is not a run directory, or cannot be trusted.
        UsageError: if `kernels` names another set, or the run's own is not installed.
    """
    return Run(directory, checkpoint, kernels, allow_other_kernels)
