"""`Column`: a column of a table in a spec."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from specnet.component import NameOrNumber, Section
from specnet.datasets.table import plain_name
from specnet.diagnostics import custom_error, show_value
from specnet.features import Feature
from specnet.words import quote

ColumnType = Literal["number", "category", "binary", "date", "text"]
Missing = Literal["error", "drop"]


class Column(Section):
    """A column of a table. Only its name is required: the rest is found in the file."""

    name: NameOrNumber = Field(description="name of the column; without a header, its number")
    type: ColumnType | None = Field(default=None, description="kind of its cells; null: found in the file")
    categories: list[str] | None = Field(
        default=None, min_length=1, max_length=65_536, description="categories in their order; null: those in the file"
    )
    missing: Missing | Literal["category"] | None = Field(
        default=None,
        description='what to do with missing values, as in "missing" of the dataset; "category": they are a category',
    )
    encode: Literal["one_hot", "ordinal"] = Field(
        default="one_hot", description="categories as a column of 0 and 1 for each, or as whole numbers from 0"
    )
    handle_unknown: Literal["error", "ignore"] = Field(
        default="error", description="what to do with unknown categories; ignore: none of the columns is 1"
    )
    format: str | None = Field(
        default=None, min_length=2, description='form of dates, such as "%d.%m.%Y"; null: ISO 8601, as in 2024-05-31'
    )

    @model_validator(mode="after")
    def _fields_fit_the_type(self) -> Self:
        allowed = ("category", "binary") if self.missing != "category" else ("category",)
        if self.is_category and self.type not in (None, *allowed):
            raise ValueError(f"the type {self.type} has no categories")
        if self.format is not None and (self.is_category or self.type not in (None, "date")):
            raise ValueError("only dates have a format")
        if self.format is not None and not _is_form(self.format):
            raise ValueError(f"{show_value(self.format)} is not a date format")
        if self.categories is not None:
            if len({*self.categories}) < len(self.categories):
                raise ValueError("a category is listed twice")
            if self.type == "binary" and len(self.categories) != 2:
                raise ValueError(f"binary columns have two categories, not {len(self.categories)}")
        if self.encode == "ordinal" and self.handle_unknown == "ignore":
            raise ValueError('handle_unknown "ignore" needs encode "one_hot"')
        return self

    @model_serializer(mode="wrap")
    def _in_short(self, handler: SerializerFunctionWrapHandler) -> str | dict[str, Any]:
        """Leave out what is at its default: a table may have thousands of columns."""
        fields = type(self).model_fields
        short = {name: value for name, value in handler(self).items() if value != fields[name].default}
        return self.name if len(short) == 1 else short

    @property
    def complete(self) -> bool:
        """Whether nothing about it is left to be found in a file."""
        return self.type is not None and (self.categories is not None or self.type not in ("category", "binary"))

    @property
    def is_category(self) -> bool:
        """Whether fields are given that only categories have."""
        given = self.categories is not None or self.encode == "ordinal" or self.handle_unknown == "ignore"
        return given or self.missing == "category"

    @property
    def features(self) -> list[Feature]:
        """The features that it becomes."""
        if self.type == "number":
            return [Feature(self.name, "number", self.name)]
        if self.type == "date":
            return [Feature(self.name, "date", self.name)]
        assert self.categories is not None
        if self.type == "binary" or self.encode == "ordinal":
            return [Feature(self.name, "category", self.name)]
        names = [f"{self.name}={category}" for category in self.categories]
        names += [f"{self.name}.missing"] * (self.missing == "category")
        return [Feature(name, "category", self.name) for name in names]


def _is_form(form: str) -> bool:
    """Return whether dates in this form can be read."""
    try:
        datetime.strptime(datetime(2024, 5, 31, tzinfo=UTC).strftime(form), form)
    except (ValueError, re.error):  # the same part twice makes a wrong regular expression
        return False
    return True


def _as_column(given: Any) -> Any:
    if isinstance(given, str) or type(given) is int:
        return {"name": given}
    if isinstance(given, (dict, Column)):
        return given
    message = f'a column is its name or an object with a "name", not {show_value(given)}'
    raise custom_error("wrong-type", message)


ColumnOrName = Annotated[Column, BeforeValidator(_as_column, json_schema_input_type=str | int | Column)]
"""A column as an object, or its name alone."""


def _named_once(columns: list[Column]) -> list[Column]:
    counts = Counter(plain_name(column.name) for column in columns)
    if repeated := [name for name, count in counts.items() if count > 1]:
        raise ValueError(f"the column {quote(repeated[0])} is listed twice")
    return columns


Columns = Annotated[list[ColumnOrName], AfterValidator(_named_once), Field(json_schema_extra={"uniqueItems": True})]
"""Columns with different names."""
ALL = "*"
"""Stands for all columns that have no other use."""
InputColumns = Annotated[Columns, BeforeValidator(lambda given: [ALL] if given == ALL else given)]
"""The input columns of a table; "*" alone stands for a list of it."""
