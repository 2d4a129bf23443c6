"""Searches the values of a spec: `specnet sweep`, or `sweep` from Python."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {"sweep": "running", "SweepObserver": "observer", "SweepResult": "results", "TrialResult": "results"}
"""Modules of the public names: `specnet sweep --help` needs none of them."""

__all__ = ["SweepObserver", "SweepResult", "TrialResult", "sweep"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"specnet_sweep.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'specnet_sweep' has no attribute {name!r}")
