import numpy as np
import pytest

import specnet
from specnet.errors import DataError, ShapeError, SpecError

SINGLE = np.dtype("float32")


@pytest.mark.parametrize("name", ["mse", "bce"])
def test_a_missing_last_axis_of_one_is_added(name):
    target = specnet.build("losses", name).prepare(np.array([0, 1, 1]), (1,), SINGLE)
    assert (target.tolist(), target.dtype) == ([[0], [1], [1]], SINGLE)


def test_prepared_targets_are_a_copy():
    given = np.zeros((2, 1), SINGLE)
    specnet.build("losses", "mse").prepare(given, (1,), SINGLE)[...] = 1
    assert not given.any()


@pytest.mark.parametrize(
    ("shape", "output_shape"), [((5,), (2,)), ((5, 2), (3,)), ((5, 2), (1,)), ((5, 1), (5,)), ((5, 2, 3), (3, 2))]
)
@pytest.mark.parametrize("name", ["mse", "mae", "huber", "bce", "bce_with_logits"])
def test_targets_of_another_shape_are_refused(name, shape, output_shape):
    with pytest.raises(ShapeError) as caught:
        specnet.build("losses", name).prepare(np.zeros(shape), output_shape, SINGLE)
    assert caught.value.pointer == ("layers",)


@pytest.mark.parametrize("wrong", [-0.001, 1.5, 2])
@pytest.mark.parametrize("name", ["bce", "bce_with_logits", "cross_entropy"])
def test_targets_that_are_no_probabilities_are_refused_by_row(name, wrong):
    target = np.full((4, 2), 0.5)
    target[3, 1] = wrong
    with pytest.raises(DataError, match=f"target {wrong:g} in row 3") as caught:
        specnet.build("losses", name).prepare(target, (2,), SINGLE)
    assert caught.value.pointer == ("loss",)


@pytest.mark.parametrize("reduction", ["max", "", None, 1])
def test_an_unknown_reduction_is_refused(reduction):
    with pytest.raises(SpecError) as caught:
        specnet.build("losses", {"type": "mse", "reduction": reduction})
    assert caught.value.diagnostics[0].pointer == ("reduction",)
