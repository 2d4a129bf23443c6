"""What each layer does with some samples: how its outputs vary, and which units pass no gradient back."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from specnet.layers.base import Activation, Layer
from specnet.network.wrapping import wrapped
from specnet.recording.recorder import FLAT, PROBED
from specnet.training.batches import Batch
from specnet.training.model import Model

_CONSTANT = 1e-3
"""A unit is constant if it varies by less than this share of the size of its layer's outputs."""


class Probed(NamedTuple):
    """Of a layer, the mean standard deviation of its units over `rows` samples; of an activation, shares of its units.

    The share that is `dead` (0 and flat for all samples), `saturated` (flat for all samples, at another value) and
    `constant` (neither, and the same for all samples); and of all units and samples together the share `flat` at
    another value than 0. A unit is one feature, at all places of an image or a sequence.
    """

    spread: float
    rows: int
    units: int = 0
    dead: float = 0.0
    saturated: float = 0.0
    constant: float = 0.0
    flat: float = 0.0


def probe(model: Model, batch: Batch) -> dict[str, Probed]:
    """Return what each layer does with samples of a batch, by name; flat as in a `Recorder`'s `dead_units`."""
    found = dict[str, Probed]()

    def watch(name: str, layer: Layer, method: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def look(*arguments: Any) -> np.ndarray:
            y: np.ndarray = call(*arguments)
            rows = y.reshape(-1, y.shape[-1]).astype(np.float64)
            slope = None
            if isinstance(layer, Activation) and y.ndim > 1:
                slope = layer.backward(np.ones_like(y)).reshape(rows.shape)
            found[name] = _judge(rows, slope, len(y))
            return y

        return look if method == "forward" else call

    rows = slice(None, None, math.ceil(batch.rows / PROBED))
    with model.network.singly(), wrapped(model.network, watch), np.errstate(all="ignore"):
        model.network.propagate(batch.inputs[rows], mask=None if batch.mask is None else batch.mask[rows])
    return found


def _judge(y: np.ndarray, slope: np.ndarray | None, rows: int) -> Probed:
    std = y.std(axis=0)
    spread = float(std.mean())
    if slope is None:
        return Probed(spread, rows)
    flat, zero = np.abs(slope) < FLAT, np.abs(y) < FLAT
    always = flat.all(axis=0)
    dead = always & zero.all(axis=0)
    constant = ~always & (std < _CONSTANT * np.sqrt(np.mean(y**2)))
    shares = [float(each.mean()) for each in (dead, always & ~dead, constant, flat & ~zero)]
    return Probed(spread, rows, y.shape[-1], *shares)
