"""The checkpoints of a run. The files in the directory are their own index: each proves itself, and names the best."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable, Collection, Container, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from specnet.errors import RunError, UsageError
from specnet.runs.storage.archive import DamagedError, stage_archive
from specnet.runs.storage.directory import RunDirectory
from specnet.runs.storage.files import Staged, sync_directory
from specnet.runs.storage.state import NAME, file_name, read_texts
from specnet.spec.model import Spec
from specnet.training.state import TrainingState

_T = TypeVar("_T")
_STEP = re.compile(r"(?:step-)?0*([0-9]{1,19})(?:\.npz)?")
"""A step number, or the name of its checkpoint."""
DAMAGED = ".damaged"
"""Ending that `resume` adds to the name of a damaged checkpoint."""


class Listing:
    """The files in a run directory that are named like checkpoints; without `identities` those of any run are valid."""

    def __init__(self, directory: Path, identities: Container[str] | None) -> None:
        self.folder = directory / "checkpoints"
        self._identities = identities
        files = self.folder.iterdir() if self.folder.is_dir() else ()
        self.steps = sorted(int(match[1]) for file in files if (match := NAME.fullmatch(file.name)))

    def path(self, step: int) -> Path:
        """Return the path of a step's checkpoint."""
        return self.folder / file_name(step)

    def read(self, steps: Iterable[int]) -> tuple[dict[int, dict[str, Any]], dict[int, RunError]]:
        """Return the progress in those checkpoints of these steps that are intact, and the errors of all others."""
        intact, refused = {}, {}
        for step in steps:
            try:
                intact[step] = self._progress(self.path(step))
            except RunError as error:
                refused[step] = error
        return intact, refused

    def _progress(self, path: Path) -> dict[str, Any]:
        return read_texts(path, self._identities)["progress"]

    def newest(self) -> dict[str, Any]:
        """Return the progress in the newest intact checkpoint, or raise a RunError if no checkpoint is intact."""
        return first_believed(self, "latest", self._progress)[0]

    def candidates(self, which: str) -> list[int]:
        """Return the steps whose checkpoints may serve as `which`, the wanted one first.

        For "best" and "latest" those before it come next; a step number has no alternatives.

        Raises:
            UsageError: if there is no such checkpoint.
            RunError: if none is intact.
        """
        if which == "latest":
            return self.steps[::-1]
        if which == "best":
            newest = self.newest()
            best = best_of(newest)["step"]
            unknown = [step for step in self.steps if step > newest["step"]]  # one of these may have been better
            return [*unknown, best, *(step for step in self.steps[::-1] if step < best)]
        if not (number := _STEP.fullmatch(which)):
            raise UsageError(f'there is no checkpoint "{which}"', help="best, latest or the number of a step")
        if (step := int(number[1])) not in self.steps:
            steps = ", ".join(map(str, self.steps))
            raise UsageError(f"the run has no checkpoint {file_name(step)}", help=f"best, latest or one of: {steps}")
        return [step]


def best_of(progress: Mapping[str, Any]) -> dict[str, Any]:
    """Return checkpoint, epoch, step, and name and value of the monitored quantity of the best state so far."""
    parts = progress["parts"]
    moment, value = parts["callbacks.checkpoints"]["values"], parts["callbacks.best"]["values"]["best"]
    return {"checkpoint": file_name(moment["step"]), **moment, "value": value}


def first_believed(listing: Listing, which: str, read: Callable[[Path], _T]) -> tuple[_T, list[str]]:
    """Read the checkpoint that `which` names, or the newest one before it that `read` accepts.

    Returns the result of `read`, and the reasons why other candidates were refused.

    Raises:
        UsageError: if there is no such checkpoint.
        RunError: if no checkpoint is intact.
    """
    refused: list[str] = []
    for step in listing.candidates(which):
        try:
            return read(listing.path(step)), refused
        except RunError as error:
            refused.append(error.message)
    raise RunError("\n".join(["no checkpoint is intact", *refused]))


