"""Validation of checkpoints."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, Field, FiniteFloat, NonNegativeInt, PositiveInt, ValidationError

from specnet.component import parts
from specnet.datasets.base import DataFile
from specnet.errors import RunError, SpecError
from specnet.layers.base import Shape
from specnet.layers.stack import Stack
from specnet.network.network import declared_shapes, name_layers
from specnet.network.parameters import lay_out, show_layout
from specnet.numpy_files import Header
from specnet.optimizers.base import all_state_names
from specnet.runs.archive import Stamp, open_archive
from specnet.runs.index import file_name
from specnet.spec.load import parse_spec
from specnet.spec.model import Spec
from specnet.task import TaskKind
from specnet.training.state import TrainingState

TEXTS = ("layout", "spec", "progress")
FREE = (
    ("name",), ("description",), ("plots",), ("training", "epochs"), ("training", "on_divergence"),
    ("checkpoint", "every"), ("checkpoint", "every_steps"), ("checkpoint", "keep"),
)  # fmt: skip
"""Keys of a spec that do not affect training: a resumed run may change them."""


class _Part(BaseModel, strict=True, extra="forbid"):
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


class _Data(_Part):
    input_shape: list[PositiveInt]
    classes: list[str]
    input_names: list[str]
    target_names: list[str]
    task: list[_TaskPart] = Field(min_length=1)


class _Stored(_Part):
    values: dict[str, Any]
    arrays: list[str]


class _Progress(_Part):
    epoch: NonNegativeInt
    step: NonNegativeInt
    position: NonNegativeInt
    loss: list[FiniteFloat] = Field(min_length=2, max_length=2)
    finished: str | None
    generators: dict[str, _Generator]
    parts: dict[str, _Stored]
    data: _Data


class _Moment(_Part):
    epoch: NonNegativeInt
    step: NonNegativeInt


class _History(_Part):
    length: NonNegativeInt
    sha256: str


class _Best(_Part):
    best: FiniteFloat | None
    waited: NonNegativeInt


PARTS: dict[str, type[_Part]] = {
    "callbacks.checkpoints": _Moment,
    "callbacks.history": _History,
    "callbacks.best": _Best,
}
"""Parts that every checkpoint has."""


def read_checkpoint(path: Path, stamps: Sequence[Stamp], spec: Spec) -> TrainingState:
    """Return the state in a checkpoint of a spec's run; nothing is unpickled.

    It is valid only if size and digest match a stamp, its members are exactly those that such a run saves, and their
    shapes and dtypes are what the spec's layers and optimizer imply. All this is checked before any array is read, so
    that no array can be larger than declared.

    Raises:
        RunError: if it is not valid, with the reason.
    """
    with open_archive(path, stamps) as archive:
        texts = {name: archive.headers[name] for name in TEXTS}
        if any(header.shape or header.dtype.kind != "U" for header in texts.values()):
            raise ValueError(f"{', '.join(TEXTS)} should be text")
        layout, told, progress = (json.loads(str(archive.read(name))) for name in TEXTS)
        if not _is_same(told, spec):
            raise RunError(f"{path} is a checkpoint of another spec")
        check_progress(progress, path.name)
        implied_layout, implied = _implied(spec, progress)
        names = TrainingState({}, progress).part_arrays
        further = {name: archive.headers[name] for name in names if archive.headers[name].dtype.kind in "biufU"}
        if layout != implied_layout or archive.headers != implied | further | texts:
            raise RunError(f"{path} does not fit the run's spec: its arrays are not those of the layers")
        arrays = {name: archive.read(name) for name in (*implied, *further)}
        return TrainingState(arrays, progress)


def _is_same(told: Any, spec: Spec) -> bool:
    """Return whether a checkpoint's spec is that of the run; keys of later versions have their defaults."""
    expected = trajectory(spec.to_json(), spec)
    if trajectory(told, spec) == expected:
        return True
    try:
        return trajectory(parse_spec(told).to_json(), spec) == expected
    except SpecError:
        return False


def check_progress(progress: Any, name: str) -> None:
    """Raise a ValueError unless `progress` is that of a run at the step in the checkpoint's name."""
    try:
        _Progress.model_validate(progress)
        for part, model in PARTS.items():
            model.model_validate(progress["parts"][part]["values"])
    except KeyError as error:
        raise ValueError(f"it has no {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{'.'.join(map(str, ('progress', *first['loc'])))}: {first['msg']}") from None
    if (
        file_name(progress["step"]) != name
        or progress["parts"]["callbacks.history"]["values"]["length"] != progress["epoch"]
    ):
        raise ValueError("its progress is that of another state")


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
    for *path, key in [*FREE, *files]:
        place = document
        for step in path:
            place = place[step]
        if key in place:
            del place[key]
    return document
