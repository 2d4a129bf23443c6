"""Values of losses worked by hand or by a formula written out, and targets that they refuse."""

import math

import numpy as np
import pytest
from helpers import in_one_test

import specnet
from specnet.errors import DataError, ShapeError, SpecError
from specnet.kernels.base import Textbook
from specnet.kernels.numpy import Numpy

LOG2, LOG3 = math.log(2), math.log(3)

# Outputs and targets of a batch, and its loss.
BY_HAND = [
    ({"type": "log_cosh"}, [[LOG2], [-LOG2]], [[0], [0]], math.log(5 / 4)),  # cosh log 2 = (2 + 1/2) / 2
    ({"type": "mape"}, [[1], [3]], [[2], [-4]], (0.5 + 1.75) / 2),
    ({"type": "msle"}, [[1], [7]], [[3], [7]], LOG2**2 / 2),
    ({"type": "msle"}, [[-5]], [[0]], 25),
    ({"type": "cosine_distance"}, [[3, 0], [1, 1], [-2, 0]], [[5, 0], [7, 0], [1, 0]], (0 + 1 - 0.5**0.5 + 2) / 3),
    ({"type": "poisson_nll"}, [[LOG2], [0]], [[3], [0]], (2 - 3 * LOG2 + 1) / 2),
    ({"type": "poisson_nll", "log_input": False}, [[2], [1]], [[3], [0]], (2 - 3 * LOG2 + 1) / 2),
    # A tangent's length below 1e-8 the logarithm has fallen by 1.
    ({"type": "poisson_nll", "log_input": False}, [[0]], [[1]], 1 - math.log(1e-8)),
    ({"type": "gaussian_nll", "epsilon": 1e-20}, [[5, 1, 0, LOG2]], [[3, 1]], (4 + LOG2) / 4),
    ({"type": "gaussian_nll", "epsilon": 0.5}, [[5, -1000]], [[3]], (math.log(0.5) + 8) / 2),
    ({"type": "laplace_nll", "epsilon": 1e-20}, [[5, 1, 0, LOG2]], [[3, 1]], (2 + LOG2) / 2),
    ({"type": "laplace_nll", "epsilon": 0.5}, [[5, -1000]], [[3]], math.log(0.5) + 4),
    ({"type": "quantile"}, [[1], [4]], [[3], [3]], (1 + 0.5) / 2),
    # First the lowest quantile of both targets, then the highest.
    (
        {"type": "quantile", "quantiles": [0.1, 0.9]},
        [[1, 2, 5, 6]],
        [[3, 1]],
        (0.1 * 2 + 0.9 * 1 + 0.1 * 2 + 0.1 * 5) / 4,
    ),
    ({"type": "hinge"}, [[0.5], [-2], [3], [2]], [[1], [0], [1], [0]], (0.5 + 0 + 0 + 3) / 4),
    ({"type": "squared_hinge"}, [[0.5], [-2], [3], [2]], [[1], [0], [1], [0]], (0.25 + 0 + 0 + 9) / 4),
    # sigmoid(log 3) = 3/4
    ({"type": "focal"}, [[LOG3], [LOG3]], [[1], [0]], (math.log(4 / 3) / 16 + math.log(4) * 9 / 16) / 2),
    ({"type": "focal", "gamma": 1, "alpha": 0.2}, [[LOG3]], [[1]], 0.2 * math.log(4 / 3) / 4),
    ({"type": "focal", "gamma": 0}, [[LOG3], [LOG3]], [[1], [0]], (math.log(4 / 3) + math.log(4)) / 2),
    ({"type": "categorical_focal"}, [[LOG3, 0]] * 2, [0, 1], (math.log(4 / 3) / 16 + math.log(4) * 9 / 16) / 2),
    ({"type": "categorical_focal", "gamma": 0}, [[LOG3, 0]] * 2, [0, 1], (math.log(4 / 3) + math.log(4)) / 2),
    ({"type": "categorical_focal", "gamma": 0.5}, [[1000.0, 0]] * 2, [0, 1], 500),
    ({"type": "categorical_focal", "ignore_index": 1}, [[LOG3, 0]] * 2, [0, 1], math.log(4 / 3) / 16),
    ({"type": "ordinal", "ignore_index": 9}, [[LOG3, -LOG3]] * 2, [0, 9], -math.log(1 / 4)),
    ({"type": "dice"}, [[1, 0, 0.5], [0, 0, 0]], [[1, 0, 1], [0, 0, 0]], (1 - 4 / 4.5 + 0) / 2),
    ({"type": "kl_divergence"}, [[LOG3, 0]], [[0.5, 0.5]], 0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25)),
    ({"type": "kl_divergence"}, [[LOG3, 0]], [[0, 1]], math.log(4)),
    ({"type": "kl_divergence", "log_target": True}, [[LOG3, 0]], [[math.log(0.75), math.log(0.25)]], 0),
    ({"type": "bce", "label_smoothing": 0.2}, [[0.75]], [[1]], 0.9 * math.log(4 / 3) + 0.1 * math.log(4)),
    ({"type": "bce_with_logits", "label_smoothing": 0.2}, [[LOG3]], [[0]], 0.1 * math.log(4 / 3) + 0.9 * math.log(4)),
    (
        {"type": "bce_with_logits", "pos_weight": 3},
        [[LOG3], [LOG3]],
        [[1], [0]],
        (3 * math.log(4 / 3) + math.log(4)) / 2,
    ),
    ({"type": "focal", "gamma": 0, "label_smoothing": 0.2}, [[LOG3]], [[1]], 0.9 * math.log(4 / 3) + 0.1 * math.log(4)),
    ({"type": "cross_entropy", "label_smoothing": 0.2}, [[LOG3, 0]], [0], 0.9 * math.log(4 / 3) + 0.1 * math.log(4)),
    (
        {"type": "cross_entropy", "label_smoothing": 0.2},
        [[LOG3, 0]],
        [[1, 0]],
        0.9 * math.log(4 / 3) + 0.1 * math.log(4),
    ),
    # p(> 0) = 3/4 and p(> 1) = 3/4 * 1/4: the classes have 1/4, 9/16 and 3/16.
    ({"type": "ordinal"}, [[LOG3, -LOG3]] * 3, [0, 1, 2], -math.log(1 / 4 * 9 / 16 * 3 / 16) / 3),
]


