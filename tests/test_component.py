import copy
import pickle
from typing import Annotated, Any

import numpy as np
import pytest
from pydantic import ValidationError

from specnet import Component, Initializer, Layer, SpecnetError, build, reference, registry
from specnet.errors import UnknownComponentError
from specnet.initializers.constant import Zeros
from specnet.initializers.random import Normal
from specnet.layers.linear import Linear
from specnet.losses.regression import Mse


class Identity(Layer):
    def forward(self, x, training):
        return x

    def backward(self, dy):
        return dy


class Sketch(Identity):
    weight_init: reference("initializers") = "glorot_uniform"


class Marked(Identity):
    weight_init: Annotated[Any, reference("initializers")] = "glorot_uniform"


class Typed(Identity):
    weight_init: Initializer = "glorot_uniform"


class Sized(Identity):
    kernel_size: tuple[int, int] = (3, 3)


REFERENCES = [Sketch, Marked, Typed]


@pytest.mark.parametrize("cls", REFERENCES)
def test_a_reference_takes_a_name_an_object_or_an_instance(cls):
    assert type(cls().weight_init).__name__ == "GlorotUniform"
    for value in ["normal", {"type": "normal"}, Normal()]:
        assert cls(weight_init=value).weight_init == Normal()
    read = cls.model_validate_json('{"weight_init": {"type": "normal", "std": 2}}', strict=True)
    assert read.weight_init == Normal(std=2)
    assert read.model_dump(mode="json")["weight_init"] == Normal(std=2).to_spec()


@pytest.mark.parametrize("cls", REFERENCES)
@pytest.mark.parametrize(
    ("value", "kind", "place"),
    [
        (Mse(), "wrong-group", ("weight_init",)),
        ("mse", "unknown-component", ("weight_init",)),
        ({"type": "normal", "std": -1}, "greater_than_equal", ("weight_init", "std")),
        ({"std": 1}, "missing-key", ("weight_init",)),
        (3, "wrong-type", ("weight_init",)),
    ],
)
def test_a_reference_refuses_what_is_not_of_its_group(cls, value, kind, place):
    with pytest.raises(ValidationError) as raised:
        cls(weight_init=value)
    (found,) = raised.value.errors()
    assert (found["type"], found["loc"]) == (kind, place)


def test_json_is_strict_yet_gives_lists_for_tuples():
    assert Sized.model_validate_json('{"kernel_size": [5, 5]}', strict=True).kernel_size == (5, 5)
    with pytest.raises(ValidationError):
        Sized.model_validate_json('{"kernel_size": ["5", 5]}', strict=True)


def test_build_takes_a_name_an_object_or_an_instance():
    layer = build("layers", {"type": "linear", "units": 3})
    assert layer == Linear(units=3)
    assert build("layers", layer) is layer
    assert build("initializers", "zeros") == Zeros()


@pytest.mark.parametrize(
    ("value", "code", "pointer"),
    [
        ("liner", "unknown-component", ()),
        ({"type": "liner"}, "unknown-component", ("type",)),
        ({"type": "repeat", "times": 2}, "missing-key", ()),
        ({"type": "linear", "units": "3"}, "wrong-type", ("units",)),
        ({"type": "linear", "units": np.int64(3)}, "wrong-type", ()),
        ({"type": "linear", "units": "\ud800"}, "wrong-type", ()),
        ({"type": "linear", "units": 3, "weight_init": {"type": "normal", "std": -1}},
         "out-of-range", ("weight_init", "std")),
        ({"type": "dropout", "rate": float("nan")}, "out-of-range", ("rate",)),
        ({"type": 3}, "unknown-component", ("type",)),
        (Mse(), "wrong-group", ()),
        (None, "wrong-type", ()),
    ],
)  # fmt: skip
def test_build_tells_what_is_wrong_and_where(value, code, pointer):
    with pytest.raises(SpecnetError) as raised:
        build("layers", value)
    assert [(found.code, found.pointer) for found in raised.value.diagnostics] == [(code, pointer)]


def test_build_names_the_group_that_was_meant():
    with pytest.raises(SpecnetError, match=r'no component group "layer".*\n.*did you mean "layers"'):
        build("layer", "linear")


def test_a_long_value_is_not_repeated_in_full():
    with pytest.raises(SpecnetError) as raised:
        build("layers", ["x"] * 10_000)
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize("group", registry.GROUPS)
def test_a_component_describes_itself_with_every_default(group):
    for name in registry.claims(group):
        try:
            component = build(group, name)
        except SpecnetError:
            continue  # It has fields without a default.
        document = component.to_spec()
        assert document["type"] == name
        fields = type(component).model_fields.items()
        assert set(document) - {"type"} == {field.alias or key for key, field in fields if not field.exclude_if}
        assert build(group, document) == component
        assert build(group, document).to_spec() == document


def test_run_time_attributes_are_no_part_of_the_component():
    layer, fresh = Linear(units=3), Linear(units=3)
    shown, document = repr(fresh), fresh.to_spec()
    layer.build((2,))
    layer.weight, layer.x, layer.rng = np.ones((2, 3)), np.zeros((5, 2)), np.random.default_rng(0)
    assert repr(layer) == shown
    assert layer.to_spec() == document
    assert layer == fresh
    for twin in (copy.deepcopy(layer), copy.copy(layer)):
        assert twin == layer
        np.testing.assert_array_equal(twin.weight, layer.weight)
    pickled = pickle.loads(pickle.dumps(layer))
    assert (pickled, vars(pickled).keys()) == (layer, vars(fresh).keys())
    assert copy.deepcopy(layer).weight is not layer.weight


def test_components_are_equal_when_their_specs_are():
    assert Linear(units=3) != Linear(units=4)
    assert Linear(units=3) != Linear(units=3, weight_init="zeros")
    assert Normal() != Zeros()
    assert Linear(units=3) != {"type": "linear", "units": 3}


@pytest.mark.parametrize("component", [Identity(), Linear(units=1, weight_init=type("Mine", (Zeros,), {})())])
def test_a_class_that_is_not_registered_cannot_describe_itself(component):
    with pytest.raises(UnknownComponentError, match=r"is not registered\n.*project\.entry-points") as raised:
        component.to_spec()
    assert isinstance(component, Component)
    assert type(raised.value) is UnknownComponentError
