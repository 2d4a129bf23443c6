"""What other tools call things is corrected at its place, and nothing that means something else is."""

import pytest
from helpers import in_one_test
from jsonschema import Draft202012Validator

import specnet
from specnet import SpecnetError, build, registry
from specnet.component import find_class
from specnet.diagnostics import _section_at
from specnet.distributions import BUILTIN
from specnet.field_synonyms import FIELDS
from specnet.names import TABLES, nearest, suggest, to_monitor
from specnet.spec.model import Spec
from specnet.spec.schema import make_schema
from specnet.synonyms import DISTINCT_NAMES, TYPES

COMING = {"use_bias", "beta_1", "beta_2", "steps", "epochs", "warmup_steps", "every_steps", "ones", "ctc", "triplet"}


def built_in(group):
    return {name for name, (entry, *_) in registry.claims(group).items() if entry.distribution == BUILTIN}


def keys(cls):
    return {field.alias or name for name, field in cls.model_fields.items()}


def known(table):
    """The names that there are where a table holds."""
    group, _, name = table.partition(".")
    if group not in registry.GROUPS:
        return keys(_section_at(Spec, tuple(filter(None, table.split(".")))))
    if not name:
        return built_in(group)
    return set().union(*(keys(find_class(group, each)) for each in (built_in(group) if name == "*" else [name])))


@in_one_test
@pytest.mark.parametrize("table", [*TYPES, *FIELDS])
def test_every_row_leads_to_a_name_that_there_is(table):
    assert {row.name for row in TABLES[table]} <= known(table) | COMING | {""}
    assert all(row.name or row.note for row in TABLES[table])


@in_one_test
@pytest.mark.parametrize("table", TABLES)
def test_a_synonym_means_one_thing(table):
    synonyms = [name.lower() for row in TABLES[table] for name in row.others.split()]
    assert len(synonyms) == len(set(synonyms))
    if not table.endswith("*") and table not in ("splits", "commands"):
        assert not set(synonyms) & known(table)


def mistakes(group, value):
    with pytest.raises(SpecnetError) as raised:
        build(group, value)
    return {(found.code, found.pointer): found.help for found in raised.value.diagnostics}


@in_one_test
@pytest.mark.parametrize("group", TYPES)
def test_a_type_of_other_tools_is_corrected_by_its_name_here(group):
    for row in TYPES[group]:
        for name in set(row.others.split()) - set(registry.claims(group)):
            help = mistakes(group, {"type": name})["unknown-component", ("type",)]
            assert row.name in {"", *COMING} or f'did you mean "{row.name}"?' in help
            assert row.name in COMING or row.note[1:] in help


@in_one_test
@pytest.mark.parametrize("table", [table for table in FIELDS if table.partition(".")[0] in TYPES and table[-1] != "*"])
def test_a_field_of_other_tools_is_corrected_by_its_name_here(table):
    group, _, name = table.partition(".")
    for row in FIELDS[table]:
        for synonym in row.others.split():
            help = mistakes(group, {"type": name, synonym: 1})["unknown-key", (synonym,)]
            assert row.name in COMING or (row.name in help and row.note[1:] in help)


ELSEWHERE = [
    ("losses", "cross_entropy", "weight", 'did you mean "class_weight"?'),
    ("losses", "cross_entropy", "ignore_class", 'did you mean "ignore_index"?'),
    ("losses", "huber", "beta", "they agree for delta 1"),
    ("optimizers", "adam", "clipnorm", "use training.clip_norm_per_weight"),
    ("optimizers", "adam", "global_clipnorm", "use training.clip_norm"),
    ("optimizers", "sgd", "decay", "schedule"),  # Keras' decay is one of the learning rate
    ("optimizers", "sgd", "nesterovs_momentum", 'did you mean "nesterov"?'),
    ("layers", "batch_norm", "affine", 'did you mean "center"? Scale is another'),
    ("initializers", "he_normal", "nonlinearity", "leave it out"),
    ("datasets", "csv", "usecols", 'did you mean "inputs"?'),
]


@pytest.mark.parametrize(("group", "name", "key", "help"), ELSEWHERE)
def test_a_key_of_other_tools_leads_to_what_it_means(group, name, key, help):
    assert help in mistakes(group, {"type": name, key: 1})["unknown-key", (key,)]


