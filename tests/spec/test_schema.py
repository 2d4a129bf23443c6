import copy
import json
import re
from functools import cache, partial
from importlib.resources import files
from itertools import islice
from math import ceil
from pathlib import Path
from types import SimpleNamespace

import pytest
from helpers import few_or_many
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import Field, ValidationError
from pydantic_core import PydanticCustomError

from specnet import Initializer, Layer, registry
from specnet.component import REFERENCE, Section, construct, find_class
from specnet.spec.model import Spec
from specnet.spec.schema import make_schema, unusable
from specnet.testing import plainest

SPECS = Path(__file__).parents[2] / "specs"
SCHEMA = make_schema(plugins=False)
VALIDATOR = Draft202012Validator(SCHEMA)
MINIMAL = {"dataset": "spiral", "layers": ["sigmoid"], "loss": "bce"}
RANGES = {"greater_than", "greater_than_equal", "less_than", "less_than_equal", "finite_number"}
FILES = {"path", "images", "labels", "inputs", "targets", "run", "file"}
ORDERED = {"milestones", "milestone_steps", "boundaries", "boundary_steps", "quantiles"}
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def refusals(value, group=None):
    """Return the mistakes that the model finds in a spec, or in a component of a group, if a schema could tell them."""
    try:
        if group:
            construct(group, value)
        else:
            Spec.model_validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        return [found for found in error.errors() if not is_inexpressible(found, value)]
    except PydanticCustomError as error:
        return [error]
    return []


def is_inexpressible(found, document):
    """Tell whether a mistake is one between numbers, in a path's letters or in the first value of a schedule.

    Between numbers is also the order of a list of them.
    """
    value = document
    for part in found["loc"]:
        if isinstance(value, list) and isinstance(part, int):
            value = value[part]
        elif isinstance(value, dict):
            value = value.get(part)  # any other part names one of several types of the value
    if isinstance(value, str) and FILES & {*found["loc"]} and found["type"] in ("value_error", "literal_error"):
        return not CONTROLS.search(value)
    if found["type"] == "value_error":
        if isinstance(value, dict):
            return value.get("type") != "sgd"
        return bool(ORDERED & {*found["loc"]})
    return found["type"] in RANGES and isinstance(value, dict)


def test_the_schema_is_valid():
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator.check_schema(make_schema())


def test_the_schema_in_specs_is_up_to_date():
    committed = json.loads((SPECS / "specnet.schema.json").read_text(encoding="utf-8"))
    assert committed == SCHEMA, "type: python docs/generate.py"


EXAMPLES = sorted({*SPECS.glob("*.json")} - {SPECS / "specnet.schema.json"})
TEMPLATES = sorted(Path(str(files("specnet.spec") / "templates")).glob("*.json"))


@pytest.mark.parametrize("path", [*EXAMPLES, *TEMPLATES], ids=lambda path: path.name)
def test_every_spec_of_the_project_names_the_schema_and_keeps_to_it(path):
    document = json.loads(path.read_text(encoding="utf-8"))
    assert next(iter(document.items())) == ("$schema", "./specnet.schema.json")
    VALIDATOR.validate(document)


def test_the_path_of_the_schema_is_no_part_of_a_resolved_spec():
    spec = Spec.model_validate({"$schema": "./specnet.schema.json"} | MINIMAL)
    assert spec.to_json() == Spec.model_validate(MINIMAL).to_json()
    assert "$schema" not in spec.to_json()


@pytest.mark.parametrize("group", registry.GROUPS)
def test_every_component_is_there_with_descriptions_of_its_fields(group):
    everything = make_schema()["$defs"]
    for name, (entry, *_) in registry.claims(group).items():
        assert (f"{group}.{name}" in SCHEMA["$defs"]) == (entry.distribution == "specnet")
        assert f"{group}.{name}" in everything


@pytest.mark.parametrize("group", [group for group in registry.GROUPS if registry.claims(group)])
def test_an_editor_offers_every_component_as_a_name_or_with_its_required_fields(group):
    schema = SCHEMA["$defs"][group]
    snippets = {snippet["label"]: snippet["body"] for snippet in schema.get("defaultSnippets", [])}
    names = {choice["const"] for choice in schema["anyOf"] if "const" in choice}
    assert not names & snippets.keys()
    assert {f"{group}.{name}" for name in names | snippets.keys()} == {
        key for key in SCHEMA["$defs"] if group + "." in key
    }
    for name, body in snippets.items():
        text = re.sub(r'"\^\$\{\d+:([\d.]+)\}"', r"\1", json.dumps(body))
        filled = json.loads(re.sub(r"\^?\$\d+", "sigmoid", text))
        assert filled["type"] == name
        assert refusals(filled, group) == []


