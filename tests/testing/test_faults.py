"""Components of all groups but layers with one mistake each: the suite names the check that finds it."""

import math
from functools import cache
from typing import Annotated, Any, ClassVar

import numpy as np
import pytest
from pydantic import Field, PrivateAttr

from specnet import (
    Data,
    Dataset,
    Initializer,
    Loss,
    Metric,
    Optimizer,
    Plot,
    RandomTransform,
    Rows,
    Samples,
    Schedule,
    StreamedSamples,
    Transform,
    WatchingSchedule,
)
from specnet.datasets.base import Outline
from specnet.errors import DataError, PlotError, ShapeError
from specnet.metrics.base import MeanMetric
from specnet.schedules.base import scheduled
from specnet.testing import ConformanceError, check, examine

FAULTS = []
GOOD = []


def good(cls):
    GOOD.append(cls())
    return cls


def fault(check, told, *also):
    """Note a class with a mistake that is found by one check, which tells this; and, as it follows, by others."""

    def note(cls):
        FAULTS.append(pytest.param(cls(), {check, *also}, told, id=cls.__name__))
        return cls

    return note


# Losses.

GRADIENT = "the gradient agrees with central differences"
SATURATED = "saturated outputs have a finite loss and gradient"
WEIGHTED_GRADIENT = "the gradient with weights agrees with central differences"
PARTS = "parts of a batch add up with its divisor"
REPETITIONS = "weights count as repetitions"
LEFT_OUT = "a weight of 0 leaves a sample out"
SAME = "the same data have the same results"
ARGUMENTS = "arguments are left alone"
CONTINUES = "it continues from what a run saves"
ENDURES = "it endures a hundred steps"
SURROUNDINGS = "its surroundings are not changed"


@fault("the loss is a finite number", r"Averaging\.forward should return self\.reduce\(elements, weight\)")
class Averaging(Loss):
    def forward(self, y, target, weight=None):
        self.error = y - target
        return float(np.mean(np.square(self.error)))

    def backward(self):
        return self.scale(2 * self.error)


@good
class Square(Loss):
    """Mean of (y - t)^2."""

    def forward(self, y, target, weight=None):
        self.error = y - target
        return self.reduce(np.square(self.error), weight)

    def backward(self):
        return self.scale(2 * self.error)


@good
class Unweighted(Square):
    def forward(self, y, target):
        return super().forward(y, target)


@fault(
    GRADIENT,
    r'gradient of y\[0, 0\]: backward says .*, central differences say .*: the sign is wrong, with "mean"',
    WEIGHTED_GRADIENT,
)
class Uphill(Square):
    def backward(self):
        return -super().backward()


@fault(
    GRADIENT,
    r'gradient of y\[0, 0\]: .*: it is divided by 6, the samples of the batch, with "sum"',
    WEIGHTED_GRADIENT,
    PARTS,
    REPETITIONS,
)
class AlwaysMean(Square):
    def backward(self):
        return super().backward() / (1 if self.reduction == "mean" else len(self.error))


@fault(GRADIENT, "it is multiplied by 2", WEIGHTED_GRADIENT)
class Doubled(Square):
    def backward(self):
        return 2 * super().backward()


@fault(
    "mean and sum are those over the batch",
    'the loss of a batch is .*, that of the batch twice over .*, with "sum"',
    "the sum is that of all elements",
    PARTS,
)
class IgnoringReduction(Square):
    def forward(self, y, target):
        super().forward(y, target)
        return float(np.mean(np.square(self.error)))

    def backward(self):
        return 2 * self.error / self.error.size


@fault(
    "the sum is that of all elements",
    r"the mean is .* and the sum .*, 6 times as much, but there are 36 elements",
    PARTS,
)
class MeanOverSamples(Square):
    def forward(self, y, target, weight=None):
        self.error = y - target
        return self.reduce(np.square(self.error).reshape(len(y), -1).sum(axis=1), weight)


@fault(PARTS, 'the loss of the parts against the whole batch, with "mean": ')
class IgnoringDivisor(Square):
    def forward(self, y, target, weight=None):
        self.divisor = None
        return super().forward(y, target, weight)


