import json
from importlib.resources import files
from pathlib import Path

import pytest
from helpers import sampled

import specnet
from specnet.cli.new import KINDS
from specnet.spec.schema import make_schema


def test_every_template_is_a_kind():
    templates = [Path(file.name) for file in (files("specnet.spec") / "templates").iterdir()]
    assert {(path.stem, path.suffix) for path in templates} == {(kind, ".json") for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_what_new_writes_is_valid_without_a_warning(kind, invoke):
    assert invoke("new", "spec", "first", "--kind", kind).exit_code == 0
    result = invoke("validate", "first.json")
    assert (result.exit_code, result.stderr) == (0, "")
    assert next(iter(json.loads(Path("first.json").read_text()).items())) == ("$schema", "./specnet.schema.json")


@pytest.mark.parametrize("kind", sampled(KINDS, 2))
def test_new_says_how_to_run_what_it_writes(kind, invoke):
    *_, command = invoke("new", "spec", "first", "--kind", kind).output.split("\n  ")
    program, *arguments = command.split()
    assert (program, *arguments) == ("specnet", "run", "first.json")
    result = invoke(*arguments, "--set", "training.epochs=2")
    assert result.exit_code == 0
    run = specnet.load_run("runs/first")
    assert "validation" in run.data.splits
    assert {path.stem for path in run.plots} == {plot.to_spec()["type"] for plot in run.spec.plots}


@pytest.mark.parametrize(
    ("kind", "metric", "least"),
    [
        ("classification", "accuracy", 0.95),
        pytest.param("regression", "r2", 0.95, marks=pytest.mark.long),
        ("images", "accuracy", 0.9),
        ("sequence", "r2", 0.98),
    ],
)
def test_a_starting_point_learns_what_it_is_about(kind, metric, least, invoke):
    invoke("new", "spec", kind, "--kind", kind)
    run = specnet.run(specnet.load_spec(f"{kind}.json", ["plots=[]"]), out="run")
    assert run.evaluate("validation")[metric] >= least


def test_a_spec_tells_classes_apart_unless_another_kind_is_asked_for(invoke):
    invoke("new", "spec", "first")
    assert specnet.load_spec("first.json").to_json()["dataset"]["type"] == "spiral"


def test_the_schema_is_written_beside_the_spec(invoke):
    invoke("new", "spec", "first")
    assert json.loads(Path("specnet.schema.json").read_text()) == make_schema()


def test_a_schema_that_is_there_stays(invoke):
    Path("specnet.schema.json").write_text("{}\n")
    assert invoke("new", "spec", "first").exit_code == 0
    assert Path("specnet.schema.json").read_text() == "{}\n"


def test_the_ending_json_may_be_typed(invoke):
    assert invoke("new", "spec", "my.first.json").output.endswith("specnet run my.first.json\n")
    assert specnet.load_spec("my.first.json").name == "my.first"


def test_a_file_that_is_there_is_never_overwritten(invoke):
    Path("first.json").write_text("mine")
    Path("link.json").symlink_to("nowhere")
    for name in ("first", "first.json", "link"):
        result = invoke("new", "spec", name)
        assert result.exit_code == 2
        assert f"error[usage]: {name.removesuffix('.json')}.json already exists" in result.stderr
    assert Path("first.json").read_text() == "mine"
    assert sorted(path.name for path in Path().iterdir()) == ["first.json", "link.json"]


@pytest.mark.parametrize(
    "name", ["", ".json", "a b", "../a", "a/b", "/a", ".a", "-a", "a\n", "ä", "a" * 101, "specnet.schema"]
)
def test_a_name_that_no_spec_can_have_is_refused(name, invoke):
    result = invoke("new", "spec", "--", name)
    assert result.exit_code == 2
    assert "name" in result.stderr
    assert not list(Path().iterdir())


@pytest.mark.parametrize("arguments", [[], ["model", "a"], ["spec"], ["spec", "a", "--kind", "text"]])
def test_what_new_does_not_know_is_wrong_usage(arguments, invoke):
    result = invoke("new", *arguments)
    assert result.exit_code == 2
    assert "Usage: " in result.output
    assert not list(Path().iterdir())


def test_a_folder_that_cannot_be_written_is_told(invoke, monkeypatch):
    open_file = Path.open

    def refuse(path, mode="r", **kwargs):
        if mode == "x":
            raise PermissionError(13, "Permission denied", str(path))
        return open_file(path, mode, **kwargs)

    # Permission bits do not stop the superuser, under whom containers run tests.
    monkeypatch.setattr(Path, "open", refuse)
    result = invoke("new", "spec", "first")
    assert (result.exit_code, result.stderr) == (2, "error[file]: first.json: Permission denied\n")


@pytest.mark.parametrize("command", [["new", "spec"], ["new", "plugin"]])
def test_help_has_an_example(command, invoke):
    for asked in (command[:1], command):
        assert f"    specnet {' '.join(command)} " in invoke(*asked, "--help").output.partition("Example:\n")[2]
