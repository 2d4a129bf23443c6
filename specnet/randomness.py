"""Random streams: one for each purpose, all from the spec's seed."""

from __future__ import annotations

from typing import Any

import numpy as np


def stream(seed: int, purpose: str, shard: int = 0) -> np.random.Generator:
    """Return the generator for a purpose, such as "dataset" or "layers.2", in a shard of a batch.

    Streams are independent of each other, and adding one leaves the others as they are.
    """
    key = (*purpose.encode(), *([0x100 + shard] if shard else []))  # above any byte of a purpose
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def save_stream(rng: np.random.Generator) -> dict[str, Any]:
    """Return a generator's state as JSON values."""
    return dict(rng.bit_generator.state)


def restore_stream(rng: np.random.Generator, state: dict[str, Any]) -> None:
    """Put a generator back into a state that `save_stream` returned."""
    rng.bit_generator.state = state
