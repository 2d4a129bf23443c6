"""Call a component: catch what it raises, and find what it changes outside itself."""

from __future__ import annotations

import os
import pickle
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np


def attempt(call: Callable[[], Any]) -> Any:
    """Return what a call returns, or the error that it raises."""
    try:
        return call()
    except MemoryError:
        raise
    except (Exception, SystemExit) as error:
        return error


@contextmanager
def watched(changes: list[str]) -> Iterator[None]:
    """Add to `changes` what the block changes for the whole process, and undo it."""
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):  # as in training
        before = [read() for read, _ in SURROUNDINGS.values()]
        try:
            yield
        finally:
            for (name, (read, write)), value in zip(SURROUNDINGS.items(), before, strict=True):
                if value is not None and (now := read()) != value:
                    changes.append(f"{name} changes{''.join(_difference(value, now))}")
                    write(value)


def _difference(before: Any, now: Any) -> Iterator[str]:
    if isinstance(before, dict):
        yield f": {', '.join([name for name, value in now.items() if before.get(name) != value][:3])}"
    elif isinstance(before, str):
        yield f" from {before} to {now}"


def _read_umask() -> str:
    mask = os.umask(0)
    os.umask(mask)
    return f"{mask:03o}"


def _settings() -> dict[str, Any] | None:
    if "matplotlib" not in sys.modules:
        return None
    settings = dict(dict.items(sys.modules["matplotlib"].rcParams))  # 50 times as fast as its own methods
    settings.pop("backend", None)  # which pyplot chooses at first use
    return settings


def _restore_settings(settings: dict[str, Any]) -> None:
    sys.modules["matplotlib"].rcParams.update(settings)


def _figures() -> list[int]:
    pyplot = sys.modules.get("matplotlib.pyplot")
    return pyplot.get_fignums() if pyplot else []


def _close_figures(kept: list[int]) -> None:
    for number in {*_figures()} - {*kept}:
        sys.modules["matplotlib.pyplot"].close(number)


SURROUNDINGS: dict[str, tuple[Callable[[], Any], Callable[[Any], object]]] = {
    "the working directory": (lambda: str(Path.cwd()), os.chdir),
    "the umask": (_read_umask, lambda mask: os.umask(int(mask, 8))),
    "np.geterr()": (np.geterr, lambda errors: np.seterr(**errors)),
    "the generator of random": (lambda: random.getstate()[1:], lambda state: random.setstate((3, *state))),
    "the generator of np.random": (
        lambda: pickle.dumps(np.random.get_state()),  # noqa: NPY002
        lambda state: np.random.set_state(pickle.loads(state)),  # noqa: NPY002
    ),
    "matplotlib.rcParams": (_settings, _restore_settings),
    "the list of pyplot's figures": (_figures, _close_figures),
}
"""What a process has only one of: how to read it (None: not there yet), and how to restore it."""
