"""`DataFile` and `DataFolder`: the types of fields that name a file or a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema


class DataFile(str):
    """The type of a field that names a file. Loading a spec makes it absolute, starting from the spec's folder."""

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(cls._check, core_schema.str_schema())

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Refuse control characters; a pattern cannot list all other unprintable ones."""
        return {**handler(schema), "not": {"pattern": r"[\u0000-\u001f\u007f-\u009f]"}}

    @classmethod
    def _check(cls, path: str) -> DataFile:
        if not path.isprintable():
            raise ValueError("a path cannot contain unprintable characters")
        try:
            return cls(Path(path).expanduser())
        except RuntimeError as error:
            raise ValueError(f"{path.partition('/')[0]} is not a home directory") from error


class DataFolder(DataFile):
    """The same for a folder."""

    __slots__ = ()
