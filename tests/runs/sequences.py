"""Sequences with weights and masks, as the tests of runs on them register them."""

from typing import Literal

import numpy as np

import specnet
from specnet import Dataset, Layer
from specnet.datasets.base import Data, Samples, StreamedSamples
from specnet.datasets.rows import Rows

ROWS, TIME, LENGTH = 22, 5, 3


class Padded(Dataset):
    """Sequences of two numbers that only fill up behind some position, or the same ones cut there, or all positions."""

    form: Literal["masked", "cut", "flat"] = "masked"
    lengths: Literal["equal", "various"] = "equal"
    target: Literal["position", "sequence"] = "position"
    weights: bool = False
    streamed: bool = False

    def load(self, rng):
        return Data(self.samples(rng, ROWS), self.samples(rng, 9))

    def samples(self, rng, rows):
        lengths = np.full(rows, LENGTH) if self.lengths == "equal" else rng.integers(1, TIME, rows)
        mask = np.arange(TIME) < lengths[:, np.newaxis]
        inputs = rng.normal(size=(rows, TIME, 2))
        targets = inputs.sum(axis=-1, keepdims=True) ** 2
        if self.target == "sequence":
            targets = (targets[..., 0] * mask).sum(axis=1)
        else:
            targets[~mask] = 1e3
        inputs[~mask] = 1e3
        weight = rng.random(rows) if self.weights else None
        if self.form == "cut":
            inputs, mask = inputs[:, :LENGTH], None
            targets = targets if self.target == "sequence" else targets[:, :LENGTH]
        if self.form == "flat":
            weight = None if weight is None else np.repeat(weight, lengths)
            return Samples(inputs[mask], targets[mask], weight)
        arrays = (inputs, targets, weight, mask)
        if not self.streamed:
            return Samples(*arrays)
        x, t, w, m = (each if each is None else Rows(each.shape, each.dtype, reader(each)) for each in arrays)
        return StreamedSamples(x, t, 2000, w, m)


class Tokens(Dataset):
    """Sequences of numbers from 1 to 4, a class for each, with padding: as zeros, as a mask, or cut off."""

    form: Literal["zeros", "masked", "cut"] = "zeros"

    def load(self, rng):
        return Data(self.samples(rng, ROWS), self.samples(rng, 9))

    def samples(self, rng, rows):
        x = rng.integers(1, 5, (rows, TIME))
        t, counts = (x + np.roll(x, 1, axis=1)) % 3, np.arange(TIME) < LENGTH
        if self.form == "cut":
            return Samples(x[:, :LENGTH], t[:, :LENGTH])
        if self.form == "masked":
            return Samples(x, t, None, np.tile(counts, (rows, 1)))
        return Samples(x * counts, t)


def reader(array):
    return lambda start, stop: array[start:stop].copy()


class MeanOverTime(Layer):
    """The mean over the positions that count."""

    axes = ("time", "features")
    mask = "use"

    def build(self, input_shape):
        return input_shape[1:]

    def forward(self, x, training):
        counts = np.ones(x.shape[:2]) if self.mask is None else self.mask
        self.part = (counts / counts.sum(axis=1, keepdims=True)).astype(x.dtype)[..., np.newaxis]
        return (x * self.part).sum(axis=1)

    def backward(self, dy):
        return dy[:, np.newaxis] * self.part

    def mask_out(self):
        return None


def register():
    specnet.register("datasets", "padded")(Padded)
    specnet.register("datasets", "tokens")(Tokens)
    specnet.register("layers", "mean_over_time")(MeanOverTime)
