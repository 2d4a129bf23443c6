from types import SimpleNamespace

import numpy as np
import pytest

from specnet.datasets.base import Data, Samples


@pytest.fixture
def trained():
    """Makes a run to be drawn: `trained(data=..., predict=...)`, or `trained(history=...)`."""

    def make(name="demo", history=None, data=None, predict=lambda x: np.zeros((len(x), 1)), function=lambda x: None):
        dataset = SimpleNamespace(function=function)
        return SimpleNamespace(name=name, history=history, data=data, predict=predict, dataset=dataset)

    return make


@pytest.fixture
def samples():
    """Makes samples with normal inputs of some shape and the given targets."""

    def make(targets, *input_shape):
        rng = np.random.default_rng(len(targets))
        return Samples(rng.normal(size=(len(targets), *input_shape)), np.asarray(targets))

    return make


@pytest.fixture
def blobs(samples):
    """Makes data of two inputs and the given number of classes, in all three splits."""

    def make(count, **names):
        targets = np.tile(np.arange(count), 4)
        return Data(samples(targets, 2), samples(targets[:count], 2), samples(targets[: 2 * count], 2), **names)

    return make


@pytest.fixture
def legend_texts():
    """Reads the labels of a figure's legend."""
    return lambda figure: [text.get_text() for text in figure.legends[0].get_texts()]
