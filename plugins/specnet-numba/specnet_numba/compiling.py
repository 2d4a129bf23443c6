"""`compiled`: compiles a function at its first call, and keeps the machine code in the user's cache directory."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numba
from numba.core import config
from numba.core.caching import CompileResultCacheImpl, FunctionCache, UserProvidedCacheLocator


@cache
def cache_directory() -> Path:
    """Return where machine code is kept: NUMBA_CACHE_DIR, else specnet/numba in the cache directory of the user."""
    if chosen := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(chosen)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "specnet" / "numba"


def describe_cache() -> str:
    """Return where machine code is kept, or that it is not."""
    try:
        _own_directory().mkdir(parents=True, exist_ok=True)
        writable = os.access(_own_directory(), os.W_OK)
    except OSError:
        writable = False
    if writable:
        return f"machine code is kept in {cache_directory()}"
    return f"{cache_directory()} cannot be written, so each process compiles: set NUMBA_CACHE_DIR to another folder"


@cache
def _own_directory() -> Path:
    """Return the folder for this source: Numba would not notice that a function in another file has changed."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    return cache_directory() / digest[:12]


class _Files(CompileResultCacheImpl):
    """Files in the chosen folder alone: Numba would otherwise also try the folder of the source."""

    _locator_classes: ClassVar[list[type]] = [UserProvidedCacheLocator]


class _Cache(FunctionCache):
    """A cache whose failures only cost time: its files may be damaged, or its disk full."""

    _impl_class = _Files

    def load_overload(self, *arguments: Any) -> Any:
        try:
            return super().load_overload(*arguments)
        except Exception:  # whatever reading a damaged file raises
            with suppress(OSError):
                self.flush()  # or its index could not be added to
            return None

    def save_overload(self, *arguments: Any) -> None:
        try:
            super().save_overload(*arguments)
        except OSError:
            self.disable()


def compiled(function: Callable[..., Any], *, reordered: bool = False) -> Any:
    """Compile a function for the types of its arguments at its first call with them.

    Division by 0 is that of NumPy, without a check that would stop the compiler from using vector instructions. A
    product and the sum it goes into may be rounded once. The numbers of a sum are only `reordered` where it is said,
    as vector instructions for it need that. NaN and infinity are those of NumPy.
    """
    options = {"contract", "reassoc"} if reordered else {"contract"}
    dispatcher = numba.njit(error_model="numpy", fastmath=options)(function)
    before, config.CACHE_DIR = config.CACHE_DIR, str(_own_directory())
    try:
        dispatcher._cache = _Cache(function)
    except (OSError, RuntimeError):  # there is nowhere to write: it is compiled in each process
        pass
    finally:
        config.CACHE_DIR = before
    return dispatcher
