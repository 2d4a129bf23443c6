from itertools import product

import numpy as np
import pytest
from helpers import STACKS, sampled
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import specnet
from specnet import Layer
from specnet.functions import all_finite
from specnet.layers.composite import Parallel, Repeat, Residual
from specnet.network.parameters import FlatVector
from specnet.training.divergence import find_origin, find_parameter

LINEAR = {"type": "linear", "units": 4}
METHODS = ("forward", "backward")
WORDS = {
    "outputs": "its outputs",
    "scale": "the gradient of its scale",
    "shift": "the gradient of its shift",
    "dx": "the gradient of its inputs",
}


class Faulty(Layer):
    """The identity, with two parameters. What `faults` names of its numbers ends in `value`."""

    faults: list[str]
    value: str = "nan"

    def build(self, input_shape):
        self.declare("scale", (2,), "zeros")
        self.declare("shift", (), "zeros")
        return input_shape

    def spoil(self, what, values):
        if what in self.faults:
            values[-1:, ...] = float(self.value)
        return values

    def forward(self, x, training):
        return self.spoil("outputs", x.copy())

    def backward(self, dy):
        self.grad.scale[...] = self.spoil("scale", np.ones(2))
        self.grad.shift[...] = self.spoil("shift", np.ones(1))[0]
        return self.spoil("dx", dy)


class Stretching(Layer):
    """Multiplies what it gives to the layers inside by `factor`, and hands down what they do."""

    factor: float
    inner: list[Layer]

    def build(self, input_shape):
        self.f = self.stack(self.inner, "inner")
        return self.f.build(input_shape)

    def forward(self, x, training):
        return self.f.forward(x * x.dtype.type(self.factor), training)

    def backward(self, dy):
        return self.f.backward(dy * dy.dtype.type(self.factor))


class Raising(Layer):
    """Fails in `forward`."""

    error: str

    def forward(self, x, training):
        raise {"FloatingPointError": FloatingPointError, "KeyboardInterrupt": KeyboardInterrupt}[self.error]

    def backward(self, dy):
        return dy


def make(layers, dtype="float32"):
    return specnet.build_network(layers, (4,), dtype, seed=1)


def step(network, x=1.0, dy=1.0):
    """Return the passes of a training step in which each input is `x`, and each gradient of the loss `dy`."""

    def attempt():
        network.forward(np.full((3, *network.input_shape), x, network.dtype), training=True)
        network.backpropagate(np.full((3, *network.output_shape), dy, network.dtype))

    return attempt


def told(network, attempt):
    """Return name and words of the origin, whose layer must be the one of that name, in a network left as it was."""
    origin = find_origin(network, attempt)
    assert unwatched(network)
    if origin is None:
        return None
    assert origin.layer is network.named[origin.name]
    return origin.name, origin.what


def unwatched(network):
    return not any(vars(layer).keys() & set(METHODS) for layer in network.named.values())


@pytest.mark.parametrize(("name", "fault", "value"), sampled(product(STACKS, WORDS, ["inf", "-inf", "nan"]), 7))
def test_a_faulty_layer_is_named_before_between_and_behind_any_other(name, fault, value):
    stack = STACKS[name]
    for place in (0, 1, len(stack)):
        network = make([*stack[:place], Faulty(faults=[fault], value=value), *stack[place:]])
        assert told(network, step(network)) == (f"layers.{place}", WORDS[fault])


@pytest.mark.parametrize("name", STACKS)
def test_in_a_sound_network_nothing_is_found_and_watching_changes_no_bit(name):
    watched, plain = make(STACKS[name]), make(STACKS[name])
    assert told(watched, step(watched)) is None
    step(plain)()
    assert watched.grads.flat.tobytes() == plain.grads.flat.tobytes()
    inputs = np.ones((3, 4), "float32")
    assert watched.forward(inputs, training=True).tobytes() == plain.forward(inputs, training=True).tobytes()


