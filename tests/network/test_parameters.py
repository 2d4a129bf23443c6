import json

import numpy as np
import pytest

from specnet.network.parameters import FlatVector

SHAPES = {"layers.0.weight": (2, 3), "layers.0.bias": (3,), "layers.2.scale": (), "layers.5.kernel": (3, 1, 2, 4)}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_named_arrays_are_writable_views_in_order(dtype):
    vector = FlatVector(SHAPES, np.dtype(dtype))
    assert list(vector) == list(SHAPES)
    assert len(vector) == 4
    for number, (name, shape) in enumerate(SHAPES.items(), start=1):
        assert (vector[name].shape, vector[name].dtype) == (shape, dtype)
        assert np.shares_memory(vector[name], vector.flat)
        vector[name][...] = number
    assert vector.flat.tolist() == [1] * 6 + [2] * 3 + [3] + [4] * 24
    vector.flat[...] = 7
    assert all((array == 7).all() for array in vector.values())


def test_the_layout_says_in_json_where_each_array_lies():
    vector = FlatVector(SHAPES, np.dtype("float32"))
    vector.flat[...] = np.arange(vector.flat.size)
    for entry in json.loads(json.dumps(vector.layout)):
        name, offset, shape = entry["name"], entry["offset"], entry["shape"]
        size = int(np.prod(shape))
        assert vector[name].tolist() == np.arange(offset, offset + size).reshape(shape).tolist()


def test_a_vector_of_nothing_is_empty():
    assert FlatVector({}, np.dtype("float64")).flat.shape == (0,)
