"""What every loss of specnet does besides what `specnet.testing` checks of it."""

import numpy as np
import pytest
from helpers import built_in

import specnet
from specnet.task import Task, TaskPart
from specnet.testing import check_loss


def numbers(rng, shape):
    """Outputs and targets whose difference is 0.1 or more from every whole number: mae and huber have kinks there."""
    y = rng.normal(size=shape)
    return y, y + rng.integers(-3, 3, shape) + rng.uniform(0.1, 0.9, shape)


def probabilities(rng, shape):
    return rng.uniform(0.05, 0.95, shape), rng.uniform(0, 1, shape)


def logits(rng, shape):
    return rng.normal(scale=3, size=shape), rng.choice([0.0, 1.0, 0.3], shape)


def class_numbers(rng, shape):
    return rng.normal(size=shape), rng.integers(shape[-1], size=shape[:-1])


def one_hot(rng, shape):
    y, classes = class_numbers(rng, shape)
    return y, np.eye(shape[-1])[classes]


def soft(rng, shape):
    """Targets that are distributions, and one in each batch that sums to less than 1."""
    target = rng.dirichlet(np.ones(shape[-1]), shape[:-1])
    target[0] *= 0.5
    return rng.normal(size=shape), target


ANY = ((1, 1), (7,), (5, 3), (2, 3, 5, 2))
CLASSES = ((1, 2), (5, 3), (2, 3, 4), (2, 3, 1, 5))

# Every built-in loss: configuration, outputs with targets, and the shapes of both with the batch in front.
CASES = {
    "mse": [({}, numbers, ANY)],
    "mae": [({}, numbers, ANY)],
    "huber": [({}, numbers, ANY), ({"delta": 2.0}, numbers, ((5, 3),))],
    "bce": [({}, probabilities, ANY), ({"epsilon": 0.2}, probabilities, ((5, 3),))],
    "bce_with_logits": [({}, logits, ANY)],
    "cross_entropy": [({}, kind, CLASSES) for kind in (class_numbers, one_hot, soft)],
}
EVERY = [
    pytest.param(
        {"type": name, "reduction": reduction, **config},
        make,
        shape,
        id=f"{name}-{reduction}-{make.__name__}-{shape}",
    )
    for name, cases in CASES.items()
    for config, make, shapes in cases
    for shape in shapes
    for reduction in ("mean", "sum")
]
every_loss = pytest.mark.parametrize(("spec", "make", "shape"), EVERY)


def test_every_built_in_loss_is_in_the_table():
    assert sorted(CASES) == built_in("losses")


def prepared(spec, make, shape, dtype="float64"):
    loss = specnet.build("losses", spec)
    y, target = make(np.random.default_rng(len(shape)), shape)
    return loss, y.astype(dtype), target if target.dtype == np.int64 else target.astype(dtype)


def test_cross_entropy_keeps_its_contract_where_targets_are_distributions():
    check_loss(*prepared({"type": "cross_entropy"}, soft, (5, 3)))


@every_loss
def test_backward_can_be_called_again(spec, make, shape):
    loss, y, target = prepared(spec, make, shape)
    loss.forward(y, target)
    first = loss.backward()
    kept = first.copy()
    first[...] = 0  # the caller may overwrite what it got
    np.testing.assert_array_equal(loss.backward(), kept)


@every_loss
def test_sum_is_the_mean_times_the_elements(spec, make, shape):
    values = []
    for reduction in ("mean", "sum"):
        loss, y, target = prepared({**spec, "reduction": reduction}, make, shape)
        values.append((loss.forward(y, target), loss.backward()))
    # An element of cross_entropy is one distribution.
    count = np.prod(shape[:-1] if spec["type"] == "cross_entropy" else shape)
    assert values[1][0] == pytest.approx(values[0][0] * count)
    np.testing.assert_allclose(values[1][1], values[0][1] * count)


@every_loss
def test_prepare_takes_these_targets(spec, make, shape):
    loss, y, target = prepared(spec, make, shape)
    ready = loss.prepare(target, shape[1:], np.dtype("float32"))
    assert ready.dtype == (np.int64 if make is class_numbers else np.float32)
    np.testing.assert_allclose(ready, target, rtol=1e-6)
    assert loss.predictions(y).shape == y.shape


@every_loss
def test_float32_stays_float32_with_weights_of_any_dtype(spec, make, shape):
    loss, y, target = prepared(spec, make, shape, "float32")
    for dtype in ("float64", "float32", "int64", "bool"):
        loss.forward(y, target, np.ones(len(y), dtype))
        assert loss.backward().dtype == np.float32


@every_loss
def test_weights_of_1_change_nothing(spec, make, shape):
    loss, y, target = prepared(spec, make, shape)
    value, dy = loss.forward(y, target), loss.backward()
    assert loss.forward(y, target, np.ones(len(y))) == value
    np.testing.assert_array_equal(loss.backward(), dy)


@every_loss
def test_each_element_may_have_its_own_weight(spec, make, shape):
    loss, y, target = prepared(spec, make, shape)
    elements = shape[:-1] if spec["type"] == "cross_entropy" else shape
    weight = np.random.default_rng(3).uniform(0, 2, elements)
    alone = specnet.build("losses", {**spec, "reduction": "sum"})
    total = 0.0
    for place in np.ndindex(elements):
        only = np.zeros(elements)
        only[place] = weight[place]
        total += alone.forward(y, target, only)
    divisor = weight.sum() if spec["reduction"] == "mean" else 1.0
    assert loss.forward(y, target, weight) == pytest.approx(total / divisor)


@every_loss
def test_weights_that_are_all_0_give_no_loss_and_no_gradient(spec, make, shape):
    loss, y, target = prepared(spec, make, shape)
    assert loss.forward(y, target, np.zeros(len(y))) == 0
    assert not loss.backward().any()


REGRESSION = Task((TaskPart("regression"),))
BINARY = Task((TaskPart("binary", classes=("no", "yes")),))
MULTICLASS = Task((TaskPart("multiclass", classes=("a", "b", "c", "d")),))
UNKNOWN = Task((TaskPart("multiclass"),))
MULTILABEL = Task((TaskPart("multilabel", names=("a", "b", "c")),))


@pytest.mark.parametrize(
    ("loss", "task", "columns", "units"),
    [
        ("mse", REGRESSION, 3, 3),
        ("mse", MULTICLASS, 4, 4),
        ("bce", BINARY, 1, 1),
        ("bce_with_logits", MULTILABEL, 3, 3),
        ("cross_entropy", BINARY, 1, 2),
        ("cross_entropy", MULTICLASS, 1, 4),
        ("cross_entropy", MULTICLASS, 4, 4),
        ("cross_entropy", UNKNOWN, 4, 4),
        ("cross_entropy", UNKNOWN, 1, None),
    ],
)
def test_a_loss_knows_how_many_units_a_task_needs(loss, task, columns, units):
    assert specnet.build("losses", loss).units(task, columns) == units


def test_losses_say_what_they_learn_first():
    first = {name: specnet.build("losses", name).learns[0] for name in CASES}
    assert first == {
        **dict.fromkeys(("mse", "mae", "huber"), "regression"),
        **dict.fromkeys(("bce", "bce_with_logits"), "binary"),
        "cross_entropy": "multiclass",
    }