@fault(REPETITIONS, "with weights against repeated rows, with .*: ", LEFT_OUT, PARTS)
class IgnoringWeights(Square):
    def forward(self, y, target, weight=None):
        return super().forward(y, target)


@fault(LEFT_OUT, "the loss with weight 0 against without the sample: nan")
class MultiplyingWeights(Square):
    def forward(self, y, target, weight=None):
        self.error, self.weight = y - target, np.ones(len(y)) if weight is None else weight
        self.weight = self.weight.reshape(-1, *[1] * (y.ndim - 1)).astype(y.dtype)
        return self.reduce(np.square(self.error), weight) + 0.0 * float(np.sum(self.weight * np.square(self.error)))


@fault(WEIGHTED_GRADIENT, r'gradient of y.*, with "mean"', REPETITIONS, LEFT_OUT)
class WeightlessGradient(Square):
    def backward(self):
        self._weight = None
        return super().backward()


@fault(SATURATED, r"for outputs of 0 and 1 in float32 the loss is (nan|inf)")
class BareLogarithm(Loss):
    takes = "probabilities"

    def forward(self, y, target, weight=None):
        self.y, self.target = y, target
        return self.reduce(-(target * np.log(y) + (1 - target) * np.log(1 - y)), weight)

    def backward(self):
        return self.scale((self.y - self.target) / (self.y * (1 - self.y)))


@fault(SATURATED, r"for outputs of -1000 and 1000 in float32 the loss is inf")
class LogCosh(Square):
    def forward(self, y, target, weight=None):
        self.error = y - target
        return self.reduce(np.log(np.cosh(self.error)), weight)

    def backward(self):
        return self.scale(np.tanh(self.error))


@good
class Gamma(Loss):
    """Mean of log y + t / y, of positive outputs y."""

    def example_outputs(self, rng, shape):
        return rng.uniform(0.5, 3.0, shape)

    def forward(self, y, target, weight=None):
        self.y, self.target = y, target
        return self.reduce(np.log(y) + target / y, weight)

    def backward(self):
        return self.scale(1 / self.y - self.target / self.y**2)


@fault("the loss is a finite number", "forward returns nan: .* example_outputs should return them")
class GammaOfAnything(Gamma):
    def example_outputs(self, rng, shape):
        return super(Gamma, self).example_outputs(rng, shape)


@fault("the gradient has shape and dtype of the outputs", "for outputs of float32 .* backward returns float64")
class WideLoss(Square):
    def backward(self):
        return super().backward().astype(np.float64)


@fault(ARGUMENTS, "backward writes to outputs: now")
class WritingLoss(Square):
    def forward(self, y, target, weight=None):
        value = super().forward(y, target, weight)
        self.y = y
        return value

    def backward(self):
        dy = super().backward()
        self.y[...] = 0
        return dy


@fault(SAME, "after a batch of")
class RememberingLoss(Square):
    def forward(self, y, target, weight=None):
        value = super().forward(y, target, weight)
        self.worst = max(getattr(self, "worst", 0.0), float(np.abs(self.error).max()))
        return value

    def backward(self):
        return super().backward() * (1.0 if self.worst == float(np.abs(self.error).max()) else 0.5)


@fault("float32 agrees with float64", "the loss of float32 against float64: ", SATURATED)
class CoarseLoss(Square):
    def forward(self, y, target, weight=None):
        value = super().forward(y, target, weight)
        return value if y.dtype == np.float64 else float(np.float16(value))


@fault("losses share nothing", "the gradient if another loss computes in between")
class SharingLoss(Square):
    kept: ClassVar[dict] = {}

    def forward(self, y, target, weight=None):
        self.kept["error"] = y - target
        return self.reduce(np.square(self.kept["error"]), weight)

    def backward(self):
        return self.scale(2 * self.kept["error"])


@fault("predictions match the outputs", "outputs are logits, but a prediction is not from 0 to 1")
class NoPredictions(Square):
    takes = "logits"


