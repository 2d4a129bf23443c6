"""Weights of samples, from the dataset to loss, metrics and parameters."""

import numpy as np
import pytest

import specnet
from specnet.errors import ComponentError

PLUGIN = """
import numpy as np
from specnet import Data, Dataset, Loss, Metric, Rows, Samples, StreamedSamples

class Weighted(Dataset):
    how: str = "weights"

    def load(self, rng):
        x = np.linspace(-1, 1, 12).reshape(12, 1)
        target, weight = np.sin(3 * x), np.arange(12) % 3
        if self.how == "repeated":
            rows = np.repeat(np.arange(12), weight)
            return Data(train=Samples(x[rows], target[rows]))
        weight = weight.astype(float)
        if self.how == "streamed":
            inputs, targets, weights = (
                Rows(a.shape, a.dtype, lambda start, stop, a=a: a[start:stop].copy()) for a in (x, target, weight)
            )
            return Data(train=StreamedSamples(inputs, targets, 100_000, weights))
        return Data(train=Samples(x, target, weight))

class Plain(Loss):
    def forward(self, y, target):
        self.error = y - target
        return float(np.mean(self.error**2))

    def backward(self):
        return 2 * self.error / self.error.size

class Count(Metric):
    def reset(self): self.keep(count=0)
    def update(self, prediction, target): self.count += len(target)
    def compute(self): return float(self.count)
"""
POINTS = (
    "[specnet.datasets]\nweighted = acme_weights:Weighted\n"
    "[specnet.losses]\nplain = acme_weights:Plain\n[specnet.metrics]\ncounted = acme_weights:Count"
)


@pytest.fixture
def train(install, tmp_path):
    """Train on samples with weights, or on samples that are repeated as often as the weights say."""
    install("acme", POINTS, acme_weights=PLUGIN)

    def call(how, **changes):
        spec = {
            "seed": 1,
            "dtype": "float64",
            "dataset": {"type": "weighted", "how": how},
            "layers": [{"type": "linear", "units": 5}, "tanh", {"type": "linear", "units": 1}],
            "loss": "mse",
            "metrics": ["mae", "r2"],
            "optimizer": {"type": "sgd", "learning_rate": 0.1},
            "training": {"epochs": 5, "batch_size": None},
            "record": None,
            "plots": [],
        }
        return specnet.run(spec | changes, tmp_path / how, report=False)

    return call


@pytest.mark.parametrize("how", ["weights", "streamed"])
@pytest.mark.parametrize("loss", ["mse", {"type": "huber", "reduction": "sum"}])
def test_a_weight_counts_as_so_many_equal_samples(how, loss, train):
    found, expected = train(how, loss=loss), train("repeated", loss=loss)
    for name in ("train/loss", "train/mae", "train/r2"):
        np.testing.assert_allclose(found.history[name], expected.history[name], rtol=1e-12)
    np.testing.assert_allclose(found.model.network.params.flat, expected.model.network.params.flat, rtol=1e-10)
    scores = expected.evaluate("train")
    assert found.evaluate("train") == pytest.approx(scores, rel=1e-12)


@pytest.mark.parametrize(
    ("changes", "place"), [({"loss": "plain"}, ("loss",)), ({"metrics": ["mae", "counted"]}, ("metrics", 1))]
)
def test_a_component_that_takes_no_weights_is_refused_by_name_where_there_are_some(changes, place, train):
    assert train("repeated", **changes).status == "finished"
    with pytest.raises(ComponentError, match=r"of acme 1\.0\) cannot use them") as raised:
        train("weights", **changes)
    assert raised.value.pointer == place
