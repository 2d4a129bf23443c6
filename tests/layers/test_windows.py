"""Layers with windows against loops over single numbers, and their gradients against central differences."""

import json
import math
from itertools import product

import numpy as np
import pytest
from helpers import gradient_error, numeric_gradient

import specnet
from specnet.errors import ShapeError, SpecError


def axes_of(config, size, sizes):
    """Return kernel, strides, dilation and padding of each axis, as a list of tuples."""
    rank = len(sizes)

    def spread(value):
        return value if isinstance(value, list) else [value] * rank

    kernel = spread(config.get(size, 2))
    strides = spread(config.get("strides") or (kernel if size == "pool_size" else 1))
    dilation, padding = spread(config.get("dilation_rate", 1)), config.get("padding", "valid")
    found = []
    for axis in range(rank):
        n, k, s, d = sizes[axis], kernel[axis], strides[axis], dilation[axis]
        if padding == "same":
            count = math.ceil(n / s)
            total = max((count - 1) * s + (k - 1) * d + 1 - n, 0)
            before = total // 2
        else:
            before = 0 if padding == "valid" else spread(padding)[axis]
            total = 2 * before
            count = len([p for p in range(n + total) if p * s + (k - 1) * d < n + total])
        found.append((range(count), range(k), s, d, before, n))
    return found


def source(position, size, mode):
    """Return the position that a padded one is a copy of, or None."""
    if mode == "circular":
        return position % size
    if mode == "reflect":
        position = abs(position)
        return position if position < size else 2 * (size - 1) - position
    return position if 0 <= position < size else None


def windows(config, size, sizes):
    """Yield each window and for each of its places the position in the input, or None for a padded zero."""
    axes = axes_of(config, size, sizes)
    for window in product(*(axis[0] for axis in axes)):
        inside = {}
        for place in product(*(axis[1] for axis in axes)):
            positions = [
                source(p * s + a * d - before, n, config.get("padding_mode", "zeros"))
                for p, a, (_, _, s, d, before, n) in zip(window, place, axes, strict=True)
            ]
            inside[place] = None if None in positions else tuple(positions)
        yield window, inside


def output_of(x, config, size, channels, value):
    """Return an array of `value(sample, window, positions, channel)`."""
    found = list(windows(config, size, x.shape[1:-1]))
    counts = [max(axis) + 1 for axis in zip(*(window for window, _ in found), strict=True)]
    y = np.empty((len(x), *counts, channels))
    for n, (window, positions), c in product(range(len(x)), found, range(channels)):
        y[(n, *window, c)] = value(x[n], window, positions, c)
    return y


def max_pool(x, config, params):
    return output_of(
        x, config, "pool_size", x.shape[-1], lambda x, _, at, c: max(x[q][c] for q in at.values() if q is not None)
    )


def average_pool(x, config, params):
    def mean(x, _, at, c):
        seen = [x[q][c] for q in at.values() if q is not None]
        return sum(seen) / len(seen)

    return output_of(x, config, "pool_size", x.shape[-1], mean)