@fault("check shapes takes what prepare takes", "check_shapes does not: it raises ShapeError: never")
class Unforeseen(Square):
    def prepare(self, target, output_shape, dtype):
        super().check_shapes(output_shape, target.shape[1:])
        return target.reshape(len(target), *output_shape).astype(dtype)

    def check_shapes(self, output_shape, target_shape, classes=None):
        raise ShapeError("never")


@fault(ENDURES, "each step adds .* bytes or more")
class LeakingLoss(Square):
    def forward(self, y, target, weight=None):
        self.all = [*getattr(self, "all", []), target.copy()]
        return super().forward(y, target, weight)


@fault("the loss is a finite number", "forward returns ndarray, not a float")
class Unreduced(Square):
    def forward(self, y, target, weight=None):
        self.error = y - target
        return np.square(self.error)


@fault("it takes targets, and refuses others by a SpecnetError", "raises KeyError")
class Refusing(Square):
    def prepare(self, target, output_shape, dtype):
        raise KeyError("target")


# Optimizers.


class Plain(Optimizer):
    """w <- w - a g."""

    learning_rate: Annotated[float, scheduled(gt=0)] = 0.01

    def update(self, w, g, state, step):
        w -= self.learning_rate * g


@good
class Descent(Plain):
    """w <- w - a v, v <- 0.9 v + g."""

    @property
    def state_names(self):
        return ("velocity",)

    def update(self, w, g, state, step):
        state.velocity *= 0.9
        state.velocity += g
        w -= self.learning_rate * state.velocity


@fault("the first step goes downhill", "it should be negative", "it descends a parabola")
class Ascent(Descent):
    def update(self, w, g, state, step):
        super().update(w, -g, state, step)


@fault("a step changes the parameter in place", "after 3 steps w is unchanged")
class Lost(Descent):
    def update(self, w, g, state, step):
        w = w - self.learning_rate * g


@fault(ARGUMENTS, "update writes to g")
class WritingToGradient(Descent):
    def update(self, w, g, state, step):
        super().update(w, g, state, step)
        g *= 0.5


@fault("the rule is elementwise", "a rule that needs whole tensors sets whole_tensors")
class Normalized(Plain):
    def update(self, w, g, state, step):
        w -= self.learning_rate * g / np.linalg.norm(g)


@good
class Whole(Normalized):
    whole_tensors = True


@fault("each array of its state is used", "state.square is all 0 after 12 steps")
class Wasteful(Descent):
    @property
    def state_names(self):
        return ("velocity", "square")

    def update(self, w, g, state, step):
        super().update(w, g, state, step)


@fault(SAME, "w in a second step: ")
class Counting(Plain):
    _step: int = PrivateAttr(0)

    def model_post_init(self, context):
        super().model_post_init(context)
        self.taken = 0

    def update(self, w, g, state, step):
        self.taken += 1
        w -= self.learning_rate * g / self.taken


@fault("optimizers share nothing", "w if another optimizer computes in between: ", "the rule is elementwise")
class SharingOptimizer(Plain):
    kept: ClassVar[dict] = {}

    def update(self, w, g, state, step):
        if step == 0:
            self.kept["largest"] = float(np.abs(w).max())
        w -= self.learning_rate * g / self.kept["largest"]


@fault("its scheduled fields are read in each step", "learning_rate set before the first step")
class FirstRate(Plain):
    def model_post_init(self, context):
        super().model_post_init(context)
        self.rate = self.learning_rate

    def update(self, w, g, state, step):
        w -= self.rate * g


@fault("the learning rate matters", "half the learning rate takes the same steps")
class IgnoringRate(Plain):
    def update(self, w, g, state, step):
        w -= 0.01 * g


@good
class Paced(Optimizer):
    """A rule without a learning rate whose scheduled field has another name."""

    pace: Annotated[float, scheduled(gt=0)] = 0.1

    def update(self, w, g, state, step):
        w -= self.pace * g


@good
class Slow(Optimizer):
    """Every third step of another optimizer is taken back halfway. Zhang et al., "Lookahead optimizer", 2019."""

    optimizer: Optimizer = Field(default={"type": "adam"})

    @property
    def state_names(self):
        return ("slow",)

    def update(self, w, g, state, step):
        if step == 0:
            state.slow[...] = w
        self.optimizer.apply(w, g, state.optimizer, step)
        if step % 3 == 2:
            state.slow += 0.5 * (w - state.slow)
            w[...] = state.slow


