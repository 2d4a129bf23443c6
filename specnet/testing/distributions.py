"""Checks of a distribution: what it says of itself, and every component that it registers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from inspect import getdoc
from typing import Any

import importlib_metadata

from specnet import registry
from specnet.component import Component, check_class, find_class
from specnet.errors import SpecnetError, UsageError
from specnet.layers.base import Shape
from specnet.names import suggest
from specnet.spec.load import parse_component
from specnet.testing.dispatch import Case, examine, name_of
from specnet.testing.examples import examples, show_fields
from specnet.testing.outcome import Check, Outcome, Problems, concluded, make, show_error


def cases(distribution: str) -> list[Case]:
    """Return a case for each component that a distribution registers and for what it says of itself.

    A component is checked as the plainest of its class, and as each of the `examples` that the class gives. In a test:

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
    result = [Case("distribution", partial(examine_metadata, Told(found)))]
    for group in registry.SINGULAR:
        for entry in _entries(group):
            if entry.distribution == found.name:
                result += _entry_cases(entry)
    return result


def local_cases() -> list[Case]:
    """Return a case for each component that local files have registered in this process."""
    return [case for entry in registry.LOCAL.values() for case in _entry_cases(entry)]


def component_cases(group: str, name: str, shapes: Sequence[Shape] = ()) -> list[Case]:
    """Return a case for each configuration to check of the component that a spec means by a name.

    In place of the name there may be the text of a JSON object, of one configuration. `shapes` are those of inputs, for
    layers; without them some are tried.

    Raises:
        SpecnetError: if there is no such component, or the object is wrong.
    """
    if name.lstrip().startswith("{"):
        component = parse_component(group, name)
        return [*example_cases(f"{group} {name_of(component)}", [component], shapes)]
    return [*example_cases(f"{group} {name}", examples(find_class(group, name)), shapes)]


def _entries(group: str) -> Iterator[registry.Entry]:
    for entries in registry.claims(group).values():
        yield from entries


def _entry_cases(entry: registry.Entry) -> Iterator[Case]:
    yield Case(f"{entry.group} {entry.name}, its class", partial(examine_class, entry))
    if entry.group in registry.FURTHER:
        return
    try:
        components = examples(check_class(entry, entry.load()))
    except SpecnetError:  # which is told by that case
        return
    yield from example_cases(f"{entry.group} {entry.name}", components)


def example_cases(name: str, components: list[Component], shapes: Sequence[Shape] = ()) -> Iterator[Case]:
    """Give a case for each component, named by what it does not leave to defaults."""
    situation = {"shapes": shapes} if shapes else {}
    for component in components:
        fields = component.model_dump(mode="json", by_alias=True, exclude_unset=True)
        yield Case(f"{name} {show_fields(fields)}" if fields else name, partial(examine, component, **situation))


def examine_class(entry: registry.Entry) -> Iterator[Outcome]:
    """Give the outcome of each check of a class, of its documentation and of its name."""
    yield concluded("its name is free", [*_clashes(entry)])
    try:
        cls = check_class(entry, entry.load())
    except SpecnetError as error:
        yield concluded("it is a class that can be imported", [error.message])
        return
    yield Outcome("it is a class that can be imported", True)
    if entry.group == "commands":
        yield concluded("it is described", [] if cls.help else ["the command has no docstring: say what it does"])
        return
    yield concluded("it is described", [*_undescribed(cls)])
    if entry.group in registry.FURTHER:
        return
    try:
        examples(cls)
    except SpecnetError as error:
        yield concluded("there are examples of it", [" ".join(filter(None, [error.message, error.help]))])
    except (Exception, SystemExit) as error:
        yield concluded("there are examples of it", [show_error(error)])


def _clashes(entry: registry.Entry) -> Problems:
    for other in registry.claims(entry.group)[entry.name]:
        if other.distribution != entry.distribution:
            used = "which is used instead" if other.distribution == registry.BUILTIN else "so a spec can use neither"
            yield f"{other.owner} has a {registry.SINGULAR[entry.group]} of that name, {used}"


