"""Datasets without a mistake, and with one each."""

import numpy as np
from testing.faulty.base import SAME, fault, good

from specnet import Data, Dataset, Rows, Samples, StreamedSamples
from specnet.datasets.base import Outline


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