@good
class Sharp(Plain):
    """Descends along the gradient uphill of here. Foret et al., "Sharpness-aware minimization", 2021."""

    needs = ("evaluate",)

    def update(self, w, g, state, step):
        _, slope = self.objective.evaluate(w + 0.05 * g / np.linalg.norm(g))
        super().update(w, slope, state, step)


@good
class GaussNewton(Plain):
    needs = ("jacobian",)

    def update(self, w, g, state, step):
        j = self.objective.jacobian()
        w -= self.learning_rate * np.linalg.solve(j.T @ j + 0.1 * np.eye(w.size, dtype=w.dtype), g)


@fault(ARGUMENTS, "weights_for_evaluation writes to state")
class Evaluating(Slow):
    def weights_for_evaluation(self, w, state):
        state.slow += 1
        return state.slow


@fault("float32 agrees with float64", "w after 5 steps of float32 against float64")
class CoarseOptimizer(Plain):
    def update(self, w, g, state, step):
        w -= (self.learning_rate * g) * (1.05 if w.dtype == np.float32 else 1)


@fault(ENDURES, "each step adds .* bytes or more")
class LeakingOptimizer(Descent):
    def model_post_init(self, context):
        super().model_post_init(context)
        self.passed = []

    def update(self, w, g, state, step):
        self.passed.append(g.copy())
        super().update(w, g, state, step)


@fault("it descends a parabola", "the sum changes from .* to")
class Overshooting(Plain):
    def update(self, w, g, state, step):
        w -= 1e4 * self.learning_rate * g


# Schedules.


@good
class Half(Schedule):
    """1 / (1 + step)."""

    def __call__(self, step):
        return 1.0 / (1 + step)


@good
class Best(WatchingSchedule):
    """The best value so far."""

    def begin(self, mode):
        self.best = 1.0

    def __call__(self, step):
        return self.best

    def look(self, values):
        self.best = min(self.best, values[self.monitor])

    def save(self):
        return {"best": self.best}

    def restore(self, saved):
        self.best = saved["best"]


@fault("values are finite and not negative", "after 11 steps the value is -")
class Negative(Schedule):
    def __call__(self, step):
        return 1.0 - step / 10


@fault("values are finite and not negative", "after 12345 steps the value is inf")
class Endless(Schedule):
    def __call__(self, step):
        return float(1.1 ** min(step, 7000)) if step < 7000 else math.inf


@fault(SAME, "values in a second step: ")
class Decaying(Schedule):
    def __call__(self, step):
        self.value = getattr(self, "value", 1.0) * 0.9
        return self.value


@fault("the last binding counts", "after an earlier binding")
class Bound(Schedule):
    """Smaller with each run that it is bound to."""

    def bind(self, steps_per_epoch, total_steps):
        self.bindings = getattr(self, "bindings", 0) + 1

    def __call__(self, step):
        return 1.0 / self.bindings


@fault("its length is a number of steps", "length returns 2.5")
class Broken(Half):
    def length(self):
        return 2.5


@fault(CONTINUES, "values in step .*, if it is restored after step")
class Unsaved(Best):
    def save(self):
        return {}

    def restore(self, saved):
        pass


@fault(CONTINUES, "the state saved after step 0 was")
class Live(Best):
    def begin(self, mode):
        self.state = {"best": 1.0, "seen": []}

    def __call__(self, step):
        return self.state["best"]

    def look(self, values):
        self.state["best"] = min(self.state["best"], values[self.monitor])

    def save(self):
        return self.state

    def restore(self, saved):
        self.state = saved


# Initializers.


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
class Square_(Draw):
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


# Metrics.

COLUMN = "a missing axis of 1 changes nothing"
BEST = "right predictions are the best"
BATCHES = "batches do not matter"
KEPT = "a metric remembers only what it keeps"
GROWTH = "keeps samples is declared"
REPEATED = "weights count as repetitions"
OMITTED = "a weight of 0 leaves a sample out"
RESET = "reset forgets everything"
COMPUTING = "computing changes nothing"


