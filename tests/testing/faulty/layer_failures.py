"""Layers that fail, or take no inputs."""

import numpy as np
from testing.faulty.base import fault
from testing.faulty.layers import Dense, Tanh

from specnet.errors import ShapeError

TAKES = "it takes inputs, and refuses others by a ShapeError"
RUNS = "outputs and gradients can be computed"


@fault(RUNS, "raises SystemExit: 3, in .*layer_failures.*, in forward")
class Quitting(Tanh):
    def forward(self, x, training):
        raise SystemExit(3)


@fault(RUNS, "inputs of shape .*: raises ZeroDivisionError: .*, in .*layer_failures.*, in forward")
class Raising(Tanh):
    def forward(self, x, training):
        return x / (1 // 0)


@fault(RUNS, "backward returns NoneType, not a NumPy array: is a return missing")
class Forgetful(Tanh):
    def backward(self, dy):
        dy *= 1 - self.y**2


@fault(RUNS, "forward returns MaskedArray, not a NumPy array")
class Masked(Tanh):
    def forward(self, x, training):
        return np.ma.masked_invalid(super().forward(x, training))


@fault(RUNS, "object has no attribute 'weigth', in .*layer_failures.*, in forward")
class Misspelt(Dense):
    def forward(self, x, training):
        return x @ self.weigth


@fault(TAKES, r"none of those tried is accepted.*\n *inputs of shape \(5,\): layers.0 needs images")
class Choosy(Tanh):
    def build(self, input_shape):
        raise ShapeError("needs images")


@fault(TAKES, r"inputs of shape \(\): raises .*layers\.0 \(Careless\) fails in build: IndexError")
class Careless(Tanh):
    def build(self, input_shape):
        assert input_shape[-1]
        return input_shape
