from typing import ClassVar

import numpy as np
import pytest

import specnet
from specnet.errors import BrokenComponentError, ComponentError
from specnet.metrics.base import MeanMetric, Metric
from specnet.training.measures import Measures

rng = np.random.default_rng(2)
y, truth = rng.normal(size=(2, 20, 1))


class Parts(MeanMetric):
    """The mean prediction, and a hundred times that."""

    def values(self, prediction, target):
        return prediction

    def compute(self):
        return {"once": super().compute(), "often": 100 * super().compute()}


class Plain(Metric):
    """A metric that takes no weights."""

    def reset(self):
        self.keep(count=0)

    def update(self, prediction, target):
        self.count += len(target)

    def compute(self):
        return self.count


def measures(**metrics):
    return Measures(metrics, lambda outputs: 2 * outputs)


def test_metrics_see_predictions_a_batch_at_a_time():
    found = measures(mse=specnet.build("metrics", "mse"), parts=Parts())
    found.update(y[:5], truth[:5])
    found.update(y[5:], truth[5:])
    expected = {
        "mse": np.mean((2 * y - truth) ** 2),
        "parts/once": 2 * y.mean(),
        "parts/often": 200 * y.mean(),
    }
    assert found.compute() == pytest.approx(expected)


def test_the_metrics_of_the_spec_are_left_alone():
    metric = specnet.build("metrics", "r2")
    measures(r2=metric).update(y, truth)
    assert metric.kept["count"].tolist() == [0]


def test_what_is_kept_is_restored_and_merged():
    whole, first, second = (measures(r2=specnet.build("metrics", "r2"), plain=Plain()) for _ in range(3))
    whole.update(y, truth)
    first.update(y[:5], truth[:5])
    second.restore({name: metric.kept for name, metric in first.metrics.items()})
    second.update(y[5:], truth[5:])
    assert second.compute() == pytest.approx(whole.compute(), rel=1e-12)
    first.merge(first)
    assert first.compute()["plain"] == 10
    with pytest.raises(ValueError, match="there are the metrics r2, plain, not plain"):
        whole.restore({"plain": {"count": 1}})


def test_weights_are_handed_on_and_refused_by_the_name_of_who_takes_none():
    found = measures(mse=specnet.build("metrics", "mse"))
    found.update(y, truth, np.arange(20) < 5)
    assert found.compute()["mse"] == pytest.approx(np.mean((2 * y[:5] - truth[:5]) ** 2))
    with pytest.raises(ComponentError, match=r"metrics\.1 \(Plain\) cannot use them: its update has no") as caught:
        measures(mse=specnet.build("metrics", "mse"), plain=Plain()).update(y, truth, np.ones(20))
    assert caught.value.pointer == ("metrics", 1)


class Failing(Plain):
    """A metric that returns nothing."""

    def compute(self):
        return None


def test_what_a_metric_raises_is_told_with_its_place():
    found = measures(mse=specnet.build("metrics", "mse"), failing=Failing())
    found.update(y, truth)
    with pytest.raises(BrokenComponentError, match=r"metrics\.1 \(Failing\) fails in compute: TypeError"):
        found.compute()


class Share(MeanMetric):
    """The share of positive predictions, and how often it was updated."""

    is_share = True
    updates: ClassVar[int] = 0

    def values(self, prediction, target):
        self.updates += 1
        return prediction > 0


@pytest.mark.parametrize("read", ["compute", "flush", "merge"])
def test_shares_take_several_small_batches_at_once_when_they_are_read(read):
    gathered, batch = measures(share=Share()), np.empty((5, 1))
    for rows in y.reshape(4, 5, 1):
        batch[...] = rows  # a batch is valid until the next
        gathered.update(batch, batch)
    assert gathered.metrics["share"].updates == 0
    getattr(gathered, read)(*([measures(share=Share())] if read == "merge" else []))
    assert gathered.metrics["share"].updates == 1
    assert gathered.metrics["share"].kept == {"total": float((y > 0).sum()), "count": 20.0}


def test_shares_take_large_and_weighted_batches_and_those_beside_other_metrics_at_once():
    for batch, metrics in [
        ((np.ones((5000, 1)), np.ones(5000)), {}),
        ((y, truth, np.ones(20)), {}),
        ((y, truth), {"parts": Parts()}),
    ]:
        found = measures(share=Share(), **metrics)
        found.update(*batch)
        assert found.metrics["share"].updates == 1


def test_a_reset_forgets_gathered_batches():
    found = measures(share=Share())
    found.update(y, truth)
    found.reset()
    found.flush()
    assert found.metrics["share"].kept == {"total": 0.0, "count": 0.0}
