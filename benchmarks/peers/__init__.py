"""The peers: each module's `make(work)` returns what trains that work as its users would write it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.work import Train, Work

MODULES = {
    "specnet": "specnet_",
    "specnet, textbook": "specnet_",
    "specnet, numba": "specnet_",
    "products": "products",
    "floor": "floor",
    "notebook": "notebook",
    "notebook as written": "notebook",
    "scikit-learn": "sklearn_",
    "PyTorch": "torch_",
    "PyTorch, fused Adam": "torch_",
    "JAX": "jax_",
}
PACKAGES = {
    "specnet, numba": "specnet_numba",
    "scikit-learn": "sklearn",
    "PyTorch": "torch",
    "PyTorch, fused Adam": "torch",
    "JAX": "jax",
}
"""What has to be installed for a peer to take part."""

OPTIONS: dict[str, dict[str, Any]] = {
    "specnet, textbook": {"kernels": "textbook"},
    "specnet, numba": {"kernels": "numba"},
    "PyTorch, fused Adam": {"fused": True},
}
"""Options of peers that share a module."""


def missing() -> list[str]:
    """Return the peers that are not installed."""
    return [name for name, package in PACKAGES.items() if find_spec(package) is None]


def installed(*names: str) -> list[str]:
    """Return those of the peers that are installed."""
    return [name for name in names if name not in missing()]


def find(name: str) -> Callable[[Work], Train]:
    """Import a peer, and return what makes its training."""
    make = import_module(f"benchmarks.peers.{MODULES[name]}").make
    return partial(make, **OPTIONS.get(name, {}))
