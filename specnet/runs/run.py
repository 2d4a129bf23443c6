"""`Run`: a run directory as an object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from specnet.component import build
from specnet.errors import RunError, SpecnetError
from specnet.functions import all_finite
from specnet.plots.base import Plot
from specnet.report.pictures import FORMATS, check_format, write_picture
from specnet.runs.measured import MeasuredRun
from specnet.runs.provenance.code import changed_code
from specnet.runs.provenance.kernels import choose_kernels
from specnet.runs.provenance.manifest import read_manifest, read_spec
from specnet.runs.provenance.plugins import changed_plugins
from specnet.runs.provenance.threads import blas_threads, recorded_threads
from specnet.runs.storage.checkpoints import Listing, best_of, first_believed
from specnet.runs.storage.directory import inside
from specnet.runs.storage.files import write_bytes, write_file, write_text
from specnet.runs.storage.history import History
from specnet.runs.storage.record import read_record
from specnet.runs.storage.state import read_checkpoint
from specnet.runs.trained.input_schema import describe_model
from specnet.spec.load import with_data
from specnet.training.model import Model
from specnet.training.state import TrainingState

if TYPE_CHECKING:
    from specnet.diagnosis.table import Diagnosis
    from specnet.report.trace import Trace


class Run(MeasuredRun):
    """A trained run: its spec, history and data, and the model of one of its checkpoints.

    `checkpoint` is "best" (by the value that the spec monitors), "latest" or a step number. If the best or latest is
    damaged, the one before it is used, and `warnings` say so.

    It uses the set of kernels of the run. `allow_other_kernels` allows another one. If the run was trained on `data`
    given in Python, methods that use its samples need the same data.

    Raises:
        RunError: if the directory is not a run directory, or cannot be trusted.
        DataError: if `data` do not fit the run's dataset.
        UsageError: if `kernels` names another set, or the run's own is not installed.
    """

    def __init__(
        self,
        directory: str | Path,
        checkpoint: str | int = "best",
        kernels: str | None = None,
        allow_other_kernels: bool = False,
        data: Any = None,
    ) -> None:
        self.directory = Path(directory)
        self.manifest = read_manifest(self.directory)
        self._given = kernels, allow_other_kernels
        chosen, changed = choose_kernels(self.manifest, self.directory, *self._given, exactly=False)
        self.spec = with_data(read_spec(self.directory, self.manifest).with_kernels(chosen), data)
        self.checkpoint: Path
        self.progress: dict[str, Any]
        self.ranges: dict[str, Any] | None
        self._scores = {}
        self._listing = Listing(self.directory, self.manifest["identities"])
        self.model, refused = first_believed(self._listing, str(checkpoint), self._read_model)
        self.warnings = [*changed, *changed_code(self.manifest, self.spec), *changed_plugins(self.manifest, self.spec)]
        self.warnings += [f"{reason}; {self.checkpoint.name} is used in its place" for reason in refused]

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how to load the run again from the same checkpoint, such as in another process."""
        return Run, (self.directory.resolve(), self.checkpoint.stem, *self._given)

    def __fspath__(self) -> str:
        """Return the directory, so that functions that take the directory of a run also take the run."""
        return str(self.directory)

    def __repr__(self) -> str:
        best = self.best
        value = f", {best['monitor']} {best['value']:.4g}" if best["value"] is not None else ""
        return f"Run({str(self.directory)!r}, {self.status}, checkpoint={self.checkpoint.stem!r}{value})"

    def _read_state(self, path: Path) -> TrainingState:
        return read_checkpoint(path, self.spec, self.manifest["identities"])

    def _read_model(self, path: Path) -> Model:
        state = self._read_state(path)
        model = self._restore(path, state)
        self.ranges = state.take("inputs") if "inputs" in state.progress["parts"] else None
        self.checkpoint, self.progress = path, state.progress
        return model

    def _restore(self, path: Path, state: TrainingState) -> Model:
        arrays = {f"transforms.{name}": array for name, array in state.take("transforms").items()}
        params = state.arrays.get("evaluation.params", state.arrays["params"])
        arrays |= {"params": params, "state": state.arrays["state"]}
        return self.restore_model(path, state.progress["data"], arrays)

    def model_at(self, step: int) -> Model:
        """Return a new model with the parameters of the checkpoint of a step.

        Raises:
            RunError: if it cannot be trusted.
        """
        return self._restore(self._listing.path(step), self.state(step))

    @property
    def steps(self) -> list[int]:
        """Steps whose checkpoints the directory has."""
        return self._listing.steps

    def moments(self) -> Iterator[tuple[int, Run]]:
        """Yield the epoch of each intact checkpoint with finite parameters, and the run at it; data are loaded once."""
        with suppress(SpecnetError):  # the data may be gone
            _ = self.data
        shared = {name: value for name, value in vars(self).items() if name not in ("diagnosis", "intervals")}
        for step in self.steps:
            other = object.__new__(Run)  # copying would open the run again
            vars(other).update(shared, _scores={})
            with suppress(RunError):
                other.model = other._read_model(self._listing.path(step))
                if all_finite(other.model.network.params.flat):
                    yield int(other.progress["epoch"]), other

    def state(self, step: int) -> TrainingState:
        """Return the state in the checkpoint of a step.

        Raises:
            RunError: if it cannot be trusted.
        """
        return self._first if step == 0 else self._read_state(self._listing.path(step))

    @cached_property
    def _first(self) -> TrainingState:
        """The initial state, which several parts of a page start from."""
        return self._read_state(self._listing.path(0))

    @property
    def status(self) -> str:
        """How the run ended: finished, interrupted, diverged or failed; running if it is in progress or was killed."""
        return str(self.manifest["status"])

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
    def schema(self) -> dict[str, Any]:  # type: ignore[override]
        """What the network takes and returns: columns with ranges and categories, or shapes, and classes.

        Raises:
            RunError: if the run was made by an earlier version.
        """
        if self.ranges is None:
            raise RunError(f"{self.checkpoint} has no ranges of inputs, as in earlier versions", help="train again")
        return describe_model(self, self.ranges)

    @cached_property
    def diagnosis(self) -> Diagnosis:
        """What stands out in the run, as far as that takes little time; `specnet.explain` looks further."""
        from specnet.diagnosis.table import diagnose

        with self.in_turn():
            return diagnose(self, thorough=False)

    @contextmanager
    def in_turn(self) -> Iterator[None]:
        """Use as many BLAS threads as in training, unless the environment says otherwise: bits depend on them."""
        with super().in_turn(), blas_threads(None, recorded_threads(self.manifest)):
            yield

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

    def keep_plot(self, plot: Plot, content: bytes, warnings: Sequence[str]) -> None:
        """Write the PNG of a plot that another process has drawn, with its warnings, as `plot` does."""
        write_bytes(self._picture(plot.to_spec()["type"], "png"), content)
        self._warn(warnings)

    def _warn(self, warnings: Sequence[str]) -> None:
        self.warnings += [warning for warning in warnings if warning not in self.warnings]

    def _picture(self, name: str, format: str) -> Path:
        # A picture of another checkpoint does not replace that of the default one.
        suffix = "" if self.checkpoint.name == self.best.get("checkpoint") else f"-{self.checkpoint.stem}"
        return inside(self.directory, "plots", f"{name}{suffix}.{format}")

    def trace(self, samples: int | None = 2, steps: int = 1, layer: str | None = None) -> Trace:
        """Return the first steps of the run's training as numbers; arguments and errors as those of `specnet.trace`."""
        from specnet.runs.tracing import trace

        return trace(self.spec, samples, steps, layer, self.data)

    def bundle(self, path: str | Path) -> Path:
        """Write the network of this checkpoint to a file that `specnet.load_model` reads, and return its path."""
        from specnet.runs.bundle import write_bundle

        write_bundle(self, Path(path))
        return Path(path)

    def report(self) -> Path:
        """Write the run's `report.html`, a self-contained page, and return its path."""
        from specnet.report.page import page

        return self.keep_report(page(self))

    def keep_report(self, content: str) -> Path:
        """Write the report's text, as `report` does."""
        path = inside(self.directory, "report.html")
        write_text(path, content)
        return path

    def _repr_html_(self) -> str:
        """Return the run's report as notebooks show it."""
        from specnet.report.page import framed, page

        return framed(page(self), "report of a run")
