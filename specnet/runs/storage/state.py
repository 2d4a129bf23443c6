"""Validation of checkpoints."""

from __future__ import annotations

import copy
import json
import math
import re
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, Field, FiniteFloat, NonNegativeInt, PositiveInt, ValidationError

from specnet.datasets.data_file import DataFile
from specnet.errors import RunError, SpecError
from specnet.layers.stack import Stack
from specnet.network.network import declared_shapes, name_layers
from specnet.network.parameters import lay_out, show_layout
from specnet.numpy_files import Header
from specnet.optimizers.base import all_state_names
from specnet.parts import parts
from specnet.runs.storage.archive import Archive, open_archive
from specnet.spec.model import Spec, json_digest
from specnet.spec.parse import parse_spec
from specnet.task import Shape, TaskKind
from specnet.training.state import TrainingState

_TEXTS = ("layout", "spec", "origin", "progress")
NAME = re.compile(r"step-([0-9]{8}|[1-9][0-9]{8,18})\.npz")
_FREE = (
    ("name",), ("description",), ("plots",), ("training", "epochs"), ("training", "max_seconds"),
    ("training", "on_divergence"), ("checkpoint", "every"), ("checkpoint", "every_steps"), ("checkpoint", "keep"),
)  # fmt: skip
"""Keys of a spec that do not affect training: a run may be resumed with other values."""


class _Part(BaseModel, strict=True, extra="forbid", defer_build=True):
    """A part of `progress`; layers, schedules and transforms validate their own values there."""


class _Bits(_Part):
    state: int = Field(ge=0, lt=2**128)
    inc: int = Field(ge=0, lt=2**128)


class _Generator(_Part):
    bit_generator: Literal["PCG64"]
    state: _Bits
    has_uint32: Literal[0, 1]
    uinteger: int = Field(ge=0, lt=2**32)


class _TaskPart(_Part):
    kind: TaskKind
    columns: list[NonNegativeInt] | None
    classes: list[str]
    names: list[str]
    targets: list[NonNegativeInt] = []


class DataDescription(_Part):
    """What a checkpoint says about the data, besides their digest."""

    input_shape: list[PositiveInt]
    classes: list[str]
    input_names: list[str]
    features: list[list[str]]
    target_names: list[str]
    task: list[_TaskPart] = Field(min_length=1)


class _Stored(_Part):
    values: dict[str, Any]
    arrays: list[str]


class _Progress(_Part):
    identity: str
    epoch: NonNegativeInt
    step: NonNegativeInt
    position: NonNegativeInt
    loss: list[FiniteFloat] = Field(min_length=2, max_length=2)
    finished: str | None
    generators: dict[str, _Generator]
    parts: dict[str, _Stored]
    data: DataDescription


class _Moment(_Part):
    epoch: NonNegativeInt
    step: NonNegativeInt
    monitor: str | None


class _History(_Part):
    length: NonNegativeInt
    sha256: str


class _Best(_Part):
    best: FiniteFloat | None
    waited: NonNegativeInt


_PARTS: dict[str, type[_Part]] = {
    "callbacks.checkpoints": _Moment,
    "callbacks.history": _History,
    "callbacks.best": _Best,
}
"""Parts that every checkpoint has."""


class ForeignError(RunError):
    """An intact checkpoint belongs to another run or step."""


def file_name(step: int) -> str:
    """Return the name of a step's checkpoint."""
    return f"step-{step:08d}.npz"