@pytest.mark.parametrize("key", ["train", "train_size"])
def test_a_share_for_training_is_not_taken_for_the_section_of_training(key):
    with pytest.raises(SpecnetError) as raised:
        specnet.load_spec({"dataset": "moons", "layers": ["linear"], "loss": "mse", "split": {key: 0.5}})
    assert "leave it out" in str(raised.value)


def test_the_schema_takes_no_synonym():
    schema = make_schema(plugins=False)
    for group, rows in TYPES.items():
        validator = Draft202012Validator({"$ref": f"#/$defs/{group}", "$defs": schema["$defs"]})
        for name in {name for row in rows for name in row.others.split()}:
            assert not validator.is_valid(name)


MEANT = [
    ("sigmod", "layers", "sigmoid"),
    ("RELU", "layers", "relu"),
    ("LeakyReLU", "layers", "leaky_relu"),
    ("Dense", "layers", "linear"),
    ("cross-entropy", "losses", "cross_entropy"),
    ("CrossEntropyLoss", "losses", "cross_entropy"),
    ("rmse", "losses", None),
    ("rmse", "metrics", None),
    ("f1", "metrics", None),
    ("adamw", "optimizers", None),
    ("adamm", "optimizers", "adam"),
    ("sdg", "optimizers", "sgd"),
    ("selu", "layers", None),
    ("log_softmax", "layers", None),
    ("relu", "layers", None),  # that is its name
    ("x" * 10**6, "layers", None),
]


@pytest.mark.parametrize(("name", "group", "meant"), MEANT)
def test_a_likely_misspelling_is_corrected_and_a_name_of_something_else_is_not(name, group, meant):
    assert nearest(name, built_in(group), group) == meant


def test_a_synonym_gives_way_to_a_component_of_that_name():
    assert nearest("swish", ["silu"], "layers") == "silu"
    assert nearest("swish", ["silu", "swish"], "layers") is None
    assert registry.claims("layers")["swish"][0].distribution == "specnet-swish"


@pytest.mark.parametrize("group", [group for group in registry.GROUPS if built_in(group)])
def test_no_name_with_a_meaning_of_its_own_is_taken_for_another(group):
    names = built_in(group)
    synonyms = {name for row in TYPES[group] for name in row.others.lower().split()}
    others = set(DISTINCT_NAMES.split()) - names - synonyms
    assert {name: near for name in others if (near := nearest(name, names, group))} == {}


@pytest.mark.parametrize("group", registry.GROUPS)
def test_no_field_is_taken_for_that_of_another_component(group):
    fields = {name: keys(find_class(group, name)) for name in built_in(group)}
    for name, own in fields.items():
        for key in set().union(*fields.values()) - own:
            help = suggest(key, own, f"{group}.{name}", f"{group}.*")
            rows = [row for table in (f"{group}.{name}", f"{group}.*") for row in TABLES.get(table, [])]
            assert "did you mean" not in help or any(key in row.others.split() for row in rows)


@pytest.mark.parametrize(
    ("name", "proposal"),
    [("sigmod", 'did you mean "sigmoid"?'), ("xyz", "one of: sigmoid, tanh")],
)
def test_the_nearest_name_or_all_are_proposed(name, proposal):
    assert suggest(name, ["tanh", "sigmoid"]) == proposal
    assert suggest(name, []) == "none are available"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("val_loss", "validation/loss"),
        ("val_acc", "validation/accuracy"),
        ("valid/mean_squared_error", "validation/mse"),
        ("loss", "train/loss"),
        ("r2_score", "train/r2"),
        ("test_mae", "test/mae"),
        ("validation/loss", "validation/loss"),
    ],
)
def test_monitored_values_of_other_tools_are_named_by_split_and_value(name, value):
    assert to_monitor(name) == value


OTHERS = {
    "losses": "rmse r2 accuracy rmsle mbe mase mpe medae smape nrmse tversky contrastive tweedie",
    "optimizers": "adan asgd adamod adafactor lars ftrl yogi sophia newton adamp padam",
    "metrics": "rmsle msle mbe mase mpe rae rse wmape mdape max_error fbeta f2 kendall gini hinge huber npv fpr fnr",
}


def test_another_quantity_is_never_suggested():
    for group, names in OTHERS.items():
        known = set(registry.claims(group))
        for name in set(names.split()) - known:
            assert nearest(name, known, group) is None, (group, name)