@good
class Error(MeanMetric):
    """Mean of |y - t|."""

    higher_is_better = False

    def values(self, prediction, target):
        if prediction.shape != target.shape:
            raise ShapeError("other shapes")
        return np.abs(prediction - target)


@good
class Plain(Metric):
    """The same, of samples without weights."""

    higher_is_better = False

    def reset(self):
        self.keep(total=0.0, count=0)

    def update(self, prediction, target):
        if prediction.shape != target.shape:
            raise ShapeError("other shapes")
        self.total += float(np.abs(prediction - target).sum())
        self.count += target.size

    def compute(self):
        return self.total / max(self.count, 1)


@good
class Several(Error):
    """The mean error and its root."""

    def compute(self):
        return {"mean": super().compute(), "root": math.sqrt(super().compute())}


@good
class MedianError(Metric):
    """The median of |y - t|, for which all of them are kept."""

    higher_is_better = False
    keeps_samples = True

    def reset(self):
        self.keep(errors=np.zeros(0))

    def update(self, prediction, target):
        if prediction.shape != target.shape:
            raise ShapeError("other shapes")
        self.errors = np.append(self.errors, np.abs(prediction - target).reshape(-1))

    def compute(self):
        return float(np.median(self.errors))


@fault(GROWTH, "of 50 times as many samples it keeps 300 numbers, not 6; keeps_samples should be True", BATCHES)
class Untold(MedianError):
    keeps_samples = False


@fault(BATCHES, "the metric in batches of 1 against one update: ")
class MeanOfMeans(Error):
    def update(self, prediction, target, weight=None):
        before = self.total / self.count if self.count else None
        super().update(prediction, target, weight)
        if before is not None:
            self.total = self.count * (before + float(np.mean(self.values(prediction, target)))) / 2


@fault(BATCHES, "the metric merged from batches of 1 against one update: ")
class NotMerged(Error):
    def merge(self, other):
        self.total, self.count = other.total or self.total, other.count or self.count


@fault(CONTINUES, "the metric in step 3, if it is restored after step 2: ", BATCHES)
class Hidden(Error):
    def reset(self):
        super().reset()
        self.worst = 0.0

    def update(self, prediction, target, weight=None):
        super().update(prediction, target, weight)
        values = self.values(prediction, target)
        self.worst = max(self.worst, float(np.max(values if weight is None else values[weight > 0])))

    def compute(self):
        return super().compute() + 1e-3 * self.worst


@fault(GROWTH, "it keeps seen, which is neither a number nor an array of numbers", CONTINUES)
class KeepingText(Error):
    def reset(self):
        super().reset()
        self.keep(seen="")


@fault(REPEATED, "the metric with weights against repeated rows: ", OMITTED)
class WeightlessMetric(Error):
    def update(self, prediction, target, weight=None):
        super().update(prediction, target)


@fault(OMITTED, "the metric with weight 0 against without the sample: nan")
class MultiplyingMetric(Error):
    def update(self, prediction, target, weight=None):
        super().update(prediction, target, weight)
        if weight is not None:
            self.total += 0.0 * float(np.sum(np.square(prediction.T) * weight))


@fault(BEST, "higher_is_better is True, but right predictions have 0 and others")
class WrongWay(Error):
    higher_is_better = True


@fault(ARGUMENTS, "writes to predictions: now")
class WritingMetric(Error):
    def values(self, prediction, target):
        found = super().values(prediction, target)
        prediction[...] = 0 * prediction + target[...]
        return found


@fault(SAME, "the metric after other ones: ")
class Running(Error):
    def reset(self):
        if not hasattr(self, "total"):
            super().reset()


@fault(COMPUTING, "the metric computed after each sample: ")
class Emptied(Error):
    def compute(self):
        value = super().compute()
        self.total = 0.0
        return value


@fault("metrics share nothing", "the metric if another metric computes in between")
class SharingMetric(Error):
    last: ClassVar[dict] = {}

    def update(self, prediction, target, weight=None):
        super().update(prediction, target, weight)
        self.last["total"] = self.total

    def compute(self):
        return 0.0 * self.total + (self.last["total"] if self.count else 0.0)


