"""Layers whose outputs have a wrong shape or dtype, or depend on more than the inputs."""

import numpy as np
from testing.faulty.base import PRECISION, ROWS, fault
from testing.faulty.layers import Centre, Noise, Tanh

from specnet.errors import ShapeError

SHAPE = "outputs have the declared shape"
DTYPE = "the dtype stays"
INFERENCE = "inference is deterministic and changes nothing"
FINITE = "outputs and gradients are finite"


@fault(DTYPE, "forward, training False: float32 becomes float64")
class Wide(Tanh):
    def forward(self, x, training):
        return super().forward(x, training).astype(np.float64)


@fault(DTYPE, "backward: float32 becomes float64")
class WideBackward(Tanh):
    def backward(self, dy):
        return super().backward(dy).astype(np.float64)


@fault(PRECISION, "outputs without training of float32 against float64")
class Coarse(Tanh):
    def forward(self, x, training):
        self.y = super().forward(x, training)
        if x.dtype == np.float32:
            self.y = self.y.astype(np.float16).astype(np.float32)
        return self.y


@fault(SHAPE, r"outputs have shape \(3, 5\); build declares \(3, 4\), the batch in front")
class WrongShape(Tanh):
    def build(self, input_shape):
        if len(input_shape) != 1 or input_shape[0] < 2:
            raise ShapeError("needs two features or more")
        return (input_shape[0] - 1,)


@fault(INFERENCE, "outputs of the same inputs change", ROWS)
class IgnoringTraining(Noise):
    def forward(self, x, training):
        return super().forward(x, True)


@fault(INFERENCE, "random numbers are drawn")
class DrawingAnyway(Noise):
    def forward(self, x, training):
        self.rng.random()
        return super().forward(x, training)


@fault(INFERENCE, "running state changes")
class UpdatingAnyway(Centre):
    def forward(self, x, training):
        y = super().forward(x, training)
        self.running += 0 if training else 1
        return y


@fault(ROWS, "outputs of row 0 alone, against those in a batch: ")
class BatchStatistics(Centre):
    def forward(self, x, training):
        super().forward(x, training)
        return x - x.mean(axis=0)


@fault(FINITE, "of outputs .* are not finite, such as nan: .* example_inputs should return them")
class Logarithm(Tanh):
    def forward(self, x, training):
        self.x = x
        return np.log(x)

    def backward(self, dy):
        return dy / self.x
