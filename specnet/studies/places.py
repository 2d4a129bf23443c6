"""The directories of groups and sweeps."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

from specnet.errors import SpecnetError, UsageError
from specnet.words import os_reason


def choose_place(
    out: str | Path | None, name: str, check_free: Callable[[Path], None], taken: type[SpecnetError] = UsageError
) -> Path:
    """Return `out` or, if it is None, the first of `runs/NAME`, `runs/NAME-2`, … that is free.

    `check_free` raises an error of the class `taken` if a directory is taken.
    """
    if out is not None:
        check_free(Path(out))
        return Path(out)
    for number in count(1):
        path = Path("runs") / (name if number == 1 else f"{name}-{number}")
        try:
            check_free(path)
        except taken:
            continue
        return path
    raise AssertionError


def make_place(path: Path) -> None:
    """Make a directory and those above it, or raise a UsageError if that is not possible."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{path} cannot be created: {os_reason(error)}", help="choose another with --out") from error
