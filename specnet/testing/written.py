"""What a component's JSON should tell of it."""

from __future__ import annotations

import json
from collections.abc import Iterator

from specnet import registry
from specnet.component import Component, build, stated
from specnet.errors import ComponentError
from specnet.testing.outcome import Problems, Subject


def its_JSON_describes_it_in_full(subject: Subject) -> Problems:
    """Written as JSON and read again, a component is equal to what it was."""
    component, cls = subject.component, type(subject.component)
    written = component.model_dump(mode="json", by_alias=True)
    again = cls.model_validate_json(json.dumps(written, allow_nan=False), strict=True)
    yield from _differences(component, again)
    if name := registered(component):
        spec = json.loads(json.dumps(component.to_spec(), allow_nan=False))
        if spec.get("type") != name:
            yield f'it is registered as "{name}", but writes itself down as {json.dumps(spec.get("type"))}'
        yield from _differences(component, build(component.group, spec))


def _differences(component: Component, again: Component) -> Iterator[str]:
    for name in type(component).model_fields:
        before, after = getattr(component, name), getattr(again, name, None)
        if before != after:
            yield f"{name} was {before!r} and is {after!r} after it was written as JSON and read again"
            return


def registered(component: Component) -> str | None:
    """Return the name by which a spec gets a component's class; None where there is none."""
    try:
        name = registry.name_of(component.group, type(component))
        return name if registry.find(component.group, name).load() is type(component) else None
    except ComponentError:
        return None


def changed_fields(component: Component, used: Component) -> Problems:
    """Give each field of a component that is another after use: fields are its JSON, run-time state is not."""
    for name in type(component).model_fields:
        if stated(component, name) != stated(used, name):
            yield f"{name} was {getattr(component, name)!r} and is {getattr(used, name)!r} after use"
