"""Layers with one mistake each: the suite names the check that finds it, and what to look at."""

from functools import cache
from typing import ClassVar

import numpy as np
import pytest
from pydantic import Field, field_validator

from specnet import Activation, Layer
from specnet.errors import ShapeError
from specnet.testing import ConformanceError, check_layer, examine

TAKES = "it takes inputs, and refuses others by a ShapeError"
RUNS = "outputs and gradients can be computed"
SHAPE = "outputs have the declared shape"
DX_SHAPE = "gradients of inputs have the shape of inputs"
DTYPE = "the dtype stays"
PRECISION = "float32 agrees with float64"
DX = "gradients of inputs agree with central differences"
DW = "gradients of parameters agree with central differences"
ADDED = "gradients are overwritten not added"
ALONE = "where dx is not needed gradients are the same"
LEFT = STAY = "arguments are left alone"
BUFFERS = "buffers are written before they are read"
FRESH = "the same data have the same results"
INFERENCE = "inference is deterministic and changes nothing"
ROWS = "in inference each sample is computed by itself"
SAVED = "it continues from what a run saves"
FINITE = "outputs and gradients are finite"
SAME = "the same data have the same results"
SHARED = "layers share nothing"
VIEWS = "declared arrays stay those of the network"
JSON = "its JSON describes it in full"
ATTRIBUTES = "its attributes are valid"
OUTPUT = "outputs match the declared output"
ONE = "each output is a function of one input"
MASKED = "masked positions change nothing"
MEMORY = "it endures a hundred steps"


class Dense(Layer):
    """y = x W + b, without a mistake: the others are this or `Tanh` with one."""

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


class Tanh(Layer):
    """y = tanh(x), without a mistake."""

    def forward(self, x, training):
        self.y = np.tanh(x)
        return self.y

    def backward(self, dy):
        return dy * (1 - self.y**2)


class Noise(Layer):
    """y = m x with a random m in training, without a mistake."""

    def forward(self, x, training):
        self.m = self.rng.random(x.shape).astype(x.dtype) if training else np.ones_like(x)
        return self.m * x

    def backward(self, dy):
        return dy * self.m


class Centre(Layer):
    """y = x - mean(x) in training, less a running mean otherwise, without a mistake."""

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


class Relu(Layer):
    """y = max(x, 0), whose kink is no mistake, not even for inputs that lie on it."""

    def forward(self, x, training):
        self.y = np.maximum(x, 0)
        return self.y

    def backward(self, dy):
        return dy * (self.y > 0)


class Both(Layer):
    """A layer with layers inside, without a mistake."""

    inner: list[Layer]

    def build(self, input_shape):
        self.f = self.stack(self.inner, "inner")
        return self.f.build(input_shape)

    def forward(self, x, training):
        return self.f.forward(x, training)

    def backward(self, dy):
        return self.f.backward(dy)


class Chain(Layer):
    """Two stacks one after the other, without a mistake: the second one always needs its dx."""

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


class BatchNorm(Layer):
    """Features of the batch to mean 0 and variance 1, in inference by running ones, without a mistake."""

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


class RmsNorm(Layer):
    """y = g x / sqrt(mean x^2 + eps), of a single feature but its sign, without a mistake."""

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


class HardTanh(Activation):
    """y = x, between -1 and 1, without a mistake."""

    limits: tuple[float, float] = (-1.0, 1.0)

    def f(self, x):
        return np.clip(x, *self.limits)

    def slope(self, x, y):
        return (x > self.limits[0]) & (x < self.limits[1])


class Mean(Layer):
    """The mean over those positions of a sequence that count, without a mistake."""

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


class Buffered(Layer):
    """y = tanh(x), written to buffers, without a mistake."""

    def forward(self, x, training):
        self.y = np.tanh(x, out=self.buffer("y", x.shape))
        return self.y

    def backward(self, dy):
        slope = np.square(self.y, out=self.buffer("slope", dy.shape, dy.dtype))
        np.subtract(1, slope, out=slope)
        slope *= dy
        return slope


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


class Softmax(Layer):
    """Softmax, without a mistake."""

    axes = (..., "features")
    output = "probabilities"
    mask = "keep"

    def forward(self, x, training):
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        self.y = e / e.sum(axis=-1, keepdims=True)
        return self.y

    def backward(self, dy):
        return self.y * (dy - (dy * self.y).sum(axis=-1, keepdims=True))


class Embedding(Layer):
    """A row of a table for each whole number, without a mistake; it says what inputs it takes."""

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


def on_the_kink(rng, shape):
    return rng.integers(-1, 2, shape).astype(float)


