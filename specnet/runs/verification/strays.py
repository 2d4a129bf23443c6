"""Files in a run directory that do not belong to the run."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from specnet.report.pictures import FORMATS
from specnet.runs.storage.checkpoints import DAMAGED
from specnet.runs.storage.directory import OWN, entries
from specnet.runs.storage.files import TEMPORARY
from specnet.runs.storage.state import NAME

TEMPORARIES = ("left by a process that was killed", "resume removes them")
SET_ASIDE = ("damaged checkpoints that resume has renamed", "delete them if you do not need them")
FOREIGN = ("not written by the run", "they are neither loaded nor changed")


def sort_files(directory: Path, copies: Collection[str]) -> tuple[list[str], dict[tuple[str, str], list[str]]]:
    """Return the names of the run's own files, and those of others by what they are and what to do about them.

    `copies` are the run's copies of plugin files. Drawn pictures are neither.
    """
    own: list[str] = []
    strays: dict[tuple[str, str], list[str]] = {kind: [] for kind in (TEMPORARIES, SET_ASIDE, FOREIGN)}
    for path in sorted(entries(directory)):
        name = str(path.relative_to(directory))
        of_checkpoint = path.parent.name == "checkpoints"
        if TEMPORARY.fullmatch(path.name):
            strays[TEMPORARIES].append(name)
        elif name in OWN or name in copies or (of_checkpoint and NAME.fullmatch(path.name)):
            own.append(name)
        elif of_checkpoint and NAME.fullmatch(path.name.partition(DAMAGED)[0]):
            strays[SET_ASIDE].append(name)
        elif path.parent.name != "plots" or path.suffix[1:] not in FORMATS:
            strays[FOREIGN].append(name)
    return own, strays
