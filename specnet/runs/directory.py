"""The run directory: what lies where, and how a free one is found."""

from __future__ import annotations

from itertools import count
from pathlib import Path

from specnet.errors import UsageError


def claim_directory(wanted: Path) -> Path:
    """Create and return a directory for a run: the one wanted, or `wanted-2`, `wanted-3`, … if that is taken.

    An empty directory is free. Nothing is ever overwritten.

    Raises:
        UsageError: if no directory can be made there.
    """
    if wanted.name in ("", ".."):  # no names that a number could follow
        raise UsageError(f'"{wanted}" names no run directory', help="end it in a name, as in --out runs/mine")
    for number in count(1):
        path = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
        try:
            path.mkdir(parents=True, exist_ok=True)
            if any(path.iterdir()):
                continue
            # Of two runs that found it empty in the same instant, one makes this folder.
            (path / "checkpoints").mkdir()
        except FileExistsError:
            if path == wanted and not path.is_dir():
                raise UsageError(f"{path} is there and is no directory", help="name another with --out") from None
            continue
        except OSError as error:
            raise UsageError(f"{path} cannot be made: {error.strerror}", help="name another with --out") from error
        return path
    raise AssertionError("there is always a next number")
