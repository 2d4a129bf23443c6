import copy

import numpy as np
import pytest

from specnet.workspace import Workspace

FLOAT32, FLOAT64 = np.dtype("float32"), np.dtype("float64")


def test_the_same_array_comes_back_until_another_shape_is_asked_for():
    workspace = Workspace()
    y = workspace["y", (5, 3), FLOAT32]
    assert y.shape == (5, 3) and y.dtype == FLOAT32 and y.flags.c_contiguous
    assert workspace["y", (5, 3), FLOAT32] is y
    assert not np.shares_memory(workspace["dy", (5, 3), FLOAT32], y)


@pytest.mark.parametrize("dtype", [FLOAT32, np.dtype(bool)])
@pytest.mark.parametrize("shape", [(2, 3), (5, 1), (15,), (3, 5), (), (0, 3)])
def test_what_fits_takes_the_same_memory_and_leaves_it_to_the_larger_one(shape, dtype):
    workspace = Workspace()
    memory = workspace["y", (5, 3), FLOAT32].base
    smaller = workspace["y", shape, dtype]
    assert smaller.shape == shape and smaller.dtype == dtype and smaller.flags.c_contiguous
    assert smaller.base is memory
    assert workspace["y", (5, 3), FLOAT32].base is memory


def test_arrays_begin_with_a_line_of_cache():
    workspace = Workspace()
    for size in range(1, 100, 7):
        assert workspace["y", (size,), FLOAT32].ctypes.data % 64 == 0


@pytest.mark.parametrize(("shape", "dtype"), [((6, 3), FLOAT32), ((5, 3), FLOAT64), ((16,), FLOAT32)])
def test_what_does_not_fit_gets_memory_of_its_own(shape, dtype):
    workspace = Workspace()
    first = workspace["y", (5, 3), FLOAT32]
    other = workspace["y", shape, dtype]
    assert other.shape == shape and other.dtype == dtype
    assert not np.shares_memory(first, other)


def test_a_deep_copy_is_empty():
    workspace = Workspace()
    y = workspace["y", (5, 3), FLOAT32]
    assert not np.shares_memory(copy.deepcopy(workspace)["y", (5, 3), FLOAT32], y)
