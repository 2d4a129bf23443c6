"""The formulas that traces show are those of docstrings."""

import pytest
from helpers import built_in, in_one_test

from specnet import registry
from specnet.component import find_class
from specnet.formula import formula_of
from specnet.kernels.base import find_kernels

CASES = [(group, name) for group in ("layers", "losses", "optimizers") for name in built_in(group)]


def make(cls):
    return cls.model_construct()


@in_one_test
@pytest.mark.parametrize(("group", "name"), CASES, ids=[name for _, name in CASES])
def test_every_built_in_component_states_its_formula(group, name):
    cls = find_class(group, name)
    formula = formula_of(cls.__new__(cls))
    assert " = " in formula or "<-" in formula
    if group == "optimizers":
        assert "w <- w" in formula
    if group == "losses":
        assert "L = " in formula


def test_a_kernel_has_the_formula_of_its_definition():
    linear = find_class("layers", "linear")
    kernel = find_kernels("numpy").kernel(linear)
    assert kernel is not linear
    assert registry.definition(kernel) is linear
    assert formula_of(make(kernel)) == formula_of(make(linear))


def test_a_class_without_a_formula_has_none():
    tanh = find_class("layers", "tanh")

    class Silent(tanh):
        pass

    class Wordy(tanh):
        """Does what it does. With `align=True` it does more."""

    class Mine(tanh):
        """Doubles. It is y = 2 x, so that
        dx = 2 dy. Nobody, 2020; e.g. here."""

    found = [formula_of(make(cls)) for cls in (Silent, Wordy, Mine)]
    assert found == ["", "", "It is y = 2 x, so that dx = 2 dy."]
