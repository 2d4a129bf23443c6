from types import SimpleNamespace

import numpy as np
import pytest

from specnet.datasets.base import Data, Samples
from specnet.features import Feature
from specnet.losses.base import Loss
from specnet.task import decide_task


@pytest.fixture
def fake():
    """Makes a run of inputs (n, ...) whose predictions are a function, and whose loss is their mean squared error."""

    def make(inputs, predict, targets=None, features=(), classes=()):
        targets = predict(inputs) if targets is None else targets
        data = Data(Samples(inputs, targets), test=Samples(inputs, targets), features=features, classes=classes)
        y = predict(inputs)
        return SimpleNamespace(
            data=data,
            dataset=None,
            task=decide_task(data.about_targets, Loss.learns, y.shape[1:]),
            layers=[SimpleNamespace(takes="numbers", output_shape=y.shape[1:])],
            predict=lambda x, mask=None: predict(x),
            evaluate=lambda samples: {"loss": float(np.mean((predict(samples.inputs) - samples.targets) ** 2))},
        )

    return make


@pytest.fixture
def table():
    """Features of two numbers and a category in three columns, and ten rows of them."""
    rng = np.random.default_rng(0)
    kinds = np.eye(3)[rng.permutation(np.arange(60) % 3)]
    features = (Feature("a", column="a"), Feature("b", column="b"))
    features += tuple(Feature(f"kind={name}", "category", "kind") for name in ("x", "y", "z"))
    return features, np.column_stack([rng.normal(size=(60, 2)), kinds])
