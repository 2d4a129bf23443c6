"""Layers that keep, share or overwrite what they should not."""

from typing import ClassVar

import numpy as np
from testing.faulty.base import ARGUMENTS, CONTINUES, ENDURES, SAME, fault
from testing.faulty.layers import BatchNorm, Buffered, Centre, Dense, Noise, Tanh

BUFFERS = "buffers are written before they are read"
SHARED = "layers share nothing"
VIEWS = "declared arrays stay those of the network"


@fault(ARGUMENTS, "forward writes to inputs: now")
class Overwriting(Tanh):
    def forward(self, x, training):
        self.y = np.tanh(x)
        x[...] = self.y
        return self.y


@fault(ARGUMENTS, "backward writes to parameters: now")
class Decaying(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.bias *= 0.999
        return dx


@fault(ARGUMENTS, "backward writes to the outputs: now")
class Spoiling(Tanh):
    def backward(self, dy):
        dx = super().backward(dy)
        self.y *= 0
        return dx


@fault(BUFFERS, "the gradient of inputs change if buffers hold other numbers before a step")
class Unwritten(Buffered):
    def backward(self, dy):
        slope = self.buffer("slope", dy.shape)
        if not getattr(self, "written", False):
            slope[...] = 0.5
            self.written = True
        return dy * slope

    def forward(self, x, training):
        return x * x.dtype.type(0.5)


@fault(SAME, "outputs in a second step: ")
class Remembering(Tanh):
    def forward(self, x, training):
        self.y = np.tanh(x + getattr(self, "last", 0))
        self.last = 0.1 * len(x) if training and len(x) in (2, 5) else 0
        return self.y


@fault(SAME, "1 samples, after a batch of 5")
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


@fault(SAME, r"factor was 1\.0 and is")
class Learning(Tanh):
    factor: float = 1.0

    def forward(self, x, training):
        self.factor += 1
        return super().forward(x, training)


@fault(VIEWS, r"self\.running is another array after a step: write self\.running\[\.\.\.\] =", CONTINUES)
class Rebinding(Centre):
    def forward(self, x, training):
        y = super().forward(x, training)
        self.running = self.running.copy()
        return y


@fault(CONTINUES, "outputs without training in step 4, if it is restored after step 3: .*; is something remembered")
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


@fault(CONTINUES, "outputs in step 4, if it is restored after step 3")
class MaskKept(Tanh):
    def forward(self, x, training):
        if not training:
            return x
        if not hasattr(self, "kept"):
            self.kept = self.rng.random(x.shape[1:]).astype(x.dtype)
        return x * self.kept

    def backward(self, dy):
        return dy * self.kept


@fault(CONTINUES, "outputs without training in step 4, if it is restored")
class MeanInInferenceAlone(Tanh):
    def forward(self, x, training):
        if training:
            self.mean = 0.9 * getattr(self, "mean", 0) + 0.1 * x.mean(axis=0)
            return super().forward(x, training)
        return super().forward(x - getattr(self, "mean", 0), training)


@fault(ENDURES, "each step adds .* bytes or more, measured over 220 steps")
class Logging(Tanh):
    def model_post_init(self, context):
        super().model_post_init(context)
        self.means = []

    def forward(self, x, training):
        self.means.append(x.mean(axis=0).tolist())
        return super().forward(x, training)


@fault(SAME, "outputs of another instance: .*; are random numbers its own")
class Global(Noise):
    def forward(self, x, training):
        self.m = np.random.default_rng().random(x.shape).astype(x.dtype) if training else np.ones_like(x)
        return self.m * x


@fault(SAME, "outputs in a second step: .*, or is something remembered")
class Counting(Tanh):
    def forward(self, x, training):
        self.count = getattr(self, "count", 0) + 1
        return super().forward(x, training) * self.count


class Store:
    arrays: ClassVar[dict] = {}


@fault(SHARED, "if another layer computes in between")
class Sharing(Tanh):
    def forward(self, x, training):
        Store.arrays["y"] = np.tanh(x)
        return Store.arrays["y"].copy()

    def backward(self, dy):
        return dy * (1 - Store.arrays["y"] ** 2)


@fault(ENDURES, "each step adds .* bytes or more, measured over 220 steps")
class Leaking(Tanh):
    def model_post_init(self, context):
        super().model_post_init(context)
        self.passed = []

    def forward(self, x, training):
        self.passed.append(x.mean(axis=None, keepdims=True).copy())
        return super().forward(x, training)


@fault("build allocates nothing", "build sets room to an array of shape")
class Allocating(Tanh):
    def build(self, input_shape):
        self.room = np.zeros(input_shape)
        return input_shape
