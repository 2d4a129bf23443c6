"""Random transforms of training batches."""

from __future__ import annotations

import numpy as np
from pydantic import Field, NonNegativeFloat, PositiveFloat

from specnet.transforms.base import RandomTransform


class GaussianNoise(RandomTransform):
    """y = x + e in training, with e drawn from N(0, std^2) for each number of each batch.

    In the units of transformed inputs. Bishop, "Training with noise is equivalent to Tikhonov regularization", 1995.
    """

    examples = ({"std": 0.3}, {"std": 0.0})
    std: NonNegativeFloat = Field(description="standard deviation of the noise")

    def apply(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return x + self.std * rng.standard_normal(x.shape, x.dtype)


class Mixup(RandomTransform):
    """Each sample is mixed with another one: x = s x_i + (1 - s) x_j and likewise its target, with s from Beta(a, a).

    s is drawn for each batch, j is a permutation of it. Class numbers first become rows of 0 and 1, which the loss has
    to take, as `cross_entropy` does. Metrics of the training split compare with the targets of x_i. Zhang et al.,
    "mixup: beyond empirical risk minimization", 2018.
    """

    examples = ({"alpha": 1.0},)
    alpha: PositiveFloat = Field(default=0.2, description="a: the larger, the closer both shares are to 1/2")

    def apply(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return self.apply_both(x, x, rng)[0]

    def apply_both(self, x: np.ndarray, target: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        share, other = rng.beta(self.alpha, self.alpha), rng.permutation(len(x))
        mixed, mixed_target = (
            (share * each + (1 - share) * each[other]).astype(each.dtype, copy=False) for each in (x, target)
        )
        return mixed, mixed_target
