import json
import os
import re
from pathlib import Path

import pytest

from specnet import SpecnetError, load_spec
from specnet.spec.document import LONGEST_CHAIN, document_of, read_document

BASE = {
    "dataset": {"type": "spiral", "n_samples": 100, "noise": 0.5},
    "layers": [{"type": "linear", "units": 4}, "tanh", {"type": "linear", "units": 1}],
    "loss": "bce_with_logits",
    "training": {"epochs": 5, "batch_size": 10},
}


@pytest.fixture
def write(tmp_path):
    """Write a document and return its path."""

    def call(name, document):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(document if isinstance(document, str) else json.dumps(document, indent=1))
        return path

    return call


# The examples of RFC 7396, appendix A, where target and patch are objects: target, patch, result.
MERGED = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ({"a": "b"}, {"a": {"b": [None], "c": None}}, {"a": {"b": [None]}}),
]


@pytest.mark.parametrize(("target", "patch", "result"), MERGED)
def test_a_spec_is_merged_over_the_one_it_extends_as_the_rfc_says(write, target, patch, result):
    write("base.json", target)
    path = write("child.json", {"extends": "base.json", "name": "child", **patch})
    assert read_document(path).value == result | {"name": "child"}


def test_every_value_is_found_in_the_file_that_it_comes_from(write):
    base = write("base.json", BASE)
    child = write("child.json", {"extends": base.name, "dataset": {"noise": 1}, "layers": ["tanh"]})
    document = read_document(child)
    sources = {
        ("dataset", "noise"): child,
        ("dataset", "n_samples"): base,
        ("layers", 0): child,
        ("layers",): child,
        ("training", "epochs"): base,
        ("loss",): base,
    }
    for pointer, path in sources.items():
        span = document.span(pointer)
        assert span.source.name == str(path)
    # Of the parent's list, which the child replaces, nothing is left.
    assert document.span(("layers", 2, "units")) == document.span(("layers",))
    span = document.span(("dataset", "n_samples"))
    assert span.source.text[span.start : span.end] == "100"


def test_a_chain_of_specs_is_merged_from_its_far_end(write):
    write("a.json", BASE)
    write("b.json", {"extends": "a.json", "seed": 1, "training": {"epochs": 6}})
    spec = load_spec(write("c.json", {"extends": "b.json", "seed": 2}), ["training.batch_size=7"])
    assert (spec.name, spec.seed, spec.training.epochs, spec.training.batch_size) == ("c", 2, 6, 7)
    assert "extends" not in spec.to_json()


def test_the_name_is_the_childs_file_unless_it_is_given(write):
    write("a.json", BASE)
    assert load_spec(write("b.json", {"extends": "a.json"})).name == "b"
    write("a.json", BASE | {"name": "given"})
    assert load_spec(write("b.json", {"extends": "a.json"})).name == "given"


def test_data_are_looked_for_beside_the_file_that_names_them(write):
    write("base/data.csv", "a,t\n1,2\n")
    write("data.csv", "a,t\n1,2\n")
    table = {"type": "csv", "path": "data.csv", "inputs": ["a"], "targets": ["t"]}
    base = write("base/base.json", BASE | {"dataset": table, "loss": "mse", "training": {}})
    child = write("child.json", {"extends": "base/base.json"})
    assert load_spec(child).dataset.path == str(base.parent / "data.csv")
    child = write("child.json", {"extends": "base/base.json", "dataset": {"path": "data.csv"}})
    assert load_spec(child).dataset.path == str(child.parent / "data.csv")
    overridden = load_spec(write("other.json", {"extends": "base/base.json"}), ["dataset.path=data.csv"])
    assert overridden.dataset.path == str(child.parent / "data.csv")


def test_a_mistake_is_told_where_it_was_made(write):
    base = write("base.json", BASE | {"seed": "1"})
    child = write("child.json", {"extends": "base.json", "training": {"epochs": 0}})
    with pytest.raises(SpecnetError) as raised:
        load_spec(child, ["dataset.n_samples=1"])
    found = [(each.pointer, each.location.file, each.location.line) for each in raised.value.diagnostics]
    assert found == [
        (("dataset", "n_samples"), "--set dataset.n_samples=1", 1),
        (("seed",), str(base), 23),
        (("training", "epochs"), str(child), 4),
    ]


@pytest.mark.parametrize("parent", [3, "", None, ["base.json"], "a\0b"])
def test_what_is_extended_is_a_path(write, parent):
    path = write("child.json", {"seed": 1, "extends": parent})
    with pytest.raises(SpecnetError, match="is the path of a spec") as raised:
        load_spec(path)
    (found,) = raised.value.diagnostics
    assert (found.code, found.location.file, found.location.line) == ("extends", str(path), 3)


@pytest.mark.parametrize("circle", [["a"], ["a", "b"], ["a", "b", "c"]])
def test_a_circle_is_refused(write, circle):
    for name, parent in zip(circle, [*circle[1:], circle[0]], strict=True):
        path = write(f"{name}.json", {"extends": f"./../{write('x', '').parent.name}/{parent}.json"})
    with pytest.raises(SpecnetError, match="extends this file in turn"):
        load_spec(path)


