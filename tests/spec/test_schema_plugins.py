"""Components of plugins in the schema, and those that cannot be in it."""

from functools import partial
from types import SimpleNamespace

import pytest
from jsonschema import Draft202012Validator
from pydantic import Field
from spec.schemas import MINIMAL, SCHEMA, refusals

from specnet import Initializer, Layer, registry
from specnet.component import REFERENCE, Section
from specnet.spec.schema import make_schema, unusable


class Part(Section):
    """A section whose name two plugins share."""

    size: int = Field(default=1, ge=1)


class One(Layer):
    """A layer of a plugin."""

    part: Part = Part()

    def forward(self, x, training):
        return x

    def backward(self, dy):
        return dy


class Other:
    class Part(Section):
        name: str


class Two(One):
    part: Other.Part
    anything: object = None


class Unfinished(One):
    size: "Nowhere"  # noqa: F821


class Named(One):
    weight_init: Initializer = Field(alias=REFERENCE, description=f'as "{REFERENCE}": "#" says')


class Demanding(One):
    part: Other.Part
    sizes: list[int]
    pair: tuple[int, float]
    width: int = Field(ge=8, examples=[64])
    mode: bool


class Nested(One):
    inner: "Nested | None" = None


@pytest.fixture
def install(monkeypatch):
    """Have layers of plugins for the length of a test; those that are no classes cannot be imported."""
    claims = {group: dict(names) for group, names in registry._claims().items()}
    monkeypatch.setattr(registry, "_claims", lambda: claims)

    def load(found):
        if isinstance(found, Exception):
            raise found
        return found

    def add(name, *found):
        claims["layers"][name] = [
            registry.Entry("layers", name, "m:C", f"dist-{number}", "1", SimpleNamespace(load=partial(load, each)))
            for number, each in enumerate(found)
        ]

    return add


def test_a_plugin_is_in_the_schema_unless_it_is_not_wanted(install):
    install("one", One)
    install("two", Two)
    validator = Draft202012Validator(make_schema())
    for layer, right in [
        ("one", True), ("two", False), ({"type": "one", "part": {"size": 2}}, True),
        ({"type": "one", "part": {"size": 0}}, False), ({"type": "one", "part": {"name": "a"}}, False),
        ({"type": "two", "part": {"name": "a"}}, True), ({"type": "two", "part": {"size": 2}}, False),
        ({"type": "two", "part": {"name": "a"}, "anything": [1]}, True),
    ]:  # fmt: skip
        document = MINIMAL | {"layers": [layer]}
        assert validator.is_valid(document) == right
        assert (not refusals(document)) == right
    assert make_schema(plugins=False) == SCHEMA


def test_a_plugin_may_have_a_field_of_any_name(install):
    install("named", Named)
    fields = make_schema()["$defs"]["layers.named"]["properties"]
    assert fields[REFERENCE] == {"$ref": "#/$defs/initializers", "description": f'as "{REFERENCE}": "#" says'}


def test_required_fields_of_a_plugin_are_left_to_fill_in(install):
    install("demanding", Demanding)
    body = next(each["body"] for each in make_schema()["$defs"]["layers"]["defaultSnippets"] if "pair" in each["body"])
    fields = {"part": "^$1", "sizes": ["^$2"], "pair": ["^$3"], "width": "^${4:64}", "mode": "^$5"}
    assert body == {"type": "demanding", **fields}


def test_what_cannot_be_used_is_left_out_and_named(install):
    install("claimed_twice", One, Two)
    install("missing", ImportError("no such library"))
    install("nested", Nested)
    install("no_layer", int)
    install("unfinished", Unfinished)
    names = {"claimed_twice": "ambiguous"} | dict.fromkeys(["missing", "nested", "no_layer", "unfinished"], "broken")
    assert not {f"layers.{name}" for name in names} & make_schema()["$defs"].keys()
    for (name, code), error in zip(names.items(), unusable(), strict=True):
        assert error.code == f"{code}-component"
        assert f'"{name}"' in error.message
    assert list(unusable(plugins=False)) == []
