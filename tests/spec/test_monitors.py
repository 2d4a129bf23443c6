"""What decides by a value of the history: the value will exist, and is what one means."""

import pytest
from spec.checked import MINIMAL, mistakes, plateau, warned

from specnet import SpecnetError, load_spec


@pytest.mark.parametrize("monitor", ["train/loss", "validation/accuracy", "test/loss"])
def test_values_that_will_exist_can_be_monitored(monitor):
    changes = {"metrics": ["accuracy"], "checkpoint": {"monitor": monitor}, "split": {"validation": 0.2, "test": 0.2}}
    changes |= {"training": {"early_stopping": {"monitor": monitor}}, "optimizer": plateau(monitor=monitor)}
    spec = load_spec(MINIMAL | changes)
    assert spec.checkpoint.monitor == spec.training.early_stopping.monitor == monitor
    assert spec.optimizer.learning_rate.monitor == monitor


@pytest.mark.parametrize("monitor", ["loss", "validation/acuracy", "validation/mse", "tests/loss", ""])
def test_values_that_will_not_exist_cannot_be_monitored(monitor):
    found = mistakes(
        metrics=["accuracy"],
        checkpoint={"monitor": monitor},
        training={"early_stopping": {"monitor": monitor}},
        optimizer=plateau(monitor=monitor),
    )
    places = [
        ("checkpoint", "monitor"), ("training", "early_stopping", "monitor"), ("optimizer", "learning_rate", "monitor"),
    ]  # fmt: skip
    assert found == [("unknown-monitor", place) for place in places]


def test_the_nearest_value_is_proposed():
    with pytest.raises(SpecnetError, match='did you mean "validation/accuracy"'):
        load_spec(MINIMAL | {"metrics": ["accuracy"], "checkpoint": {"monitor": "validation/acuracy"}})


def test_a_monitored_split_should_be_there():
    monitors = {"training": {"early_stopping": {}}, "checkpoint": {"monitor": "test/loss"}, "optimizer": plateau()}
    assert mistakes(**monitors) == [
        ("unknown-monitor", ("checkpoint", "monitor")),
        ("unknown-monitor", ("training", "early_stopping", "monitor")),
        ("unknown-monitor", ("optimizer", "learning_rate", "monitor")),
    ]
    # Where samples come from is not known, so what it brings is not known either.
    assert mistakes(dataset="nowhere", **monitors) == [("unknown-component", ("dataset",))]
    assert mistakes(split={"test": 2}, **monitors) == [("out-of-range", ("split", "test"))]


def test_a_column_may_bring_every_split():
    monitors = {"training": {"early_stopping": {}}, "checkpoint": {"monitor": "test/loss"}, "optimizer": plateau()}
    load_spec(MINIMAL | monitors | {"split": {"by": "column", "column": "site"}})
    by_order = {"split": {"by": "order", "test": 0.1, "validation": 0.1, "stratify": False}}
    load_spec(MINIMAL | monitors | by_order)


PLATEAU = {"type": "reduce_on_plateau", "initial": 0.1}


@pytest.mark.parametrize(
    ("best", "stopping", "plateau", "expected"),
    [
        ({}, {"monitor": "validation/accuracy"}, {}, []),
        ({"monitor": "validation/accuracy"}, None, {}, []),
        ({"monitor": "validation/loss"}, {"monitor": "validation/loss"}, {}, []),
        ({"monitor": "validation/loss", "mode": "min"}, {"monitor": "validation/accuracy", "mode": "max"}, {},
         [("monitors-differ", ("checkpoint", "monitor"))]),
        ({"monitor": "validation/accuracy", "mode": "min"}, None, {}, [("wrong-mode", ("checkpoint", "mode"))]),
        ({}, {"monitor": "validation/mse", "mode": "max"}, {},
         [("wrong-mode", ("training", "early_stopping", "mode"))]),
        ({}, {"mode": "max"}, {}, [("wrong-mode", ("training", "early_stopping", "mode"))]),
        ({}, None, {"mode": "max"}, [("wrong-mode", ("optimizer", "learning_rate", "mode"))]),
        ({}, None, {"mode": "min"}, []),
    ],
)  # fmt: skip
def test_what_decides_by_the_wrong_value_is_warned_of(best, stopping, plateau, expected):
    found = warned(
        dataset={"type": "spiral", "n_samples": 100},
        split={"validation": 0.5},
        metrics=["accuracy", "mse"],
        optimizer={"type": "sgd", "learning_rate": PLATEAU | plateau},
        checkpoint=best,
        training={"epochs": 4, "early_stopping": stopping},
    )
    assert [each[:2] for each in found] == expected
