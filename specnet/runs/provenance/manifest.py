"""The manifest: what a run was made with."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import importlib_metadata
import numpy as np
from pydantic import BaseModel, Field, FiniteFloat, NonNegativeInt, PositiveInt

from specnet.datasets.base import Data
from specnet.datasets.rows import pieces
from specnet.errors import RunError
from specnet.runs.provenance.code import describe_code
from specnet.runs.provenance.components import parse_recorded, used_components
from specnet.runs.provenance.kernels import Digest, RecordedKernels, describe_kernels
from specnet.runs.provenance.machine import describe_machine
from specnet.runs.provenance.plugins import describe_plugins
from specnet.runs.storage.files import check_model, read_run_json
from specnet.spec.document import read_document
from specnet.spec.model import Spec, json_digest
from specnet.words import shorten

FORMAT = 3
"""The format of run directories, raised when older ones can no longer be read."""


class NotARunError(RunError):
    """A group of runs is named where a run is needed."""

    code = "usage"
    exit_code = 2


def new_manifest(
    spec: Spec, data: Data, shards: int = 1, pretrained: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the manifest of a new run, as a JSON value; `pretrained` says where its first weights come from."""
    return {
        "format": FORMAT,
        "status": "running",
        "started": now(),
        "finished": None,
        "seconds": 0.0,
        "error": None,
        "seed": spec.seed,
        "spec": describe_spec(spec),
        "data": {"sha256": data_digest(data), "rows": {name: len(split.inputs) for name, split in data.splits.items()}},
        "components": used_components(spec),
        "code": describe_code(spec),
        "plugins": describe_plugins(spec),
        "shards": shards,
        **describe_setting(),
        "identities": [],
        "resumed": [],
        "kernels": describe_kernels(spec.kernels_name),
        "pretrained": pretrained,
    }


def describe_spec(spec: Spec, replaced: str | None = None) -> dict[str, Any]:
    """Return the origin of a spec, its digest, and that of the spec it replaces."""
    return {"file": spec.source, "sha256": spec.digest(), "replaced": replaced}


def describe_setting() -> dict[str, Any]:
    """Return versions and the machine."""
    return {
        "versions": {
            "specnet": importlib_metadata.version("specnet"),
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "machine": describe_machine(),
    }


def note_resumed(manifest: dict[str, Any], epoch: int, step: int) -> None:
    """Add to the manifest where a run resumes, when, and on what."""
    code = {key: manifest[key] for key in ("kernels", "code")}
    manifest["resumed"].append({"at": now(), "epoch": epoch, "step": step, **describe_setting(), **code})


class _Part(BaseModel, defer_build=True):
    """A part of a manifest, whose validator is made when a manifest is read."""


Seconds = Annotated[FiniteFloat, Field(ge=0)]


class _Spec(_Part):
    file: str | None
    sha256: Digest
    replaced: Digest | None


class _Data(_Part):
    sha256: Digest
    rows: dict[str, NonNegativeInt]


class _Pretrained(_Part):
    file: str
    sha256: Digest
    arrays: PositiveInt


class _Machine(_Part):
    platform: str
    cpus: PositiveInt | None
    blas: str
    blas_kernel: str | None
    blas_threads: PositiveInt | None
    simd: list[str]


class _Setting(_Part):
    versions: dict[str, str]
    machine: _Machine


class _Plugin(_Part):
    file: str
    sha256: Digest
    copy_: Annotated[str, Field(alias="copy", pattern=r"^plugins/\w[A-Za-z0-9_.-]*\.py$")]


class _Resumed(_Setting):
    at: str
    epoch: NonNegativeInt
    step: NonNegativeInt
    kernels: RecordedKernels


class _Manifest(_Setting):
    """The content of `manifest.json`. Further keys may be added by plugins or later versions."""

    format: int
    status: Literal["running", "finished", "stopped", "interrupted", "diverged", "failed"]
    started: str
    finished: str | None
    seconds: Seconds
    error: str | None
    stopped_early: bool = False
    reason: str | None = None
    seed: int
    spec: _Spec
    data: _Data
    pretrained: _Pretrained | None = None
    components: dict[str, str]
    code: dict[str, Digest]
    """SHA-256 of the code of each component that a plugin brings."""
    kernels: RecordedKernels
    plugins: list[_Plugin]
    shards: PositiveInt = 1
    identities: list[Digest]
    """SHA-256 of what determines training; more than one if a resumed run was allowed to change it."""
    resumed: list[_Resumed]


def read_manifest(directory: Path) -> dict[str, Any]:
    """Return the manifest of a run directory, or raise a RunError if it is missing or cannot be read."""
    path = directory / "manifest.json"
    check_directory(directory, "a run directory")
    if not os.path.lexists(path):
        inside = next(iter(sorted([*directory.glob("*/manifest.json"), *directory.glob("*/*/manifest.json")])), None)
        help = f"it contains runs: name one of them, such as {inside.parent}" if inside else None
        kinds = {"summary.json": "group of runs", "plan.json": "sweep"}
        if kind := next((kind for name, kind in kinds.items() if (directory / name).is_file()), None):
            message = f"{directory} is not a run directory: it is a {kind}"
            raise NotARunError(message, help=help or "name one of its runs")
        message = f"{directory} is not a run directory: it has no manifest.json"
        raise RunError(message, help=help or "specnet run SPEC creates a run directory")
    manifest = read_run_json(path)
    check_manifest(manifest, path)
    return manifest


def check_directory(directory: Path, what: str) -> None:
    """Raise a RunError unless a path leads to a directory; `what` says what it should be."""
    if not directory.is_dir():
        message = f"{directory} is a file, not {what}" if directory.exists() else f"there is no directory {directory}"
        raise RunError(message, help="specnet runs DIR lists the runs and groups in a directory")


def check_manifest(manifest: Mapping[str, Any], path: Path) -> None:
    """Raise a RunError unless a JSON object is a manifest as this version of specnet writes it."""
    # The first format had no number.
    found = manifest.get("format", 1 if {"status", "versions"} <= manifest.keys() else FORMAT)
    if found != FORMAT:
        raise RunError(
            f"{path} has format {shorten(json.dumps(found))}, of another version of specnet: this one reads {FORMAT}",
            help="train the spec again, or install the version that wrote it",
        )
    check_model(_Manifest, manifest, path)


def read_spec(directory: Path, manifest: Mapping[str, Any]) -> Spec:
    """Return the spec in a run directory, or raise a RunError if it does not fit the manifest or is not valid."""
    path = directory / "spec.json"
    document = read_run_json(path)
    # A process may have ended after recording a new spec in the manifest and before writing it.
    if json_digest(document) not in (manifest["spec"]["sha256"], manifest["spec"]["replaced"]):
        raise RunError(f"{path} is not the spec of this run: its SHA-256 does not match the manifest")
    invalid = "the spec of this run is no longer valid"
    return parse_recorded(document, manifest, directory, path, invalid, lambda each: read_document(path).locate(each))


def now() -> str:
    """Return the time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def data_digest(data: Data) -> str:
    """Return the SHA-256 of all samples, weights and masks, with their split, dtype and shape, in hexadecimal."""
    digest = hashlib.sha256()
    for name, samples in data.splits.items():
        for what in ("inputs", "targets", "weight", "mask"):
            if (array := getattr(samples, what)) is None:
                continue
            if what in ("weight", "mask"):
                digest.update(what.encode())
            digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
            for piece in pieces(array):
                digest.update(np.ascontiguousarray(piece).data)
    return digest.hexdigest()