def linear(**fields):
    return {"layers": [{"type": "linear", "units": 1, **fields}]}


def idx(**tests):
    return {"type": "idx", "images": "a", "labels": "b", **tests}


def rate(value):
    return {"optimizer": {"type": "sgd", "learning_rate": value}}


REFUSED = [
    {"optimiser": "adam"},
    {"loss": None},
    {"layers": []},
    {"layers": ["repeat"]},
    {"layers": ["sigmod"]},
    {"layers": [{"type": "sigmod"}]},
    {"layers": [{"units": 1}]},
    {"layers": [{"type": 3}]},
    {"layers": [[]]},
    {"layers": "sigmoid"},
    {"layers": {"0": "sigmoid"}},
    {"layers": [{"type": "residual", "layers": [{"type": "linear", "unit": 1}]}]},
    linear(units=0),
    linear(units=1.5),
    linear(units=True),
    linear(bias=True),
    linear(weight_init="mse"),
    linear(weight_init={"type": "normal", "std": -1}),
    rate(0),
    rate("constant"),
    rate({"type": "constant"}),
    rate({"type": "step", "initial": 1, "every_steps": 0}),
    {"transforms": {"inputs": [{"type": "scale", "factor": 0}]}},
    {"transforms": {"inputs": [{"type": "scale", "factor": -0.0}]}},
    {"dataset": {"type": "spiral", "n_samples": 3}},
    {"dataset": {"type": "csv", "path": "a", "inputs": ["a"], "targets": ["b"], "delimiter": ";;"}},
    {"dataset": {"type": "csv", "path": "a", "inputs": ["a"], "targets": ["b"], "delimiter": "\n"}},
    *({"dataset": {"type": "npz", "path": path}} for path in ("\a", "a\n", "a\x7f.npz", "\x85")),
    *({"dataset": idx(test={field: "c"})} for field in ("images", "labels")),
    {"dataset": {"type": "npy", "inputs": "a", "targets": "b", "test": {"inputs": "c"}}},
    {"dataset": {"type": "npy", "inputs": "a", "targets": "b", "buffer": 0}},
    {"optimizer": {"type": "sgd", "nesterov": True}},
    {"optimizer": {"type": "sgd", "nesterov": True, "momentum": 0}},
    {"split": {"validation": 1}},
    {"training": {"early_stopping": {"mode": "least"}}},
    *({"training": {"batch_size": size}} for size in (0, "all", True)),
    {"training": None},
    {"record": {"every": 0}},
    {"dtype": "float16"},
    {"seed": -1},
    {"seed": 2**63},
    *({"name": name} for name in ("", "a/b", ".hidden", "a\n", "x" * 101, None)),
]


@pytest.mark.parametrize("change", REFUSED, ids=json.dumps)
def test_the_schema_refuses_what_the_model_refuses(change):
    assert refusals(MINIMAL | change)
    assert not VALIDATOR.is_valid(MINIMAL | change)


TAKEN = [
    {"optimizer": {"type": "sgd", "nesterov": True, "momentum": 0.5}},
    {"optimizer": {"type": "sgd", "nesterov": False, "momentum": 0}},
    {"dataset": idx(test=None)},
    {"dataset": idx(validation={"images": "a", "labels": "b"}, test={"images": "c", "labels": "d"})},
    {"dataset": {"type": "npz", "path": "\u00fc \u4e2d.npz"}},
    {"dataset": {"type": "npy", "inputs": "a", "targets": "b", "buffer": 0.5, "validation": None}},
    {"dataset": {"type": "npy", "inputs": "a", "targets": "b", "test": {"inputs": "c", "targets": "d"}}},
    *({"training": {"batch_size": size}} for size in (1, "full", None)),
    {"$schema": None},
]


@pytest.mark.parametrize("change", TAKEN, ids=json.dumps)
def test_the_schema_takes_what_the_model_takes(change):
    assert not refusals(MINIMAL | change)
    VALIDATOR.validate(MINIMAL | change)


@pytest.mark.parametrize("key", MINIMAL)
def test_the_schema_asks_for_the_keys_that_are_required(key):
    assert not VALIDATOR.is_valid({name: value for name, value in MINIMAL.items() if name != key})


ONLY_THE_MODEL_REFUSES = [
    {"seed": 1.0},  # to a schema 1.0 is an integer
    linear(weight_init={"type": "uniform", "low": 1, "high": 0}),
    rate({"type": "constant", "value": 0}),
    {"dataset": {"type": "npz", "path": "a\u200b.npz"}},  # which letters can be printed is a table of Unicode
    rate({"type": "cosine", "initial": 1, "steps": 2, "warmup_steps": 2}),
    rate({"type": "reduce_on_plateau", "initial": 1, "minimum": 2}),
]


