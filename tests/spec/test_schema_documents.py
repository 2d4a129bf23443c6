"""Schema and model agree on random documents that the schema describes, and on changed ones."""

from functools import cache
from math import ceil

from helpers import few_or_many
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from spec.schemas import PROBES, SCHEMA, VALIDATOR, at, places, refusals, replaced

KEYWORDS = {
    "$ref", "$defs", "const", "enum", "anyOf", "allOf", "type", "properties", "required", "additionalProperties",
    "minProperties", "maxProperties", "items", "minItems", "maxItems", "uniqueItems", "minimum", "maximum",
    "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern", "not", "if", "then",
    "else", "default", "description", "examples", "errorMessage", "defaultSnippets",
}  # fmt: skip


@cache
def definition(path):
    return st.deferred(lambda: values(at(SCHEMA, path.removeprefix("#/").split("/"))))


def followed(schema):
    """Return a schema, or the one that it refers to."""
    return at(SCHEMA, schema["$ref"].removeprefix("#/").split("/")) if "$ref" in schema else schema


def values(schema):
    """Return a strategy for the values that a schema describes."""
    assert set(schema) <= KEYWORDS, "a keyword that this does not know"
    if "$ref" in schema:
        return definition(schema["$ref"])
    if "const" in schema or "enum" in schema:
        return st.sampled_from(schema.get("enum", [schema.get("const")]))
    if "anyOf" in schema:
        return st.one_of(map(values, schema["anyOf"]))
    if "allOf" in schema and all("$ref" in rule.get("then", {}) for rule in schema["allOf"]):
        return st.one_of(values(rule["then"]) for rule in schema["allOf"])
    found = KINDS[schema["type"]](schema)
    conditions = {name: schema[name] for name in ("not", "if", "then", "else", "allOf") if name in schema}
    return found.filter(Draft202012Validator(conditions).is_valid) if conditions else found


def objects(schema):
    if "properties" not in schema:
        least = schema.get("minProperties", 0)
        return st.dictionaries(st.text(max_size=20), values(schema["additionalProperties"]), min_size=least, max_size=5)
    fields = {name: values(part) for name, part in schema["properties"].items() if name != "extends"}
    required = schema.get("required", [])
    return st.fixed_dictionaries(
        {name: part for name, part in fields.items() if name in required},
        optional={name: part for name, part in fields.items() if name not in required},
    )


def column_name(column):
    return str(column["name"] if isinstance(column, dict) else column)


def arrays(schema):
    least = schema.get("minItems", 0)
    if followed(schema["items"]) == {"not": {}}:  # a group without components
        return st.just([])
    unique = column_name if schema.get("uniqueItems") else None
    return st.lists(
        values(schema["items"]), min_size=least, max_size=schema.get("maxItems", least + 2), unique_by=unique
    )


def integers(schema):
    low = schema.get("minimum", schema.get("exclusiveMinimum", -(10**20) - 1) + 1)
    high = schema.get("maximum", schema.get("exclusiveMaximum", 10**20 + 1) - 1)
    unit = schema.get("multipleOf", 1)
    return st.integers(ceil(low / unit), high // unit).map(lambda number: number * unit)


def numbers(schema):
    return st.floats(
        schema.get("minimum", schema.get("exclusiveMinimum")),
        schema.get("maximum", schema.get("exclusiveMaximum")),
        exclude_min="exclusiveMinimum" in schema,
        exclude_max="exclusiveMaximum" in schema,
        allow_nan=False,
        allow_infinity=False,  # JSON has neither
    )


def texts(schema):
    least, most = schema.get("minLength", 0), schema.get("maxLength", 20)
    if "pattern" not in schema:
        found = st.text(min_size=least, max_size=most)
        return found.filter(is_path) if "not" in schema else found
    return st.from_regex(schema["pattern"]).filter(lambda text: least <= len(text) <= most)


def is_path(text):
    """Return whether text may be a path; the schema refuses only control characters."""
    return text.isprintable() and not text.startswith("~")


KINDS = {
    "object": objects, "array": arrays, "integer": integers, "number": numbers, "string": texts,
    "boolean": lambda _: st.booleans(), "null": lambda _: st.none(),
}  # fmt: skip
DOCUMENTS = definition("#/$defs/spec")
ANYTHING = st.one_of(
    st.sampled_from(PROBES),
    st.sampled_from(
        sorted(name for name, part in SCHEMA["$defs"].items() if name != "patch" and part != {"not": {}})
    ).flatmap(lambda name: definition(f"#/$defs/{name}")),
)
KEYS = sorted({key for part in SCHEMA["$defs"].values() for key in part.get("properties", {})} - {"extends"})


def change(document, draw):
    """Return a document with something replaced, taken away, wrapped or added somewhere."""
    place = draw(st.sampled_from(list(places(document))))
    here, what = at(document, place), draw(st.sampled_from(["replace", "remove", "wrap", "add"]))
    if what == "remove" and place:
        return replaced(document, place)
    if what == "wrap":
        return replaced(document, place, draw(st.sampled_from([[here], {"type": here}])))
    if what == "add" and isinstance(here, list):
        return replaced(document, place, [*here, draw(ANYTHING)])
    if what == "add" and isinstance(here, dict):
        return replaced(document, (*place, draw(st.sampled_from(KEYS))), draw(ANYTHING))
    return replaced(document, place, draw(ANYTHING))


def whole(value):
    """Return a document in which 1.0 is written 1, as a schema reads it."""
    if isinstance(value, dict):
        return {key: whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@st.composite
def changed(draw):
    document = draw(DOCUMENTS)
    for _ in range(draw(st.integers(1, 2))):
        document = change(document, draw)
    return whole(document)


def tried(count, *strategies):
    """Return a decorator that runs a test on `count` generated examples, the same in each run."""
    setting = settings(max_examples=count)
    return lambda holds: setting(given(*strategies)(holds))()


@few_or_many
def test_the_model_accepts_what_the_schema_describes(count):
    @tried(count, DOCUMENTS)
    def _(document):
        VALIDATOR.validate(document)
        assert refusals(document) == []


@few_or_many
def test_schema_and_model_refuse_the_same(count):
    @tried(count, changed())
    def _(document):
        assert VALIDATOR.is_valid(document) == (not refusals(document))


def merge(target, patch):
    """Return a patch merged over a target as RFC 7396 says."""
    if not isinstance(patch, dict):
        return patch
    merged = {key: value for key, value in (target if isinstance(target, dict) else {}).items() if key not in patch}
    fields = {key: merge(target.get(key) if isinstance(target, dict) else None, patch[key]) for key in patch}
    return merged | {key: value for key, value in fields.items() if value is not None}


def difference(target, wanted):
    """Return a patch that makes a target what is wanted."""
    if not (isinstance(target, dict) and isinstance(wanted, dict)):
        return wanted
    new = {key: difference(target.get(key), value) for key, value in wanted.items() if target.get(key) != value}
    return dict.fromkeys(target.keys() - wanted.keys()) | new


@few_or_many
def test_a_patch_that_makes_a_right_spec_is_never_refused(count):
    @tried(count, changed(), DOCUMENTS, st.data())
    def _(wanted, parent, data):
        patch = difference(parent, wanted) if isinstance(wanted, dict) else {}
        patch = whole(change(patch, data.draw))
        if isinstance(patch, dict) and not refusals(merge(parent, patch)):
            VALIDATOR.validate({"extends": "parent.json", **patch})
