import json

import numpy as np
import pytest
from helpers import gradient_error, numeric_gradient

import specnet
from specnet.errors import ShapeError, SpecnetError
from specnet.layers.composite import Parallel, Repeat, Residual
from specnet.layers.linear import Linear
from specnet.layers.stack import outputs_of
from specnet.network.network import Network


def linear(units):
    return {"type": "linear", "units": units}


def residual(*layers):
    return {"type": "residual", "layers": list(layers)}


def parallel(*branches, merge="concat"):
    return {"type": "parallel", "branches": list(branches), "merge": merge}


def repeat(times, *layers):
    return {"type": "repeat", "times": times, "layers": list(layers)}


DROPOUT = {"type": "dropout", "rate": 0.3}
# Three composites inside each other and more beside them; each keeps or changes the last axis.
BLOCK = repeat(2, "tanh", parallel([], [residual(linear(3), "sigmoid", linear(5)), linear(2)]), linear(5))
DEEP = [residual(repeat(2, linear(5), DROPOUT)), BLOCK, "flatten", linear(3)]


def make(layers, shape, dtype="float64", batch=7):
    """Return a network with random parameters, inputs x and an upstream gradient dy."""
    rng = np.random.default_rng(batch)
    network = specnet.build_network(layers, shape, dtype, seed=2)
    network.params.flat[...] = rng.normal(size=network.params.flat.size)
    x, dy = (rng.normal(size=(batch, *sizes)).astype(dtype) for sizes in (shape, network.output_shape))
    return network, x, dy


def affine(network, place, x):
    return x @ network.params[f"{place}.weight"] + network.params[f"{place}.bias"]


def affine_gradients(x, dy):
    """Return dW and db of y = x W + b for sequences x (n, time, in)."""
    return np.einsum("nti,nto->io", x, dy), dy.sum((0, 1))


def check(network, x, dy, expected):
    """Compare y, dx and gradients with those expected."""
    y, dx, gradients = expected
    tolerance = {"rtol": 1e-5, "atol": 1e-5} if x.dtype == np.float32 else {"rtol": 1e-12, "atol": 1e-12}
    np.testing.assert_allclose(network.forward(x), y, **tolerance)
    np.testing.assert_allclose(network.backward(dy), dx, **tolerance)
    assert gradients.keys() == network.grads.keys()
    for name, gradient in gradients.items():
        np.testing.assert_allclose(network.grads[name], gradient, **tolerance, err_msg=name)


both_dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])


@both_dtypes
def test_residual_is_x_plus_what_its_layers_give(dtype):
    network, x, dy = make([residual(linear(3), "tanh")], (4, 3), dtype)
    place = "layers.0.layers.0"
    t = np.tanh(affine(network, place, x))
    dz = dy * (1 - t**2)
    dw, db = affine_gradients(x, dz)
    dx = dy + dz @ network.params[f"{place}.weight"].T
    check(network, x, dy, (x + t, dx, {f"{place}.weight": dw, f"{place}.bias": db}))


@both_dtypes
def test_concat_is_the_branches_side_by_side(dtype):
    network, x, dy = make([parallel([linear(2)], [], ["tanh"], [linear(1), "tanh"])], (4, 3), dtype)
    first, last = "layers.0.branches.0.0", "layers.0.branches.3.0"
    t, u = np.tanh(x), np.tanh(affine(network, last, x))
    y = np.concatenate([affine(network, first, x), x, t, u], axis=2)
    d_first, d_same, d_t, d_u = dy[..., :2], dy[..., 2:5], dy[..., 5:8], dy[..., 8:]
    d_last = d_u * (1 - u**2)
    dx = d_same + d_t * (1 - t**2)
    gradients = {}
    for place, d in ((first, d_first), (last, d_last)):
        dx = dx + d @ network.params[f"{place}.weight"].T
        gradients[f"{place}.weight"], gradients[f"{place}.bias"] = affine_gradients(x, d)
    check(network, x, dy, (y, dx, gradients))


@both_dtypes
def test_add_is_the_sum_of_the_branches(dtype):
    network, x, dy = make([parallel(["tanh"], [linear(3)], [], merge="add")], (4, 3), dtype)
    place = "layers.0.branches.1.0"
    t = np.tanh(x)
    dw, db = affine_gradients(x, dy)
    dx = dy * (1 - t**2) + dy @ network.params[f"{place}.weight"].T + dy
    check(network, x, dy, (t + affine(network, place, x) + x, dx, {f"{place}.weight": dw, f"{place}.bias": db}))


