"""Metrics have names of their own, by which they are monitored."""

from spec.checked import MINIMAL, mistakes

from specnet import load_spec


def test_no_metric_is_named_twice():
    assert mistakes(metrics=["accuracy", "mse", {"type": "accuracy"}]) == [("duplicate-metric", ("metrics", 2))]
    same = [{"type": "mse", "name": "error"}, {"type": "mae", "name": "error"}, {"type": "r2", "name": "loss"}]
    assert mistakes(metrics=same) == [("duplicate-metric", ("metrics", 1)), ("duplicate-metric", ("metrics", 2))]
    assert mistakes(metrics=[{"type": "mse", "name": "a/b"}]) == [("wrong-value", ("metrics", 0, "name"))]


def test_a_metric_is_monitored_by_its_name():
    metrics = [{"type": "f1", "name": "one"}, {"type": "f1", "name": "other", "positive": 0}]
    assert load_spec(MINIMAL | {"metrics": metrics, "checkpoint": {"monitor": "train/other"}})
    wrong = load_spec(MINIMAL | {"metrics": metrics, "checkpoint": {"monitor": "train/other", "mode": "min"}})
    assert [found.code for found in wrong.warnings] == ["wrong-mode"]
    assert mistakes(metrics=metrics, checkpoint={"monitor": "train/f1"}) == [
        ("unknown-monitor", ("checkpoint", "monitor"))
    ]
