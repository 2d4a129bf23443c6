"""`Document`: a spec's JSON value, merged from files and overrides, with the place of each part."""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydantic_core import from_json, to_json

from specnet.component import Component
from specnet.diagnostics import show_value
from specnet.errors import Diagnostic, SpecError
from specnet.spec.text import Source, Span, Spans, read_json
from specnet.words import Pointer, quote

LONGEST_CHAIN = 10
"""Specs that extend one another."""


@dataclass
class Document:
    """A JSON value with the place of each part, and the mistakes found so far.

    A value given as Python objects has no places; its relative paths start from the working directory.
    """

    value: Any
    name: str | None = None
    directory: Path = Path()
    spans: Spans = field(default_factory=dict)
    mistakes: list[Diagnostic] = field(default_factory=list)

    def put(self, pointer: Pointer, spans: Spans) -> None:
        """Record new places for the value at `pointer`; `spans` are relative to it."""
        self.forget(pointer)
        self.spans.update({(*pointer, *below): span for below, span in spans.items()})

    def forget(self, pointer: Pointer) -> None:
        """Remove the places of the value at `pointer`."""
        self.spans = {place: span for place, span in self.spans.items() if place[: len(pointer)] != pointer}

    def span(self, pointer: Pointer) -> Span | None:
        """Return the span of the value at `pointer`, or of its container if it is not written out."""
        for length in range(len(pointer), -1, -1):
            if pointer[:length] in self.spans:
                return self.spans[pointer[:length]]
        return None

    def source(self, pointer: Pointer) -> Source | None:
        """Return the text that the value at `pointer` comes from."""
        span = self.span(pointer)
        return span.source if span else None

    def locate(self, found: Diagnostic) -> Diagnostic:
        """Return a diagnostic with the place of its pointer in a text."""
        span = self.span(found.pointer)
        if found.location or not span:
            return found
        start, end = span.key if found.code == "unknown-key" and span.key else (span.start, span.end)
        help = found.help
        from_parent = span.source.from_file and span.source.name != self.name
        if found.code == "unknown-key" and from_parent and not any(isinstance(part, int) for part in found.pointer):
            help = f'{help}; "{found.pointer[-1]}": null in {self.name} removes it'
        return found._replace(location=span.source.location(start, end), help=help)


def read_document(path: Path) -> Document:
    """Return the spec in a file, merged over those it extends.

    Raises:
        SpecError: with every mistake that keeps one of the files from being read.
    """
    document = _read(path, ())
    if isinstance(document.value, dict):
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", path.stem).lstrip("._-")[:100] or "run"
        document.value.setdefault("name", name)
    return document


def document_of(value: Mapping[str, Any]) -> Document:
    """Return the document of a mapping, which may extend a file, too, and contain components and numbers of NumPy.

    Raises:
        SpecError: if it is not JSON.
    """
    try:
        copied = from_json(to_json(_plain(value)))
    except (ValueError, RecursionError) as error:
        raise SpecError([Diagnostic("wrong-type", f"the spec contains a value that is not JSON: {error}")]) from error
    return _extended(Document(copied), ())


def _plain(value: Any) -> Any:
    """Return a value with components as their JSON, and NumPy's numbers and arrays as Python's."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, Component):
        return value.to_spec()
    return value.tolist() if isinstance(value, (np.generic, np.ndarray)) else value


def _read(path: Path, children: tuple[Path, ...]) -> Document:
    parsed = read_json(path)
    document = Document(parsed.value, str(path), path.parent, parsed.spans, parsed.mistakes)
    return _extended(document, (*children, path.resolve()))


def _extended(document: Document, chain: tuple[Path, ...]) -> Document:
    """Return the document merged over its parent, if any; `chain` are the files that led here, itself the last."""
    if not (isinstance(document.value, dict) and "extends" in document.value):
        return document
    parent = document.value.pop("extends")
    fault = None
    if not isinstance(parent, str) or not parent or "\0" in parent:
        fault = '"extends" is the path of a spec, relative to this file'
    elif (document.directory / parent).resolve() in chain:
        fault = f"{parent} extends this file in turn"
    elif _is_special(document.directory / parent):
        fault = f"{parent} is not an ordinary file"
    elif len(chain) >= LONGEST_CHAIN:
        fault = f"more than {LONGEST_CHAIN} specs extend one another"
    if fault:
        place = document.locate(Diagnostic("extends", fault, ("extends",)))
        raise SpecError([*document.mistakes, place], file=document.name)
    try:
        base = _read(document.directory / parent, chain)
    except SpecError as error:
        if any(found.location for found in error.diagnostics):
            raise SpecError([*document.mistakes, *error.diagnostics], file=error.file) from None
        message = f"{error.file}: {error.message}"  # it cannot even be opened
        place = document.locate(Diagnostic("extends", message, ("extends",)))
        raise SpecError([*document.mistakes, place], file=document.name) from None
    if not isinstance(base.value, dict):
        message = f"the spec should be an object, not {show_value(base.value)}"
        place = base.locate(Diagnostic("wrong-type", message))
        raise SpecError([*document.mistakes, *base.mistakes, place], file=base.name)
    document.forget(("extends",))
    _merge(base, document)
    base.name, base.directory = document.name, document.directory
    return base


def _is_special(path: Path) -> bool:
    """Return whether a path is not an ordinary file: a pipe may never end."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except OSError:  # reported when it is opened
        return False


def _merge(base: Document, child: Document) -> None:
    """Merge a child over its parent as in RFC 7396: null removes, objects merge, anything else replaces."""
    gone: set[Pointer] = set()

    def merged(target: Any, patch: Any, pointer: Pointer) -> Any:
        if not isinstance(patch, dict):
            gone.add(pointer)
            return patch
        if not isinstance(target, dict):
            target = {}
        for key, value in patch.items():
            place = (*pointer, key)
            if value is not None:
                target[key] = merged(target.get(key), value, place)
            elif key in target:
                del target[key]
                gone.add(place)
            else:
                message = f"there is no {quote(key)} to remove"
                help = "in a spec that extends another, null removes a key"
                found = Diagnostic("null-in-extends", message, place, help, severity="warning")
                child.mistakes.append(child.locate(found))
        return target

    base.value = merged(base.value, child.value, ())
    kept = {
        place: span
        for place, span in base.spans.items()
        if not any(place[:length] in gone for length in range(1, len(place) + 1))
    }
    base.spans = kept | child.spans
    base.mistakes += child.mistakes
