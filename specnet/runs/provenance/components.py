"""Components that a run is made with, and what to install where they are gone or changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from specnet import registry
from specnet.errors import Diagnostic, RunError, SpecError, SpecnetError
from specnet.parts import components_in
from specnet.runs.provenance.plugins import LOCAL
from specnet.spec.model import Spec
from specnet.spec.parse import parse_spec
from specnet.words import Pointer

OWNER = re.compile(r"[A-Za-z0-9][\w.-]* [A-Za-z0-9][\w.+!-]*", re.ASCII)
"""A distribution and its version. Manifests are untrusted: only text like this becomes part of a command."""


def recall(
    diagnostics: Iterable[Diagnostic],
    document: Any,
    manifest: Mapping[str, Any],
    run: Path,
    codes: Container[str] | None = None,
) -> list[Diagnostic]:
    """Return diagnostics of a run's spec, saying what to install if a component came from another distribution.

    `document` is the spec as JSON. If codes are given, diagnostics with other codes stay unchanged.
    """
    return [
        _told(found, recalled(found, document, manifest), run) if codes is None or found.code in codes else found
        for found in diagnostics
    ]


def parse_recorded(
    document: Any,
    manifest: Mapping[str, Any],
    run: Path,
    file: Path,
    invalid: str,
    locate: Callable[[Diagnostic], Diagnostic] = lambda found: found,
) -> Spec:
    """Return the spec of a run, which `file` contains as a JSON document.

    Raises:
        RunError: beginning with `invalid`, if it is not valid here; it says what to install where a component is gone.
    """
    try:
        return parse_spec(document, str(file))
    except SpecError as error:
        found, gone = [locate(each) for each in error.diagnostics], dict[str, str]()
        for each in found:
            gone |= recalled(each, document, manifest)
        told = SpecError(recall(found, document, manifest, run), file=str(file))
        raise RunError(f"{invalid}\n{told}", help=bring_back(gone, run)) from None


def _told(found: Diagnostic, components: Mapping[str, str], run: Path) -> Diagnostic:
    if not (help := bring_back(components, run)):
        return found
    owners = {owner: _now(key, owner) for key, owner in sorted(components.items(), key=lambda item: item[1])}
    message = f"{found.message}; {run} was made with {' and '.join(owner + now for owner, now in owners.items())}"
    return found._replace(message=message, help=help)


def recalled(found: Diagnostic, document: Any, manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return the components around a diagnostic whose distributions are gone, with these distributions."""
    names = set(_named(document, found.pointer))
    used: dict[str, str] = manifest["components"]
    return {key: owner for key, owner in used.items() if key.partition(".")[2] in names and _is_gone(key, owner)}


def _named(document: Any, pointer: Pointer) -> Iterator[str]:
    """Yield the names of the components in a spec that contain a pointer's value, or are named there."""
    value = document
    for part in (*pointer, None):
        if isinstance(value, dict) and isinstance(value.get("type"), str):
            yield value["type"]
        try:
            value = value[part]
        except (LookupError, TypeError):
            break
    if isinstance(value, str) and registry.COMPONENT_NAME.fullmatch(value):
        yield value


def _now(key: str, owner: str) -> str:
    """Return where a component comes from now, if it exists, to append to where it came from."""
    group, _, name = key.partition(".")
    try:
        entry = registry.find(group, name)
    except SpecnetError:
        return ""
    return f", now it is {entry.version if owner.startswith(f'{entry.distribution} ') else entry.owner}"


def _is_gone(key: str, owner: str) -> bool:
    group, _, name = key.partition(".")
    try:
        return _recorded(registry.find(group, name)) != owner
    except SpecnetError:
        return True


def bring_back(components: Mapping[str, str], run: Path) -> str | None:
    """Return how to bring back the components of a run that are gone or have changed; None if unknown."""
    owners = sorted({owner.replace(" ", "==") for owner in components.values() if OWNER.fullmatch(owner)})
    install = f"pip install {' '.join(owners)}" if owners else None
    files = sorted({found[1] for owner in components.values() if (found := LOCAL.fullmatch(owner))})
    named = " ".join(f"--plugin {file}" for file in files)
    copies = f"name the file that the run was made with, {named}; {run / 'plugins'} has a copy" if files else None
    return "; ".join(filter(None, [install, copies])) or None


def used_components(spec: Spec) -> dict[str, str]:
    """Return every component that a spec uses, such as `layers.linear`, with its distribution."""
    used = {f"{entry.group}.{entry.name}": _recorded(entry) for _, entry in components_in(spec)}
    return dict(sorted(used.items()))


def _recorded(entry: registry.Entry) -> str:
    """Return the origin of a component, as in manifests."""
    return f"{entry.distribution} {entry.version}"
