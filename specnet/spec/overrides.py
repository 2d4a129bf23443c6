"""Overrides: `training.epochs=20` changes one value of a spec."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo

from specnet.component import Component, Section, find_class
from specnet.datasets.split import Split
from specnet.errors import SpecError, SpecnetError
from specnet.names import find_synonym
from specnet.spec.document import Document
from specnet.spec.model import Spec
from specnet.spec.text import MAX_DEPTH, Parsed, Source, Span, parse_json
from specnet.training.settings import EarlyStopping, Training
from specnet.words import Pointer

OVERRIDE_PATH = re.compile(r"[^.\[\]]+(\.[^.\[\]]+|\[-?\d+\])*")
PYTHON = {"True": "true", "False": "false", "None": "null"}
"""Python's words for values of JSON."""


def apply_overrides(document: Document, overrides: Sequence[str]) -> None:
    """Set each `path=value` in a document; what cannot be set becomes a mistake.

    A path is keys and list positions joined by dots, as in messages: `layers.0.units`; `layers[0].units` means the
    same. A value is JSON, or a bare word for a string. Objects on the way are created where missing; a component
    given by its bare name, or by default, becomes an object with that type.
    """
    # A single string is also a sequence, of letters.
    for override in [overrides] if isinstance(overrides, str) else overrides:
        source = Source(f"--set {override}", override, document.directory, from_file=False)
        try:
            _apply(document, source)
        except SpecError as error:
            document.mistakes += error.diagnostics


def find_setting(name: str) -> str | None:
    """Return the path of the spec's value with a name here or elsewhere: `training.epochs` for epochs, max_epochs."""
    tables: dict[str, type[Section]] = {
        "": Spec,
        "training": Training,
        "training.early_stopping": EarlyStopping,
        "split": Split,
    }
    for place, section in tables.items():
        known = {*section.model_fields}
        row = find_synonym(name, known, place)
        if found := name if name in known else row and row.name:
            return f"{place}.{found}" if place else found
    row = find_synonym(name, ["learning_rate"], "optimizers.*")
    return "optimizer.learning_rate" if name == "learning_rate" or row else None


def _apply(document: Document, source: Source) -> None:
    path, equals, _ = source.text.partition("=")
    if not equals or not OVERRIDE_PATH.fullmatch(path.removesuffix("+")):
        raise _wrong(source, 0, len(source.text), "an override is PATH=VALUE, such as training.epochs=20")
    set_value(document, path, _value(source, len(path) + 1), source)


def set_value(document: Document, path: str, parsed: Parsed, source: Source, start: int = 0) -> Pointer:
    """Set the value at a path, which begins at `start` of a source, and return its pointer.

    Raises:
        SpecError: if there is no such place.
    """
    end = start + len(path)
    if appends := path.endswith("+"):
        path = path[:-1]
    parts = list(re.finditer(r"[^.\[\]]+", path))
    if parts[0][0] == "extends":
        raise _wrong(source, start, end, "only a file can extend another")
    if len(parts) > MAX_DEPTH:
        raise _wrong(source, start, end, f"the path has more than {MAX_DEPTH} parts")
    pointer: Pointer = ()
    place = document.value
    for part in parts:
        here = start + part.start(), start + part.end()
        key = _key(place, part[0], source, *here)
        pointer = (*pointer, key)
        if part is parts[-1]:
            if appends:
                place, key = _list(place, key, source, here), None
                key, pointer = len(place), (*pointer, len(place))
                place.append(None)
            place[key] = parsed.value
            document.put(pointer, {**parsed.spans, (): parsed.spans[()]._replace(key=here)})
        else:
            below = place[key] if isinstance(place, list) else place.get(key)
            if below is None:
                below = place[key] = _default(document.value, pointer)
                document.put(pointer, {(): Span(source, *here, here)})
            elif isinstance(below, str):
                below = place[key] = {"type": below}
            place = below
    document.mistakes += [found._replace(pointer=(*pointer, *found.pointer)) for found in parsed.mistakes]
    return pointer


def _list(place: Any, key: Any, source: Source, span: tuple[int, int]) -> list[Any]:
    """Return the list at a key, to append to; if the spec has none, that of its default."""
    if isinstance(place, dict) and key not in place:
        field = Spec.model_fields.get(key)
        if field is None or get_origin(field.annotation) is list:
            place[key] = [*field.default] if field and isinstance(field.default, list) else []
    found = place[key] if isinstance(place, list) else place.get(key)
    if not isinstance(found, list):
        raise _wrong(source, *span, f'"{source.text[slice(*span)]}" is not a list: nothing can be appended to it')
    return found


def _default(document: Any, pointer: Pointer) -> dict[str, Any]:
    """Return the value of an object that the spec does not write out: the default component, or empty."""
    kind: Any = Spec
    value, default = document, None
    with suppress(SpecnetError):  # of a component that does not exist
        for key in pointer:
            if isinstance(key, str):  # what is in a list has the type of its field
                field = _described(kind, value).get(key)
                kind, default = (field.annotation, field.default) if field else (None, None)
            value = value.get(key) if isinstance(value, dict) else value[key]
        if any(issubclass(each, Component) for each in _sections(kind)):
            return dict(default) if isinstance(default, dict) else {"type": default} if isinstance(default, str) else {}
    return {}


def _described(kind: Any, value: Any) -> Mapping[str, FieldInfo]:
    """Return the fields of the section or component of a type that a value describes."""
    section = next(_sections(kind), None)
    if section and issubclass(section, Component):
        section = find_class(section.group, str(value.get("type")))
    return section.model_fields if section else {}


def _sections(kind: Any) -> Iterator[type[Section]]:
    if isinstance(kind, type) and issubclass(kind, Section):
        yield kind
    for each in get_args(kind):
        yield from _sections(each)


def _value(source: Source, start: int) -> Parsed:
    """Return the parsed JSON value; text that does not look like JSON is a string."""
    text = source.text[start:]
    # Bytes from the shell that are not Unicode could not be saved.
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise _wrong(source, start, len(source.text), "the value is not UTF-8")
    try:
        parsed = parse_json(source, start)
        wrong = [found for found in parsed.mistakes if found.code == "syntax"]
    except SpecError as error:
        wrong = error.diagnostics
    if not wrong:
        return parsed
    if text in PYTHON:
        found = source.mistake(start, len(source.text), "override", f"{text} is Python, not JSON")
        raise SpecError([found._replace(help=f"write {PYTHON[text]}; for the word write '\"{text}\"'")])
    if not text.lstrip().startswith(("[", "{", '"')):
        return Parsed(text, {(): Span(source, start, max(len(source.text), start + 1))}, [])
    help = f"in a shell, single quotes keep the double ones: --set '{source.text[:start]}…'"
    raise SpecError([wrong[0]._replace(help=wrong[0].help or help)])


def _key(place: Any, part: str, source: Source, start: int, end: int) -> Any:
    """Return the key or position that a part of a path selects in an object or a list."""
    if isinstance(place, dict):
        return part
    if not isinstance(place, list):
        raise _wrong(source, start, end, f'"{part}" cannot be set inside {json.dumps(place)}, which is not an object')
    if not place:
        raise _wrong(source, start, end, f'there is no position "{part}" in an empty list')
    if not (part.isascii() and part.removeprefix("-").isdecimal() and -len(place) <= int(part) < len(place)):
        raise _wrong(source, start, end, f'"{part}" is not one of the positions 0 to {len(place) - 1} of the list')
    return int(part) % len(place)


def _wrong(source: Source, start: int, end: int, message: str) -> SpecError:
    return SpecError([source.mistake(start, end, "override", message)])
