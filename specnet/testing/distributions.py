"""Checks of a distribution: its metadata, and every component that it registers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from inspect import getdoc
from typing import Any

import importlib_metadata

from specnet import registry
from specnet.component import check_class, find_class
from specnet.distributions import BUILTIN, own_requirement
from specnet.errors import SpecnetError, UsageError
from specnet.names import suggest
from specnet.spec.parse import parse_component
from specnet.task import Shape
from specnet.testing.base import registered
from specnet.testing.cases import Case, example_cases
from specnet.testing.examples import examples
from specnet.testing.outcomes import Outcome, concluded, show_error
from specnet.testing.surroundings import attempt


def cases(distribution: str) -> list[Case]:
    """Return a case for each component that a distribution registers and for its metadata.

    A component is checked with as few fields as possible, and as each of the `examples` of its class. In a test:

        @pytest.mark.parametrize("case", specnet.testing.cases("specnet-swish"), ids=str)
        def test_it_keeps_the_contracts(case):
            case()

    Raises:
        UsageError: if there is no such distribution.
    """
    try:
        found = importlib_metadata.distribution(distribution)
    except (importlib_metadata.PackageNotFoundError, ValueError):
        names = {entry.distribution for group in registry.GROUPS for entry in _entries(group)}
        help = f"install it, with pip install -e . for instance; {suggest(distribution, names)}"
        raise UsageError(f'no distribution "{distribution}" is installed', help=help) from None
    name = found.name  # which is read from the metadata each time
    entries = [entry for group in registry.SINGULAR for entry in _entries(group) if entry.distribution == name]
    own = Case("distribution", partial(examine_metadata, found))
    return [own, *(case for entry in entries for case in _entry_cases(entry))]


def local_cases() -> list[Case]:
    """Return a case for each component that local files have registered in this process."""
    return [case for entry in registry.LOCAL_ENTRIES.values() for case in _entry_cases(entry)]


def component_cases(group: str, name: str, shapes: Sequence[Shape] = ()) -> list[Case]:
    """Return a case for each configuration to check of the component with this name.

    `name` may also be the text of a JSON object, of one configuration. `shapes` are those of inputs, for layers;
    by default some are tried.

    Raises:
        SpecnetError: if there is no such component, or the object is wrong.
    """
    situation = {"shapes": shapes} if shapes else {}
    if name.lstrip().startswith("{"):
        component = parse_component(group, name)
        name = registered(component) or type(component).__name__
        return [*example_cases(f"{group} {name}", [component], **situation)]
    return [*example_cases(f"{group} {name}", examples(find_class(group, name)), **situation)]


def _entries(group: str) -> Iterator[registry.Entry]:
    for entries in registry.claims(group).values():
        yield from entries


def _entry_cases(entry: registry.Entry) -> Iterator[Case]:
    yield Case(f"{entry.group} {entry.name}, its class", partial(examine_class, entry))
    if entry.group in registry.OTHER_GROUPS:
        return
    components = attempt(lambda: examples(check_class(entry, entry.load())))
    if not isinstance(components, BaseException):  # which that case reports
        yield from example_cases(f"{entry.group} {entry.name}", components)


def examine_class(entry: registry.Entry) -> Iterator[Outcome]:
    """Yield the outcome of each check of a class, of its documentation and of its name."""
    yield concluded("its name is free", [*_clashes(entry)])
    cls = attempt(lambda: check_class(entry, entry.load()))
    broken = isinstance(cls, SpecnetError)
    yield concluded("it is a class that can be imported", [cls.message] if broken else [])
    if not broken:
        yield concluded("it is described", [*_undescribed(entry, cls)])
        error = None if entry.group in registry.OTHER_GROUPS else attempt(lambda: examples(cls))
        if isinstance(error, SpecnetError):
            yield concluded("there are examples of it", [" ".join(filter(None, [error.message, error.help]))])
        elif isinstance(error, BaseException):
            yield concluded("there are examples of it", [show_error(error)])


def _clashes(entry: registry.Entry) -> Iterator[str]:
    for other in registry.claims(entry.group)[entry.name]:
        if other.distribution != entry.distribution:
            used = "which is used instead" if other.distribution == BUILTIN else "so a spec can use neither"
            yield f"{other.owner} has a {registry.SINGULAR[entry.group]} of that name, {used}"


def _undescribed(entry: registry.Entry, cls: Any) -> Iterator[str]:
    if entry.group == "commands":
        if not cls.help:
            yield "the command has no docstring: say what it does"
        return
    text = getdoc(cls) if cls.__doc__ else None
    if not text:
        yield f"the class {cls.__name__} has no docstring: say what it computes, and cite its source"
    elif not text.partition("\n\n")[0].endswith((".", ":")):
        yield f"the first paragraph of the docstring of {cls.__name__} does not end in a period"
    for name, field in getattr(cls, "model_fields", {}).items():
        if not field.description:
            yield f'the field "{field.alias or name}" has no description: Field(description=…)'


def examine_metadata(distribution: Any) -> Iterator[Outcome]:
    """Yield the outcome of each check of a distribution's metadata and entry points."""
    metadata, required = distribution.metadata, distribution.requires or ()
    is_plugin = distribution.name != BUILTIN
    absent = [
        f'there is no {what}: set `{field}` under "[project]" in pyproject.toml'
        for key, what, field in METADATA
        if (metadata.get(key) or "").strip() in ("", "UNKNOWN")
    ]
    yield concluded("its metadata have name version summary and readme", absent)
    names = {re.split(r"[^\w.-]", line)[0].lower() for line in required}
    without = 'specnet is not among its `dependencies` under "[project]" in pyproject.toml'
    yield concluded("it requires specnet", [without] if is_plugin and BUILTIN not in names else [])
    points = [point for point in distribution.entry_points if point.group.startswith("specnet.")]
    nothing = [] if points else ["it has no entry points in groups of specnet: it registers nothing"]
    what = "its entry points are in groups of specnet under names for specs"
    yield concluded(what, nothing + [problem for point in points for problem in _misnamed(point)])
    licensed = any(map(metadata.get, LICENSES)) or "License ::" in str(metadata.get_all("Classifier"))
    edition = any(re.match(r"specnet\s*[\[(<>=~!]", line) for line in required)
    useful = {
        "a license: `license`": licensed,
        f'the versions of specnet: "{own_requirement()}"': edition or not is_plugin,
        "the versions of Python that it runs on: `requires-python`": metadata.get("Requires-Python"),
    }
    missing = " and ".join(wish for wish, present in useful.items() if not present)
    wish = f'it could state {missing} under "[project]" in pyproject.toml' if missing else ""
    yield Outcome("others know whether they can use it", True, wish)


METADATA = (
    ("Name", "name", "name"),
    ("Version", "version", "version"),
    ("Summary", "summary", "description"),
    ("Description", "readme", "readme"),
)
"""Keys of metadata, what they are, and their fields in a pyproject.toml."""
LICENSES = ("License-Expression", "License", "License-File")
"""Keys of metadata that state a license."""


def _misnamed(point: importlib_metadata.EntryPoint) -> Iterator[str]:
    known = {f"specnet.{group}" for group in registry.SINGULAR}
    if point.group not in known:
        yield f'there is no group "{point.group}": {suggest(point.group, known)}'
    elif not registry.COMPONENT_NAME.fullmatch(point.name):
        pattern = registry.COMPONENT_NAME.pattern
        yield f'"{point.name}" in {point.group} is not a valid name: it should match {pattern}'
