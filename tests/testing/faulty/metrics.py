"""Metrics without a mistake, and with one each."""

import math
from typing import ClassVar

import numpy as np
from testing.faulty.base import ARGUMENTS, CONTINUES, ENDURES, OMITTED, PRECISION, REPEATED, SAME, fault, good

from specnet import Metric
from specnet.errors import ShapeError
from specnet.metrics.base import MeanMetric

COLUMN = "a missing axis of 1 changes nothing"
BEST = "right predictions are the best"
BATCHES = "batches do not matter"
GROWTH = "keeps samples is declared"
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


@fault(PRECISION, "the metric of float32 against float64: ")
class CoarseMetric(Error):
    def values(self, prediction, target):
        found = super().values(prediction, target)
        return found if prediction.dtype == np.float64 else found.astype(np.float16).astype(np.float64)