def _undescribed(cls: type[Component]) -> Problems:
    text = getdoc(cls) if cls.__doc__ else None
    if not text:
        yield f"the class {cls.__name__} has no docstring: say what it computes, and cite its source"
    elif not re.match(r".*[.:](\n\n|$)", text.replace("\n", " ", text.partition("\n\n")[0].count("\n")), re.DOTALL):
        yield f"the first paragraph of the docstring of {cls.__name__} does not end in a period"
    for name, field in getattr(cls, "model_fields", {}).items():
        if not field.description:
            yield f'the field "{field.alias or name}" has no description: Field(description=…)'


class Told:
    """What a distribution says of itself."""

    situation = ""
    component: Any = None

    def __init__(self, distribution: Any) -> None:
        self.distribution = distribution

    def get(self, name: str) -> str:
        """Return a field of its metadata; empty where there is none."""
        return str(self.distribution.metadata.get(name) or "").strip()

    @property
    def is_plugin(self) -> bool:
        """Whether it is another one than specnet."""
        return self.distribution.name != registry.BUILTIN

    @property
    def names_edition(self) -> bool:
        """Whether it says which versions of specnet it works with."""
        return any(re.match(r"specnet\s*[\[(<>=~!]", line) for line in self.distribution.requires or ())


def its_metadata_have_name_version_summary_and_readme(told: Told) -> Problems:
    """Who looks for a plugin sees these first."""
    for name, key in {"name": "Name", "version": "Version", "summary": "Summary", "readme": "Description"}.items():
        if told.get(key) in ("", "UNKNOWN"):
            field = "description" if name == "summary" else name
            yield f'there is no {name}: give `{field}` under "[project]" in pyproject.toml'


def it_requires_specnet(told: Told) -> Problems:
    """A plugin without specnet is of no use."""
    required = {re.split(r"[^\w.-]", line)[0].lower() for line in told.distribution.requires or ()}
    if told.is_plugin and registry.BUILTIN not in required:
        yield 'specnet is not among its `dependencies` under "[project]" in pyproject.toml'


def its_entry_points_are_in_groups_of_specnet_under_names_for_specs(told: Told) -> Problems:
    """A name is of lower-case letters, digits and underscores; a group is one of those that specs have."""
    known = {f"specnet.{group}" for group in registry.SINGULAR}
    found = [point for point in told.distribution.entry_points if point.group.startswith("specnet.")]
    for point in found:
        if point.group not in known:
            yield f'there is no group "{point.group}": {suggest(point.group, known)}'
        elif not registry.NAME.fullmatch(point.name):
            yield f'"{point.name}" in {point.group} is no name of a component: it should match {registry.NAME.pattern}'
    if not found:
        yield "it has no entry points in groups of specnet: it registers nothing"


def examine_metadata(told: Told) -> Iterator[Outcome]:
    """Give the outcome of each check of what a distribution says of itself."""
    for check in METADATA:
        yield make(check, [told])
    licensed = any(map(told.get, ("License-Expression", "License", "License-File"))) or "License ::" in str(
        told.distribution.metadata.get_all("Classifier")
    )
    missing = [
        *([] if licensed else ["a license: `license`"]),
        *([] if told.names_edition or not told.is_plugin else [f'the versions of specnet: "{registry.edition()}"']),
        *([] if told.get("Requires-Python") else ["the versions of Python that it runs on: `requires-python`"]),
    ]
    wish = f'it could tell {" and ".join(missing)} under "[project]" in pyproject.toml' if missing else ""
    yield Outcome("others know whether they can use it", True, wish)


METADATA: tuple[Check[Any], ...] = (
    its_metadata_have_name_version_summary_and_readme,
    it_requires_specnet,
    its_entry_points_are_in_groups_of_specnet_under_names_for_specs,
)
