"""Load a checked `Spec` from a file or a mapping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, to_json

from specnet.component import Component, build
from specnet.diagnostics import explain, explain_unknown_keys
from specnet.errors import Diagnostic, Pointer, SpecError, SpecnetError
from specnet.kernels.base import DEFAULT, find_kernels
from specnet.names import nearest
from specnet.spec.checks import check_spec
from specnet.spec.document import Document, document_of, read_document
from specnet.spec.draft import draft_spec
from specnet.spec.files import resolve_files
from specnet.spec.memory import machine_memory
from specnet.spec.model import Spec
from specnet.spec.overrides import apply_overrides
from specnet.spec.text import Source, parse_json
from specnet.spec.units import resolve_early

KEYS = ("missing-key", "unknown-key")
"""Codes of mistakes of an object itself, besides those of its values."""


def load_spec(
    source: str | Path | Mapping[str, Any],
    overrides: Sequence[str] = (),
    memory_budget: float | None = None,
    kernels: str = DEFAULT,
) -> Spec:
    """Return the spec in a JSON file or a mapping, after checking everything that needs no data.

    `overrides` are `path=value` strings, such as `training.epochs=20` or `layers.0.units=8`. Relative paths in a
    file start from its folder, those in a mapping from the working directory. `memory_budget` is the memory that
    training may take, in bytes; by default that of the machine. `kernels` names the set of kernels to compute with.

    Raises:
        SpecError: with every mistake that was found.
        ComponentError: if there is no such set of kernels.
    """
    document = document_of(source) if isinstance(source, Mapping) else read_document(Path(source))
    apply_overrides(document, overrides)
    budget = machine_memory() if memory_budget is None else memory_budget
    find_kernels(kernels)
    spec, mistakes = _understand(document, budget, kernels)
    mistakes = sorted((document.locate(found) for found in mistakes), key=_place)
    if spec is None or any(found.severity == "error" for found in mistakes):
        raise SpecError(mistakes, file=document.name)
    return spec.loaded(document, budget, [found for found in mistakes if not _is_meant(found, spec)])


def parse_spec(value: Any, name: str | None = None) -> Spec:
    """Return the spec that a JSON value describes; `name` is the file it is from, if any.

    Raises:
        SpecError: with every invalid field.
    """
    try:
        spec = Spec.model_validate_json(to_json(value), strict=True)
    except PydanticSerializationError as error:
        message = f"the spec contains a value that is not JSON: {error}"
        raise SpecError([Diagnostic("wrong-type", message)], file=name) from error
    except ValidationError as error:
        raise explain(explain_unknown_keys(error, Spec), file=name) from None
    return spec.loaded(Document(value, name))


def parse_component(group: str, text: str) -> Component:
    """Return the component of a group that a JSON text describes; relative paths start from the working directory.

    Raises:
        SpecError: with every mistake and its place in the text.
    """
    source = Source("the component", text, Path(), from_file=False)
    parsed = parse_json(source)
    document = Document(parsed.value, spans=parsed.spans)
    mistakes = list(parsed.mistakes)
    if not mistakes:
        try:
            return build(group, parsed.value)
        except SpecError as error:
            mistakes = error.diagnostics
    raise SpecError([document.locate(found) for found in mistakes])


def _understand(document: Document, budget: float, kernels: str) -> tuple[Spec | None, list[Diagnostic]]:
    """Return the spec of a document, or its valid parts, and all mistakes."""
    mistakes = list(document.mistakes)
    spec: Spec | None
    try:
        spec, wrong = parse_spec(document.value), list[Diagnostic]()
    except SpecError as error:
        spec, wrong = None, error.diagnostics
    # A mistake in the text, such as a number too large, is not reported again as out of its field's range.
    told = {found.pointer for found in mistakes if found.pointer and found.code != "duplicate-key"}
    mistakes += [found for found in wrong if not _is_told(found, told)]
    if spec is None or told or any(found.code == "duplicate-key" for found in mistakes):
        spec = draft_spec(document.value, [*mistakes, *wrong])
    if spec is None:
        return None, mistakes
    mistakes += resolve_files(spec, document)
    if any(found.code == "missing-file" for found in mistakes):
        spec = spec.model_copy(update={"dataset": None})
    spec = spec.loaded(document, budget).with_kernels(kernels)
    told = {found.pointer for found in mistakes if found.pointer}
    try:
        spec = resolve_early(spec)
    except SpecnetError as error:
        mistakes += error.diagnostics
    flawed = {str(pointer[0]) for pointer in told}
    flawed |= {nearest(key, Spec.model_fields, "") or key for key in flawed}  # "splt" may be what "split" should be
    try:
        checked = check_spec(spec, flawed)
    except SpecnetError as error:  # a component that fails
        checked = error.diagnostics
    mistakes += [found for found in checked if not _lies_in(found.pointer, told)]
    return spec, mistakes


def _is_told(found: Diagnostic, told: Set[Pointer]) -> bool:
    """Return whether a mistake follows from one in the text of the value, or inside the value."""
    holds = any(pointer[: len(found.pointer)] == found.pointer for pointer in told)
    return found.pointer in told or (holds and bool(found.pointer) and found.code not in KEYS)


def _lies_in(pointer: Pointer, told: Set[Pointer]) -> bool:
    """Return whether a value, or what contains it, already has a mistake."""
    return any(pointer[:length] in told for length in range(1, len(pointer) + 1))


def _is_meant(found: Diagnostic, spec: Spec) -> bool:
    """Return whether a null that removes nothing agrees with the default."""
    if found.code != "null-in-extends":
        return False
    value: Any = spec.to_json()
    for part in found.pointer:
        value = value.get(part, ...) if isinstance(value, dict) else ...
    return value is None


def _place(found: Diagnostic) -> tuple[str, int, int]:
    """Return a key that sorts mistakes by file and place in the text; those without a place come first."""
    return (found.location.file, found.location.line, found.location.column) if found.location else ("", 0, 0)
