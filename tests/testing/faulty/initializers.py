"""Initializers without a mistake, and with one each."""

from typing import ClassVar

import numpy as np
from testing.faulty.base import SAME, fault, good

from specnet import Initializer
from specnet.errors import ShapeError


@good
class Draw(Initializer):
    """Numbers from 0 to 1 over the inputs."""

    def sample(self, rng, shape, fan_in, fan_out):
        return rng.random(shape) / fan_in


SHAPED = "numbers are finite and of the shape asked for"


@fault(SHAPED, r"a parameter of shape \(3, 5\): sample returns shape \(5, 3\)")
class Turned(Draw):
    def sample(self, rng, shape, fan_in, fan_out):
        return super().sample(rng, shape, fan_in, fan_out).T


@fault("it fills parameters, and refuses some shapes by a SpecnetError", "never")
class Unwilling(Draw):
    def sample(self, rng, shape, fan_in, fan_out):
        raise ShapeError("never")


@good
class OfMatrices(Draw):
    def sample(self, rng, shape, fan_in, fan_out):
        if len(shape) < 2:
            raise ShapeError("fills matrices")
        return super().sample(rng, shape, fan_in, fan_out)


@fault(SHAPED, "a number is not finite as float32")
class Infinite(Draw):
    def sample(self, rng, shape, fan_in, fan_out):
        return np.full(shape, np.float64(1e300) ** (1 + fan_in))


@fault(SAME, "numbers from a seed of another instance: ")
class GlobalDraw(Draw):
    def sample(self, rng, shape, fan_in, fan_out):
        return np.random.default_rng().random(shape)


@fault("the caller may overwrite the numbers", "after the first array was overwritten")
class Cached(Draw):
    kept: ClassVar[dict] = {}

    def sample(self, rng, shape, fan_in, fan_out):
        seed = rng.bit_generator.state["state"]["state"]
        return self.kept.setdefault((shape, fan_in, fan_out, seed), rng.random(shape))
