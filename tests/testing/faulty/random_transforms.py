"""Random transforms without a mistake, and with one each."""

import numpy as np
from testing.faulty.base import ARGUMENTS, SAME, fault, good

from specnet import RandomTransform


@good
class Flip(RandomTransform):
    """y = x or -x for each sample."""

    def apply(self, x, rng):
        signs = rng.choice([-1, 1], len(x)).astype(x.dtype)
        return x * signs.reshape(-1, *[1] * (x.ndim - 1))


@good
class Shuffle(RandomTransform):
    """A batch in another order, of whole numbers too."""

    dtypes = (np.floating, np.integer)

    def apply(self, x, rng):
        return x[rng.permutation(len(x))]


@fault("it takes batches, and refuses others by a SpecnetError", "raises IndexError")
class Columnar(Flip):
    def apply(self, x, rng):
        return super().apply(x, rng) + 0 * x.shape[1]


@fault("a batch keeps its shape and dtype", "for float32 of shape .* apply returns float64")
class Doubling(RandomTransform):
    def apply(self, x, rng):
        return x + rng.normal(size=x.shape)


@fault("a batch keeps its shape and dtype", r"for float64 of shape \(9,\) apply returns float64 of shape \(8,\)")
class Dropping(RandomTransform):
    def apply(self, x, rng):
        return x[: max(len(x) - 1, 1)]


@fault(ARGUMENTS, "apply writes to the batch")
class WritingRandom(Flip):
    def apply(self, x, rng):
        x *= 2
        return super().apply(x, rng)


@fault(SAME, "samples of another instance: ")
class Global(Flip):
    def apply(self, x, rng):
        return super().apply(x, np.random.default_rng())


@fault(SAME, "samples in a second step: ")
class Growing(Flip):
    def apply(self, x, rng):
        self.calls = getattr(self, "calls", 0) + 1
        return super().apply(x, rng) * self.calls
