"""The checkpoints of a run, as named by `latest.json` and `best.json`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from specnet.errors import RunError, UsageError
from specnet.runs.archive import Stamp
from specnet.runs.files import read_json

T = TypeVar("T")
STEP = re.compile(r"(?:step-)?0*([0-9]{1,19})(?:\.npz)?")
"""A step number, or the name of its checkpoint."""
DIGEST = re.compile("[0-9a-f]{64}")
NAME = re.compile(r"step-([0-9]{8}|[1-9][0-9]{8,18})\.npz")


def file_name(step: int) -> str:
    """Return the name of a step's checkpoint."""
    return f"step-{step:08d}.npz"


class Index:
    """The content of `latest.json` and `best.json`: the checkpoints that a run has saved, and their stamps.

    A checkpoint that a process was replacing when it ended has several stamps. `pending` are those it was adding,
    `dropped` those it was deleting.

    Raises:
        RunError: if one of the files cannot be read.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
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
        # The process may have ended between writing the two files.
        self.stamps.setdefault(self.best_step, [best])
        self.pending = set(pending) - set(self.stamps)
        for step, stamp in pending.items():
            if step in self.stamps:
                self.stamps[step].append(stamp)

    def candidates(self, which: str) -> list[int]:
        """Return the steps whose checkpoints may serve as `which`, the wanted one first.

        For "best" and "latest" those before it come next; a step number has no alternatives.

        Raises:
            UsageError: if there is no such checkpoint.
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
        raise ValueError(f"{name} does not name a checkpoint")
    return int(match[1])


def _read_stamps(saved: dict[str, dict[str, Any]]) -> dict[int, Stamp]:
    return {_step(name): _read_stamp(stamp) for name, stamp in saved.items()}


def _read_stamp(saved: dict[str, Any]) -> Stamp:
    if not DIGEST.fullmatch(saved["sha256"]) or type(saved["bytes"]) is not int or saved["bytes"] < 0:
        raise ValueError("there is a file without digest or size")
    return Stamp(saved["sha256"], saved["bytes"])


def show_stamps(stamps: Mapping[int, Stamp]) -> dict[str, dict[str, Any]]:
    """Return stamps by step as the JSON value that an index reads."""
    return {file_name(step): {"sha256": stamp.sha256, "bytes": stamp.size} for step, stamp in sorted(stamps.items())}


def first_believed(index: Index, which: str, read: Callable[[Path, Sequence[Stamp]], T]) -> tuple[T, list[str]]:
    """Read the checkpoint that `which` names, or the newest one before it that `read` accepts.

    Returns the result of `read`, and the reasons why other candidates were refused.

    Raises:
        UsageError: if there is no such checkpoint.
        RunError: if no checkpoint is intact.
    """
    refused: list[str] = []
    for step in index.candidates(which):
        try:
            return read(index.directory / "checkpoints" / file_name(step), index.stamps[step]), refused
        except RunError as error:
            refused.append(error.message)
    raise RunError("\n".join(["no checkpoint is intact", *refused]))