def test_a_circle_through_a_link_is_refused(write):
    path = write("a.json", {"extends": "b.json"})
    path.with_name("b.json").symlink_to("a.json")
    with pytest.raises(SpecnetError, match="extends this file in turn"):
        load_spec(path)


def test_a_chain_has_an_end(write):
    write("0.json", BASE)
    for number in range(1, LONGEST_CHAIN + 1):
        path = write(f"{number}.json", {"extends": f"{number - 1}.json"})
    assert load_spec(path.with_name(f"{LONGEST_CHAIN - 1}.json")).loss
    with pytest.raises(SpecnetError, match=f"more than {LONGEST_CHAIN} specs"):
        load_spec(path)


@pytest.mark.parametrize(
    ("patch", "place"),
    [({"trainig": None}, ("trainig",)), ({"training": {"shuffle": None}}, ("training", "shuffle"))],
)
def test_a_null_that_takes_nothing_away_is_warned_of(write, patch, place):
    write("base.json", BASE)
    meant = {"record": {"points": None}, "checkpoint": {"every": None}}
    path = write("child.json", {"extends": "base.json", "training": {"epochs": None}, **meant, **patch})
    (found,) = load_spec(path).warnings
    assert (found.code, found.pointer, found.location.file) == ("null-in-extends", place, str(path))
    assert "null removes a key" in found.help


def test_a_key_of_the_parent_that_does_not_fit_is_told_with_how_to_take_it_away(write):
    base = write("base.json", BASE | {"optimizer": {"type": "adam", "beta_1": 0.8}})
    child = write("child.json", {"extends": "base.json", "optimizer": {"type": "sgd"}})
    with pytest.raises(SpecnetError) as raised:
        load_spec(child)
    (found,) = raised.value.diagnostics
    assert (found.code, found.location.file) == ("unknown-key", str(base))
    assert found.help.endswith(f'"beta_1": null in {child} removes it')
    assert load_spec(write("child.json", {"extends": "base.json", "optimizer": {"type": "sgd", "beta_1": None}}))
    write("base.json", BASE | {"layers": [{"type": "linear", "units": 1, "use_bais": True}]})
    with pytest.raises(SpecnetError) as raised:
        load_spec(write("child.json", {"extends": "base.json"}))
    assert raised.value.diagnostics[0].help == 'did you mean "use_bias"?'  # a null cannot reach into a list


def test_a_parent_is_an_ordinary_file(write):
    path = write("child.json", {"extends": "pipe"})
    os.mkfifo(path.with_name("pipe"))
    with pytest.raises(SpecnetError, match="pipe is not an ordinary file"):
        load_spec(path)


def test_a_mapping_is_not_nested_without_end():
    value = {}
    for _ in range(5000):
        value = {"a": value}
    with pytest.raises(SpecnetError, match="depth exceeded"):
        load_spec(BASE | {"description": value})


def test_merging_takes_time_in_proportion_to_the_files(write):
    keys = {f"k{number}": number for number in range(20_000)}
    base = write("base.json", BASE | keys)
    document = read_document(write("child.json", {"extends": base.name, **keys, "deep": {"a": [keys]}}))
    assert len(document.value) == 20_000 + len(BASE) + 2
    assert document.span(("k7",)).source.name.endswith("child.json")


@pytest.mark.parametrize(("parent", "reason"), [("no.json", "there is no such file"), ("n" * 300, "too long")])
def test_a_parent_that_cannot_be_read_is_told_at_the_child(write, parent, reason):
    path = write("child.json", {"extends": parent})
    with pytest.raises(SpecnetError, match=f"{re.escape(parent)}: .*{reason}") as raised:
        load_spec(path)
    assert raised.value.diagnostics[0].location.line == 2


def test_a_parent_that_is_no_json_is_told_in_itself_with_the_childs_mistakes(write):
    write("base.json", '{"seed": 1,}')
    path = write("child.json", '{"extends": "base.json", "seed": NaN}')
    with pytest.raises(SpecnetError) as raised:
        load_spec(path)
    assert [(found.code, Path(found.location.file).name) for found in raised.value.diagnostics] == [
        ("not-finite", "child.json"),
        ("syntax", "base.json"),
    ]


def test_a_mapping_extends_a_file_of_the_working_directory(write, monkeypatch):
    monkeypatch.chdir(write("base.json", BASE).parent)
    given = {"extends": "base.json", "training": {"epochs": 9}}
    assert load_spec(given).training.epochs == 9
    assert given == {"extends": "base.json", "training": {"epochs": 9}}


@pytest.mark.parametrize("base", ["3", "[]", "null"])
def test_a_parent_is_an_object(write, base):
    path = write("base.json", base)
    with pytest.raises(SpecnetError, match=f"the spec should be an object, not {re.escape(base)}") as raised:
        load_spec(write("child.json", {"extends": "base.json"}))
    assert raised.value.diagnostics[0].location.file == str(path)


def test_what_is_removed_is_not_found_any_more():
    document = document_of({"a": 1})
    assert document.span(("a",)) is None
    assert document.source(("a",)) is None
