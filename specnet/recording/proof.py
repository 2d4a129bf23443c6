"""Digests of recorded frames, which checkpoints keep."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np


def digest(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return the SHA-256 of named arrays. A number that is NaN counts as missing: `Recorder.arrays` fills gaps so."""
    found = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        if array.ndim or array.dtype.kind != "f" or not np.isnan(array):
            found.update(f"{name} {array.dtype.str} {array.shape}".encode())
            found.update(np.ascontiguousarray(array).data)
    return found.digest()


def prove(arrays: Mapping[str, np.ndarray], saved: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return the arrays of a record with only those frames that the state of a `Recorder` has digests of.

    Raises:
        ValueError: if something has changed since.
        KeyError: if an array is missing.
    """
    for name, expected in saved["fixed"].items():
        if digest({name: arrays[name]}).hex() != expected:
            raise ValueError(f"{name} has changed")
    epochs, reached = arrays["epochs"], arrays["reached"]
    stacked = {name: array for name, array in arrays.items() if name not in ("epochs", "reached", *saved["fixed"])}
    if any(array.shape[:1] != epochs.shape or not array.ndim for array in stacked.values()):
        raise ValueError("its arrays have different numbers of frames")
    if epochs.dtype.kind != "i" or reached.dtype.kind != "i" or reached.shape or np.any(np.diff(epochs) <= 0):
        raise ValueError("its epochs are not ascending numbers")
    expected = dict(zip(saved["epochs"].tolist(), saved["digests"], strict=True))
    proven = [number for number, epoch in enumerate(epochs.tolist()) if epoch in expected]
    if not proven:
        raise ValueError("no checkpoint lists its frames")
    for number in proven:
        frame = {name: array[number, ...] for name, array in stacked.items()}
        if digest(frame) != expected[epochs[number]].tobytes():
            raise ValueError(f"the frame of epoch {epochs[number]} has changed")
    return {**arrays, "epochs": epochs[proven], **{name: array[proven] for name, array in stacked.items()}}
