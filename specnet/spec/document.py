"""`Document`: a spec's JSON value, put together from files and overrides, that remembers where each part came from."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from specnet.diagnostics import show_value
from specnet.errors import Diagnostic, Pointer, SpecError
from specnet.spec.text import Source, Span, Spans, read_json

LONGEST_CHAIN = 10
"""Specs that extend one another."""


@dataclass
class Document:
    """A JSON value with the place of each part, and the mistakes found in it so far.

    A value given as Python objects has no places; its relative paths start from the working directory.
    """

    value: Any
    name: str | None = None
    directory: Path = Path()
    spans: Spans = field(default_factory=dict)
    mistakes: list[Diagnostic] = field(default_factory=list)

    def put(self, pointer: Pointer, spans: Spans) -> None:
        """Note that what stands at `pointer` comes from elsewhere; `spans` are relative to it."""
        self.forget(pointer)
        self.spans.update({(*pointer, *below): span for below, span in spans.items()})

    def forget(self, pointer: Pointer) -> None:
        """Note that there is nothing at `pointer` any more."""
        self.spans = {place: span for place, span in self.spans.items() if place[: len(pointer)] != pointer}

    def span(self, pointer: Pointer) -> Span | None:
        """Return where the value at `pointer` stands, or what holds it if it is not written out."""
        for length in range(len(pointer), -1, -1):
            if pointer[:length] in self.spans:
                return self.spans[pointer[:length]]
        return None

    def source(self, pointer: Pointer) -> Source | None:
        """Return the text that the value at `pointer` comes from."""
        span = self.span(pointer)
        return span.source if span else None

    def locate(self, found: Diagnostic) -> Diagnostic:
        """Return a diagnostic with the place in a text that its pointer leads to."""
        span = self.span(found.pointer)
        if found.location or not span:
            return found
        start, end = span.key if found.code == "unknown-key" and span.key else (span.start, span.end)
        return found._replace(location=span.source.location(start, end))


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
    """Return the document of a mapping, which may extend a file, too."""
    return _extended(Document(copy.deepcopy(dict(value))), ())


def _read(path: Path, children: tuple[Path, ...]) -> Document:
    parsed = read_json(path)
    document = Document(parsed.value, str(path), path.parent, parsed.spans, parsed.mistakes)
    return _extended(document, (*children, path.resolve()))


def _extended(document: Document, chain: tuple[Path, ...]) -> Document:
    """The document merged over its parent, if it has one; `chain` are the files that led here, itself the last."""
    if not (isinstance(document.value, dict) and "extends" in document.value):
        return document
    parent = document.value.pop("extends")
    fault = None
    if not isinstance(parent, str) or not parent or "\0" in parent:
        fault = '"extends" is the path of a spec, relative to this file'
    elif (document.directory / parent).resolve() in chain:
        fault = f"{parent} extends this file in turn"
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
    base.value = _merge(base, base.value, document.value, document.spans, ())
    base.name, base.directory = document.name, document.directory
    base.mistakes += document.mistakes
    return base


def _merge(base: Document, target: Any, patch: Any, spans: Spans, pointer: Pointer) -> Any:
    """Merge a patch over a target as RFC 7396 says: null removes, objects merge, all else replaces."""
    if not isinstance(patch, dict):
        base.put(pointer, _below(spans, pointer))
        return patch
    if not isinstance(target, dict):
        base.forget(pointer)
        target = {}
    if pointer in spans:
        base.spans[pointer] = spans[pointer]
    for key, value in patch.items():
        place = (*pointer, key)
        if value is None:
            target.pop(key, None)
            base.forget(place)
        else:
            target[key] = _merge(base, target.get(key), value, spans, place)
    return target


def _below(spans: Spans, pointer: Pointer) -> Spans:
    length = len(pointer)
    return {place[length:]: span for place, span in spans.items() if place[:length] == pointer}