@fault(ENDURES, "each step adds .* bytes or more")
class LeakingMetric(Error):
    def update(self, prediction, target, weight=None):
        super().update(prediction, target, weight)
        self.seen = [*getattr(self, "seen", []), prediction.copy()]


@fault("the metric is a finite number", "compute returns nan")
class Undefined(Error):
    def compute(self):
        return math.nan


@fault(
    "it takes predictions, and refuses others by a SpecnetError", "raises ValueError: operands", COLUMN, BEST, BATCHES,
    OMITTED, REPEATED,
)  # fmt: skip
class Unchecked(Error):
    def values(self, prediction, target):
        return np.abs(prediction - target)


@fault(COLUMN, r"of targets of shape \(n,\) against shape \(n, 1\): ", BEST, BATCHES, OMITTED, REPEATED)
class Broadcasting(Error):
    def values(self, prediction, target):
        if prediction.size != target.size:
            raise ShapeError("other sizes")
        return np.abs(prediction - target)


@good
class Columns(Error):
    def values(self, prediction, target):
        if prediction.size != target.size:
            raise ShapeError("other sizes")
        return super().values(prediction.reshape(target.shape), target)


@fault("float32 agrees with float64", "the metric of float32 against float64: ")
class CoarseMetric(Error):
    def values(self, prediction, target):
        found = super().values(prediction, target)
        return found if prediction.dtype == np.float64 else found.astype(np.float16).astype(np.float64)


# Transforms.


@good
class Shift(Transform):
    """x less its mean."""

    fitted = ("mean",)

    def fit(self, x):
        self.mean = np.mean(x.astype(np.float64), axis=0)

    def fit_pieces(self, pieces):
        self.fit(np.concatenate([*pieces()]))

    def output_shape(self, shape):
        return shape

    def apply(self, x):
        return x - self.mean

    def invert(self, y):
        return y + self.mean


INVERT = "invert undoes apply"


@fault(INVERT, "after apply and invert: .* before")
class NotUndone(Shift):
    def invert(self, y):
        return y - self.mean


@fault("each sample becomes numbers", "apply returns float32")
class Narrow(Shift):
    def apply(self, x):
        return super().apply(x).astype(np.float32)


@fault("output shape is known before it is fitted", r"output_shape returns \(2,\), apply returns samples of")
class WrongShape(Shift):
    def output_shape(self, shape):
        return (2,)


@fault(ARGUMENTS, "apply writes to the samples: now")
class WritingTransform(Shift):
    def apply(self, x):
        y = super().apply(x)
        x.flat[0] += 1
        return y


@fault("each sample is transformed by itself", "the sample in row 0 alone")
class OfTheBatch(Shift):
    fitted = ("mean", "x")

    def fit(self, x):
        super().fit(x)
        self.x = x.astype(np.float64)

    def apply(self, x):
        return x - np.mean(x.astype(np.float64), axis=0)

    def invert(self, y):
        return y + np.mean(self.x, axis=0)


@fault(CONTINUES, "has no attribute 'mean'")
class Unnamed(Shift):
    fitted = ()

    def apply(self, x):
        return x - getattr(self, "mean", np.zeros(x.shape[1:]))


@fault(SAME, "samples after fit and apply in a second step: ")
class Accumulating(Shift):
    def fit(self, x):
        self.mean = getattr(self, "mean", 0.0) + np.mean(x.astype(np.float64), axis=0)


@fault("pieces are fitted like the whole", "fitted on pieces of 1, apply returns")
class LastPiece(Shift):
    def fit_pieces(self, pieces):
        for x in pieces():
            self.fit(x)


@fault("it takes samples, and refuses others by a SpecnetError", "raises IndexError")
class Flat(Shift):
    def fit(self, x):
        self.mean = np.mean(x.astype(np.float64)) + 0 * x.shape[1]


@good
class Centre(Transform):
    """Each number less the mean of its sample; cannot be undone."""

    def output_shape(self, shape):
        return shape

    def apply(self, x):
        return x - np.mean(x.astype(np.float64), axis=tuple(range(1, x.ndim)), keepdims=True)