def inside(faulty):
    """Return composites that hold a layer, with its place below them in forward and backward order."""
    nested = Residual(layers=[Repeat(times=3, layers=["tanh", Parallel(branches=[[], [faulty]], merge="add")])])
    return [
        (Residual(layers=["tanh", faulty]), "layers.1", "layers.1"),
        (Parallel(branches=[[], ["tanh", faulty]]), "branches.1.1", "branches.1.1"),
        (Parallel(branches=[[faulty], [faulty]], merge="add"), "branches.0.0", "branches.0.0"),
        (Repeat(times=2, layers=[faulty, "tanh"]), "times.0.layers.0", "times.1.layers.0"),
        (
            nested,
            "layers.0.times.0.layers.1.branches.1.0",
            "layers.0.times.2.layers.1.branches.1.0",
        ),
    ]


@pytest.mark.parametrize("below", [[], [LINEAR, "tanh"]])
@pytest.mark.parametrize("fault", WORDS)
def test_of_layers_inside_each_other_the_innermost_is_named(fault, below):
    for composite, forward, backward in inside(Faulty(faults=[fault])):
        network = make([*below, composite, LINEAR])
        place = forward if fault == "outputs" else backward
        assert told(network, step(network)) == (f"layers.{len(below)}.{place}", WORDS[fault])


@pytest.mark.parametrize(
    ("composite", "x", "dy", "what"),
    [
        (Residual(layers=["flatten"]), 3e38, 0.0, "outputs"),
        (Residual(layers=["flatten"]), 1.0, 3e38, "dx"),
        (Parallel(branches=[["flatten"], []], merge="add"), 1.0, -3e38, "dx"),
        (Stretching(factor=1e20, inner=["flatten", Faulty(faults=[])]), 1e20, 0.0, "outputs"),
        (Stretching(factor=1e20, inner=["flatten", Faulty(faults=[])]), 1.0, 1e20, "dx"),
    ],
)
def test_a_composite_that_overflows_in_its_own_arithmetic_is_named_itself(composite, x, dy, what):
    network = make([Faulty(faults=[]), composite])
    assert told(network, step(network, x, dy)) == ("layers.1", WORDS[what])


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        ([["dx"], ["outputs"], ["outputs"]], ("layers.1", "outputs")),
        ([["scale"], ["dx"], []], ("layers.1", "dx")),
        ([["outputs"], ["dx"], ["scale"]], ("layers.0", "outputs")),
        ([["dx"], ["dx"], ["dx"]], ("layers.2", "dx")),
        ([[], ["dx", "shift"], ["shift"]], ("layers.2", "shift")),
        ([[], ["dx", "shift", "scale"], []], ("layers.1", "scale")),
    ],
)
def test_the_first_in_the_order_of_computation_is_named(faults, expected):
    network = make([Faulty(faults=each) for each in faults])
    place, fault = expected
    assert told(network, step(network)) == (place, WORDS[fault])


@pytest.mark.parametrize(
    ("x", "weights", "dy", "expected"),
    [
        (1e10, (1.0, 1e30), 0.0, ("layers.1", "its outputs")),
        (1e20, (1.0, 1.0), 1e20, ("layers.1", "the gradient of its weight")),
        (0.0, (1.0, 1.0), 2e38, ("layers.1", "the gradient of its bias")),
        (1e-10, (1.0, 1e20), 1e20, ("layers.1", "the gradient of its inputs")),
        (1e10, (1e-10, 1e18), 1e12, ("layers.0", "the gradient of its weight")),
    ],
)
def test_what_overflows_in_float32_is_told_and_is_nothing_in_float64(x, weights, dy, expected):
    for dtype, found in (("float32", expected), ("float64", None)):
        network = make([LINEAR, LINEAR], dtype)
        for place, weight in enumerate(weights):
            network.params[f"layers.{place}.weight"][...] = weight * np.eye(4)
        assert told(network, step(network, x, dy)) == found


