"""JSON Schema of the spec, draft 2020-12, for editors: what `Spec` accepts, with every installed component."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from specnet import registry
from specnet.component import REFERENCE, Component, Section, find_class
from specnet.distributions import BUILTIN
from specnet.errors import BrokenComponentError, ComponentError
from specnet.spec.model import Spec

MAX_FLOAT = sys.float_info.max
NULL = {"type": "null"}
ANNOTATIONS = ("description", "default", "examples")
NO_KEY = {**NULL, "errorMessage": "There is no such key. Only null is allowed here: it removes the parent's key."}
EXTENDS = {
    "type": "string",
    "pattern": r"^[^\u0000]+$",
    "description": "a parent spec, relative to this file, over which this one is merged (RFC 7396): "
    "null removes a key, a list replaces the parent's",
}


def make_schema(plugins: bool = True) -> JsonSchemaValue:
    """Return the JSON Schema of specs; without `plugins`, only with specnet's own components.

    Components that cannot be used are left out: `unusable` yields them.
    """
    components = {
        group: {name: found for name, found in _components(group, plugins) if isinstance(found, dict)}
        for group in registry.GROUPS
    }
    spec = _describe(Spec)
    definitions = spec.pop("$defs")
    for group, found in components.items():
        definitions |= {f"{group}.{name}": component for name, component in found.items()}
    # The value of a reference is text, that of a field of the same name a schema.
    text = json.dumps([spec, definitions]).replace(f'"{REFERENCE}": "#', '"$ref": "#')
    spec, definitions = json.loads(text)
    spec["properties"]["$schema"]["examples"] = ["./specnet.schema.json"]
    del spec["properties"]["$schema"]["default"]  # an editor would insert null

    patches: dict[str, JsonSchemaValue] = {}
    patch = _patch(spec, definitions | {group: _any_of(group, found) for group, found in components.items()}, patches)
    for document in (spec, patch):
        document["properties"]["extends"] = EXTENDS
    groups = {group: _by_type(group, found) for group, found in components.items()}
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        "title": "specnet spec",
        "type": "object",
        "if": {"required": ["extends"]},
        "then": {"$ref": "#/$defs/patch"},
        "else": {"$ref": "#/$defs/spec"},
        "$defs": {"spec": spec, **groups, **definitions, "patch": {**patch, "$defs": patches}},
    }


def unusable(plugins: bool = True) -> Iterator[ComponentError]:
    """Yield the reason for each installed component that `make_schema` leaves out."""
    for group in registry.GROUPS:
        yield from (found for _, found in _components(group, plugins) if isinstance(found, ComponentError))


def _components(group: str, plugins: bool) -> Iterator[tuple[str, JsonSchemaValue | ComponentError]]:
    """Yield each component of a group with its schema, or with its error."""
    for name, (entry, *_) in registry.claims(group).items():
        if plugins or entry.distribution == BUILTIN:
            try:
                yield name, _component(group, name, find_class(group, name))
            except ComponentError as error:
                yield name, error
            except Exception as error:  # a plugin's fields can have custom schemas
                owner = f'{registry.SINGULAR[group]} "{name}" of {entry.owner}'
                yield name, BrokenComponentError(f"the fields of the {owner} cannot be described: {error}")


def _component(group: str, name: str, cls: type[Component]) -> JsonSchemaValue:
    # Its sections stay inside it, because those of two components may have the same name.
    schema = _describe(cls, f"#/$defs/{group}.{name}")
    return {
        **schema,
        "properties": {"type": _constant(name, schema), **schema["properties"]},
        "required": ["type", *schema.get("required", [])],
    }


def _constant(name: str, component: JsonSchemaValue) -> JsonSchemaValue:
    """Return the schema of a component's name, with the first line of its description."""
    return {"const": name, **_summary(component)}


def _summary(component: JsonSchemaValue) -> JsonSchemaValue:
    summary = component.get("description", "").partition("\n")[0]
    return {"description": summary} if summary else {}


def _name_or(objects: list[JsonSchemaValue], components: dict[str, JsonSchemaValue]) -> JsonSchemaValue:
    """Return a schema for a name, if the component has all defaults, or one of `objects`; the rest is for editors."""
    if not components:
        return {"not": {}}
    needy = {name: each for name, each in components.items() if each["required"] != ["type"]}
    names = [_constant(name, each) for name, each in components.items() if name not in needy]
    group: JsonSchemaValue = {"anyOf": [*names, *objects]}
    if needy:
        group["not"] = {"enum": list(needy)}
        group["errorMessage"] = "\n".join(
            f'"{name}" is an object with {", ".join(map(json.dumps, each["required"]))}.'
            for name, each in needy.items()
        )
        group["defaultSnippets"] = [_snippet(name, each) for name, each in needy.items()]
    return group


def _snippet(name: str, component: JsonSchemaValue) -> JsonSchemaValue:
    """Return what an editor inserts for a component that cannot be a bare name: its required fields."""
    fields = {
        key: _to_fill_in(component["properties"][key], number)
        for number, key in enumerate(component["required"])
        if key != "type"
    }
    return {"label": name, **_summary(component), "body": {"type": name, **fields}}


