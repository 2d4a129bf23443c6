import numpy as np
import pytest

import specnet
from specnet import Loss
from specnet.errors import ComponentError, ShapeError
from specnet.weights import aligned, require_weight, takes_weight, total_weight, weighted


@pytest.mark.parametrize(
    ("given", "elements", "expected"),
    [
        ((3,), (3,), (3,)), ((3,), (3, 2), (3, 1)), ((3, 1), (3,), (3,)), ((3, 2), (3, 2), (3, 2)),
        ((3,), (3, 2, 4), (3, 1, 1)), ((3, 2), (3, 2, 4), (3, 2, 1)), ((3, 1), (3, 2), (3, 1)),
        ((3, 1, 1), (3, 2), (3, 1)),
    ],
)  # fmt: skip
def test_axes_of_weights_match_those_of_elements_from_the_first_on(given, elements, expected):
    assert aligned(np.ones(given), elements).shape == expected
    assert total_weight(elements, np.full(given, 0.5)) == np.prod(elements) / 2


@pytest.mark.parametrize(("given", "elements"), [((2,), (3, 2)), ((3, 3), (3, 2)), ((3, 2), (3,)), ((4,), (3,))])
def test_other_weights_are_refused(given, elements):
    with pytest.raises(ShapeError, match="do not fit elements of shape"):
        aligned(np.ones(given), elements)


def test_weights_take_the_dtype_that_is_asked_for():
    assert aligned(np.ones(3), (3,), np.float32).dtype == np.float32


def test_what_has_weight_0_counts_0_whatever_it_is():
    values = np.array([np.inf, np.nan, 3.0])
    assert weighted(values, np.array([0.0, 0.0, 2.0])).tolist() == [0, 0, 6]


class Plain(Loss):
    def forward(self, y, target):
        return 0.0

    def backward(self):
        return np.zeros(1)


def test_a_method_without_weights_is_refused_by_name():
    assert takes_weight(specnet.build("losses", "mse"), "forward")
    require_weight(specnet.build("losses", "mse"), "forward", ("loss",))
    assert not takes_weight(Plain(), "forward")
    with pytest.raises(
        ComponentError, match=r"loss \(Plain\) cannot use them: its forward has no parameter weight"
    ) as caught:
        require_weight(Plain(), "forward", ("loss",))
    assert caught.value.pointer == ("loss",)
