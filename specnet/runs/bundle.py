"""Bundles: a trained network in one file, without its training data and without paths."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, Field, PositiveInt

from specnet.errors import RunError, SpecnetError
from specnet.network.parameters import show_layout
from specnet.runs.provenance.code import changed_code
from specnet.runs.provenance.components import parse_recorded
from specnet.runs.provenance.kernels import RecordedKernels, choose_kernels
from specnet.runs.provenance.plugins import changed_plugins
from specnet.runs.storage.archive import open_archive, stage_archive
from specnet.runs.storage.files import check_model, open_file, parse_run_json
from specnet.runs.storage.state import DataDescription
from specnet.runs.trained.input_schema import make_rows, read_rows
from specnet.runs.trained.json_lines import to_json
from specnet.runs.trained.model import TrainedModel

if TYPE_CHECKING:
    from specnet.runs.run import Run

_FORMAT = 1
_TEXTS = ("bundle.json", "spec.json", "schema.json", "samples.json")


class _Facts(BaseModel):
    """The content of `bundle.json`."""

    format: Literal[1]
    name: str
    checkpoint: str = Field(pattern=r"^step-[0-9]{1,18}$")
    versions: dict[str, str]
    components: dict[str, str]
    code: dict[str, str]
    kernels: RecordedKernels
    plugins: list[dict[str, str]]
    described: DataDescription


class _Column(BaseModel):
    name: str
    type: str


class _Columns(BaseModel):
    columns: list[_Column] = []
    shape: list[PositiveInt]


class _Schema(BaseModel):
    inputs: _Columns
    outputs: dict[str, Any]


class _Samples(BaseModel):
    rows: list[Any] = Field(min_length=1)
    predictions: list[Any]


_MODELS: dict[str, type[BaseModel]] = {"bundle.json": _Facts, "schema.json": _Schema, "samples.json": _Samples}


def write_bundle(run: Run, path: Path) -> None:
    """Write a run's network to a file.

    It contains weights, fitted transforms, the spec, a description of the inputs and some made-up rows with their
    predictions; neither training data nor paths of this machine.

    Raises:
        RunError: if the run was made by an earlier version.
        OSError: if the file cannot be written; then nothing is left.
    """
    schema = run.schema
    rows = make_rows(schema)
    facts = {key: run.manifest[key] for key in ("versions", "components", "code", "kernels")}
    facts |= {"format": _FORMAT, "name": run.name, "checkpoint": run.checkpoint.stem, "described": run.described}
    facts["plugins"] = [plugin | {"file": Path(plugin["file"]).name} for plugin in run.manifest["plugins"]]
    facts["layout"] = show_layout(run.model.network.params.slots)
    samples = {"rows": rows, "predictions": to_json(run, run.predict(read_rows(run, schema, rows)))}
    values = dict(zip(_TEXTS, (facts, run.portable_spec(), schema, samples), strict=True))
    members: dict[str, np.ndarray | bytes] = {
        name: json.dumps(value, indent=2, allow_nan=False).encode() + b"\n" for name, value in values.items()
    }
    network = run.model.network
    members |= {"params": network.params.flat, "state": network.state.flat}
    members |= run.model.inputs.arrays() | run.model.targets.arrays()
    stage_archive(path, members).commit()


class Bundle(TrainedModel):
    """A trained network from the file that `specnet bundle` has written.

    It needs neither the run nor its data. `warnings` say what has changed since, and whether the rows that the bundle
    contains are predicted as before.

    Raises:
        RunError: if the file cannot be trusted.
        UsageError: if `kernels` names another set than the run's, or that is not installed.
    """

    def __init__(self, path: str | Path, kernels: str | None = None, allow_other_kernels: bool = False) -> None:
        self.path = Path(path)
        self._given = kernels, allow_other_kernels
        with open_file(self.path) as file:
            start = file.read(4)
        if start and start[:2] != b"PK" and start[2:] != b"\x03\x04":  # not even a damaged archive
            help = "specnet bundle RUN writes bundles"
            raise RunError(f"{self.path} is neither a run directory nor a bundle", help=help)
        with open_archive(self.path, _TEXTS) as archive:
            texts = {name: parse_run_json(archive.read_text(name), self.path, name) for name in _TEXTS}
            arrays = {name: archive.read(name) for name in archive.headers}
        for name, model in _MODELS.items():
            check_model(model, texts[name], self.path, name)
        facts, document, self.schema, samples = texts.values()
        self.manifest = facts
        chosen, changed = choose_kernels(facts, self.path, *self._given, exactly=False)
        self.checkpoint = Path(facts["checkpoint"])
        invalid = "the spec of this bundle is not valid here"
        self.spec = parse_recorded(document, facts, self.path, self.path, invalid).with_kernels(chosen)
        self.model = self.restore_model(self.path, facts["described"], arrays)
        self.warnings = [*changed, *changed_code(facts, self.spec), *changed_plugins(facts, self.spec)]
        if not self._repeats(samples):
            self.warnings.append(f"the rows in {self.path} have different predictions than when it was written")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path.resolve(), *self._given)

    def __repr__(self) -> str:
        return f"Bundle({str(self.path)!r}, {self.name!r}, checkpoint={self.checkpoint.stem!r})"

    def _repeats(self, samples: Mapping[str, Any]) -> bool:
        """Return whether the made-up rows are predicted as they were, up to rounding."""
        try:
            self.rows = read_rows(self, self.schema, samples["rows"])
            found = to_json(self, self.predict(self.rows))
            before, now = map(_numbers, (samples["predictions"], found))
        except (SpecnetError, OverflowError):
            return False
        return before.shape == now.shape and bool(np.allclose(before, now, rtol=1e-3, atol=1e-5, equal_nan=True))


def _numbers(value: Any) -> np.ndarray:
    """Return all numbers in a JSON value, in their order."""
    if isinstance(value, dict):
        value = [*value.values()]
    if isinstance(value, list):
        return np.concatenate([np.zeros(0), *map(_numbers, value)])
    return np.array([] if isinstance(value, str) else [np.nan if value is None else value], np.float64)
