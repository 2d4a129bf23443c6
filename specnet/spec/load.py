"""Load a checked `Spec` from a file or a mapping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from os import PathLike
from pathlib import Path
from typing import Any

from specnet.datasets.memory import Given, dataset_type, give_data, splits_given
from specnet.errors import Diagnostic, SpecError, UsageError
from specnet.kernels.base import DEFAULT, find_kernels
from specnet.names import nearest
from specnet.spec.checks import check_spec
from specnet.spec.document import Document, document_of, read_document
from specnet.spec.files import resolve_files
from specnet.spec.memory import machine_memory
from specnet.spec.model import Spec
from specnet.spec.overrides import apply_overrides
from specnet.spec.parse import parse_spec, valid_parts
from specnet.spec.plan import collecting
from specnet.spec.units import resolve_dataset, resolve_early
from specnet.words import Pointer

KEYS = ("missing-key", "unknown-key")
"""Codes of mistakes of an object itself, besides those of its values."""
_SWEEP = {"spec", "search"}
"""Keys of a sweep file, which no spec has."""


def load_spec(
    source: str | Path | Mapping[str, Any],
    overrides: Sequence[str] = (),
    memory_budget: float | None = None,
    kernels: str = DEFAULT,
    data: Any = None,
) -> Spec:
    """Return the spec in a JSON file or a mapping, after checking everything that needs no data.

    `overrides` are `path=value` strings, such as `training.epochs=20` or `layers.0.units=8`. Relative paths in a
    file start from its folder, those in a mapping from the working directory. `memory_budget` is the memory that
    training may take, in bytes; by default that of the machine. `kernels` names the set of kernels to compute with.

    `data` are arrays `(x, y)` or `(x, y, weight)`, a data frame, `(frame, y)`, or a mapping of "train", "validation"
    and "test" to these. The spec then needs no dataset, or one without a type that says how to read a frame.

    Raises:
        SpecError: with every mistake that was found.
        UsageError: if the source is something else.
        DataError: if `data` have another form.
        ComponentError: if there is no such set of kernels.
    """
    if isinstance(source, Mapping):
        document = document_of(source)
    elif isinstance(source, (str, PathLike)):
        document = read_document(Path(source))
    else:
        raise UsageError(f"a spec is the path of a file or a mapping, not of type {type(source).__name__}")
    apply_overrides(document, overrides)
    return load_document(document, memory_budget, kernels, data)


def load_document(
    document: Document, memory_budget: float | None = None, kernels: str = DEFAULT, data: Any = None
) -> Spec:
    """Return the spec in a document; the other arguments and the errors are those of `load_spec`."""
    budget = machine_memory() if memory_budget is None else memory_budget
    find_kernels(kernels)
    given = None if data is None else splits_given(data)
    if given and isinstance(document.value, dict):
        dataset = document.value.setdefault("dataset", {})
        if isinstance(dataset, dict):
            dataset.setdefault("type", dataset_type(given))
    spec, mistakes = _check(document, budget, kernels, given)
    mistakes = sorted((document.locate(found) for found in mistakes), key=_place)
    if spec is None or any(found.severity == "error" for found in mistakes):
        raise SpecError(mistakes, file=document.name)
    return spec.loaded(document, budget, [found for found in mistakes if not _is_default(found, spec)])


def with_data(spec: Spec, data: Any) -> Spec:
    """Return a spec with data as `load_spec` takes them; unchanged without.

    Raises:
        DataError: if they have another form, or the spec has a dataset of its own.
    """
    if data is None:
        return spec
    return spec.model_copy(update={"dataset": give_data(spec.dataset, splits_given(data))})


def _check(
    document: Document, budget: float, kernels: str, given: Mapping[str, Given] | None
) -> tuple[Spec | None, list[Diagnostic]]:
    """Return the spec of a document, or its valid parts, and all mistakes."""
    if isinstance(document.value, dict) and document.value.keys() >= _SWEEP:
        help = f"specnet sweep {document.name}" if document.name else "specnet sweep trains it"
        return None, [Diagnostic("wrong-type", "this is a sweep, not a spec", ("search",), help)]
    spec, wrong = None, list[Diagnostic]()
    try:
        spec = parse_spec(document.value)
    except SpecError as error:
        wrong = error.diagnostics
    # A mistake in the text, such as a number too large, is not reported again as out of its field's range.
    in_text = {found.pointer for found in document.mistakes if found.pointer and found.code != "duplicate-key"}
    mistakes = [*document.mistakes, *(found for found in wrong if not _follows(found, in_text))]
    if mistakes:
        spec = valid_parts(document.value, [*mistakes, *wrong])
    if spec is None:
        return None, mistakes
    mistakes += resolve_files(spec, document)
    if any(found.code == "missing-file" for found in mistakes):
        spec = spec.model_copy(update={"dataset": None})
    if given and spec.dataset:
        dataset = None
        with collecting(mistakes):
            dataset = give_data(spec.dataset, given)
        spec = spec.model_copy(update={"dataset": dataset})
    spec = spec.loaded(document, budget).with_kernels(kernels)
    places = {found.pointer for found in mistakes if found.pointer}
    unreadable: list[Diagnostic] = []
    with collecting(unreadable):
        spec, warnings = resolve_dataset(spec, early=True)
        mistakes += warnings
    if unreadable:
        mistakes += unreadable
        spec = spec.model_copy(update={"dataset": None})
    with collecting(mistakes):
        spec = resolve_early(spec)
    wrong_keys = {str(place[0]) for place in places}
    wrong_keys |= {nearest(key, Spec.model_fields, "") or key for key in wrong_keys}  # "splt" may be meant as "split"
    checked: list[Diagnostic] = []
    with collecting(checked):
        checked += check_spec(spec, wrong_keys)
    return spec, [*mistakes, *(found for found in checked if not _lies_in(found.pointer, places))]


def _follows(found: Diagnostic, in_text: Set[Pointer]) -> bool:
    """Return whether a mistake follows from one in the text of the value, or inside the value."""
    around = any(pointer[: len(found.pointer)] == found.pointer for pointer in in_text)
    return found.pointer in in_text or (around and bool(found.pointer) and found.code not in KEYS)


def _lies_in(pointer: Pointer, places: Set[Pointer]) -> bool:
    """Return whether a value, or what contains it, is at one of the places."""
    return any(pointer[:length] in places for length in range(1, len(pointer) + 1))


def _is_default(found: Diagnostic, spec: Spec) -> bool:
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
