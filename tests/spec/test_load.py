import json

import pytest

from specnet import SpecnetError, load_spec

MINIMAL = {"dataset": "spiral", "layers": [{"type": "linear", "units": 1}, "sigmoid"], "loss": "bce"}
CSV = {"type": "csv", "path": "data.csv", "inputs": ["a"], "targets": ["t"]}


@pytest.fixture
def spec(tmp_path):
    """Write a spec and return its path."""

    def write(document, name="spec.json"):
        path = tmp_path / name
        path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize(
    ("file", "name"),
    [("spiral.json", "spiral"), ("my spec.v2.json", "my-spec.v2"), (".json.json", "json"), ("é.json", "run"),
     ("n" * 200 + ".json", "n" * 100)],
)  # fmt: skip
def test_a_spec_is_named_after_its_file(spec, file, name):
    assert load_spec(spec(MINIMAL, file)).name == name
    assert load_spec(spec(MINIMAL | {"name": "given"}, file)).name == "given"


def test_a_spec_knows_the_file_it_came_from(spec):
    path = spec(MINIMAL)
    assert load_spec(path).source == str(path)
    assert load_spec(str(path)).to_json() == load_spec(path).to_json()
    assert load_spec(MINIMAL).source is None


@pytest.mark.parametrize(
    "document", ["[]", "3", "null", '"spiral"', "{}", '{"a": 1, "a": 2}', "{", '{"layers": [[[]]]}']
)
def test_every_mistake_names_the_file(spec, document):
    path = spec(document)
    with pytest.raises(SpecnetError) as raised:
        load_spec(path)
    assert raised.value.file == str(path)
    assert str(path) in str(raised.value)


def test_a_mistake_in_an_override_is_located_there(spec):
    with pytest.raises(SpecnetError) as raised:
        load_spec(spec(MINIMAL), ["seed=1", "layers.4=tanh", "training.epochs=0"])
    places = [found.location for found in raised.value.diagnostics]
    assert [(place.file, place.column, place.width) for place in places] == [
        ("--set layers.4=tanh", 8, 1),
        ("--set training.epochs=0", 17, 1),
    ]


def test_overrides_change_the_spec_but_not_the_mapping(spec):
    adam = spec(MINIMAL | {"optimizer": "adam"})
    assert load_spec(adam, ["optimizer.learning_rate=0.5"]).optimizer.learning_rate == 0.5
    source = json.loads(json.dumps(MINIMAL))
    assert load_spec(source, ["seed=7", "dataset.noise=0"]).seed == 7
    assert source == MINIMAL


def test_data_files_are_looked_for_beside_the_spec(spec, tmp_path, monkeypatch):
    (tmp_path / "data.csv").write_text("a,t\n1,2\n3,4\n")
    path = spec(MINIMAL | {"dataset": CSV})
    assert load_spec(path).to_json()["dataset"]["path"] == str(tmp_path / "data.csv")
    monkeypatch.chdir(tmp_path)
    assert load_spec(path.name).to_json() == load_spec(path).to_json()
    assert load_spec(MINIMAL | {"dataset": CSV}).dataset.path == str(tmp_path / "data.csv")
    assert load_spec(load_spec(path).to_json()).digest() == load_spec(path).digest()


def test_a_file_in_the_working_directory_is_not_beside_the_spec(spec, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "data.csv").write_text("a,t\n1,2\n3,4\n")
    monkeypatch.chdir(elsewhere)
    with pytest.raises(SpecnetError, match="there is no file"):
        load_spec(spec(MINIMAL | {"dataset": CSV}))


@pytest.mark.parametrize("value", [object(), {1, 2}, "\ud800"])
def test_a_mapping_that_is_no_json_is_refused(value):
    with pytest.raises(SpecnetError):
        load_spec(MINIMAL | {"description": value})
