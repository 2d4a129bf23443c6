"""Description of the machine: bits of a run differ between BLAS kernels, thread counts and SIMD extensions."""

from __future__ import annotations

import os
import platform
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

NUMPY = str(Path(np.__file__).resolve().parent)
"""Path prefixes of the libraries in NumPy's wheels, in `numpy.libs` or `numpy/.dylibs`."""


def describe_machine() -> dict[str, Any]:
    """Return platform, cores, and, if known, the BLAS library with its kernel and threads."""
    config = np.show_config(mode="dicts")
    build = config.get("Build Dependencies", {}).get("blas", {})
    blas = numpy_blas() or {"internal_api": build.get("name", "unknown"), "version": build.get("version")}
    return {
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "blas": f"{blas['internal_api']} {blas['version'] or ''}".strip(),
        "blas_kernel": blas.get("architecture"),
        "blas_threads": blas.get("num_threads"),
        "simd": config.get("SIMD Extensions", {}).get("found", []),
    }


def numpy_blas() -> dict[str, Any] | None:
    """Return what threadpoolctl knows of the BLAS that NumPy uses; None if nothing."""
    found = [library for library in libraries().info() if library["user_api"] == "blas"]
    own = [library for library in found if library["filepath"].startswith(NUMPY)]  # other packages may bring their own
    return next(iter(own or found), None)


@cache
def libraries() -> ThreadpoolController:
    """Return the loaded libraries with threads, NumPy's among them; the search takes a millisecond."""
    return ThreadpoolController()
