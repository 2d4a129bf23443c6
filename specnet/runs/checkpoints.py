"""Checkpoints: a trainer's whole state in one `.npz`, and which of them are there."""

from __future__ import annotations

import copy
import json
import math
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from pydantic import BaseModel, Field, FiniteFloat, NonNegativeInt, PositiveInt, ValidationError

from specnet.component import parts
from specnet.datasets.base import DataFile, Header
from specnet.errors import RunError, UsageError
from specnet.layers.base import Shape, connect
from specnet.runs.archive import Stamp, open_archive, stage_archive
from specnet.runs.directory import RunDirectory
from specnet.runs.files import Staged, read_json, write_json
from specnet.spec.model import Spec
from specnet.training.network import declared_shapes, name_layers
from specnet.training.parameters import lay_out, show_layout
from specnet.training.trainer import Snapshot

T = TypeVar("T")
TEXTS = ("layout", "spec", "progress")
STEP = re.compile(r"(?:step-)?0*([0-9]{1,19})(?:\.npz)?")
"""A step number, or the name of its checkpoint."""
DIGEST = re.compile("[0-9a-f]{64}")
NAME = re.compile(r"step-([0-9]{8}|[1-9][0-9]{8,18})\.npz")
FREE = (
    ("name",), ("description",), ("plots",), ("training", "epochs"), ("training", "on_divergence"),
    ("checkpoint", "every"), ("checkpoint", "every_steps"), ("checkpoint", "keep"),
)  # fmt: skip
"""Keys of a spec that do not say how training goes: a run may go on with other values."""


class _Part(BaseModel, strict=True, extra="forbid"):
    """A part of what `progress` says; what layers, schedules and transforms keep there is for these to judge."""


class _Bits(_Part):
    state: int = Field(ge=0, lt=2**128)
    inc: int = Field(ge=0, lt=2**128)


class _Generator(_Part):
    bit_generator: Literal["PCG64"]
    state: _Bits
    has_uint32: Literal[0, 1]
    uinteger: int = Field(ge=0, lt=2**32)


class _Moment(_Part):
    epoch: NonNegativeInt
    step: NonNegativeInt


class _Watch(_Part):
    best: FiniteFloat | None
    waited: NonNegativeInt


class _Transforms(_Part):
    inputs: list[dict[str, Any]]
    targets: list[dict[str, Any]]


class _Data(_Part):
    input_shape: list[PositiveInt]
    classes: list[str]
    input_names: list[str]
    target_names: list[str]


class _Progress(_Moment):
    position: NonNegativeInt
    loss: FiniteFloat
    generators: dict[str, _Generator]
    best: _Moment
    watches: dict[str, _Watch]
    schedules: dict[str, dict[str, Any]]
    transforms: _Transforms
    data: _Data
    history_length: NonNegativeInt
    history_sha256: str


def file_name(step: int) -> str:
    """Return the name of a step's checkpoint."""
    return f"step-{step:08d}.npz"


class Index:
    """What `latest.json` and `best.json` say: which checkpoints a run has saved, and how each can be known.

    There are several stamps for a checkpoint that a process was about to replace when it ended. `pending` are those
    it was about to add, `dropped` those it was about to delete.

    Raises:
        RunError: if one of the files cannot be read.
    """

    def __init__(self, directory: Path) -> None:
        self.latest, self.best = read_json(directory / "latest.json"), read_json(directory / "best.json")
        name = "best.json"
        try:
            self.best_step = _step(self.best["checkpoint"])
            best = _read_stamp(self.best)
            name = "latest.json"
            self.latest_step = _step(self.latest["checkpoint"])
            self.stamps = {step: [stamp] for step, stamp in _read_stamps(self.latest["checkpoints"]).items()}
            pending = _read_stamps(self.latest.pop("pending", {}))
            if self.latest_step not in self.stamps:
                raise ValueError("the latest is none of them")
            self.dropped = {_step(each) for each in self.latest.pop("dropped", [])} - set(self.stamps)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise RunError(f"{directory / name} is damaged: it does not name checkpoints as a run does") from error
        # The process may have ended between writing the one file and the other.
        self.stamps.setdefault(self.best_step, [best])
        self.pending = set(pending) - set(self.stamps)
        for step, stamp in pending.items():
            if step in self.stamps:
                self.stamps[step].append(stamp)

    def candidates(self, which: str) -> list[int]:
        """Return the steps whose checkpoints may serve as `which`, the wanted one first.

        For "best" and "latest" those before it come next; a step number stands for itself alone.

        Raises:
            UsageError: if there is none of that name.
        """
        if which in ("best", "latest"):
            wanted = self.best_step if which == "best" else self.latest_step
            return [wanted, *sorted((step for step in self.stamps if step < wanted), reverse=True)]
        if not (number := STEP.fullmatch(which)):
            raise UsageError(f'there is no checkpoint "{which}"', help="best, latest or the number of a step")
        if (step := int(number[1])) not in self.stamps:
            steps = ", ".join(map(str, sorted(self.stamps)))
            raise UsageError(f"the run has no checkpoint {file_name(step)}", help=f"best, latest or one of: {steps}")
        return [step]


