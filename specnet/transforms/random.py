"""Random transforms of training batches."""

from __future__ import annotations

import numpy as np
from pydantic import Field, NonNegativeFloat

from specnet.transforms.base import RandomTransform


class GaussianNoise(RandomTransform):
    """y = x + e in training, with e drawn from N(0, std^2) for each number of each batch.

    In the units of transformed inputs. Bishop, "Training with noise is equivalent to Tikhonov regularization", 1995.
    """

    examples = ({"std": 0.3}, {"std": 0.0})
    std: NonNegativeFloat = Field(description="standard deviation of the noise")

    def apply(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return x + self.std * rng.standard_normal(x.shape, x.dtype)
