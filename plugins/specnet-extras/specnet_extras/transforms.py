"""Transforms that are used less often."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from specnet import RandomTransform
from specnet.errors import ShapeError


class TimeWarp(RandomTransform):
    """Time runs faster in some parts of a sequence (time, features) and slower in others; its ends stay.

    At `knots` places, evenly spaced, the speed is drawn from N(1, std^2), at least 0.1; between them it is linear. x is
    interpolated linearly. Um et al., "Data augmentation of wearable sensor data", 2017.
    """

    examples = ({"std": 0.5, "knots": 3}, {"std": 0.0})
    std: float = Field(default=0.2, ge=0, le=10, description="standard deviation of the speed")
    knots: int = Field(default=6, ge=2, le=1000, description="places where a speed is drawn, both ends included")

    def check_shape(self, shape: tuple[int, ...]) -> None:
        if len(shape) != 2:
            raise ShapeError(f"this transform takes sequences (time, features), but a sample has shape {shape}")

    def apply(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        n, time, _ = x.shape
        if time < 2:
            return x.copy()
        knots = np.maximum(rng.normal(1.0, self.std, (n, self.knots)), 0.1)
        steps, ends = np.arange(time - 1) + 0.5, np.linspace(0, time - 1, self.knots)
        speed = np.stack([np.interp(steps, ends, each) for each in knots])
        place = np.cumsum(speed, axis=1) * ((time - 1) / speed.sum(axis=1, keepdims=True))
        place = np.clip(np.pad(place, ((0, 0), (1, 0))), 0, time - 1)
        low = np.minimum(place.astype(np.intp), time - 2)[..., np.newaxis]
        share = (place[..., np.newaxis] - low).astype(x.dtype)
        before, after = np.take_along_axis(x, low, axis=1), np.take_along_axis(x, low + 1, axis=1)
        return (1 - share) * before + share * after