def describe_origin(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a run was made with apart from its spec, as its checkpoints keep it."""
    used = {name: owner for name, owner in manifest["components"].items() if not name.startswith("plots.")}
    plugins = [{key: plugin[key] for key in ("sha256", "copy")} for plugin in manifest["plugins"]]
    facts = {key: manifest[key] for key in ("format", "data", "kernels", "code")}
    if pretrained := manifest.get("pretrained"):
        facts["pretrained"] = pretrained
    return facts | {"components": used, "plugins": plugins, "shards": manifest.get("shards", 1)}


def identify(document: Any, spec: Spec, origin: Mapping[str, Any]) -> str:
    """Return the SHA-256 of everything that determines training: the spec as JSON, data, components and kernels."""
    document = trajectory(document, spec)
    training = {key: value for key, value in document.items() if key not in ("checkpoint", "record")}
    rest = {key: value for key, value in origin.items() if key != "plugins"}  # paths, and digests that components have
    return json_digest({"spec": training, **rest})


def read_checkpoint(path: Path, spec: Spec, identities: Container[str]) -> TrainingState:
    """Return the state in a checkpoint of a spec's run; nothing is unpickled.

    It is accepted only if it matches its own digest, has one of the run's identities, its members are exactly those
    that the run saves, and their shapes and dtypes are what the spec's layers and optimizer imply. All that is
    checked before an array is read, so none can be larger than the file. A RunError says why it is not accepted.
    """
    with open_archive(path) as archive:
        texts = _read_texts(archive, path, identities)
        progress = texts["progress"]
        if not _is_same(texts["spec"], spec):
            raise ForeignError(f"{path} is a checkpoint of a different spec")
        if identify(texts["spec"], spec, texts["origin"]) != progress["identity"]:
            raise ValueError("its identity does not match its spec and origin")
        implied_layout, implied = _implied(spec, progress)
        names = TrainingState({}, progress).part_arrays
        further = {name: archive.headers[name] for name in names if archive.headers[name].dtype.kind in "biufU"}
        expected = implied | further | {name: archive.headers[name] for name in _TEXTS}
        if texts["layout"] != implied_layout or archive.headers != expected:
            raise ValueError("its arrays are not those of the spec's layers")
        arrays = {name: archive.read(name) for name in (*implied, *further)}
        return TrainingState(arrays, progress)


def read_texts(path: Path, identities: Container[str] | None) -> dict[str, Any]:
    """Return the JSON values in a checkpoint of a run, or of any run without `identities`: `spec`, `progress`, ….

    Raises:
        RunError: if it is not intact, or belongs to another run.
    """
    with open_archive(path) as archive:
        return _read_texts(archive, path, identities)


def _read_texts(archive: Archive, path: Path, identities: Container[str] | None) -> dict[str, Any]:
    if any(archive.headers[name].shape or archive.headers[name].dtype.kind != "U" for name in _TEXTS):
        raise ValueError(f"{', '.join(_TEXTS)} should be text")
    texts = {name: json.loads(str(archive.read(name))) for name in _TEXTS}
    _check_progress(texts["progress"], path, identities)
    return texts


def _is_same(saved: Any, spec: Spec) -> bool:
    """Return whether a checkpoint's spec is that of the run; keys added by a later version have their defaults."""
    expected = trajectory(spec.to_json(), spec)
    if trajectory(saved, spec) == expected:
        return True
    try:
        return trajectory(parse_spec(saved).to_json(), spec) == expected
    except SpecError:
        return False


def _check_progress(progress: Any, path: Path, identities: Container[str] | None) -> None:
    """Check that `progress` is that of a run with one of the identities, at the step in the file's name."""
    try:
        _Progress.model_validate(progress)
        for part, model in _PARTS.items():
            model.model_validate(progress["parts"][part]["values"])
    except KeyError as error:
        raise ValueError(f"it has no {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{'.'.join(map(str, ('progress', *first['loc'])))}: {first['msg']}") from None
    if progress["parts"]["callbacks.history"]["values"]["length"] != progress["epoch"]:
        raise ValueError("the numbers of epochs in its progress and history differ")
    if identities is not None and progress["identity"] not in identities:
        raise ForeignError(f"{path} is a checkpoint of another run")
    if file_name(progress["step"]) != path.name:
        raise ForeignError(f"{path} is a checkpoint of another step, {progress['step']}")


def _implied(spec: Spec, progress: Mapping[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Header]]:
    """Return the layout and the arrays of a checkpoint with this progress; nothing is allocated."""
    stack = Stack(spec.layers, ("layers",), "layers")
    stack.build(tuple(progress["data"]["input_shape"]))
    parameters, states = declared_shapes(name_layers(stack.layers))
    layout, dtype = lay_out(parameters), np.dtype(spec.dtype)
    size = sum(slot.size for slot in layout)
    shapes: dict[str, Shape] = {
        "params": (size,),
        "slots": (len(all_state_names(spec.optimizer)), size),
        "state": (sum(map(math.prod, states.values())),),
    }
    return show_layout(layout), {name: Header(shape, dtype) for name, shape in shapes.items()}


def trajectory(document: Any, spec: Spec) -> Any:
    """Return a spec's JSON value without what does not affect training: free keys, and the paths of data."""
    files = [pointer for pointer, part in parts(spec) if isinstance(part, DataFile)]
    document = copy.deepcopy(document)
    for *path, key in [*_FREE, *files]:
        place = document
        for step in path:
            place = place[step]
        if key in place:
            del place[key]
    return document