@good
class Constant(Transform):
    """The columns that change in the training split."""

    fitted = ("kept",)

    def fit(self, x):
        if x.ndim != 2:
            raise ShapeError("needs columns")
        self.kept = np.flatnonzero((x != x[:1]).any(axis=0))

    def output_names(self, names):
        return tuple(names[number] for number in self.kept) if names else ()

    def apply(self, x):
        return x[:, self.kept].astype(np.float64)


@good
class Rank(Transform):
    """Each category is its number."""

    fitted = ("values",)
    dtypes = (np.integer, np.str_)

    def fit(self, x):
        self.values = np.unique(x)

    def output_shape(self, shape):
        return shape

    def apply(self, x):
        return np.searchsorted(self.values, x)

    def invert(self, y):
        return self.values[y.astype(np.int64)]


@fault("samples of each dtype in dtypes are accepted", "all samples of dtype str_ are refused")
class Claiming(Shift):
    dtypes = (np.floating, np.str_)

    def fit(self, x):
        if x.dtype.kind == "U":
            raise DataError("no text")
        super().fit(x)


@fault("output names are one for each column", "output_names returns 1 names, apply returns samples of shape")
class Nameless(Shift):
    def output_names(self, names):
        return names and names[:1]


@fault("output names are one for each column", "a name twice: c, c")
class Homonyms(Shift):
    def output_names(self, names):
        return tuple("c" for _ in names)


@fault(CONTINUES, "means is object, neither numbers nor fixed-width text")
class Objects(Shift):
    fitted = ("mean", "means")

    def fit(self, x):
        super().fit(x)
        self.means = np.array([None, "a"])


@fault("what it learns is arrays", "after fit, means is list, not an array")
class Listed(Shift):
    fitted = ("mean", "means")

    def fit(self, x):
        super().fit(x)
        self.means = [1.0, 2.0]


# Random transforms.


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


# Datasets.


@good
class Line(Dataset):
    """Points of a line, with noise, in two classes."""

    def outline(self):
        return Outline((1,), (), 20, (), 2)

    def load(self, rng):
        x = rng.normal(size=(20, 1))
        return Data(Samples(x, (x[:, 0] > 0).astype(np.int64)), classes=("no", "yes"), input_names=("x",))

    def function(self, x):
        return (x[:, 0] > 0).astype(float)


@good
class StreamedLine(Line):
    def load(self, rng):
        samples = super().load(rng).train
        inputs, targets = (
            Rows(array.shape, array.dtype, lambda a, b, array=array: array[a:b].copy()) for array in samples[:2]
        )
        return Data(StreamedSamples(inputs, targets, 80), classes=("no", "yes"))


@fault(SAME, r"train inputs \(float64, shape \(20, 1\)\) of another instance: ")
class GlobalData(Line):
    def load(self, rng):
        return super().load(np.random.default_rng())


@fault("numbers are real and finite", "a number of train inputs is not finite")
class Missing(Line):
    def load(self, rng):
        data = super().load(rng)
        data.train.inputs[3] = np.nan
        return data


@fault("samples are loaded", "load returns NoneType, not Data")
class Unreturned(Line):
    def load(self, rng):
        super().load(rng)


@fault("samples are loaded", "there are 20 train inputs and 19 targets")
class Fewer(Line):
    def load(self, rng):
        data = super().load(rng)
        return Data(Samples(data.train.inputs, data.train.targets[1:]))


@fault("outline agrees with the loaded samples", "the outline has rows 7, the samples have 20")
class WrongOutline(Line):
    def outline(self):
        return Outline((1,), (), 7)


@fault("class numbers match the classes", "train class numbers are from 1 to 2, and there are 2 classes")
class FromOne(Line):
    def load(self, rng):
        data = super().load(rng)
        return Data(Samples(data.train.inputs, data.train.targets + 1), classes=data.classes)


@fault("inputs and targets have a name each", "input_names has 2 names for 1")
class Named(Line):
    def load(self, rng):
        data = super().load(rng)
        return Data(data.train, classes=data.classes, input_names=("x", "y"))


