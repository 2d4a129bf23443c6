"""What a run was made with."""

from __future__ import annotations

import hashlib
import platform
from datetime import UTC, datetime
from typing import Any

import importlib_metadata
import numpy as np

from specnet import registry
from specnet.component import Component, parts
from specnet.datasets.base import Data
from specnet.runs.machine import describe_machine
from specnet.spec.model import Spec


def describe(spec: Spec, data: Data) -> dict[str, Any]:
    """Return the manifest of a run that is about to start, as a JSON value."""
    return {
        "status": "running",
        "started": now(),
        "finished": None,
        "seed": spec.seed,
        "spec": {"file": spec.source, "sha256": spec.digest()},
        "data": {"sha256": data_digest(data), "rows": {name: len(split.inputs) for name, split in data.splits.items()}},
        "components": components(spec),
        "versions": {
            "specnet": importlib_metadata.version("specnet"),
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "machine": describe_machine(),
    }


def now() -> str:
    """Return the time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def components(spec: Spec) -> dict[str, str]:
    """Return every component that a spec uses, `layers.linear`, with the distribution it came from."""
    used = {}
    for _, part in parts(spec):
        if isinstance(part, Component):
            entry = registry.find(part.group, registry.name_of(part.group, type(part)))
            used[f"{entry.group}.{entry.name}"] = f"{entry.distribution} {entry.version}"
    return dict(sorted(used.items()))


def data_digest(data: Data) -> str:
    """Return the SHA-256 of all samples, with their split, dtype and shape, in hexadecimal."""
    digest = hashlib.sha256()
    for name, samples in data.splits.items():
        for array in samples:
            digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
