"""The plainest component of a class, and its examples."""

from typing import Annotated, Literal

import pytest
from pydantic import Field, PositiveInt, model_validator

from specnet import DataFile, Initializer, Layer, SpecnetError, reference, registry
from specnet.component import Section, construct, find_class
from specnet.schedules.base import scheduled
from specnet.testing import examples, plainest
from specnet.testing.examples import NO_FILE


class Identity(Layer):
    def forward(self, x, training):
        return x

    def backward(self, dy):
        return dy


class Part(Section):
    size: int = Field(ge=3)
    name: str = "x"


class Demanding(Identity):
    units: PositiveInt = Field(examples=[64])
    fraction: float = Field(gt=0, lt=1)
    even: int = Field(ge=7, multiple_of=2)
    far: float = Field(gt=1e6)
    mode: Literal["same", "valid"]
    size: tuple[int, float]
    sizes: list[PositiveInt] = Field(min_length=2)
    maybe: int | None
    init: Initializer
    other: Annotated[object, reference("losses")]
    rate: Annotated[float, scheduled(gt=0)]
    inner: list[Layer] = Field(min_length=1)
    part: Part
    table: dict[str, int]
    file: DataFile
    flag: bool
    letter: str = Field(max_length=1)
    named: int = Field(alias="alias")
    free: int = 3


def test_each_required_field_has_a_value_that_it_takes():
    fields = plainest(Demanding)
    assert Demanding.model_validate(fields)
    assert "free" not in fields
    assert fields["units"] == 64
    assert fields["even"] == 10
    assert fields["maybe"] is None
    assert fields["mode"] == "same"
    assert fields["part"] == {"size": 3}
    assert fields["alias"] == 1
    assert fields["file"] == NO_FILE


@pytest.mark.parametrize("group", registry.GROUPS)
def test_every_registered_component_has_a_plainest_one(group):
    for name in registry.claims(group):
        fields = plainest(find_class(group, name))
        construct(group, {"type": name, **fields})


def test_what_no_value_is_found_for_is_told_with_what_to_do():
    class Choosy(Identity):
        code: str = Field(pattern="^[0-9]{7}$")

    with pytest.raises(SpecnetError, match='the field "code" of Choosy') as caught:
        plainest(Choosy)
    assert 'examples = ({"code": …},)' in caught.value.help


def test_a_class_without_a_plainest_one_is_checked_by_its_examples():
    class Coded(Identity):
        examples = ({"code": "1234567"},)
        code: str = Field(pattern="^[0-9]{7}$")

    assert examples(Coded) == [Coded(code="1234567")]


def test_examples_come_after_the_plainest_and_none_twice():
    class Two(Identity):
        examples = ({"rate": 0.5}, {"rate": 0.1}, {})
        rate: float = 0.1

    assert examples(Two) == [Two(), Two(rate=0.5)]


def test_an_example_that_is_not_valid_is_told():
    class Wrong(Identity):
        examples = ({"rate": 2},)
        rate: float = Field(default=0.5, le=1)

    with pytest.raises(SpecnetError, match=r'the example \{"rate": 2\} is not valid'):
        examples(Wrong)


def test_fields_that_depend_on_each_other_are_left_to_the_examples():
    class Ordered(Identity):
        examples = ({"low": 1, "high": 2},)
        low: int
        high: int

        @model_validator(mode="after")
        def _ordered(self):
            if self.low >= self.high:
                raise ValueError("low is below high")
            return self

    assert examples(Ordered)[-1] == Ordered(low=1, high=2)