@fault("the function returns targets of inputs", r"function returns shape \(1,\), targets have \(20,\)")
class OneValue(Line):
    def function(self, x):
        return np.ones(1)


@fault("rows that are not in memory are the same each time", "train inputs change when they are read again")
class Shared(StreamedLine):
    def load(self, rng):
        array = np.ones((20, 1))
        rows = Rows(array.shape, array.dtype, lambda a, b: array[a:b])
        targets = Rows((20,), np.dtype(np.int64), lambda a, b: np.arange(a, b) % 2)
        return Data(StreamedSamples(rows, targets, 80), classes=("no", "yes"))


# Plots.


@good
class Loss_(Plot):
    """The loss over the epochs."""

    def draw(self, run):
        from matplotlib.figure import Figure

        figure = Figure(figsize=(2, 2))
        axes = figure.add_subplot()
        if len(run.history):
            axes.plot(run.history["epoch"], run.history["train/loss"])
        return figure


@fault("it draws a figure of its own", "draw returns list, not a matplotlib.figure.Figure")
class NoFigure(Loss_):
    def draw(self, run):
        return []


@fault(SURROUNDINGS, "matplotlib.rcParams changes: lines.linewidth")
class Setting(Loss_):
    def draw(self, run):
        import matplotlib

        matplotlib.rcParams["lines.linewidth"] = 7
        return super().draw(run)


@fault(SAME, "the second drawing is a different picture")
class RandomPlot(Loss_):
    def draw(self, run):
        figure = super().draw(run)
        figure.axes[0].plot(np.random.default_rng().normal(size=9))
        return figure


@fault(ARGUMENTS, "draw writes to history train/loss")
class Smoothing(Loss_):
    def draw(self, run):
        if len(run.history):
            run.history["train/loss"][:] = 1
        return super().draw(run)


@fault("it can be checked before training", "raises KeyError: 'epoch'")
class Eager(Loss_):
    def check(self, run):
        assert len(run.history["epoch"])


@fault("it moves if it says so", "moves is True, but there are 1 frames")
class Still(Loss_):
    def frames(self, run):
        yield self.draw(run)


@fault("it streams", "raises AttributeError: .*, in specnet.datasets.rows")
class NotStreaming(Loss_):
    def draw(self, run):
        len(run.data.train.inputs[:1].tobytes() + bytes(np.sum(run.data.train.inputs[[0]]).astype(np.uint8)))
        return super().draw(run)


@fault("it shows a run, and refuses others by a PlotError", "DataError: no")
class Refused(Loss_):
    def check(self, run):
        raise DataError("no")


@good
class Choosy(Loss_):
    def check(self, run):
        if run.data.train.inputs.shape[1:] != (1,):
            raise PlotError("of one input")


@cache
def examined(number):
    return [*examine(GOOD[number])]


@pytest.mark.parametrize("number", range(len(GOOD)), ids=lambda number: type(GOOD[number]).__name__)
def test_there_is_no_false_alarm(number):
    assert [outcome for outcome in examined(number) if not outcome.passed] == []


@pytest.mark.usefixtures("few_steps")
@pytest.mark.parametrize(("component", "checks", "told"), FAULTS)
def test_a_mistake_is_found_by_its_check_and_told(component: Any, checks, told):
    with pytest.raises(ConformanceError, match=f"(?s){told}") as caught:
        check(component)
    assert {outcome.check for outcome in caught.value.outcomes} == checks, caught.value


def test_every_check_finds_a_mistake():
    found = {(param.values[0].group, check) for param in FAULTS for check in param.values[1]}
    known = {(good.group, outcome.check) for number, good in enumerate(GOOD) for outcome in examined(number)}
    elsewhere = {"its JSON describes it in full", "files of another form are refused"}  # see the other tests
    shared = {ARGUMENTS, SAME, CONTINUES, ENDURES, SURROUNDINGS}  # which are found in some of the groups
    assert shared <= {check for _, check in found}
    assert {(group, check) for group, check in known - found if check not in shared | elsewhere} == set()