@pytest.mark.parametrize("change", ONLY_THE_MODEL_REFUSES, ids=json.dumps)
def test_what_no_schema_can_express_is_left_to_the_model(change):
    VALIDATOR.validate(MINIMAL | change)
    with pytest.raises(ValidationError):
        Spec.model_validate_json(json.dumps(MINIMAL | change), strict=True)


PATCHES = [
    ({}, True),
    ({"dataset": {"noise": 0.5}}, True),
    ({"dataset": {"noyse": 0.5}}, False),
    ({"dataset": {"noise": -1}}, False),
    ({"dataset": None}, False),
    ({"optimizer": {"type": "adam", "momentum": None}}, True),
    ({"optimizer": {"type": "adam", "momentum": 0.5}}, False),
    ({"optimizer": {"type": "adm"}}, False),
    ({"optimizer": {"type": None}}, False),
    ({"optimizer": {"learning_rate": {"initial": 0.1}}}, True),
    ({"optimizer": {"learning_rate": {"initial": "x"}}}, False),
    ({"optimizer": None}, True),
    ({"optimizer": {"nesterov": True}}, True),
    ({"optimizer": {"type": "sgd", "nesterov": True}}, True),
    ({"dataset": {"test": {"images": "c"}}}, True),
    ({"dataset": idx(test={"labels": "c"})}, True),
    ({"dataset": {"path": "a\n"}}, False),
    ({"record": {"points": 20}}, True),
    ({"record": {"points": 1}}, False),
    ({"record": None}, True),
    ({"training": {"early_stopping": None, "epochs": None}}, True),
    ({"training": {"epoch": 1}}, False),
    ({"layers": ["tanh"]}, True),
    ({"layers": [{"type": "repeat"}]}, False),
    ({"layers": {"0": "tanh"}}, False),
    ({"seed": None}, True),
    ({"trainig": {}}, False),
    ({"extends": ""}, False),
    ({"extends": None}, False),
    ({"extends": "a\0b"}, False),
]


@pytest.mark.parametrize(("patch", "right"), PATCHES, ids=json.dumps)
def test_a_spec_that_extends_another_may_say_a_part(patch, right):
    assert VALIDATOR.is_valid({"extends": "parent.json"} | patch) == right


# Every field, with values of every kind.

PROBES = [
    None, True, False, 0, 1, -1, 2, 5, 2**63, 10**400, 0.5, 1.5, -0.5, 1e-31, "", "x", "a\n", "\n", ",", ";;",
    "mean", "min", "add", "float64", "validation/loss", "sigmoid", "linear", "zeros", "constant", "adam", "mse",
    "spiral", [], ["x"], [1], [[]], ["sigmoid"], [["sigmoid"]], ["linear"], ["standardize"], ["mse"], ["curves"],
    [None], {}, {"x": 1}, {"every": 1}, {"patience": 1}, {"type": "zeros"}, {"type": "normal", "std": -1},
    {"type": "linear", "units": 1}, {"type": "linear"}, {"type": "constant", "value": 1},
    {"type": "cosine", "initial": 1, "steps": 0},
]  # fmt: skip


def places(value, place=()):
    """Give the place of every value in a document."""
    yield place
    if isinstance(value, (dict, list)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(item, (*place, key))


def at(value, place):
    for part in place:
        value = value[part]
    return value


def replaced(value, place, *new):
    """Return a copy of a value with something new at a place, or nothing."""
    root, (*path, key) = {"": copy.deepcopy(value)}, ("", *place)
    holder = at(root, path)
    if new:
        holder[key] = new[0]
    else:
        del holder[key]
    return root[""]


def probed(value):
    """Give a JSON value with each part replaced by each probe or left out, and with a key too many."""
    for place in places(value):
        for probe in PROBES:
            yield replaced(value, place, probe)
        if place:
            yield replaced(value, place)
        if isinstance(at(value, place), dict):
            yield replaced(value, (*place, "no_such_key"), None)


some_or_all = pytest.mark.parametrize("step", [40, pytest.param(1, marks=pytest.mark.long)], ids=["some", "all"])
"""Whether each of many values is tried, or each fortieth."""


@some_or_all
@pytest.mark.parametrize(("group", "name"), [tuple(key.split(".")) for key in SCHEMA["$defs"] if "." in key])
def test_schema_and_model_agree_on_every_field_of_a_component(group, name, step):
    validator = Draft202012Validator({"$ref": f"#/$defs/{group}", "$defs": SCHEMA["$defs"]})
    assert validator.is_valid(name) == (not refusals(name, group))
    component = {"type": name, **plainest(find_class(group, name))}
    assert refusals(component, group) == []
    for value in islice(probed(construct(group, component).to_spec()), 0, None, step):
        assert validator.is_valid(value) == (not refusals(value, group)), value


@some_or_all
def test_schema_and_model_agree_on_every_field_of_a_spec(step):
    spec = Spec.model_validate(MINIMAL | {"record": {"every": 1}, "training": {"early_stopping": {}}})
    for value in islice(probed(spec.to_json()), 0, None, step):
        assert VALIDATOR.is_valid(value) == (not refusals(value)), value


# Documents from the schema, and changed ones.

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
    )