class Checkpoints:
    """The checkpoints of one run for its only writer: the first, the newest few and the best.

    Other files do not belong to the run: they are left alone, and never overwritten.
    """

    def __init__(
        self, directory: RunDirectory, spec: Spec, layout: list[dict[str, Any]], origin: Mapping[str, Any]
    ) -> None:
        self.directory = directory
        self.keep = spec.checkpoint.keep
        self.pinned: Collection[int] = ()
        """Steps whose checkpoints are never deleted."""
        texts = {"layout": layout, "spec": spec.to_json(), "origin": origin}
        self._texts = {name: np.array(json.dumps(value)) for name, value in texts.items()}
        self._steps: set[int] = set()
        """Steps whose checkpoints are the run's own."""
        self._saved: set[tuple[int, int]] = set()

    def resume(self, listing: Listing, *states: TrainingState) -> None:
        """Take over the checkpoints of a run that resumes from the first of the states, all read from its files.

        Later ones are deleted, as training is repeated. A damaged one may be somebody else's file: it gets another
        name.
        """
        intact, refused = listing.read(listing.steps)
        self._steps, self._saved = {*intact}, {_key(state) for state in states}
        self.forget_after(states[0].progress["step"])
        for step, error in refused.items():
            path = self.directory.file("checkpoints", file_name(step))
            if isinstance(error, DamagedError) and stat.S_ISREG(path.lstat().st_mode):
                path.replace(path.with_name(_free(path.name + DAMAGED, path.parent)))
                sync_directory(path.parent)

    def save(self, latest: TrainingState, best: TrainingState | None) -> None:
        """Write both states if needed, and delete those that are no longer kept.

        Whatever fails, and whenever the process ends, the newest intact checkpoint and its best one are there.

        Raises:
            OSError: if they cannot be written.
            UsageError: if a foreign file has the name of a checkpoint.
        """
        wanted = [state for state in (latest, best) if state and _key(state) not in self._saved]
        new = {state.progress["step"]: state for state in wanted}
        with ExitStack() as stack:
            staged = {}
            for step in sorted(new):
                staged[step] = self._stage(step, new[step])
                stack.callback(staged[step].discard)  # does nothing after commit
            for step, file in staged.items():  # the best one first: the newest names it
                file.commit()
                self._steps.add(step)
                self._saved.add(_key(new[step]))
        now, best_step = latest.progress["step"], best_of(latest.progress)["step"]
        earlier = sorted(step for step in self._steps if step <= now)
        self._delete(set(earlier) - {0, now, best_step, *self.pinned, *earlier[-self.keep :]})

    def forget_after(self, step: int) -> None:
        """Delete the checkpoints of later steps, the newest first: each may name an earlier one as the best."""
        self._delete({each for each in self._steps if each > step})

    def _delete(self, steps: set[int]) -> None:
        for step in sorted(steps, reverse=True):
            self.directory.file("checkpoints", file_name(step)).unlink(missing_ok=True)
            self._steps.discard(step)
            self._saved = {key for key in self._saved if key[0] != step}

    def _stage(self, step: int, state: TrainingState) -> Staged:
        path = self.directory.file("checkpoints", file_name(step))
        if step not in self._steps and os.path.lexists(path):
            help = f"move it away, then: specnet resume {self.directory.path}"
            raise UsageError(f"{path} is in the way: this run did not write it", help=help)
        return stage_archive(path, state.arrays | self._texts | {"progress": np.array(json.dumps(state.progress))})


def _key(state: TrainingState) -> tuple[int, int]:
    """Return what distinguishes states: the last step and the end of an epoch have the same step number."""
    return state.progress["step"], state.progress["epoch"]


def _free(name: str, folder: Path) -> str:
    """Return a name that no file in the folder has: with a number, if needed."""
    number, free = 1, name
    while os.path.lexists(folder / free):
        number += 1
        free = f"{name}-{number}"
    return free
