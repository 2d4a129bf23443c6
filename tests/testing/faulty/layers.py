"""Layers without a mistake, from which those with one are derived."""

import numpy as np
from testing.faulty.base import GOOD, good

from specnet import Activation, Layer
from specnet.errors import ShapeError


@good
class Dense(Layer):
    """y = x W + b."""

    units: int = 2

    axes = (..., "features")

    def build(self, input_shape):
        self.declare("weight", (input_shape[-1], self.units), "normal")
        self.declare("bias", (self.units,), "zeros")
        return (*input_shape[:-1], self.units)

    def forward(self, x, training):
        self.x = x
        return x @ self.weight + self.bias

    def backward(self, dy):
        flat = dy.reshape(-1, self.units)
        self.grad.weight[...] = self.x.reshape(-1, self.x.shape[-1]).T @ flat
        self.grad.bias[...] = flat.sum(axis=0)
        return dy @ self.weight.T


@good
class Tanh(Layer):
    """y = tanh(x)."""

    def forward(self, x, training):
        self.y = np.tanh(x)
        return self.y

    def backward(self, dy):
        return dy * (1 - self.y**2)


@good
class Noise(Layer):
    """y = m x with a random m in training."""

    def forward(self, x, training):
        self.m = self.rng.random(x.shape).astype(x.dtype) if training else np.ones_like(x)
        return self.m * x

    def backward(self, dy):
        return dy * self.m


@good
class Centre(Layer):
    """y = x - mean(x) in training, less a running mean otherwise."""

    def build(self, input_shape):
        self.declare_state("running", input_shape)
        return input_shape

    def forward(self, x, training):
        if training:
            mean = x.mean(axis=0)
            self.running[...] = 0.9 * self.running + 0.1 * mean
            return x - mean
        return x - self.running

    def backward(self, dy):
        return dy - dy.mean(axis=0)


@good
class Relu(Layer):
    """y = max(x, 0), whose kink is no mistake, not even for inputs that lie on it."""

    def forward(self, x, training):
        self.y = np.maximum(x, 0)
        return self.y

    def backward(self, dy):
        return dy * (self.y > 0)


class Both(Layer):
    """A layer with layers inside."""

    inner: list[Layer]

    def build(self, input_shape):
        self.f = self.stack(self.inner, "inner")
        return self.f.build(input_shape)

    def forward(self, x, training):
        return self.f.forward(x, training)

    def backward(self, dy):
        return self.f.backward(dy)


class Chain(Layer):
    """Two stacks one after the other: the second one always needs its dx."""

    first: list[Layer]
    second: list[Layer]
    needs_second: bool = True

    def build(self, input_shape):
        self.f = self.stack(self.first, "first")
        self.g = self.stack(self.second, "second", needs_dx=self.needs_second)
        return self.g.build(self.f.build(input_shape))

    def forward(self, x, training):
        return self.g.forward(self.f.forward(x, training), training)

    def backward(self, dy):
        return self.f.backward(self.g.backward(dy))


@good
class BatchNorm(Layer):
    """Features of the batch to mean 0 and variance 1, in inference by running ones."""

    axes = (..., "features")

    def build(self, input_shape):
        self.declare_state("mean", input_shape[-1:])
        self.declare_state("variance", input_shape[-1:], 1.0)
        return input_shape

    def moments(self, x):
        self.batch = tuple(range(x.ndim - 1))
        return x.mean(axis=self.batch), x.var(axis=self.batch)

    def forward(self, x, training):
        mean, variance = self.moments(x) if training else (self.mean, self.variance)
        if training:
            self.mean += (mean - self.mean) / 10
            self.variance += (variance - self.variance) / 10
        self.scale = 1 / np.sqrt(variance + x.dtype.type(1e-5))
        self.y = (x - mean) * self.scale
        return self.y

    def backward(self, dy):
        return self.scale * (dy - dy.mean(axis=self.batch) - self.y * (dy * self.y).mean(axis=self.batch))


