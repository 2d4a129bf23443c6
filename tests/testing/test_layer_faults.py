"""Layers with one mistake each: the suite names the check that finds it, and what to look at."""

from typing import ClassVar

import numpy as np
import pytest
from pydantic import Field, field_validator

from specnet import Layer
from specnet.errors import ShapeError
from specnet.layers.base import connect
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
ALONE = "backward parameters writes the gradients that backward writes"
LEFT = "inputs and parameters are left alone"
STAY = "outputs stay until the next forward"
SCRATCH = "nothing is kept in scratch"
FRESH = "a batch is computed as by a fresh layer"
INFERENCE = "inference is deterministic and changes nothing"
ROWS = "in inference each sample is computed for itself"
SAVED = "what a run saves is all that a layer remembers"
FINITE = "outputs and gradients are finite"
SAME = "from the same state a step is the same"
SHARED = "layers share nothing"
VIEWS = "declared arrays stay those of the network"
JSON = "its JSON describes it in full"
COSTS = "costs are told as they are"
MEMORY = "memory does not grow over 100 steps"


class Dense(Layer):
    """y = x W + b, without a mistake: the others are this or `Tanh` with one."""

    units: int = 2

    def build(self, input_shape):
        if not input_shape:
            raise ShapeError("needs inputs with an axis")
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
        return connect(self.inner, input_shape, *self.place, "inner")

    def children(self):
        return ((f"inner.{number}", layer) for number, layer in enumerate(self.inner))

    def forward(self, x, training):
        for layer in self.inner:
            x = layer.forward(x, training)
        return x

    def backward(self, dy):
        for layer in reversed(self.inner):
            dy = layer.backward(dy)
        return dy


class BatchNorm(Layer):
    """Features of the batch to mean 0 and variance 1, in inference by running ones, without a mistake."""

    def build(self, input_shape):
        if not input_shape:
            raise ShapeError("needs inputs with an axis")
        self.declare_state("mean", input_shape[-1:])
        self.declare_state("variance", input_shape[-1:], 1.0)
        return input_shape

    def moments(self, x):
        self.axes = tuple(range(x.ndim - 1))
        return x.mean(axis=self.axes), x.var(axis=self.axes)

    def forward(self, x, training):
        mean, variance = self.moments(x) if training else (self.mean, self.variance)
        if training:
            self.mean += (mean - self.mean) / 10
            self.variance += (variance - self.variance) / 10
        self.scale = 1 / np.sqrt(variance + x.dtype.type(1e-5))
        self.y = (x - mean) * self.scale
        return self.y

    def backward(self, dy):
        return self.scale * (dy - dy.mean(axis=self.axes) - self.y * (dy * self.y).mean(axis=self.axes))


class RmsNorm(Layer):
    """y = g x / sqrt(mean x^2 + eps), of a single feature but its sign, without a mistake."""

    def build(self, input_shape):
        if not input_shape:
            raise ShapeError("needs inputs with an axis")
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


class HardTanh(Layer):
    """y = x, between -1 and 1, without a mistake."""

    elementwise = True
    limits: tuple[float, float] = (-1.0, 1.0)

    def forward(self, x, training):
        self.x = x
        return np.clip(x, *self.limits)

    def backward(self, dy):
        return dy * ((self.x > self.limits[0]) & (self.x < self.limits[1]))


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

    gives = "probabilities"

    def build(self, input_shape):
        if not input_shape:
            raise ShapeError("needs inputs with an axis")
        return input_shape

    def forward(self, x, training):
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        self.y = e / e.sum(axis=-1, keepdims=True)
        return self.y

    def backward(self, dy):
        return self.y * (dy - (dy * self.y).sum(axis=-1, keepdims=True))


class Embedding(Layer):
    """A row of a table for each whole number, without a mistake; it says what inputs it takes."""

    count: int = 10

    def build(self, input_shape):
        self.declare("table", (self.count, 4), "normal")
        return (*input_shape, 4)

    def example_inputs(self, rng, shape):
        return rng.integers(self.count, size=shape)

    def forward(self, x, training):
        if ((x < 0) | (x >= self.count) | (x != np.rint(x))).any():
            raise ValueError("a number is no row of the table")
        self.rows = x.astype(np.int64)
        return self.table[self.rows]

    def backward(self, dy):
        self.grad.table[...] = 0
        np.add.at(self.grad.table, self.rows, dy)
        return np.zeros(self.rows.shape, dy.dtype)


def on_the_kink(rng, shape):
    return rng.integers(-1, 2, shape).astype(float)


@pytest.mark.parametrize(
    "layer",
    [
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
        Softmax(),
        Embedding(),
    ],
    ids=repr,
)
def test_there_is_no_false_alarm(layer):
    check_layer(layer)


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
    with pytest.raises(ConformanceError, match="a number is no row of the table"):
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


@fault(ALONE, told="gradients differ")
class WrongAlone(Dense):
    def backward_parameters(self, dy):
        self.backward(dy)
        self.grad.weight *= 2


@fault(DTYPE, told="forward, training False: float32 becomes float64")
class Wide(Tanh):
    def forward(self, x, training):
        return super().forward(x, training).astype(np.float64)


@fault(DTYPE, told="backward: float32 becomes float64")
class WideBackward(Tanh):
    def backward(self, dy):
        return super().backward(dy).astype(np.float64)


@fault(PRECISION, told="outputs of float32 against float64")
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


@fault(STAY, told="backward changes the outputs")
class Spoiling(Tanh):
    def backward(self, dy):
        dx = super().backward(dy)
        self.y *= 0
        return dx


@fault(SCRATCH, told="the gradient of inputs change if other layers write to scratch")
class Scratching(Tanh):
    def forward(self, x, training):
        self.y = np.tanh(x, out=self.scratch("y", x.shape, x.dtype))
        return self.y.copy()