def _step(name: str) -> int:
    match = NAME.fullmatch(name)
    if not match:
        raise ValueError(f"{name} names no checkpoint")
    return int(match[1])


def _read_stamps(saved: dict[str, dict[str, Any]]) -> dict[int, Stamp]:
    return {_step(name): _read_stamp(stamp) for name, stamp in saved.items()}


def _read_stamp(saved: dict[str, Any]) -> Stamp:
    if not DIGEST.fullmatch(saved["sha256"]) or type(saved["bytes"]) is not int or saved["bytes"] < 0:
        raise ValueError("there is a file without digest or size")
    return Stamp(saved["sha256"], saved["bytes"])


def _show_stamps(stamps: Mapping[int, Stamp]) -> dict[str, dict[str, Any]]:
    return {file_name(step): {"sha256": stamp.sha256, "bytes": stamp.size} for step, stamp in sorted(stamps.items())}


class Checkpoints:
    """The checkpoints of one run as its only writer sees them: the first, the newest few and the best.

    `best.json` names the best one, `latest.json` the newest and all others, each with SHA-256 and size. Files that
    these do not name are not the run's: they are left alone, and never overwritten.
    """

    def __init__(self, directory: RunDirectory, spec: Spec, layout: list[dict[str, Any]]) -> None:
        self.directory = directory
        self.keep = spec.checkpoint.keep
        self._texts = {"layout": np.array(json.dumps(layout)), "spec": np.array(json.dumps(spec.to_json()))}
        self._latest: dict[str, Any] = {}
        self._stamps: dict[int, Stamp] = {}
        self._owned: set[int] = set()
        self._believed: set[tuple[int, int]] = set()

    def resume(self, *snapshots: Snapshot) -> None:
        """Take over the checkpoints of a run that goes on from `snapshots`, all of them read from its files."""
        index = Index(self.directory.path)
        self._latest = index.latest
        self._stamps = {step: stamps[0] for step, stamps in index.stamps.items()}
        self._owned = set(index.stamps) | index.pending
        self._believed = {_key(snapshot) for snapshot in snapshots}
        self._delete(index.dropped)

    def save(self, latest: Snapshot, best: Snapshot, monitored: dict[str, Any]) -> None:
        """Write both snapshots where they are not written yet, name them, and delete those that are not kept.

        `monitored` tells by what value the best one is best. Whatever fails, and whenever the process ends, what
        `latest.json` names is there as it was saved.

        Raises:
            OSError: if they cannot be written.
            UsageError: if a file that the run has not written has the name of one.
        """
        wanted = [snapshot for snapshot in (latest, best) if _key(snapshot) not in self._believed]
        new = {snapshot.progress["step"]: snapshot for snapshot in wanted}
        staged: dict[int, tuple[Staged, Stamp]] = {}
        try:
            for step, snapshot in new.items():
                staged[step] = self._stage(step, snapshot)
            self._announce({step: stamp for step, (_, stamp) in staged.items()})
            for file, _ in staged.values():
                file.commit()
        finally:
            for file, _ in staged.values():
                file.discard()  # does nothing after commit
        self._stamps |= {step: stamp for step, (_, stamp) in staged.items()}
        self._owned |= set(staged)
        self._believed |= set(map(_key, new.values()))
        self._write_indexes(latest, best, monitored)

    def _stage(self, step: int, snapshot: Snapshot) -> tuple[Staged, Stamp]:
        path = self.directory.file("checkpoints", file_name(step))
        if step not in self._owned and os.path.lexists(path):
            help = f"move it away, then: specnet resume {self.directory.path}"
            raise UsageError(f"{path} is in the way: this run has not written it", help=help)
        arrays = {"params": snapshot.params, "slots": snapshot.slots, "state": snapshot.state}
        if snapshot.progress["position"]:
            arrays["outputs"] = snapshot.outputs
        return stage_archive(path, arrays | self._texts | {"progress": np.array(json.dumps(snapshot.progress))})

    def _announce(self, stamps: Mapping[int, Stamp]) -> None:
        """Note in `latest.json` what is about to be renamed.

        If the process ends before the checkpoint is named there, the file is known all the same as the run's own.
        """
        if stamps and self._latest:
            self._owned |= set(stamps)
            write_json(self.directory.file("latest.json"), self._latest | {"pending": _show_stamps(stamps)})

    def _write_indexes(self, latest: Snapshot, best: Snapshot, monitored: dict[str, Any]) -> None:
        now = latest.progress["step"]
        # Beyond `now` there may be some that were passed over, as they or what belongs to them was damaged.
        earlier = sorted(step for step in self._stamps if step <= now)
        kept = {0, now, best.progress["step"], *earlier[-self.keep :]}
        dropped = set(earlier) - kept
        self._stamps = {step: stamp for step, stamp in self._stamps.items() if step not in dropped}
        self._latest = self._entry(latest) | {"checkpoints": _show_stamps(self._stamps)}
        # A process that goes on after this one has ended too early deletes what is noted here.
        noted = {"dropped": [file_name(step) for step in sorted(dropped)]} if dropped else {}
        write_json(self.directory.file("latest.json"), self._latest | noted)
        write_json(self.directory.file("best.json"), self._entry(best) | monitored)
        self._delete(dropped)

    def _delete(self, steps: Iterable[int]) -> None:
        for step in steps:
            self.directory.file("checkpoints", file_name(step)).unlink(missing_ok=True)

    def _entry(self, snapshot: Snapshot) -> dict[str, Any]:
        step = snapshot.progress["step"]
        stamp = self._stamps[step]
        return {
            "checkpoint": file_name(step),
            "sha256": stamp.sha256,
            "bytes": stamp.size,
            "epoch": snapshot.progress["epoch"],
            "step": step,
        }


