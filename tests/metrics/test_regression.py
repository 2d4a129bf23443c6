import math

import numpy as np
import pytest
from helpers import built_in

import specnet
from specnet.errors import ShapeError

LOOPS = {
    "mse": lambda errors: math.fsum(e * e for e in errors) / len(errors),
    "mae": lambda errors: math.fsum(abs(e) for e in errors) / len(errors),
}
LOWER_IS_BETTER = [
    "bits_per_character", "brier_score", "ece", "hamming_loss", "log_loss", "mae", "mape", "median_absolute_error",
    "mse", "nrmse", "perplexity", "pinball_loss", "rmse", "smape",
]  # fmt: skip
SHAPES = [(1,), (7,), (7, 1), (5, 3), (4, 2, 3)]


def r2(y, t):
    """Return the coefficient of determination of one output."""
    mean = math.fsum(t) / len(t)
    return 1 - math.fsum((a - b) ** 2 for a, b in zip(y, t, strict=True)) / math.fsum((b - mean) ** 2 for b in t)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", LOOPS)
def test_errors_are_averaged_over_all_elements(name, shape):
    y, t = np.random.default_rng(9).normal(size=(2, *shape))
    expected = LOOPS[name]([a - b for a, b in zip(y.flat, t.flat, strict=True)])
    assert specnet.build("metrics", name)(y, t) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("shape", SHAPES[1:])
def test_r2_is_averaged_over_outputs(shape):
    y, t = np.random.default_rng(9).normal(size=(2, *shape))
    columns = zip(y.reshape(len(y), -1).T.tolist(), t.reshape(len(t), -1).T.tolist(), strict=True)
    scores = [r2(a, b) for a, b in columns]
    assert specnet.build("metrics", "r2")(y, t) == pytest.approx(sum(scores) / len(scores), rel=1e-12)


@pytest.mark.parametrize("name", [*LOOPS, "r2"])
def test_a_column_and_plain_rows_are_the_same(name):
    y, t = np.random.default_rng(9).normal(size=(2, 7))
    metric = specnet.build("metrics", name)
    assert metric(y, t) == metric(y[:, None], t) == metric(y, t[:, None]) == metric(y[:, None], t[:, None])


@pytest.mark.parametrize("name", [*LOOPS, "r2"])
def test_float32_and_whole_numbers_are_computed_in_float64(name):
    t = np.array([200, 10, 255, 7], np.uint8)
    y = np.array([255, 5, 250, 8], np.float32)
    metric = specnet.build("metrics", name)
    assert metric(y, t) == metric(y.astype(float), t.astype(float))
    far = np.arange(1000, dtype=np.float32) + 2**22  # float32 would lose the mean of these
    assert metric(far + 1, far) == metric((far + 1).astype(float), far.astype(float))


@pytest.mark.parametrize("value", [0.0, 0.1, 3.0, -1 / 3])
def test_r2_of_equal_targets_is_1_if_exact_and_else_0(value):
    metric, t = specnet.build("metrics", "r2"), np.full(7, value)
    assert metric(t, t) == 1
    assert metric(t + 1e-3, t) == 0
    varied = np.arange(7.0)
    assert metric(np.stack([varied, t + 1], 1), np.stack([varied, t], 1)) == 0.5


def test_r2_of_the_mean_is_0_and_worse_is_negative():
    metric, t = specnet.build("metrics", "r2"), np.array([1.0, 2.0, 6.0])
    assert metric(np.full(3, 3.0), t) == 0
    assert metric(t[::-1], t) < 0


@pytest.mark.parametrize(
    ("prediction", "target"), [((5, 2), (5,)), ((5, 2), (2, 5)), ((6, 2), (12,)), ((4,), (5,)), ((4, 2, 3), (4, 3, 2))]
)
@pytest.mark.parametrize("name", [*LOOPS, "r2"])
def test_shapes_that_do_not_fit_are_refused(name, prediction, target):
    with pytest.raises(ShapeError):
        specnet.build("metrics", name)(np.zeros(prediction), np.zeros(target))


def test_every_built_in_metric_is_tested_and_says_which_way_is_better():
    lower = {name for name in built_in("metrics") if not specnet.build("metrics", name).higher_is_better}
    assert lower == {*LOWER_IS_BETTER}
