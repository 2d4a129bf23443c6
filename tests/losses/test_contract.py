"""What every loss of specnet does besides what `specnet.testing` checks of it."""

import numpy as np
import pytest
from helpers import built_in, in_one_test

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


def positive(rng, shape):
    return rng.uniform(0.1, 3, shape), rng.uniform(0.1, 3, shape)


def counts(rng, shape):
    return rng.normal(size=shape), rng.integers(5, size=shape).astype(float)


def yes_or_no(rng, shape):
    return rng.normal(scale=2, size=shape), rng.integers(2, size=shape).astype(float)


def two_outputs_each(rng, shape):
    return rng.normal(size=shape), rng.normal(size=(*shape[:-1], shape[-1] // 2))


def steps(rng, shape):
    return rng.normal(size=shape), rng.integers(shape[-1] + 1, size=shape[:-1])


def soft(rng, shape):
    """Targets that are distributions, and one in each batch that sums to less than 1."""
    target = rng.dirichlet(np.ones(shape[-1]), shape[:-1])
    target[0] *= 0.5
    return rng.normal(size=shape), target


ANY = ((1, 1), (7,), (5, 3), (2, 3, 5, 2))
CLASSES = ((1, 2), (5, 3), (2, 3, 4), (2, 3, 1, 5))
PAIRS = ((1, 2), (5, 4), (2, 3, 6))

TWO_HEADS = {"losses": [{"loss": "mse", "targets": [0]}, {"loss": "mae", "targets": [1], "weight": 0.5}]}

# Every built-in loss: configuration, outputs with targets, and the shapes of both with the batch in front.
CASES = {
    "mse": [({}, numbers, ANY)],
    "mae": [({}, numbers, ANY)],
    "huber": [({}, numbers, ANY), ({"delta": 2.0}, numbers, ((5, 3),))],
    "bce": [({}, probabilities, ANY), ({"epsilon": 0.2}, probabilities, ((5, 3),))],
    "bce_with_logits": [({}, logits, ANY)],
    "cross_entropy": [({}, kind, CLASSES) for kind in (class_numbers, one_hot, soft)],
    "log_cosh": [({}, numbers, ANY)],
    "mape": [({}, numbers, ANY)],
    "msle": [({}, positive, ANY)],
    "cosine_distance": [({}, numbers, CLASSES)],
    "poisson_nll": [({}, counts, ANY), ({"log_input": False}, positive, ANY)],
    "gaussian_nll": [({}, two_outputs_each, PAIRS), ({"epsilon": 0.3}, two_outputs_each, PAIRS)],
    "laplace_nll": [({}, two_outputs_each, PAIRS), ({"epsilon": 0.3}, two_outputs_each, PAIRS)],
    "quantile": [({}, numbers, ANY[:1] + ANY[2:]), ({"quantiles": [0.2]}, numbers, ((5, 3),))],
    "hinge": [({}, yes_or_no, ANY)],
    "squared_hinge": [({}, yes_or_no, ANY)],
    "focal": [({}, logits, ANY), ({"gamma": 0.5, "alpha": 0.25}, logits, ((5, 3),))],
    "categorical_focal": [({}, kind, CLASSES) for kind in (class_numbers, one_hot, soft)],
    "dice": [({}, probabilities, ANY)],
    "kl_divergence": [({}, kind, CLASSES) for kind in (one_hot, soft)],
    "ordinal": [({}, steps, CLASSES)],
    "sum": [(TWO_HEADS, numbers, ((7, 2), (2, 3, 2)))],
}


def elements(spec, shape):
    """The shape of the elements of a loss, for outputs of this shape."""
    if spec["type"] in ("cross_entropy", "categorical_focal", "kl_divergence", "ordinal", "cosine_distance", "sum"):
        return shape[:-1]
    if spec["type"] in ("gaussian_nll", "laplace_nll"):
        return (*shape[:-1], shape[-1] // 2)
    return shape[:1] if spec["type"] == "dice" else shape


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


@in_one_test
@every_loss
def test_backward_can_be_called_again(spec, make, shape):
    loss, y, target = prepared(spec, make, shape)
    loss.forward(y, target)
    first = loss.backward()
    kept = first.copy()
    first[...] = 0  # the caller may overwrite what it got
    np.testing.assert_array_equal(loss.backward(), kept)


@in_one_test
@every_loss
def test_sum_is_the_mean_times_the_elements(spec, make, shape):
    values = []
    for reduction in ("mean", "sum"):
        loss, y, target = prepared({**spec, "reduction": reduction}, make, shape)
        values.append((loss.forward(y, target), loss.backward()))
    count = np.prod(elements(spec, shape))
    assert values[1][0] == pytest.approx(values[0][0] * count)
    np.testing.assert_allclose(values[1][1], values[0][1] * count)


@in_one_test
@every_loss
def test_prepare_takes_these_targets(spec, make, shape):
    loss, y, target = prepared(spec, make, shape)
    ready = loss.prepare(target, shape[1:], np.dtype("float32"))
    assert ready.dtype == (np.int64 if target.dtype == np.int64 else np.float32)
    np.testing.assert_allclose(ready, target, rtol=1e-6)
    predicted = {two_outputs_each: target.shape[-1:], steps: (shape[-1] + 1,)}.get(make, shape[1:][-1:])
    assert loss.predictions(y).shape == (*shape[: max(1, len(shape) - 1)], *predicted)


@in_one_test
@every_loss
def test_float32_stays_float32_with_weights_of_any_dtype(spec, make, shape):
    loss, y, target = prepared(spec, make, shape, "float32")
    for dtype in ("float64", "float32", "int64", "bool"):
        loss.forward(y, target, np.ones(len(y), dtype))
        assert loss.backward().dtype == np.float32


@in_one_test
@every_loss
def test_weights_of_1_change_nothing(spec, make, shape):
    loss, y, target = prepared(spec, make, shape)
    value, dy = loss.forward(y, target), loss.backward()
    assert loss.forward(y, target, np.ones(len(y))) == value
    np.testing.assert_array_equal(loss.backward(), dy)


@in_one_test
@every_loss
def test_each_element_may_have_its_own_weight(spec, make, shape):
    loss, y, target = prepared(spec, make, shape)
    each = elements(spec, shape)
    weight = np.random.default_rng(3).uniform(0, 2, each)
    alone = specnet.build("losses", {**spec, "reduction": "sum"})
    total = 0.0
    for place in np.ndindex(each):
        only = np.zeros(each)
        only[place] = weight[place]
        total += alone.forward(y, target, only)
    divisor = weight.sum() if spec["reduction"] == "mean" else 1.0
    assert loss.forward(y, target, weight) == pytest.approx(total / divisor)


@in_one_test
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
        ("gaussian_nll", REGRESSION, 3, 6),
        ("laplace_nll", REGRESSION, 1, 2),
        ({"type": "quantile", "quantiles": [0.1, 0.5, 0.9]}, REGRESSION, 2, 6),
        ("ordinal", MULTICLASS, 1, 3),
        ("ordinal", MULTICLASS, 4, 3),
        ("ordinal", UNKNOWN, 1, None),
        ("focal", MULTILABEL, 3, 3),
        ("kl_divergence", REGRESSION, 4, 4),
    ],
)
def test_a_loss_knows_how_many_units_a_task_needs(loss, task, columns, units):
    assert specnet.build("losses", loss).units(task, columns) == units


def test_losses_say_what_they_learn_first():
    first = {name: specnet.build("losses", name).learns[0] for name in CASES.keys() - {"sum"}}
    numbers = "mse mae huber log_cosh mape msle cosine_distance poisson_nll gaussian_nll laplace_nll quantile"
    binary = "bce bce_with_logits focal hinge squared_hinge dice"
    assert first == {
        **dict.fromkeys(numbers.split(), "regression"),
        **dict.fromkeys(binary.split(), "binary"),
        **dict.fromkeys(("cross_entropy", "categorical_focal", "ordinal"), "multiclass"),
        "kl_divergence": "regression",
    }
