"""What `check_layer` finds in layers with given inputs and shapes."""

import pytest
from testing.faulty.layers import Dense, Embedding, MaxPool, Relu

from specnet.testing import ConformanceError, check_layer


def on_the_kink(rng, shape):
    return rng.integers(-1, 2, shape).astype(float)


def test_a_kink_is_no_mistake_and_a_wrong_sign_on_a_kink_is():
    check_layer(Relu(), [(3,), (4, 5)], inputs=on_the_kink)

    class Wrong(Relu):
        def backward(self, dy):
            return -super().backward(dy)

    with pytest.raises(ConformanceError, match=r"gradient of x\[.*\]: backward says"):
        check_layer(Wrong(), [(3,)], inputs=on_the_kink)


def test_larger_ones_of_equal_numbers_are_no_mistake():
    check_layer(MaxPool(), [(4,), (7,)], inputs=on_the_kink)


def test_inputs_that_are_given_stand_for_those_of_the_layer():
    check_layer(Embedding(), [(3,)], inputs=lambda rng, shape: rng.integers(2, size=shape))
    with pytest.raises(ConformanceError, match="expects whole numbers"):
        check_layer(Embedding(), [(3,)], inputs=lambda rng, shape: rng.normal(size=shape))


def test_shapes_that_are_given_should_all_be_taken():
    with pytest.raises(
        ConformanceError, match=r"inputs of shape \(\): .*expects inputs with the axes \(\.\.\., features\)"
    ):
        check_layer(Dense(), [(3,), ()])


def test_one_wrong_number_among_very_many_is_found_and_named():
    class Subtle(Dense):
        def backward(self, dy):
            dx = super().backward(dy)
            self.grad.weight[123, 45] *= -1
            return dx

    with pytest.raises(ConformanceError, match=r"gradient of weight\[123, 45\]: .*: the sign is wrong"):
        check_layer(Subtle(units=64), [(300,)])