def texts(schema):
    least, most = schema.get("minLength", 0), schema.get("maxLength", 20)
    if "pattern" not in schema:
        return st.text(min_size=least, max_size=most)
    return st.from_regex(schema["pattern"]).filter(lambda text: least <= len(text) <= most)


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
    """Try a property on so many examples, which are the same each time; a decorator that calls it."""
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    setting = settings(max_examples=count, derandomize=True, deadline=None, suppress_health_check=slow)
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


# Plugins.


class Part(Section):
    """A section whose name two plugins share."""

    size: int = Field(default=1, ge=1)


class One(Layer):
    """A layer of a plugin."""

    part: Part = Part()

    def forward(self, x, training):
        return x

    def backward(self, dy):
        return dy


class Other:
    class Part(Section):
        name: str


class Two(One):
    part: Other.Part
    anything: object = None


class Unfinished(One):
    size: "Nowhere"  # noqa: F821


class Named(One):
    weight_init: Initializer = Field(alias=REFERENCE, description=f'as "{REFERENCE}": "#" says')


class Demanding(One):
    part: Other.Part
    sizes: list[int]
    pair: tuple[int, float]
    width: int = Field(ge=8, examples=[64])
    mode: bool


class Nested(One):
    inner: "Nested | None" = None


@pytest.fixture
def install(monkeypatch):
    """Have layers of plugins for the length of a test; those that are no classes cannot be imported."""
    claims = {group: dict(names) for group, names in registry._claims().items()}
    monkeypatch.setattr(registry, "_claims", lambda: claims)

    def load(found):
        if isinstance(found, Exception):
            raise found
        return found

    def add(name, *found):
        claims["layers"][name] = [
            registry.Entry("layers", name, "m:C", f"dist-{number}", "1", SimpleNamespace(load=partial(load, each)))
            for number, each in enumerate(found)
        ]

    return add


def test_a_plugin_is_in_the_schema_unless_it_is_not_wanted(install):
    install("one", One)
    install("two", Two)
    validator = Draft202012Validator(make_schema())
    for layer, right in [
        ("one", True), ("two", False), ({"type": "one", "part": {"size": 2}}, True),
        ({"type": "one", "part": {"size": 0}}, False), ({"type": "one", "part": {"name": "a"}}, False),
        ({"type": "two", "part": {"name": "a"}}, True), ({"type": "two", "part": {"size": 2}}, False),
        ({"type": "two", "part": {"name": "a"}, "anything": [1]}, True),
    ]:  # fmt: skip
        document = MINIMAL | {"layers": [layer]}
        assert validator.is_valid(document) == right
        assert (not refusals(document)) == right
    assert make_schema(plugins=False) == SCHEMA


def test_a_plugin_may_have_a_field_of_any_name(install):
    install("named", Named)
    fields = make_schema()["$defs"]["layers.named"]["properties"]
    assert fields[REFERENCE] == {"$ref": "#/$defs/initializers", "description": f'as "{REFERENCE}": "#" says'}


def test_required_fields_of_a_plugin_are_left_to_fill_in(install):
    install("demanding", Demanding)
    body = next(each["body"] for each in make_schema()["$defs"]["layers"]["defaultSnippets"] if "pair" in each["body"])
    fields = {"part": "^$1", "sizes": ["^$2"], "pair": ["^$3"], "width": "^${4:64}", "mode": "^$5"}
    assert body == {"type": "demanding", **fields}


def test_what_cannot_be_used_is_left_out_and_named(install):
    install("claimed_twice", One, Two)
    install("missing", ImportError("no such library"))
    install("nested", Nested)
    install("no_layer", int)
    install("unfinished", Unfinished)
    names = {"claimed_twice": "ambiguous"} | dict.fromkeys(["missing", "nested", "no_layer", "unfinished"], "broken")
    assert not {f"layers.{name}" for name in names} & make_schema()["$defs"].keys()
    for (name, code), error in zip(names.items(), unusable(), strict=True):
        assert error.code == f"{code}-component"
        assert f'"{name}"' in error.message
    assert list(unusable(plugins=False)) == []