@both_dtypes
def test_repeat_is_its_layers_written_out_as_often(dtype):
    repeated, x, dy = make([repeat(3, linear(3), "tanh")], (4, 3), dtype)
    written, _, _ = make([linear(3), "tanh"] * 3, (4, 3), dtype)
    assert [written.params[name].shape for name in written.params] == [p.shape for p in repeated.params.values()]
    gradients = zip(repeated.grads, written.grads.values(), strict=True)
    y, dx = written.forward(x), written.backward(dy)
    check(repeated, x, dy, (y, dx, dict(gradients)))


def test_each_copy_of_a_repeat_draws_its_own_parameters_and_masks():
    network = specnet.build_network([repeat(2, linear(3), DROPOUT)], (3,))
    first, second = (network.params[f"layers.0.times.{copy}.layers.0.weight"] for copy in (0, 1))
    assert not np.array_equal(first, second)
    network.forward(np.ones((50, 3)), training=True)
    masks = [network.named[f"layers.0.times.{copy}.layers.1"].m for copy in (0, 1)]
    assert not np.array_equal(*masks)


@pytest.mark.parametrize(
    "layer", [residual(DROPOUT), parallel([DROPOUT], []), parallel([DROPOUT], merge="add"), repeat(2, DROPOUT)]
)
def test_a_layer_inside_knows_whether_it_is_training(layer):
    network, x, _ = make([layer], (40,))
    still = network.forward(x).copy()
    np.testing.assert_array_equal(still, network.forward(x))
    assert not np.array_equal(still, network.forward(x, training=True))


@pytest.mark.parametrize("shape", [(5,), (1,), (3, 1, 5)])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize(
    "layers",
    [
        [repeat(2, parallel([], [residual("tanh", "gelu"), linear(2)]))],
        [parallel([repeat(2, residual("tanh"), "sigmoid")], [parallel([], ["silu"], merge="add")])],
        [residual(parallel([residual("tanh")], [], [repeat(3, "gelu")], merge="add"), "sigmoid"), linear(2)],
    ],
)
def test_gradients_of_nested_composites_are_central_differences(layers, batch, shape):
    network, x, dy = make(layers, shape, batch=batch)

    def f():
        return float(np.sum(dy * network.forward(x)))

    f()
    dx, grads = network.backward(dy).copy(), network.grads.flat.copy()
    assert gradient_error(dx, numeric_gradient(f, x)) < 1e-6
    if grads.size:
        assert gradient_error(grads, numeric_gradient(f, network.params.flat)) < 1e-6


def test_parameters_are_named_by_their_place():
    network = specnet.build_network(DEEP, (4, 5))
    weights = {name: array.shape for name, array in network.params.items() if name.endswith("weight")}
    inner = {
        f"layers.1.times.{copy}.layers.{name}.weight": shape
        for copy in (0, 1)
        for name, shape in {
            "1.branches.1.0.layers.0": (5, 3),
            "1.branches.1.0.layers.2": (3, 5),
            "1.branches.1.1": (5, 2),
            "2": (7, 5),
        }.items()
    }
    assert weights == {
        "layers.0.layers.0.times.0.layers.0.weight": (5, 5),
        "layers.0.layers.0.times.1.layers.0.weight": (5, 5),
        **inner,
        "layers.3.weight": (20, 3),
    }


