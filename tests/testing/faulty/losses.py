"""Losses without a mistake, and with one each."""

from typing import ClassVar

import numpy as np
from testing.faulty.base import ARGUMENTS, ENDURES, OMITTED, PRECISION, REPEATED, SAME, fault, good

from specnet import Loss
from specnet.errors import ShapeError

GRADIENT = "the gradient agrees with central differences"
SATURATED = "saturated outputs have a finite loss and gradient"
WEIGHTED_GRADIENT = "the gradient with weights agrees with central differences"
PARTS = "parts of a batch add up with its divisor"


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
    REPEATED,
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


@fault(REPEATED, "with weights against repeated rows, with .*: ", OMITTED, PARTS)
class IgnoringWeights(Square):
    def forward(self, y, target, weight=None):
        return super().forward(y, target)


@fault(OMITTED, "the loss with weight 0 against without the sample: nan")
class MultiplyingWeights(Square):
    def forward(self, y, target, weight=None):
        self.error, self.weight = y - target, np.ones(len(y)) if weight is None else weight
        self.weight = self.weight.reshape(-1, *[1] * (y.ndim - 1)).astype(y.dtype)
        return self.reduce(np.square(self.error), weight) + 0.0 * float(np.sum(self.weight * np.square(self.error)))


@fault(WEIGHTED_GRADIENT, r'gradient of y.*, with "mean"', REPEATED, OMITTED)
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


@fault(PRECISION, "the loss of float32 against float64: ", SATURATED)
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