GOOD = [
    Dense(),
    Tanh(),
    Noise(),
    Centre(),
    Relu(),
    Both(inner=["tanh", {"type": "linear", "units": 3}, "dropout"]),
    BatchNorm(),
    RmsNorm(),
    HardTanh(),
    MaxPool(),
    Mean(),
    Buffered(),
    Chain(first=[{"type": "linear", "units": 3}], second=["tanh", {"type": "linear", "units": 2}]),
    Softmax(),
    Embedding(),
]


@cache
def examined(number):
    return [*examine(GOOD[number])]


@pytest.mark.parametrize("number", range(len(GOOD)), ids=lambda number: repr(GOOD[number]))
def test_there_is_no_false_alarm(number):
    assert [outcome for outcome in examined(number) if not outcome.passed] == []


def test_a_kink_is_no_mistake_and_a_wrong_sign_on_a_kink_is():
    check_layer(Relu(), [(3,), (4, 5)], inputs=on_the_kink)

    class Wrong(Relu):
        def backward(self, dy):
            return -super().backward(dy)

    with pytest.raises(ConformanceError, match=r"gradient of x\[.*\]: backward says"):
        check_layer(Wrong(), [(3,)], inputs=on_the_kink)


def test_larger_ones_of_equal_numbers_are_no_mistake():
    check_layer(MaxPool(), [(4,), (7,)], inputs=on_the_kink)


def test_inputs_that_are_given_stand_for_those_of_the_layer():
    check_layer(Embedding(), [(3,)], inputs=lambda rng, shape: rng.integers(2, size=shape))
    with pytest.raises(ConformanceError, match="expects whole numbers"):
        check_layer(Embedding(), [(3,)], inputs=lambda rng, shape: rng.normal(size=shape))


FAULTS = []


def fault(*checks, told="", **fields):
    """Note a class with a mistake that is found by these checks, one of which tells this."""

    def note(cls):
        FAULTS.append(pytest.param(cls(**fields), set(checks), told, id=cls.__name__))
        return cls

    return note


@fault(DX, told=r"gradient of x\[0, 0\]: backward says -?[\d.]+, central differences say -?[\d.]+: the sign is wrong")
class WrongSign(Dense):
    def backward(self, dy):
        return -super().backward(dy)