def convolution(x, config, params):
    weight, channels = params["weight"], x.shape[-1]
    filters, groups = weight.shape[-1], channels // weight.shape[-2]

    def value(x, window, at, f):
        first = f * groups // filters * (channels // groups)  # of the channels of the filter's group
        terms = [x[q][first + i] * weight[(*k, i, f)] for k, q in at.items() if q for i in range(channels // groups)]
        return sum(terms) + (params["bias"][f] if "bias" in params else 0)

    return output_of(x, config, "kernel_size", filters, value)


def separable(x, config, params):
    h = convolution(x, config, {"weight": params["weight"]})
    return np.array([[[row @ params["pointwise_weight"] for row in rows] for rows in each] for each in h]) + (
        params.get("bias", 0)
    )


def locally_connected(x, config, params):
    def value(x, window, at, f):
        terms = [
            x[q][i] * params["weight"][(*window, *k, i, f)] for k, q in at.items() if q for i in range(x.shape[-1])
        ]
        return sum(terms) + (params["bias"][(*window, f)] if "bias" in params else 0)

    return output_of(x, config, "kernel_size", config["filters"], value)


def transposed(x, config, params):
    """The matrix of the convolution from outputs to inputs, column by column, transposed."""
    weight, rank = params["weight"], x.ndim - 2
    padding, more = config.get("padding", "valid"), config.get("output_padding", 0)
    sizes = []
    for axis in range(rank):
        k, s, d, p, add = (
            each[axis] if isinstance(each, list) else each
            for each in (config["kernel_size"], config.get("strides", 1), config.get("dilation_rate", 1),
                         0 if isinstance(padding, str) else padding, more)
        )  # fmt: skip
        n = x.shape[1 + axis]
        sizes.append(n * s if padding == "same" else (n - 1) * s + (k - 1) * d + 1 - 2 * p + add)
    y = np.zeros((len(x), *sizes, weight.shape[-1]))
    inside, groups, filters = weight.shape[-2], x.shape[-1] // weight.shape[-2], weight.shape[-1]
    for window, at in windows(config, "kernel_size", tuple(sizes)):
        for (k, q), i, f in product(at.items(), range(inside), range(filters)):
            if q is not None:
                y[(slice(None), *q, f)] += (
                    x[(slice(None), *window, f * groups // filters * inside + i)] * weight[(*k, i, f)]
                )
    return y + params.get("bias", 0)


def config(filters, kernel, **more):
    return {"filters": filters, "kernel_size": kernel, **more}


LINE, IMAGE = (7, 2), (4, 5, 2)
POOLS_1D = [({}, LINE), ({"pool_size": 3, "strides": 2, "padding": "same"}, LINE), ({"pool_size": 7}, LINE)]
POOLS_2D = [
    ({}, IMAGE),
    ({"pool_size": 3, "strides": 2}, IMAGE),
    ({"pool_size": [4, 5]}, IMAGE),
    ({"pool_size": 1}, IMAGE),
    ({"pool_size": 3, "strides": [1, 4], "padding": "same"}, IMAGE),
    ({"pool_size": [2, 3], "padding": [1, 2]}, IMAGE),
    ({"pool_size": 2, "strides": 3}, IMAGE),
]
TABLE = {
    "max_pool1d": (max_pool, POOLS_1D),
    "max_pool2d": (max_pool, POOLS_2D),
    "average_pool1d": (average_pool, POOLS_1D),
    "average_pool2d": (average_pool, POOLS_2D),
}
CONVOLUTIONS = [
    (config(3, 2), IMAGE),
    (config(3, 1), IMAGE),
    (config(1, [4, 5]), IMAGE),
    (config(2, 3, strides=2), (6, 7, 1)),
    (config(2, [3, 2], strides=[2, 3], padding="same", use_bias=False), (6, 7, 3)),
    (config(2, 2, padding=2, dilation_rate=2), IMAGE),
    (config(2, 3, padding="same", dilation_rate=[1, 2], strides=2), IMAGE),
    (config(4, 2, groups=2), (3, 4, 6)),
    (config(6, 2, groups=3, padding=1, strides=2), (3, 4, 3)),
    (config(2, 3, padding=[1, 2], padding_mode="reflect"), IMAGE),
    (config(2, 3, padding=2, padding_mode="circular", strides=2), IMAGE),
    (config(2, [1, 3], padding="same", padding_mode="circular"), IMAGE),
    (config(2, 2), (2, 3, 33)),
]
TABLE |= {
    "conv1d": (convolution, [
        (config(3, 2), LINE), (config(2, 3, strides=2, padding="same", dilation_rate=2), LINE),
        (config(4, 3, groups=2, padding=1, padding_mode="reflect"), LINE), (config(1, 7), LINE),
    ]),
    "conv2d": (convolution, CONVOLUTIONS),
    "depthwise_conv2d": (convolution, [
        ({"kernel_size": 3, "padding": "same"}, (4, 5, 3)),
        ({"kernel_size": [1, 2], "strides": 2, "depth_multiplier": 2, "use_bias": False}, IMAGE),
    ]),
    "separable_conv2d": (separable, [
        (config(3, 2), IMAGE), (config(2, 3, padding="same", strides=2, depth_multiplier=2, use_bias=False), IMAGE),
    ]),
    "locally_connected2d": (locally_connected, [
        (config(2, 2), (3, 4, 2)), (config(1, [2, 3], padding="same", strides=2, use_bias=False), (3, 4, 2)),
    ]),
    "conv1d_transpose": (transposed, [
        (config(3, 2), (4, 2)), (config(2, 3, strides=2, padding=1, output_padding=1, dilation_rate=2), (4, 2)),
        (config(4, 2, strides=3, padding="same", groups=2), (4, 2)),
    ]),
    "conv2d_transpose": (transposed, [
        (config(2, 3), (3, 2, 2)), (config(2, [3, 2], strides=2, padding="same", use_bias=False), (3, 2, 2)),
        (config(2, 3, strides=[2, 3], padding=1, output_padding=[1, 0]), (3, 2, 1)), (config(1, 1), (1, 1, 1)),
    ]),
}  # fmt: skip
CASES = {
    f"{name} {json.dumps(config)}": (name, config, shape, reference)
    for name, (reference, rows) in TABLE.items()
    for config, shape in rows
}


def network_of(name, config, shape, dtype, kernels):
    network = specnet.build_network([{"type": name, **config}], shape, dtype, kernels=kernels)
    network.params.flat[...] = np.random.default_rng(2).normal(size=network.params.flat.size)
    return network


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_values_are_those_of_loops_and_gradients_those_of_central_differences(case):
    name, config, shape, reference = case
    x = np.random.default_rng(1).normal(size=(2, *shape))
    for kernels, dtype, rows in product(("textbook", "numpy"), ("float64", "float32"), (2, 1)):
        network = network_of(name, config, shape, dtype, kernels)
        params = {key.removeprefix("layers.0."): network.params[key].astype("float64") for key in network.params}
        expected = reference(x[:rows], config, params)
        assert network.output_shape == expected.shape[1:]
        tolerance = 1e-12 if dtype == "float64" else 2e-5
        y = network.forward(x[:rows].astype(dtype), training=True)
        np.testing.assert_allclose(y, expected, rtol=tolerance, atol=tolerance * 10)
        assert y.dtype == dtype
        if dtype == "float64" and (rows == 1) == (kernels == "numpy"):
            assert_gradients(network, x[:rows].copy(), expected.shape)


def assert_gradients(network, x, shape):
    dy = np.random.default_rng(3).normal(size=shape)

    def loss():
        return float((network.forward(x, training=True) * dy).sum())

    loss()
    dx, grads = network.backward(dy.copy()).copy(), network.grads.flat.copy()
    assert gradient_error(dx, numeric_gradient(loss, x)) < 1e-6
    if grads.size:
        assert gradient_error(grads, numeric_gradient(loss, network.params.flat)) < 1e-6


@pytest.mark.parametrize("kernels", ["textbook", "numpy"])
def test_of_equal_maxima_the_first_gets_the_gradient(kernels):
    x = np.zeros((1, 4, 4, 1))
    x[0, 1, 0] = x[0, 0, 3] = x[0, 1, 2] = 1
    network = specnet.build_network(["max_pool2d"], (4, 4, 1), "float64", kernels=kernels)
    network.forward(x, training=True)
    dx = network.backward(np.array([[1.0, 2], [3, 4]]).reshape(1, 2, 2, 1))
    assert dx[0, ..., 0].tolist() == [[0, 0, 0, 2], [1, 0, 0, 0], [3, 0, 4, 0], [0, 0, 0, 0]]


def test_masks_pass_convolutions_of_single_positions_alone():
    x, mask = np.ones((2, 4, 2)), np.ones((2, 4), bool)
    specnet.build_network([{"type": "conv1d", **config(3, 1)}], (4, 2), "float64").forward(x, mask=mask)
    for wide in ({"type": "conv1d", **config(3, 2)}, {"type": "conv1d", **config(3, 1, strides=2)}, "max_pool1d"):
        with pytest.raises(ShapeError, match="cannot take sequences with masked positions"):
            specnet.build_network([wide], (4, 2), "float64").forward(x, mask=mask)


@pytest.mark.parametrize(("name", "mean"), [("global_average_pool", True), ("global_max_pool", False)])
def test_global_pools_leave_masked_positions_out(name, mean):
    x = np.random.default_rng(0).normal(size=(3, 4, 2))
    mask = np.array([[1, 1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0]], bool)
    network = specnet.build_network([name], (4, 2), "float64")
    y = network.forward(x, training=True, mask=mask)
    dx = network.backward(np.ones((3, 2)))
    for n, seen in enumerate(mask):
        rows = x[n][seen]
        expected = np.zeros(2) if not len(rows) else rows.mean(axis=0) if mean else rows.max(axis=0)
        np.testing.assert_allclose(y[n], expected, rtol=1e-14)
        assert not dx[n][~seen].any()
        np.testing.assert_allclose(dx[n].sum(axis=0), np.full(2, float(seen.any())))


def test_global_pools_of_images_are_means_and_maxima_over_all_positions():
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 2))
    for name, of in (("global_average_pool", np.mean), ("global_max_pool", np.max)):
        for keepdims in (False, True):
            network = specnet.build_network([{"type": name, "keepdims": keepdims}], (3, 4, 2), "float64")
            y = network.forward(x, training=True)
            np.testing.assert_allclose(y, of(x, axis=(1, 2), keepdims=keepdims), rtol=1e-14)
            assert_gradients(network, x.copy(), y.shape)


@pytest.mark.parametrize(("name", "config", "line", "expected"), [
    ("upsample1d", {}, [1, 3], [1, 1, 3, 3]),
    ("upsample1d", {"size": 3}, [1, 3], [1, 1, 1, 3, 3, 3]),
    ("upsample1d", {"interpolation": "bilinear"}, [1, 3], [1, 1.5, 2.5, 3]),
    ("upsample1d", {"size": [3], "interpolation": "bilinear"}, [0, 3], [0, 0, 1, 2, 3, 3]),
    ("upsample1d", {"size": 2, "interpolation": "bilinear"}, [7], [7, 7]),
    ("upsample2d", {"size": [1, 2]}, [[1, 2], [3, 4]], [[1, 1, 2, 2], [3, 3, 4, 4]]),
    ("upsample2d", {"size": [1, 2], "interpolation": "bilinear"}, [[1, 2]], [[1, 1.25, 1.75, 2]]),
    ("upsample2d", {"interpolation": "bilinear"}, [[0, 4], [8, 12]],
     [[0, 1, 3, 4], [2, 3, 5, 6], [6, 7, 9, 10], [8, 9, 11, 12]]),
])  # fmt: skip
def test_upsampling_copies_or_interpolates(name, config, line, expected):
    x = np.array(line, "float64")[np.newaxis, ..., np.newaxis]
    network = specnet.build_network([{"type": name, **config}], x.shape[1:], "float64")
    y = network.forward(x, training=True)
    np.testing.assert_allclose(y[0, ..., 0], expected, rtol=1e-14)
    assert_gradients(network, x.copy(), y.shape)


WRONG = [
    ("conv2d", config(2, [2, 6]), (3, 5, 1), "has windows of 6 positions, but width is 5", ("kernel_size",)),
    ("conv1d", config(2, 3, dilation_rate=4), (8, 1), "has windows of 9 positions, but time is 8", ("kernel_size",)),
    ("conv2d", config(2, 2, groups=2), (3, 5, 3), "2 groups, which do not divide 3 channels", ("groups",)),
    ("conv2d", config(3, 2, groups=2), (3, 5, 4), "2 groups, which do not divide 3 filters", ("groups",)),
    ("conv2d", config(3, 2, strides=[1]), (3, 5, 4), "one value, or one for each of 2 axes, not 1", ("strides",)),
    ("conv2d", config(3, 2, padding=[1, 1, 1]), (3, 5, 4), "one for each of 2 axes, not 3", ("padding",)),
    ("conv2d", config(3, 2, padding=3, padding_mode="reflect"), (3, 5, 4), "longer than its input", ("padding",)),
    ("conv2d", config(3, 2), (784,), "axes (height, width, channels); its input has 784", ()),
    ("conv2d_transpose", config(3, 2, output_padding=1), (3, 5, 4), 'not below "strides"', ("output_padding",)),
    ("conv2d_transpose", config(3, 2, padding=3), (3, 5, 4), "cuts off all outputs", ("padding",)),
    ("max_pool2d", {"pool_size": 4}, (3, 5, 1), "has windows of 4 positions, but height is 3", ("pool_size",)),
    ("max_pool2d", {"pool_size": [2, 2, 2]}, (3, 5, 1), "one value, or one for each of 2 axes, not 3", ("pool_size",)),
    ("max_pool1d", {"padding": 2}, (8, 1), "has windows that contain only padding", ("padding",)),
    ("average_pool2d", {}, (784,), "expects inputs with the axes (height, width, channels); its input has 784", ()),
    ("upsample2d", {"size": [2]}, (3, 5, 1), "not 1", ("size",)),
]


@pytest.mark.parametrize(("name", "config", "shape", "message", "place"), WRONG)
def test_what_does_not_fit_is_a_located_error(name, config, shape, message, place):
    with pytest.raises(ShapeError) as caught:
        specnet.build_network([{"type": name, **config}], shape)
    assert message in caught.value.message
    assert caught.value.pointer == ("layers", 0, *place)


@pytest.mark.parametrize(("config", "place", "message"), [
    ({"pool_size": 0}, ("pool_size",), "should be greater than 0"),
    ({"pool_size": "2"}, ("pool_size",), "should be a whole number"),
    ({"pool_size": [2, 0]}, ("pool_size", 1), "should be greater than 0"),
    ({"padding": "sane"}, ("padding",), "should be 'valid' or 'same'"),
    ({"padding": -1}, ("padding",), "should be greater than or equal to 0"),
    ({"padding": [1, -1]}, ("padding", 1), "should be greater than or equal to 0"),
])  # fmt: skip
def test_a_number_or_a_list_has_one_error_at_its_place(config, place, message):
    with pytest.raises(SpecError) as caught:
        specnet.build("layers", {"type": "max_pool2d", **config})
    (found,) = caught.value.diagnostics
    assert found.pointer == place
    assert message in found.message
