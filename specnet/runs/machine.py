"""What the machine computes with: bits of a run differ between BLAS kernels, thread counts and SIMD extensions."""

from __future__ import annotations

import ctypes
import os
import platform
from pathlib import Path
from typing import Any

import numpy as np

PREFIXES = ("scipy_openblas_", "openblas_")
SUFFIXES = ("64_", "")


def describe_machine() -> dict[str, Any]:
    """Return platform, cores, and the BLAS library with its kernel and threads, where they can be told."""
    build = np.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})
    kernel, threads = _openblas()
    return {
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "blas": f"{build.get('name', 'unknown')} {build.get('version', '')}".strip(),
        "blas_kernel": kernel,
        "blas_threads": threads,
        "simd": np.show_config(mode="dicts").get("SIMD Extensions", {}).get("found", []),
    }


def _openblas() -> tuple[str | None, int | None]:
    """Kernel and threads of the OpenBLAS that NumPy's wheels carry; it is chosen when NumPy is imported."""
    for path in (Path(np.__file__).parents[1] / "numpy.libs").glob("*openblas*"):
        library = ctypes.CDLL(str(path))
        for prefix, suffix in ((prefix, suffix) for prefix in PREFIXES for suffix in SUFFIXES):
            name = getattr(library, f"{prefix}get_corename{suffix}", None)
            threads = getattr(library, f"{prefix}get_num_threads{suffix}", None)
            if name and threads:
                name.restype = ctypes.c_char_p
                return name().decode(), threads()
    return None, None