@pytest.mark.parametrize(
    ("layers", "shape", "message", "pointer"),
    [
        (
            [linear(3), residual(linear(2))],
            (4,),
            "layers.1 adds its input to the output of its layers, but they return 2; layers.0 returns 3",
            ("layers", 1),
        ),
        (
            ["tanh", parallel([], [linear(2)], merge="add")],
            (4, 3),
            "layers.1 adds its branches, but branches.0 returns shape (4, 3) and branches.1 shape (4, 2); "
            "layers.0 returns shape (4, 3)",
            ("layers", 1, "branches", 1),
        ),
        (
            [parallel([], [linear(2)], ["flatten"])],
            (4, 3),
            "layers.0 concatenates its branches along the last axis, but branches.0 returns shape (4, 3) "
            "and branches.2 12; its input has shape (4, 3)",
            ("layers", 0, "branches", 2),
        ),
        (
            [parallel(["flatten"], [])],
            (),
            "layers.0 concatenates its branches along the last axis, but branches.1 returns shape (); "
            "its input has shape ()",
            ("layers", 0, "branches", 1),
        ),
        (
            ["tanh", residual(linear(3), linear(4), residual(linear(3)), linear(3))],
            (3,),
            "layers.1.layers.2 adds its input to the output of its layers, but they return 3; "
            "layers.1.layers.1 returns 4",
            ("layers", 1, "layers", 2),
        ),
        (
            [parallel([], ["tanh", repeat(2, residual(linear(4)))])],
            (3,),
            "layers.0.branches.1.1.layers.0 adds its input to the output of its layers, but they return 4; "
            "its input has 3",
            ("layers", 0, "branches", 1, 1, "layers", 0),
        ),
        (
            [repeat(4, residual(linear(3)), linear(2))],
            (3,),
            "layers.0.layers.0 adds its input to the output of its layers, but they return 3; its input has 2, "
            "in copy 2 of 4",
            ("layers", 0, "layers", 0),
        ),
        (
            ["tanh", residual(parallel([linear(2)]))],
            (),
            "layers.1.layers.0.branches.0.0 expects inputs with the axes (..., features); its input has shape ()",
            ("layers", 1, "layers", 0, "branches", 0, 0),
        ),
    ],
)
def test_a_shape_that_does_not_fit_is_told_with_its_full_place(layers, shape, message, pointer):
    with pytest.raises(ShapeError) as caught:
        specnet.build_network(layers, shape)
    assert (caught.value.message, caught.value.pointer) == (message, pointer)


@pytest.mark.parametrize(
    ("layer", "code", "pointer"),
    [
        (residual(), "wrong-length", ("layers",)),
        (repeat(2), "wrong-length", ("layers",)),
        (repeat(0, "tanh"), "out-of-range", ("times",)),
        (repeat(1001, "tanh"), "out-of-range", ("times",)),
        (parallel(), "wrong-length", ("branches",)),
        (parallel([], merge="mean"), "wrong-value", ("merge",)),
        (residual(repeat(2, "tahn")), "unknown-component", ("layers", 0, "layers", 0)),
        (
            parallel([], ["tanh", residual({**linear(2), "unit": 3})]),
            "unknown-key",
            ("branches", 1, 1, "layers", 0, "unit"),
        ),
    ],
)
def test_a_mistake_inside_is_located(layer, code, pointer):
    with pytest.raises(SpecnetError) as caught:
        specnet.build("layers", layer)
    assert [(found.code, found.pointer) for found in caught.value.diagnostics] == [(code, pointer)]


def test_a_thousand_copies_are_built():
    assert len(specnet.build_network([repeat(1000, linear(1))], (1,)).params) == 2000


def test_copies_of_copies_are_known_by_kind_without_being_built():
    layer = "tanh"
    for _ in range(40):
        layer = repeat(1000, layer)
    assert specnet.build("layers", layer).output == "numbers"


@pytest.mark.parametrize(
    ("layer", "given", "kind"),
    [
        (residual("sigmoid"), "probabilities", "numbers"),
        (parallel(["sigmoid"], ["softmax"]), None, "probabilities"),
        (parallel(["tanh"], [linear(2)]), "probabilities", "numbers"),
        (parallel(["sigmoid"], []), "numbers", None),
        (parallel([], ["flatten"]), "probabilities", "probabilities"),
        (parallel(["sigmoid"], ["sigmoid"], merge="add"), "probabilities", "numbers"),
        (repeat(2, "tanh", "sigmoid", "flatten"), None, "probabilities"),
        (repeat(2, "flatten"), None, None),
        (repeat(2, "flatten"), "probabilities", "probabilities"),
        (repeat(2, parallel(["sigmoid"], [repeat(1, "softmax")])), "numbers", "probabilities"),
        (repeat(2, parallel([], [linear(1), "sigmoid"])), "numbers", None),
    ],
)
def test_outputs_are_of_the_kind_that_the_layers_inside_give(layer, given, kind):
    assert outputs_of([specnet.build("layers", layer)], given) == kind


@pytest.mark.parametrize(
    ("layer", "own", "total"),
    [
        (residual("tanh"), 6, 12),
        (parallel([], ["tanh"], [linear(2)]), 16, 16 + 6 + 2 * 2 * 7),
        (parallel([], ["tanh"], [], merge="add"), 12, 18),
        (repeat(4, "tanh", residual("tanh")), 0, 4 * 18),
    ],
)
def test_operations_are_its_own_and_those_of_the_layers_inside(layer, own, total):
    network = specnet.build_network([layer], (2, 3))
    assert network.layers[0].flops() == own
    assert sum(each.flops() for each in network.named.values()) == total