@in_one_test
@pytest.mark.parametrize(("spec", "y", "target", "value"), BY_HAND)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-12)])
def test_values_worked_by_hand(spec, y, target, value, dtype, tolerance):
    for kernels in (Textbook, Numpy):
        loss, y = kernels.instantiate(specnet.build("losses", spec)), np.array(y, dtype)
        prepared = loss.prepare(np.array(target), y.shape[1:], np.dtype(dtype))
        almost = pytest.approx(value, rel=tolerance, abs=1e-7 if dtype == "float32" else 1e-14)
        assert loss.forward(y, prepared) == almost


PREDICTIONS = [
    ({"type": "poisson_nll"}, [[LOG2]], [[2]]),
    ({"type": "poisson_nll", "log_input": False}, [[2]], [[2]]),
    ({"type": "gaussian_nll"}, [[1, 2, 3, 4]], [[1, 2]]),
    ({"type": "laplace_nll"}, [[1, 2, 3, 4]], [[1, 2]]),
    ({"type": "quantile", "quantiles": [0.1, 0.9]}, [[1, 2, 3, 4]], [[1, 2, 3, 4]]),
    ({"type": "hinge"}, [[0], [LOG3]], [[0.5], [0.75]]),
    ({"type": "focal"}, [[0], [LOG3]], [[0.5], [0.75]]),
    ({"type": "kl_divergence"}, [[LOG3, 0]], [[0.75, 0.25]]),
    ({"type": "ordinal"}, [[LOG3, -LOG3]], [[1 / 4, 9 / 16, 3 / 16]]),
]


@pytest.mark.parametrize(("spec", "y", "expected"), PREDICTIONS)
def test_predictions(spec, y, expected):
    found = specnet.build("losses", spec).predictions(np.array(y, float))
    np.testing.assert_allclose(found, expected, rtol=1e-14)


@pytest.mark.parametrize(
    ("name", "target"),
    [("mape", 0.0), ("msle", -0.5), ("poisson_nll", -1.0), ("kl_divergence", 1.5), ("hinge", -1.0), ("dice", 2.0)],
)
def test_targets_out_of_range_are_refused_by_row(name, target):
    targets = np.full((4, 2), 0.5)
    targets[2, 1] = target
    with pytest.raises(DataError, match=f"target {target:g} in row 2") as caught:
        specnet.build("losses", name).prepare(targets, (2,), np.dtype("float64"))
    assert caught.value.pointer == ("loss",)


@pytest.mark.parametrize("target", [np.array([0, 1, 3]), np.array([0, 1, 0.5]), np.array([[0, 0, 1], [0, 0.5, 0.5]])])
def test_ordinal_refuses_what_is_no_class(target):
    with pytest.raises(DataError, match="in row"):
        specnet.build("losses", "ordinal").prepare(target, (2,), np.dtype("float64"))


@pytest.mark.parametrize(
    ("name", "output", "target", "classes"),
    [
        ("gaussian_nll", (3,), (1,), None),
        ("gaussian_nll", (2,), (2,), None),
        ("laplace_nll", (), (), None),
        ("quantile", (2,), (1,), None),
        ("cosine_distance", (1,), (1,), None),
        ("ordinal", (1,), (), 2),
        ("ordinal", (4,), (), 4),
        ("ordinal", (3,), (3,), None),
        ("focal", (1,), (), 3),
    ],
)
def test_outputs_that_do_not_fit_are_refused(name, output, target, classes):
    with pytest.raises(ShapeError) as caught:
        specnet.build("losses", name).check_shapes(output, target, classes)
    assert caught.value.pointer == ("layers",)


@pytest.mark.parametrize(
    ("spec", "place"),
    [
        ({"type": "quantile", "quantiles": []}, ("quantiles",)),
        ({"type": "quantile", "quantiles": [0.9, 0.1]}, ("quantiles",)),
        ({"type": "quantile", "quantiles": [0.1, 1.0]}, ("quantiles", 1)),
        ({"type": "gaussian_nll", "epsilon": 0}, ("epsilon",)),
        ({"type": "focal", "gamma": -1}, ("gamma",)),
        ({"type": "cross_entropy", "label_smoothing": 1}, ("label_smoothing",)),
        ({"type": "bce", "label_smoothing": -0.1}, ("label_smoothing",)),
        ({"type": "bce_with_logits", "pos_weight": 0}, ("pos_weight",)),
        ({"type": "focal", "alpha": 1}, ("alpha",)),
        ({"type": "dice", "smooth": 0}, ("smooth",)),
    ],
)
def test_what_is_out_of_bounds_is_refused(spec, place):
    with pytest.raises(SpecError) as caught:
        specnet.build("losses", spec)
    assert [found.pointer for found in caught.value.diagnostics] == [place]