def test_what_the_lowest_layer_hands_down_counts_only_where_it_is_computed():
    network = make([LINEAR])
    network.params["layers.0.weight"][...] = 1e20
    assert told(network, step(network, 1e-10, 1e20)) is None
    assert told(network, lambda: network.backward(np.full((3, 4), 1e20))) == ("layers.0", WORDS["dx"])


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_no_layer_is_blamed_for_what_comes_from_outside(value):
    network = make([LINEAR, Residual(layers=[LINEAR, "tanh"]), Faulty(faults=[])])
    assert told(network, step(network, x=value, dy=value)) is None
    assert told(network, step(network, dy=value)) is None
    assert not all_finite(network.grads.flat)


def test_attempt_runs_once():
    network, calls = make([LINEAR]), []
    assert told(network, lambda: calls.append(len(calls))) is None
    assert calls == [0]


def test_an_exception_passes_through_unless_a_layer_was_found_before():
    first, second = Faulty(faults=["outputs"]), Raising(error="FloatingPointError")
    network = make([LINEAR, first, second])
    assert told(network, step(network)) == ("layers.1", "its outputs")
    network = make([LINEAR, Residual(layers=[second]), first])
    with pytest.raises(FloatingPointError):
        find_origin(network, step(network))
    assert unwatched(network)


def test_an_interrupt_passes_through_always():
    network = make([Faulty(faults=["outputs"]), Residual(layers=[Raising(error="KeyboardInterrupt")])])
    with pytest.raises(KeyboardInterrupt):
        find_origin(network, step(network))
    assert unwatched(network)


def test_a_method_that_a_layer_has_chosen_for_itself_is_watched_and_stays():
    network = make([LINEAR, "tanh"])
    layer = network.layers[1]
    layer.forward = chosen = lambda x, training: x * np.float32(np.inf)
    origin = find_origin(network, step(network))
    assert origin is not None
    assert (origin.name, origin.what) == ("layers.1", "its outputs")
    assert layer.forward is chosen
    assert "backward" not in vars(layer)


def test_the_first_parameter_that_is_not_finite_is_named():
    vector = FlatVector({"layers.0.weight": (2, 3), "layers.0.bias": (), "layers.2.weight": (4,)}, np.dtype("float32"))
    vector.flat[...] = 3e38
    assert find_parameter(vector) is None
    for name in reversed(list(vector)):
        vector[name].ravel()[-1:] = np.nan
        assert find_parameter(vector) == name


def numbers(width):
    """Any float of that many bits, often one at an end of its range: squares of these overflow or vanish."""
    kind = np.finfo(f"float{width}")
    ends = [0.0, kind.max, kind.min, kind.tiny, kind.smallest_subnormal, kind.max**0.5, np.inf, -np.inf, np.nan]
    return st.sampled_from([float(end) for end in ends]) | st.floats(width=width)


arrays = st.sampled_from([32, 64]).flatmap(
    lambda width: hnp.arrays(f"float{width}", hnp.array_shapes(max_dims=3, min_side=0), elements=numbers(width))
)


@given(arrays)
def test_all_finite_is_what_isfinite_says_of_each_number(values):
    with np.errstate(all="raise"):
        for view in (values, values.T, values[..., ::2], values.ravel()):
            assert all_finite(view) is bool(np.isfinite(view).all())


@pytest.mark.parametrize(
    ("scale", "dtype"), [(1.0, "float32"), (1e30, "float32"), (1.0, "float64"), (1e300, "float64")]
)
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_one_number_in_many_is_found_at_any_place(value, scale, dtype):
    values = np.full((2, 50_021), scale, dtype)
    assert all_finite(values)
    for place in [*range(40), 50_020, 50_021, *range(100_000, 100_042)]:
        kept, values.flat[place] = values.flat[place], value
        assert not all_finite(values)
        values.flat[place] = kept