def test_networks_of_the_same_composite_share_nothing():
    layers = [specnet.build("layers", layer) for layer in DEEP]
    first, second = Network(layers, (4, 5), "float64", seed=1), Network(layers, (2, 5), "float64", seed=1)
    third = Network(first.layers, (4, 5), "float64", seed=1)  # of layers that are built already
    x = np.random.default_rng(3).normal(size=(6, 4, 5))
    y = first.forward(x).copy()
    assert third.forward(x).tobytes() == y.tobytes()
    generators = {place: layer.rng.bit_generator.state for place, layer in first.named.items()}
    for other, inputs in ((second, x[:, :2]), (third, x)):
        other.params.flat[...] = 9
        other.backward(other.forward(inputs, training=True))
    assert {place: layer.rng.bit_generator.state for place, layer in first.named.items()} == generators
    assert not first.grads.flat.any()
    np.testing.assert_array_equal(first.forward(x), y)


def test_an_instance_given_twice_is_two_layers():
    one = Linear(units=3)
    layers = [
        Residual(layers=[one, one]),
        Parallel(branches=[[one], [one]], merge="add"),
        Repeat(times=2, layers=[one]),
    ]
    network, x, dy = make(layers, (3,))
    assert len(network.params) == 2 * 6
    assert len({id(layer) for layer in network.named.values()}) == 3 + 6
    assert not hasattr(one, "weight")

    def f():
        return float(np.sum(dy * network.forward(x)))

    f()
    network.backward(dy)
    grads = network.grads.flat.copy()
    assert gradient_error(grads, numeric_gradient(f, network.params.flat)) < 1e-6


def test_json_round_trip_gives_the_same_network():
    built = [specnet.build("layers", layer) for layer in DEEP]
    document = json.loads(json.dumps([layer.to_spec() for layer in built]))
    assert document[0]["layers"][0]["layers"][1] == DROPOUT
    again = [specnet.build("layers", layer) for layer in document]
    assert again == built
    x = np.random.default_rng(4).normal(size=(3, 4, 5))
    first, second = (Network(layers, (4, 5), seed=8) for layers in (built, again))
    assert first.forward(x, training=True).tobytes() == second.forward(x, training=True).tobytes()


@pytest.mark.parametrize("merge", ["average", "multiply", "maximum"])
def test_parallel_averages_multiplies_or_takes_the_maximum_of_its_branches(merge):
    network = specnet.build_network([{"type": "parallel", "branches": [["tanh"], ["sine"], []], "merge": merge}], (4,))
    x = np.random.default_rng(8).normal(size=(3, 4)).astype(np.float32)
    ys = np.array([np.tanh(x), np.sin(x), x])
    expected = {"average": ys.sum(axis=0) / 3, "multiply": ys[0] * ys[1] * ys[2], "maximum": ys.max(axis=0)}[merge]
    np.testing.assert_allclose(network.forward(x, training=False), expected, rtol=1e-6)


def test_equal_outputs_give_the_maximum_its_gradient_once():
    network = specnet.build_network([{"type": "parallel", "branches": [[], [], []], "merge": "maximum"}], (2,))
    network.forward(np.ones((1, 2), np.float32), training=True)
    np.testing.assert_array_equal(network.backward(np.full((1, 2), 5, np.float32)), [[5, 5]])


def test_a_projection_gives_the_input_of_a_residual_the_shape_of_its_layers():
    linear = {"type": "linear", "units": 2}
    network = specnet.build_network([{"type": "residual", "layers": [linear], "projection": linear}], (3,), "float64")
    assert [*network.params] == [
        f"layers.0.{place}.{name}" for place in ("layers.0", "projection") for name in ("weight", "bias")
    ]
    x = np.ones((1, 3))
    weights = network.params["layers.0.layers.0.weight"] + network.params["layers.0.projection.weight"]
    np.testing.assert_allclose(network.forward(x, training=False), x @ weights)


def test_a_residual_that_changes_the_shape_asks_for_a_projection():
    with pytest.raises(specnet.SpecnetError, match='set "projection" to a layer that returns this shape'):
        specnet.build_network([{"type": "residual", "layers": [{"type": "linear", "units": 2}]}], (3,))


def test_a_mistake_in_a_projection_has_its_place():
    glu = {"type": "residual", "layers": [{"type": "linear", "units": 2}], "projection": "glu"}
    with pytest.raises(specnet.SpecnetError, match=r"layers\.0\.projection divides axis -1 .*; its input has 3"):
        specnet.build_network([glu], (3,))
