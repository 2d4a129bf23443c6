"""Layers that declare what is not so."""

import numpy as np
from pydantic import Field, field_validator
from testing.faulty.base import JSON, ROWS, fault
from testing.faulty.layers import Centre, Mean, Tanh

from specnet import Activation

ATTRIBUTES = "its attributes are valid"
OUTPUT = "outputs match the declared output"
ONE = "each output is a function of one input"
MASKED = "masked positions change nothing"


@fault(JSON, r"rate was 1\.0 and is 2\.0 after it was written as JSON and read again", rate=0.5)
class Doubling(Tanh):
    rate: float

    @field_validator("rate")
    @classmethod
    def _double(cls, rate):
        return 2 * rate


@fault(JSON, "rate was 0.7 and is 0.5", rate=0.7)
class Unsaid(Tanh):
    rate: float = Field(default=0.5, exclude=True)


@fault(OUTPUT, "an output is -0.*, but output declares them as probabilities")
class NoProbabilities(Tanh):
    output = "probabilities"


@fault(OUTPUT, 'all outputs are from 0 to 1: set output = "probabilities"')
class UnsaidProbabilities(Activation):
    def f(self, x):
        return np.exp(-x * x)

    def slope(self, x, y):
        return -2 * x * y


@fault(ONE, "it is not elementwise: for inputs in another order", ROWS, MASKED)
class NotElementwise(Activation):
    def f(self, x):
        return x - x.mean(axis=0)

    def slope(self, x, y):
        return np.ones_like(x)

    def backward(self, dy):
        return dy - dy.mean(axis=0)


@fault(MASKED, "outputs change with other numbers at masked positions")
class KeepingPlainMean(Centre):
    mask = "keep"

    def build(self, input_shape):
        super().build(input_shape)
        return input_shape


@fault(MASKED, "outputs change with other numbers at masked positions")
class PlainMean(Mean):
    def forward(self, x, training):
        self.share_of_each = x.dtype.type(1 / x.shape[1])
        return x.mean(axis=1)

    def backward(self, dy):
        return np.repeat(dy[:, np.newaxis] * self.share_of_each, self.input_shape[0], axis=1)


@fault(MASKED, r"mask_out returns shape \(3, 4\), outputs have shape \(3, 3\)")
class MaskOfNothing(Mean):
    def mask_out(self):
        return self.mask


@fault(ATTRIBUTES, r"axes is \('features', Ellipsis\): expected a tuple of names, where the first may be \.\.\.")
class AxesBehind(Tanh):
    axes = ("features", ...)


@fault(ATTRIBUTES, "axes is .*: two axes have the same name")
class OneName(Tanh):
    axes = ("size", "size")


@fault(ATTRIBUTES, "mask is 'ignore', not one of refuse, keep, use")
class NoPolicy(Tanh):
    mask = "ignore"


@fault(ATTRIBUTES, "output is 'logits', not \"numbers\"")
class NoOutput(Tanh):
    output = "logits"


@fault(ATTRIBUTES, "self.mask is set in forward")
class OwnMask(Tanh):
    def forward(self, x, training):
        self.mask = x > 0
        return super().forward(x, training)


@fault(ATTRIBUTES, r"flops returns -1, expected a number of operations")
class Negative(Tanh):
    def flops(self):
        return -1