@fault(DW, told=r"gradient of weight\[0, 0\]: backward says .*, central differences say .*: the sign is wrong")
class WrongSignOfWeight(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.grad.weight *= -1
        return dx


@fault(DW, told=r"gradient of weight\[0, 1\]: .*: the sign is wrong")
class WrongSignOfOneWeight(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.grad.weight[0, 1] *= -1
        return dx


@fault(DW, told=r"gradient of bias\[0\]: .*: it is divided by 3, the samples of the batch")
class AveragedBias(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.grad.bias[...] = dy.reshape(-1, self.units).sum(axis=0) / len(dy)
        return dx


@fault(DW, JSON, told=r"gradient of inner\.0\.weight\[0, 0\]: .*: the sign is wrong", inner=[WrongSignOfWeight()])
class WrongInside(Both):
    pass


@fault(DW, told=r"gradient of bias\[0\]: backward says 0, central differences say .*: is it written at all\?")
class OtherArray(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        wrong = self.grad.bias.copy()
        self.grad.bias[...] = 0
        self.grad.bias_ = wrong
        return dx


@fault(DX, told=r"gradient of x\[0, 0\]: .*: it is multiplied by 2")
class TwiceTheSlope(Tanh):
    def backward(self, dy):
        return 2 * super().backward(dy)


@fault(ADDED, told=r"gradient of weight\[0, 0\] is .* if it was 7 before, .* if it was 0 before")
class Adding(Dense):
    def backward(self, dy):
        before = self.grad.weight.copy()
        dx = super().backward(dy)
        self.grad.weight += before
        return dx


@fault(ALONE, told=r"if self\.needs_dx is False, gradients change")
class WrongAlone(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        if not self.needs_dx:
            self.grad.weight *= 2
        return dx


@fault(
    ALONE,
    JSON,
    told="raises AttributeError: 'NoneType' object has no attribute",
    first=[Dense()],
    second=["tanh"],
    needs_second=False,
)
class Unchained(Chain):
    pass


@fault(DTYPE, told="forward, training False: float32 becomes float64")
class Wide(Tanh):
    def forward(self, x, training):
        return super().forward(x, training).astype(np.float64)


@fault(DTYPE, told="backward: float32 becomes float64")
class WideBackward(Tanh):
    def backward(self, dy):
        return super().backward(dy).astype(np.float64)


@fault(PRECISION, told="outputs without training of float32 against float64")
class Coarse(Tanh):
    def forward(self, x, training):
        self.y = super().forward(x, training)
        if x.dtype == np.float32:
            self.y = self.y.astype(np.float16).astype(np.float32)
        return self.y


@fault(SHAPE, told=r"outputs have shape \(3, 5\); build declares \(3, 4\), the batch in front")
class WrongShape(Tanh):
    def build(self, input_shape):
        if len(input_shape) != 1 or input_shape[0] < 2:
            raise ShapeError("needs two features or more")
        return (input_shape[0] - 1,)


@fault(DX_SHAPE, told=r"backward returns shape \(1, 5\), inputs have shape \(3, 5\)")
class Summed(Tanh):
    def backward(self, dy):
        return super().backward(dy).sum(axis=0, keepdims=True)


@fault(LEFT, told="forward writes to inputs: now")
class Overwriting(Tanh):
    def forward(self, x, training):
        self.y = np.tanh(x)
        x[...] = self.y
        return self.y


@fault(LEFT, told="backward writes to parameters: now")
class Decaying(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.bias *= 0.999
        return dx


@fault(STAY, told="backward writes to the outputs: now")
class Spoiling(Tanh):
    def backward(self, dy):
        dx = super().backward(dy)
        self.y *= 0
        return dx


@fault(BUFFERS, told="the gradient of inputs change if buffers hold other numbers before a step")
class Unwritten(Buffered):
    def backward(self, dy):
        slope = self.buffer("slope", dy.shape)
        if not getattr(self, "written", False):
            slope[...] = 0.5
            self.written = True
        return dy * slope

    def forward(self, x, training):
        return x * x.dtype.type(0.5)


@fault(FRESH, told="outputs in a second step: ")
class Remembering(Tanh):
    def forward(self, x, training):
        self.y = np.tanh(x + getattr(self, "last", 0))
        self.last = 0.1 * len(x) if training and len(x) in (2, 5) else 0
        return self.y


@fault(FRESH, told="1 samples, after a batch of 5")
class LargestBatch(Tanh):
    """Keeps an array of the largest batch, and what lies behind the end of a smaller one."""

    def forward(self, x, training):
        if not hasattr(self, "room") or len(self.room) < len(x) or self.room.dtype != x.dtype:
            self.room = np.zeros_like(x)
        self.room[: len(x)] = np.tanh(x)
        self.y = self.room[: len(x)].copy()
        return self.y

    def backward(self, dy):
        return dy * (1 - self.y**2) * (1 + 0.1 * (len(self.room) > len(dy)))


@fault(FRESH, told=r"factor was 1\.0 and is")
class Learning(Tanh):
    factor: float = 1.0

    def forward(self, x, training):
        self.factor += 1
        return super().forward(x, training)


@fault(INFERENCE, ROWS, told="outputs of the same inputs change")
class IgnoringTraining(Noise):
    def forward(self, x, training):
        return super().forward(x, True)


@fault(INFERENCE, told="random numbers are drawn")
class DrawingAnyway(Noise):
    def forward(self, x, training):
        self.rng.random()
        return super().forward(x, training)


@fault(INFERENCE, told="running state changes")
class UpdatingAnyway(Centre):
    def forward(self, x, training):
        y = super().forward(x, training)
        self.running += 0 if training else 1
        return y


@fault(VIEWS, SAVED, told=r"self\.running is another array after a step: write self\.running\[\.\.\.\] =")
class Rebinding(Centre):
    def forward(self, x, training):
        y = super().forward(x, training)
        self.running = self.running.copy()
        return y


@fault(
    SAVED,
    told="outputs without training in step 4, if it is restored after step 3: .*; is something remembered",
)
class UndeclaredMoments(BatchNorm):
    def build(self, input_shape):
        super().build(input_shape)
        self.states.clear()
        self.mean, self.variance = 0.0, 1.0
        return input_shape

    def forward(self, x, training):
        mean, variance = self.mean, self.variance
        if training:
            now_mean, now_variance = self.moments(x)
            self.mean = mean = mean + (now_mean - mean) / 10
            self.variance = variance = variance + (now_variance - variance) / 10
            mean, variance = now_mean, now_variance
        self.scale = 1 / np.sqrt(variance + x.dtype.type(1e-5))
        self.y = ((x - mean) * self.scale).astype(x.dtype)
        return self.y


@fault(SAVED, told="outputs in step 4, if it is restored after step 3")
class MaskKept(Tanh):
    def forward(self, x, training):
        if not training:
            return x
        if not hasattr(self, "kept"):
            self.kept = self.rng.random(x.shape[1:]).astype(x.dtype)
        return x * self.kept

    def backward(self, dy):
        return dy * self.kept


@fault(SAVED, told="outputs without training in step 4, if it is restored")
class MeanInInferenceAlone(Tanh):
    def forward(self, x, training):
        if training:
            self.mean = 0.9 * getattr(self, "mean", 0) + 0.1 * x.mean(axis=0)
            return super().forward(x, training)
        return super().forward(x - getattr(self, "mean", 0), training)


@fault(ROWS, told="outputs of row 0 alone, against those in a batch: ")
class BatchStatistics(Centre):
    def forward(self, x, training):
        super().forward(x, training)
        return x - x.mean(axis=0)


@fault(DX, told=r"gradient of x\[.*\]: backward says .*, central differences say 0")
class NoUpperGradient(HardTanh):
    limits: tuple[float, float] = (0.0, 6.0)

    def slope(self, x, y):
        return x > 0


@fault(FINITE, told="of outputs .* are not finite, such as nan: .* example_inputs should return them")
class Logarithm(Tanh):
    def forward(self, x, training):
        self.x = x
        return np.log(x)

    def backward(self, dy):
        return dy / self.x


@fault(DX, told=r"in a batch of 1, gradient of x\[0, 0\]: backward says nan, central differences say")
class NoGradientOfOne(Tanh):
    def backward(self, dy):
        return super().backward(dy) * (1 if len(dy) > 1 else np.nan)


@fault(DW, told=r"gradient of table\[\d, 0\]")
class OnceForEachRow(Embedding):
    def backward(self, dy):
        self.grad.table[...] = 0
        self.grad.table[self.rows] = dy


@fault(MEMORY, told="each step adds .* bytes or more, measured over 220 steps")
class Logging(Tanh):
    def model_post_init(self, context):
        super().model_post_init(context)
        self.means = []

    def forward(self, x, training):
        self.means.append(x.mean(axis=0).tolist())
        return super().forward(x, training)


@fault(RUNS, told="raises SystemExit: 3, in .*test_layer_faults.*, in forward")
class Quitting(Tanh):
    def forward(self, x, training):
        raise SystemExit(3)


@fault(SAME, told="outputs of another instance: .*; are random numbers its own")
class Global(Noise):
    def forward(self, x, training):
        self.m = np.random.default_rng().random(x.shape).astype(x.dtype) if training else np.ones_like(x)
        return self.m * x


@fault(SAME, told="outputs in a second step: .*, or is something remembered")
class Counting(Tanh):
    def forward(self, x, training):
        self.count = getattr(self, "count", 0) + 1
        return super().forward(x, training) * self.count


class Store:
    arrays: ClassVar[dict] = {}


@fault(SHARED, told="if another layer computes in between")
class Sharing(Tanh):
    def forward(self, x, training):
        Store.arrays["y"] = np.tanh(x)
        return Store.arrays["y"].copy()

    def backward(self, dy):
        return dy * (1 - Store.arrays["y"] ** 2)


@fault(JSON, told=r"rate was 1\.0 and is 2\.0 after it was written as JSON and read again", rate=0.5)
class Doubling(Tanh):
    rate: float

    @field_validator("rate")
    @classmethod
    def _double(cls, rate):
        return 2 * rate


@fault(JSON, told="rate was 0.7 and is 0.5", rate=0.7)
class Unsaid(Tanh):
    rate: float = Field(default=0.5, exclude=True)


@fault(MEMORY, told="each step adds .* bytes or more, measured over 220 steps")
class Leaking(Tanh):
    def model_post_init(self, context):
        super().model_post_init(context)
        self.passed = []

    def forward(self, x, training):
        self.passed.append(x.mean(axis=None, keepdims=True).copy())
        return super().forward(x, training)


@fault("build allocates nothing", told="build sets room to an array of shape")
class Allocating(Tanh):
    def build(self, input_shape):
        self.room = np.zeros(input_shape)
        return input_shape


@fault(OUTPUT, told="an output is -0.*, but output declares them as probabilities")
class NoProbabilities(Tanh):
    output = "probabilities"


@fault(OUTPUT, told='all outputs are from 0 to 1: set output = "probabilities"')
class UnsaidProbabilities(Activation):
    def f(self, x):
        return np.exp(-x * x)

    def slope(self, x, y):
        return -2 * x * y


@fault(ONE, ROWS, MASKED, told="it is not elementwise: for inputs in another order")
class NotElementwise(Activation):
    def f(self, x):
        return x - x.mean(axis=0)

    def slope(self, x, y):
        return np.ones_like(x)

    def backward(self, dy):
        return dy - dy.mean(axis=0)


@fault(MASKED, told="outputs change with other numbers at masked positions")
class KeepingPlainMean(Centre):
    mask = "keep"

    def build(self, input_shape):
        super().build(input_shape)
        return input_shape


@fault(MASKED, told="outputs change with other numbers at masked positions")
class PlainMean(Mean):
    def forward(self, x, training):
        self.share_of_each = x.dtype.type(1 / x.shape[1])
        return x.mean(axis=1)

    def backward(self, dy):
        return np.repeat(dy[:, np.newaxis] * self.share_of_each, self.input_shape[0], axis=1)


@fault(MASKED, told=r"mask_out returns shape \(3, 4\), outputs have shape \(3, 3\)")
class MaskOfNothing(Mean):
    def mask_out(self):
        return self.mask


@fault(ATTRIBUTES, told=r"axes is \('features', Ellipsis\): expected a tuple of names, where the first may be \.\.\.")
class AxesBehind(Tanh):
    axes = ("features", ...)


@fault(ATTRIBUTES, told="axes is .*: two axes have the same name")
class OneName(Tanh):
    axes = ("size", "size")


@fault(ATTRIBUTES, told="mask is 'ignore', not one of refuse, keep, use")
class NoPolicy(Tanh):
    mask = "ignore"


@fault(ATTRIBUTES, told="output is 'logits', not \"numbers\"")
class NoOutput(Tanh):
    output = "logits"


@fault(ATTRIBUTES, told="self.mask is set in forward")
class OwnMask(Tanh):
    def forward(self, x, training):
        self.mask = x > 0
        return super().forward(x, training)


@fault(ATTRIBUTES, told=r"flops returns -1, expected a number of operations")
class Negative(Tanh):
    def flops(self):
        return -1


@fault(RUNS, told="inputs of shape .*: raises ZeroDivisionError: .*, in .*test_layer_faults.*, in forward")
class Raising(Tanh):
    def forward(self, x, training):
        return x / (1 // 0)


@fault(RUNS, told="backward returns NoneType, not a NumPy array: is a return missing")
class Forgetful(Tanh):
    def backward(self, dy):
        dy *= 1 - self.y**2


@fault(RUNS, told="forward returns MaskedArray, not a NumPy array")
class Masked(Tanh):
    def forward(self, x, training):
        return np.ma.masked_invalid(super().forward(x, training))


@fault(RUNS, told="object has no attribute 'weigth', in .*test_layer_faults.*, in forward")
class Misspelt(Dense):
    def forward(self, x, training):
        return x @ self.weigth


@fault(
    TAKES,
    told=r"none of those tried is accepted.*\n *inputs of shape \(5,\): layers.0 needs images",
)
class Choosy(Tanh):
    def build(self, input_shape):
        raise ShapeError("needs images")


@fault(TAKES, told=r"inputs of shape \(\): raises .*layers\.0 \(Careless\) fails in build: IndexError")
class Careless(Tanh):
    def build(self, input_shape):
        assert input_shape[-1]
        return input_shape


@pytest.mark.usefixtures("few_steps")
@pytest.mark.parametrize(("layer", "checks", "told"), FAULTS)
def test_a_mistake_is_found_by_its_check_and_told(layer, checks, told):
    with pytest.raises(ConformanceError, match=f"(?s){told}") as caught:
        check_layer(layer)
    assert {outcome.check for outcome in caught.value.outcomes} == checks, caught.value


def test_every_check_of_layers_finds_a_mistake():
    found = {check for param in FAULTS for check in param.values[1]}
    known = {outcome.check for number in range(len(GOOD)) for outcome in examined(number)}
    assert known - found == {"its surroundings are not changed"}  # see test_surroundings.py


def test_shapes_that_are_given_should_all_be_taken():
    with pytest.raises(
        ConformanceError, match=r"inputs of shape \(\): .*expects inputs with the axes \(\.\.\., features\)"
    ):
        check_layer(Dense(), [(3,), ()])


def test_one_wrong_number_among_very_many_is_found_and_named():
    class Subtle(Dense):
        def backward(self, dy):
            dx = super().backward(dy)
            self.grad.weight[123, 45] *= -1
            return dx

    with pytest.raises(ConformanceError, match=r"gradient of weight\[123, 45\]: .*: the sign is wrong"):
        check_layer(Subtle(units=64), [(300,)])