def _to_fill_in(field: JsonSchemaValue, number: int) -> Any:
    """Return stop `number` of a snippet, or an example to change; text after ^ is inserted unchanged."""
    example = field.get("examples", [None])[0]
    if isinstance(example, (list, dict)):
        return example
    match field.get("type"):
        case "array":
            return [_to_fill_in(field.get("items", {}), number)]
        case "string":
            return f"${number}"
        case "integer" | "number" | None if isinstance(example, (int, float)):
            return f"^${{{number}:{example}}}"
    return f"^${number}"


def _any_of(group: str, components: dict[str, JsonSchemaValue]) -> JsonSchemaValue:
    """Return a schema for any component, distinguished by its keys: in a patch the parent may have "type"."""
    return _name_or([{"$ref": f"#/$defs/{group}.{name}"} for name in components], components)


def _by_type(group: str, components: dict[str, JsonSchemaValue]) -> JsonSchemaValue:
    """Return a schema for any component, distinguished by "type" alone.

    It accepts the same as `_any_of`, but an editor only completes the nearest of many objects: here it completes
    "type" with every name, and then the fields of that component.
    """
    typed = {
        "type": "object",
        "properties": {"type": {"anyOf": [_constant(name, each) for name, each in components.items()]}},
        "additionalProperties": {},  # for editors: an object without "type" matches this better than a name
        "required": ["type"],
        "allOf": [
            {
                "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
                "then": {"$ref": f"#/$defs/{group}.{name}"},
            }
            for name in components
        ],
    }
    return _name_or([typed], components)


def _patch(
    schema: JsonSchemaValue, definitions: dict[str, JsonSchemaValue], patches: dict[str, JsonSchemaValue]
) -> JsonSchemaValue:
    """Return `schema` for a spec that extends another: objects may be partial, and null if there is a default.

    Conditions between fields are dropped: the parent may have the other field. Referenced definitions get their own
    patch.
    """

    def patch(part: JsonSchemaValue) -> JsonSchemaValue:
        return _patch(part, definitions, patches)

    if "$ref" in schema:
        name = schema["$ref"].split("/")[2]
        if name not in patches:
            patches[name] = {}  # its content may refer to it
            patches[name] |= patch(definitions[name])
        return {**schema, "$ref": schema["$ref"].replace("#/$defs/", "#/$defs/patch/$defs/", 1)}
    if "anyOf" in schema:
        return {**schema, "anyOf": [patch(choice) for choice in schema["anyOf"]]}
    if schema.get("type") != "object":
        return schema
    required, others = schema.get("required", []), schema.get("additionalProperties")
    changed: dict[str, Any] = {
        "properties": {
            name: patch(part) if name in required else _or_null(patch(part))
            for name, part in schema.get("properties", {}).items()
        },
        # A key of the parent's component that this one does not have is removed.
        "additionalProperties": _or_null(patch(others)) if isinstance(others, dict) else NO_KEY,
    }
    if "$defs" in schema:
        changed["$defs"] = {name: patch(part) for name, part in schema["$defs"].items()}
    return {"type": "object", **_annotations(schema), **changed}


def _or_null(schema: JsonSchemaValue) -> JsonSchemaValue:
    if NULL in schema.get("anyOf", []):
        return schema
    # Editors read descriptions and snippets beside "anyOf", not inside.
    optional = {**_annotations(schema), "anyOf": [schema, NULL]}
    if "$ref" in schema and "default" not in schema:  # a section
        optional["defaultSnippets"] = [{"label": "{}", "body": "^{$1}"}]
    return optional


def _annotations(schema: JsonSchemaValue) -> JsonSchemaValue:
    return {name: schema[name] for name in ANNOTATIONS if name in schema}


def _describe(model: type[Section], inside: str = "#") -> JsonSchemaValue:
    """Return a model's own schema, to be placed at `inside`, without the class name, which editors do not need.

    Required numbers have an example: an editor would insert 0, which is rarely valid.
    """
    schema = model.model_json_schema(ref_template=f"{inside}/$defs/{{model}}", schema_generator=Generator)
    for part in (schema, *schema.get("$defs", {}).values()):
        part.pop("title", None)
        for name in part.get("required", []):
            if part["properties"][name].get("type") in ("integer", "number"):
                part["properties"][name].setdefault("examples", [1])
    return schema


class Generator(GenerateJsonSchema):
    """pydantic's JSON Schema without titles of fields, and exact about numbers and text."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def float_schema(self, schema: core_schema.FloatSchema) -> JsonSchemaValue:
        found = super().float_schema(schema)
        if "minimum" not in found and "exclusiveMinimum" not in found:
            found["minimum"] = -MAX_FLOAT  # 1e400 is a JSON number
        if "maximum" not in found and "exclusiveMaximum" not in found:
            found["maximum"] = MAX_FLOAT
        return found

    def str_schema(self, schema: core_schema.StringSchema) -> JsonSchemaValue:
        found = super().str_schema(schema)
        if found.get("pattern", "").endswith("$"):
            found["pattern"] += r"(?!\n)"  # Python's $ also matches before a final line break
        return found

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> JsonSchemaValue:
        return {}  # a plugin's validator may accept anything
