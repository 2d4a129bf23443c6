import json
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field, NonNegativeInt, ValidationError, field_validator

from specnet.component import Section
from specnet.diagnostics import custom_error, explain_invalid, explain_unknown_keys, show_value


class Inner(Section):
    size: int = 1


class Outer(Section):
    count: NonNegativeInt = 0
    ratio: float = Field(default=0.5, gt=0, lt=1)
    name: str = Field(default="a", pattern="^[a-z]+$", max_length=5)
    mode: Literal["min", "max"] = "min"
    flag: bool = True
    sizes: list[int] = Field(default=[1], min_length=1)
    table: dict[str, int] = Field(default={"a": 1}, min_length=1)
    pair: tuple[int, int] = (1, 2)
    key: int = Field(default=1, alias="the-key")
    inner: Inner = Inner()
    maybe: Inner | None = None
    even: Annotated[int, Field(multiple_of=2)] = 2
    odd: int = 1

    @field_validator("odd")
    @classmethod
    def _is_odd(cls, value):
        if value % 2 == 0:
            raise ValueError("an odd number belongs here")
        if value == 13:
            raise custom_error("bad-luck", "thirteen {is} unlucky", "take another")
        return value


class Required(Section):
    units: int


def explained(cls, document):
    with pytest.raises(ValidationError) as raised:
        cls.model_validate_json(json.dumps(document), strict=True)
    return explain_invalid(explain_unknown_keys(raised.value, cls), file="spec.json")


@pytest.mark.parametrize(
    ("field", "value", "code", "message"),
    [
        ("count", "64", "wrong-type", 'count should be a whole number, not "64"'),
        ("count", 1.5, "wrong-type", "count should be a whole number, not 1.5"),
        ("count", None, "wrong-type", "count should be a whole number, not null"),
        ("count", -1, "out-of-range", "count should be greater than or equal to 0, not -1"),
        ("ratio", True, "wrong-type", "ratio should be a number, not true"),
        ("ratio", 1, "out-of-range", "ratio should be less than 1, not 1"),
        ("ratio", float("nan"), "out-of-range", "ratio should be a finite number, not NaN"),
        ("name", 3, "wrong-type", "name should be text, not 3"),
        ("name", "A", "wrong-value", "name should match pattern '^[a-z]+$', not \"A\""),
        ("name", "abcdef", "wrong-length", 'name should have at most 5 characters, not "abcdef"'),
        ("mode", "mid", "wrong-value", "mode should be 'min' or 'max', not \"mid\""),
        ("flag", 1, "wrong-type", "flag should be true or false, not 1"),
        ("sizes", [], "wrong-length", "sizes should have at least 1 item, not []"),
        ("table", {}, "wrong-length", "table should have at least 1 item, not {}"),
        ("inner", 3, "wrong-type", "inner should be an object, not 3"),
        ("even", 3, "out-of-range", "even should be a multiple of 2, not 3"),
        ("odd", 2, "wrong-value", "an odd number belongs here, not 2"),
        ("odd", 13, "bad-luck", "thirteen {is} unlucky"),
    ],
)
def test_a_mistake_is_told_in_words_with_a_stable_code(field, value, code, message):
    error = explained(Outer, {field: value})
    (found,) = error.diagnostics
    assert (found.code, found.message, found.pointer) == (code, message, (field,))
    assert error.file == "spec.json"


def test_items_of_lists_are_told_by_their_position():
    (found,) = explained(Outer, {"sizes": [1, "x"]}).diagnostics
    assert (found.pointer, found.message) == (("sizes", 1), 'item 1 should be a whole number, not "x"')


@pytest.mark.parametrize(
    ("document", "pointer", "help"),
    [
        ({"cuont": 1}, ("cuont",), 'did you mean "count"?'),
        ({"the_key": 1}, ("the_key",), 'did you mean "the-key"?'),
        ({"inner": {"sise": 1}}, ("inner", "sise"), 'did you mean "size"?'),
        ({"maybe": {"sise": 1}}, ("maybe", "sise"), 'did you mean "size"?'),
        ({"inner": {"": 1}}, ("inner", ""), "one of: size"),
    ],
)
def test_unknown_keys_come_with_the_nearest_of_their_own_section(document, pointer, help):
    (found,) = explained(Outer, document).diagnostics
    assert (found.code, found.pointer, found.help) == ("unknown-key", pointer, help)


def test_a_missing_key_is_told_of_the_object_that_lacks_it():
    (found,) = explained(Required, {}).diagnostics
    assert (found.code, found.message, found.pointer) == ("missing-key", 'the key "units" is missing', ())


def test_what_is_no_object_at_all_is_told():
    assert explained(Outer, [1]).diagnostics[0].message == "the spec should be an object, not [1]"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "null"), ({"a": [True]}, '{"a": [true]}'), ("é", '"é"'), ("x" * 100, '"' + "x" * 58 + "…")],
)
def test_values_are_quoted_as_json_and_cut_short(value, shown):
    assert show_value(value) == shown
    assert len(show_value([object()] * 100)) == 60


def test_a_section_of_a_plugin_may_be_any_model():
    class Inside(BaseModel, extra="forbid"):
        width: int = 1

    class Outside(BaseModel):
        inside: Inside = Inside()

    with pytest.raises(ValidationError) as raised:
        Outside.model_validate({"inside": {"widht": 2}})
    (found,) = explain_invalid(explain_unknown_keys(raised.value, Outside)).diagnostics
    assert (found.code, found.pointer, found.help) == ("unknown-key", ("inside", "widht"), 'did you mean "width"?')
