"""Convert pydantic's errors to specnet's diagnostics: stable codes, the field's name, and what to type instead."""

from __future__ import annotations

import json
import re
from typing import Any, cast, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from specnet import registry
from specnet.errors import Diagnostic, SpecError
from specnet.names import find_synonym, nearest, suggest
from specnet.words import Pointer, printable, quote, shorten

MAX_MISTAKES = 1000
"""Number of mistakes that a check reports."""
CODES = {
    "missing": "missing-key",
    "literal_error": "wrong-value",
    "string_pattern_mismatch": "wrong-value",
    "value_error": "wrong-value",
    "greater_than": "out-of-range",
    "greater_than_equal": "out-of-range",
    "less_than": "out-of-range",
    "less_than_equal": "out-of-range",
    "finite_number": "out-of-range",
    "multiple_of": "out-of-range",
    "too_short": "wrong-length",
    "too_long": "wrong-length",
    "string_too_short": "wrong-length",
    "string_too_long": "wrong-length",
}
"""Stable codes of pydantic's kinds of error; any other kind is a wrong type."""


PLAIN_WORDS = {
    "a valid integer": "a whole number",
    "a valid number": "a number",
    "a valid string": "text",
    "a valid boolean": "true or false",
    "a valid array": "a list",
    "a valid list": "a list",
    "a valid dictionary": "an object",
    "match pattern '^[A-Za-z][A-Za-z0-9_-]*$'": "consist of letters, digits and _ -, a letter first",
    "match pattern '^[A-Za-z0-9][A-Za-z0-9._-]*$'": "consist of letters, digits and . _ -, a letter or digit first",
}
"""pydantic's names for what a field accepts, and ours."""


def custom_error(code: str, message: str, help: str | None = None) -> PydanticCustomError:
    """Return an error for a validator to raise, which `explain_invalid` shows unchanged."""
    context = {"message": message} | ({"help": help} if help else {})
    return PydanticCustomError(code, "{message}", context)


def explain_unknown_keys(
    error: ValidationError, cls: type[BaseModel], group: str | None = None, name: str | None = None
) -> ValidationError:
    """Return the error with the unknown keys of `cls` and its sections explained; a component has group and name.

    pydantic only says that a key is not permitted; the class knows which keys are.
    """
    home, common = ([group, name], [f"{group}.*"]) if group and name else ([], [])
    details, meant = [], set()
    errors = error.errors(include_url=False)[:MAX_MISTAKES]
    # Unknown keys first: a misspelt key is not reported as missing.
    for found in sorted(errors, key=lambda found: found["type"] != "extra_forbidden"):
        kind, message, context = found["type"], found["msg"], found.get("ctx", {})
        *place, key = found["loc"] or ("",)
        if kind == "extra_forbidden" and (owner := _section_at(cls, tuple(place))):
            further = getattr(owner, "further_keys", ())  # a plugin's section may be any model
            known = [*(field.alias or name for name, field in owner.model_fields.items()), *further]
            kind, message = "unknown-key", f"there is no key {quote(str(key))} here"
            tables = [".".join(map(str, [*home, *place])), *common]
            near = nearest(str(key), known, *tables)
            help = None if near or find_synonym(str(key), known, *tables) else _elsewhere(cls, str(key))
            help = help or (suggest(str(key), known, *tables) if known else "leave it out: none are allowed here")
            context = {"help": help}
            meant.add((*place, near))
        if kind in ("model_type", "model_attributes_type") and (owner := _section_at(cls, found["loc"])):
            context = {"help": _example(owner)}
        if kind == "missing" and found["loc"] in meant:
            continue
        custom = PydanticCustomError(kind, "{message}", {**context, "message": message})
        details.append(InitErrorDetails(type=custom, loc=found["loc"], input=found["input"]))
    return ValidationError.from_exception_data(error.title, details)


def _elsewhere(cls: type[BaseModel], key: str, place: tuple[str, ...] = ()) -> str | None:
    """Return where a key that is unknown at one place of `cls` belongs: at the top, or in a section."""
    section, owner = ".".join(place), _section_at(cls, place)
    where = f'it belongs in "{section}"' if place else "it belongs at the top"
    keys = [field.alias or name for name, field in owner.model_fields.items()]
    if key in keys:
        return where
    if row := find_synonym(key, keys, section, f"{getattr(owner, 'group', None)}.*"):
        return f'{where} as "{row.name}"' + (f": {row.note}" if row.note else "") if row.name else row.note
    sections = ((*place, name) for name in owner.model_fields if _section_at(cls, (*place, name)))
    return next(filter(None, (_elsewhere(cls, key, section) for section in sections)), None)


def _example(owner: type[BaseModel]) -> str | None:
    """Return what to write for a section instead of something that is not an object."""
    defaults = {name: field.default for name, field in owner.model_fields.items() if not field.is_required()}
    plain = {name: value for name, value in defaults.items() if type(value) in (int, float, str)}
    return f"write an object, such as {json.dumps(dict(list(plain.items())[:2]))}" if plain else None


def _section_at(cls: type[BaseModel], place: Pointer) -> Any:
    """Return the model that validates the object at `place` below `cls`, if fixed fields lead there."""
    mapping = False
    for part in place:
        if isinstance(part, int) or mapping:  # an item of a list or of a mapping of sections
            mapping = False
            continue
        if (field := cls.model_fields.get(part)) is None:
            return None
        mapping = get_origin(field.annotation) is dict
        kinds = (field.annotation, *get_args(field.annotation))
        models = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
        if not models:
            return None
        cls = models[0]
        if isinstance(field.default, str) and (group := getattr(cls, "group", "")):
            cls = cast(type[BaseModel], registry.find(group, field.default).load())  # the default component
    return cls


def explain_invalid(error: ValidationError, *, file: str | None = None) -> SpecError:
    """Return every mistake that pydantic found as one `SpecError`."""
    return SpecError([_diagnostic(found) for found in error.errors(include_url=False)[:MAX_MISTAKES]], file=file)


def _diagnostic(found: Any) -> Diagnostic:
    kind, pointer, context = found["type"], found["loc"], found.get("ctx", {})
    if "-" in kind:
        return Diagnostic(kind, found["msg"], pointer, context.get("help"))
    code = CODES.get(kind, "wrong-type")
    last = pointer[-1] if pointer else "the spec"
    name = f"item {last}" if isinstance(last, int) else last
    if kind == "missing":
        return Diagnostic(code, f'the key "{name}" is missing', pointer[:-1])
    message = re.sub("^(Input|String|List|Tuple|Dictionary) ", f"{name} ", found["msg"].removeprefix("Value error, "))
    message = re.sub(r" after validation, not \d+$", "", message)
    for theirs, ours in PLAIN_WORDS.items():
        message = message.replace(theirs, ours)
    if not (kind == "value_error" and isinstance(found["input"], dict)):  # a check of several fields names them itself
        message += f", not {show_value(found['input'])}"
    return Diagnostic(code, message, pointer, context.get("help") or _about_schedule(pointer, found["input"]))


def _about_schedule(pointer: Pointer, value: Any) -> str | None:
    """Return what to say of a schedule where there should be something else; None for other values."""
    if not isinstance(value, dict) or str(value.get("type")) not in registry.claims("schedules"):
        return None
    if pointer[:1] == ("loss",):
        return "fields of losses take no schedule: losses of different epochs could not be compared"
    return "this field takes no schedule"


def show_value(value: Any) -> str:
    """Return a value as quoted in messages: as JSON if possible, and shortened."""
    return printable(shorten(json.dumps(value, default=repr, ensure_ascii=False)))