def _key(snapshot: Snapshot) -> tuple[int, int]:
    """What tells the states of a run apart: between its last step and its end, an epoch's step is the same."""
    return snapshot.progress["step"], snapshot.progress["epoch"]


def first_believed(directory: Path, which: str, read: Callable[[Path, Sequence[Stamp]], T]) -> tuple[T, list[str]]:
    """Read the checkpoint that `which` names, or the newest before it that `read` does not refuse.

    Returns what `read` returns, and why those before it in the list could not be believed.

    Raises:
        UsageError: if there is none of that name.
        RunError: if no checkpoint can be believed.
    """
    index = Index(directory)
    refused: list[str] = []
    for step in index.candidates(which):
        try:
            return read(directory / "checkpoints" / file_name(step), index.stamps[step]), refused
        except RunError as error:
            refused.append(error.message)
    raise RunError("\n".join(["no checkpoint can be believed", *refused]))


def read_checkpoint(path: Path, stamps: Sequence[Stamp], spec: Spec) -> Snapshot:
    """Return the snapshot in a checkpoint of a spec's run; nothing is unpickled.

    It is believed only if size and digest are those of a stamp, its members are exactly those that such a run saves,
    and their shapes and dtypes are what the spec's layers and optimizer imply. All that is checked before an array is
    read, so that none can be larger than the file says truly.

    Raises:
        RunError: telling why it is not believed.
    """
    with open_archive(path, stamps) as archive:
        texts = {name: archive.headers[name] for name in TEXTS}
        if any(header.shape or header.dtype.kind != "U" for header in texts.values()):
            raise ValueError(f"{', '.join(TEXTS)} should be texts")
        layout, told, progress = (json.loads(str(archive.read(name))) for name in TEXTS)
        if trajectory(told, spec) != trajectory(spec.to_json(), spec):
            raise RunError(f"{path} is a checkpoint of another spec")
        _check_progress(progress, path.name)
        implied_layout, implied = _implied(spec, tuple(progress["data"]["input_shape"]), progress["position"])
        if layout != implied_layout or archive.headers != implied | texts:
            raise RunError(f"{path} does not fit the run's spec: its arrays are not those of the layers")
        arrays = {name: archive.read(name) for name in implied}
        return Snapshot(**{"outputs": np.empty(0)} | arrays, progress=progress)


def _check_progress(progress: Any, name: str) -> None:
    """Raise a ValueError unless `progress` is that of a run in the step which the checkpoint's name tells."""
    try:
        _Progress.model_validate(progress)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{'.'.join(map(str, ('progress', *first['loc'])))}: {first['msg']}") from None
    if file_name(progress["step"]) != name or progress["history_length"] != progress["epoch"]:
        raise ValueError("its progress is that of another state")


def _implied(spec: Spec, input_shape: Shape, position: int) -> tuple[list[dict[str, Any]], dict[str, Header]]:
    """The layout and the arrays of a checkpoint, after `position` samples of an epoch; nothing is allocated."""
    layers = copy.deepcopy(spec.layers)
    output_shape = connect(layers, input_shape, "layers")
    parameters, states = declared_shapes(name_layers(layers))
    layout, dtype = lay_out(parameters), np.dtype(spec.dtype)
    size = sum(slot.size for slot in layout)
    shapes: dict[str, Shape] = {
        "params": (size,),
        "slots": (len(spec.optimizer.slot_names), size),
        "state": (sum(map(math.prod, states.values())),),
    }
    if position:
        shapes["outputs"] = (position if spec.metrics else 0, *output_shape)
    return show_layout(layout), {name: Header(shape, dtype) for name, shape in shapes.items()}


def trajectory(document: Any, spec: Spec) -> Any:
    """Return a spec's JSON value without what does not say how training goes: free keys, and the paths of data."""
    files = [pointer for pointer, part in parts(spec) if isinstance(part, DataFile)]
    document = copy.deepcopy(document)
    for *path, key in [*FREE, *files]:
        place = document
        for step in path:
            place = place[step]
        if key in place:
            del place[key]
    return document
