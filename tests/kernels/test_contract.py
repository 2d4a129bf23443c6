"""Every kernel of every registered set keeps the contract of its definition, and computes the same."""

import numpy as np
import pytest
from helpers import kernel_sets, sampled

import specnet
import specnet.testing
from specnet import registry

CASES = {str(case): case for name in kernel_sets() for case in specnet.testing.kernel_cases(name)}


@pytest.mark.parametrize("name", sampled(CASES, 10))
def test_a_kernel_keeps_the_contract_of_its_definition(name):
    CASES[name]()


def test_a_set_whose_kernel_computes_something_else_fails(monkeypatch):
    from specnet.kernels.numpy.activation import ReluKernel

    monkeypatch.setattr(ReluKernel, "write", lambda self, x, y: np.maximum(x, 1e-9, out=y))
    (case,) = [each for each in specnet.testing.kernel_cases("numpy") if str(each) == "numpy, layers relu"]
    failed = [outcome.check for outcome in case.outcomes() if not outcome.passed]
    assert "its kernel agrees with the definition" in failed


def test_the_sets_are_those_that_our_own_distribution_declares():
    assert kernel_sets() == ["numpy", "textbook"]
    assert registry.find("kernels", "textbook").load().replaces == {}