@good
class RmsNorm(Layer):
    """y = g x / sqrt(mean x^2 + eps), of a single feature but its sign."""

    axes = (..., "features")

    def build(self, input_shape):
        self.declare("gain", input_shape[-1:], "normal")
        return input_shape

    def forward(self, x, training):
        self.x, mean = x, (x * x).mean(axis=-1, keepdims=True)
        self.r = 1 / np.sqrt(mean + x.dtype.type(1e-6))
        return self.gain * x * self.r

    def backward(self, dy):
        self.grad.gain[...] = (dy * self.x * self.r).sum(axis=tuple(range(dy.ndim - 1)))
        dy = dy * self.gain
        return self.r * (dy - self.x * self.r**2 * (dy * self.x).mean(axis=-1, keepdims=True))


@good
class HardTanh(Activation):
    """y = x, between -1 and 1."""

    limits: tuple[float, float] = (-1.0, 1.0)

    def f(self, x):
        return np.clip(x, *self.limits)

    def slope(self, x, y):
        return (x > self.limits[0]) & (x < self.limits[1])


@good
class Mean(Layer):
    """The mean over those positions of a sequence that count."""

    axes = ("time", "features")
    mask = "use"

    def build(self, input_shape):
        return input_shape[1:]

    def forward(self, x, training):
        mask = np.ones(x.shape[:2], bool) if self.mask is None else self.mask
        self.share_of_each = (mask / mask.sum(axis=1, keepdims=True)).astype(x.dtype)[..., np.newaxis]
        return (x * self.share_of_each).sum(axis=1)

    def backward(self, dy):
        return dy[:, np.newaxis] * self.share_of_each

    def mask_out(self):
        return None


@good
class Buffered(Layer):
    """y = tanh(x), written to buffers."""

    def forward(self, x, training):
        self.y = np.tanh(x, out=self.buffer("y", x.shape))
        return self.y

    def backward(self, dy):
        slope = np.square(self.y, out=self.buffer("slope", dy.shape, dy.dtype))
        np.subtract(1, slope, out=slope)
        slope *= dy
        return slope


@good
class MaxPool(Layer):
    """The larger one of each two numbers; of equal ones both get half the gradient. Without a mistake."""

    def build(self, input_shape):
        if len(input_shape) != 1 or input_shape[0] < 2:
            raise ShapeError("needs two features or more")
        return (input_shape[0] // 2,)

    def forward(self, x, training):
        self.count = x.shape[-1]
        first, second = (x[:, start : self.count // 2 * 2 : 2] for start in (0, 1))
        self.first = ((1 + np.sign(first - second)) / 2).astype(x.dtype)
        return np.maximum(first, second)

    def backward(self, dy):
        dx = np.zeros((len(dy), self.count), dy.dtype)
        dx[:, 0 : self.count // 2 * 2 : 2] = dy * self.first
        dx[:, 1 : self.count // 2 * 2 : 2] = dy * (1 - self.first)
        return dx


@good
class Softmax(Layer):
    """Softmax."""

    axes = (..., "features")
    output = "probabilities"
    mask = "keep"

    def forward(self, x, training):
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        self.y = e / e.sum(axis=-1, keepdims=True)
        return self.y

    def backward(self, dy):
        return self.y * (dy - (dy * self.y).sum(axis=-1, keepdims=True))


@good
class Embedding(Layer):
    """A row of a table for each whole number; it says what inputs it takes."""

    takes = "whole"
    count: int = 10

    def build(self, input_shape):
        self.declare("table", (self.count, 4), "normal")
        return (*input_shape, 4)

    def example_inputs(self, rng, shape):
        return rng.integers(self.count, size=shape)

    def forward(self, x, training):
        if x.dtype.kind != "i" or ((x < 0) | (x >= self.count)).any():
            raise ValueError("a number is no row of the table")
        self.rows = x
        return self.table[x]

    def backward(self, dy):
        self.grad.table[...] = 0
        np.add.at(self.grad.table, self.rows, dy)


GOOD.append(Both(inner=["tanh", {"type": "linear", "units": 3}, "dropout"]))
GOOD.append(Chain(first=[{"type": "linear", "units": 3}], second=["tanh", {"type": "linear", "units": 2}]))