@fault(FRESH, told="a batch of 5, one|after a batch of 5")
class Remembering(Tanh):
    def forward(self, x, training):
        self.y = np.tanh(x + getattr(self, "last", 0))
        self.last = 0.1 * len(x) if training and len(x) in (2, 5) else 0
        return self.y


@fault(FRESH, told="2 samples after a batch of 5")
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


@fault(INFERENCE, ROWS, told="the same inputs give other outputs")
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


@fault(SAVED, told="outputs without training are others: .*; is something remembered that build does not declare")
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


@fault(SAVED, told="restored after 3 steps, outputs are others")
class MaskKept(Tanh):
    def forward(self, x, training):
        if not training:
            return x
        if not hasattr(self, "mask"):
            self.mask = self.rng.random(x.shape[1:]).astype(x.dtype)
        return x * self.mask

    def backward(self, dy):
        return dy * self.mask


@fault(SAVED, told="outputs without training are others")
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

    def backward(self, dy):
        return dy * (self.x > 0)


@fault(FINITE, told="of outputs .* are not finite, such as nan: .* example_inputs should give them")
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
        return np.zeros(self.rows.shape, dy.dtype)


@fault(MEMORY, told="100 steps on batches of the same size took")
class Logging(Tanh):
    def model_post_init(self, context):
        super().model_post_init(context)
        self.means = []

    def forward(self, x, training):
        self.means.append(float(x.mean()))
        return super().forward(x, training)


@fault(RUNS, told="raises SystemExit: 3, in .*test_layer_faults.*, in forward")
class Quitting(Tanh):
    def forward(self, x, training):
        raise SystemExit(3)


@fault(SAME, told="outputs are others by another instance: .*; are random numbers from elsewhere than self.rng")
class Global(Noise):
    def forward(self, x, training):
        self.m = np.random.default_rng().random(x.shape).astype(x.dtype) if training else np.ones_like(x)
        return self.m * x


@fault(SAME, told="outputs are others in a second step: .*, or is something remembered")
class Counting(Tanh):
    def forward(self, x, training):
        self.count = getattr(self, "count", 0) + 1
        return super().forward(x, training) * self.count


class Store:
    arrays: ClassVar[dict] = {}


@fault(SHARED, told="results change if another layer computes in between")
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
class Unwritten(Tanh):
    rate: float = Field(default=0.5, exclude=True)


@fault(MEMORY, told="100 steps on batches of the same size took")
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


@fault("probabilities are in 0 to 1", told="an output is -0")
class NoProbabilities(Tanh):
    gives = "probabilities"


@fault("each output is a function of one input", told="it is not elementwise: for inputs in another order")
class NotElementwise(Centre):
    elementwise = True

    def build(self, input_shape):
        self.declare_state("running", input_shape)
        return input_shape


@fault("written over inputs it computes the same", told="it says that it is in_place, but y is not written")
class NotInPlace(Tanh):
    in_place = True


@fault("written over inputs it computes the same", told="the gradient of inputs change where y may be written over x")
class NeedsInputs(Tanh):
    in_place = True

    def forward(self, x, training):
        self.x = x
        return np.tanh(x, out=self.output_like(x))

    def backward(self, dy):
        return dy * (1 - np.tanh(self.x) ** 2)


@fault("its outputs can be written over", told="the gradient of inputs change where the layer behind writes over")
class NotDisposable(Tanh):
    disposable = True


@fault("its outputs can be written over", told="they lie in its inputs")
class NotItsOwn(Layer):
    disposable = True

    def forward(self, x, training):
        return x

    def backward(self, dy):
        return dy


@fault(COSTS, told=r"flops returns -1, which is no number of operations")
class Negative(Tanh):
    def flops(self):
        return -1


@fault(RUNS, told="inputs of shape .*: raises ZeroDivisionError: .*, in .*test_layer_faults.*, in forward")
class Raising(Tanh):
    def forward(self, x, training):
        return x / (1 // 0)


@fault(RUNS, told="forward or backward returns NoneType, not an array")
class Forgetful(Tanh):
    def backward(self, dy):
        dy *= 1 - self.y**2


@fault(TAKES, told="inputs of the shapes .* are all refused: give shapes that it takes")
class Choosy(Tanh):
    def build(self, input_shape):
        raise ShapeError("needs images")


@fault(TAKES, told=r"inputs of shape \(\) are refused: layers\[0\] \(Careless\) fails in build: IndexError")
class Careless(Tanh):
    def build(self, input_shape):
        assert input_shape[-1]
        return input_shape


@pytest.mark.parametrize(("layer", "checks", "told"), FAULTS)
def test_a_mistake_is_found_by_its_check_and_told(layer, checks, told):
    with pytest.raises(ConformanceError, match=f"(?s){told}") as caught:
        check_layer(layer)
    assert {outcome.check for outcome in caught.value.outcomes} == checks, caught.value


def test_every_check_of_layers_finds_a_mistake():
    found = {check for param in FAULTS for check in param.values[1]}
    known = {outcome.check for param in FAULTS for outcome in examine(param.values[0])}
    assert found == known


def test_shapes_that_are_given_should_all_be_taken():
    with pytest.raises(ConformanceError, match=r"inputs of shape \(\) are refused: .*needs inputs with an axis"):
        check_layer(Dense(), [(3,), ()])


def test_one_wrong_number_among_very_many_is_found_and_named():
    class Subtle(Dense):
        def backward(self, dy):
            dx = super().backward(dy)
            self.grad.weight[123, 45] *= -1
            return dx

    with pytest.raises(ConformanceError, match=r"gradient of weight\[123, 45\]: .*: the sign is wrong"):
        check_layer(Subtle(units=64), [(300,)])
