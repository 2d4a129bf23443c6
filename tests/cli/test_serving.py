"""A trained network gates a release, leaves in one file, and answers rows of JSON."""

import io
import json
import pickle
import re
import shutil
import subprocess
import sys
import time
from zipfile import ZipFile

import numpy as np
import pytest
from click.testing import CliRunner

import specnet
from specnet.cli import cli
from specnet.errors import RunError, UsageError
from specnet.runs.requirements import parse_requirement
from specnet.runs.selecting import Condition
from specnet.runs.storage.archive import open_archive, stage_archive

COLUMNS = ["height", {"name": "kind", "handle_unknown": "ignore"}, "wet", "day"]
SPEC = {
    "name": "trees",
    "dataset": {"type": "csv", "path": "secret.csv", "inputs": COLUMNS, "targets": ["name"]},
    "split": {"test": 0.2},
    "transforms": {"inputs": ["impute", "standardize"]},
    "layers": [{"type": "linear", "units": 4}, "tanh", "linear"],
    "loss": "cross_entropy",
    "metrics": ["accuracy"],
    "training": {"epochs": 2},
    "plots": [],
    "record": None,
}
GOOD = {"height": 2.5, "kind": "oak", "wet": "no", "day": "2024-01-03", "id": 7}


def called(*arguments, code=0, input=None):
    result = CliRunner().invoke(cli, [*map(str, arguments)], input=input)
    assert result.exit_code == code, result.output
    return result


def lines(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def answered(model, *rows, code=0):
    """The answers to rows on standard input."""
    return lines(called("predict", model, "-", "--format", "json", input="\n".join(rows), code=code))


def is_close(prediction, expected):
    """Whether two predictions of a class are the same, but for the last bits."""
    (name, *numbers), (expected_name, *expected_numbers) = prediction.values(), expected.values()
    return name == expected_name and numbers == pytest.approx(expected_numbers, rel=1e-5)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a run on a table, `run`, and its bundle, `trees.zip`; the table is gone."""
    folder = tmp_path_factory.mktemp("serving")
    kinds, wet, names = ["oak", "elm", "fir"], ["yes", "no"], ["Ann", "Bob"]
    rows = [f"{n % 7 or ''},{kinds[n % 3]},{wet[n % 2]},2024-01-{1 + n % 28:02},{names[n % 5 > 2]}" for n in range(60)]
    (folder / "secret.csv").write_text("\n".join(["height,kind,wet,day,name", *rows]) + "\n")
    spec = SPEC | {"dataset": SPEC["dataset"] | {"path": str(folder / "secret.csv")}}
    specnet.run(spec, folder / "run", report=False)
    shutil.move(folder / "secret.csv", folder / "kept.csv")
    called("bundle", folder / "run", "-o", folder / "trees.zip")
    return folder


def test_a_result_that_is_not_good_enough_exits_with_five(made):
    data = ["--data", made / "kept.csv"]
    scores = json.loads(called("evaluate", made / "run", *data, "--format", "json").stdout)[str(made / "kept.csv")]
    assert scores == specnet.load_run(made / "run").evaluate(*samples(made))
    for path in (made / "run", made / "trees.zip"):
        called("evaluate", path, *data, "--require", "accuracy>=0", "--require", f"loss <= {scores['loss'] + 1}")
        result = called("evaluate", path, *data, "--require", "accuracy > 1", "--require", "loss<0", code=5)
        assert "accuracy" in result.stdout and "accuracy>1 is not met: accuracy is " in result.stderr
        assert "loss<0" in result.stderr
    wrong = {"accurcy>=1": 'did you mean "accuracy"?', "accuracy~1": "accuracy>=0.95", "loss<x": "is not a requirement"}
    for text, message in wrong.items():
        assert message in called("evaluate", made / "run", *data, "--require", text, code=2).stderr
    assert "--data" in called("evaluate", made / "trees.zip", code=2).stderr
    assert "is a file, not a run directory" in called("report", made / "trees.zip", code=3).stderr
    each = Condition("recall/<= 50 K", ">=", 0.5)  # a value of a class
    assert parse_requirement(" recall/<= 50 K >= .5") == each and parse_requirement("f<1").name == "f"
    for text in ("a=>1", "a>==1", "a>=", ">=1", "a>=1e", "a>=nan"):
        with pytest.raises(UsageError, match="is not a requirement"):
            parse_requirement(text)


def samples(made):
    """The table as a dict of columns, which is a frame, and its targets."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_csv(made / "kept.csv")
    return frame.drop(columns="name"), frame["name"]


def test_a_bundle_predicts_as_its_run_without_the_data(made):
    run, bundle = specnet.load_run(made / "run"), specnet.load_model(made / "trees.zip")
    frame, truth = samples(made)
    np.testing.assert_array_equal(bundle.predict(frame), run.predict(frame))
    assert bundle.evaluate(frame, truth) == run.evaluate(frame, truth) and bundle.warnings == []
    assert (bundle.classes, bundle.name) == (("Ann", "Bob"), "trees") and "trees" in repr(bundle)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(bundle)).predict(frame), run.predict(frame))
    table = [made / "kept.csv", "--keep", "kind"]
    assert called("predict", made / "trees.zip", *table).stdout == called("predict", made / "run", *table).stdout
    assert isinstance(specnet.load_model(made / "run"), specnet.Run)
    assert "one checkpoint" in called("predict", made / "trees.zip", *table, "--checkpoint", "latest", code=2).stderr
    assert "already exists" in called("bundle", made / "run", "-o", made / "trees.zip", code=2).stderr


def test_a_bundle_describes_its_inputs_and_contains_neither_data_nor_paths(made):
    with ZipFile(made / "trees.zip") as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist() if name.endswith(".json")}
        assert set(archive.namelist()) > {*texts, "params.npy", "transforms.inputs.1.shift.npy"}
    assert not any(re.search(r'": "/|/tmp', text) for text in texts.values())
    assert json.loads(texts["spec.json"])["dataset"]["path"] == "secret.csv"
    schema = json.loads(texts["schema.json"])
    assert schema == specnet.load_run(made / "run").schema
    height, kind, wet, day = schema["inputs"]["columns"]
    assert height == {"name": "height", "type": "number", "min": 1.0, "max": 6.0}
    assert kind == {"name": "kind", "type": "category", "categories": ["elm", "fir", "oak"], "others": "ignored"}
    assert (wet["categories"], day["min"], day["max"]) == (["no", "yes"], "2024-01-01", "2024-01-28")
    assert schema["inputs"]["missing"] == "allowed"
    assert schema["outputs"]["classes"] == ["Ann", "Bob"] and schema["outputs"]["targets"] == ["name"]
    examples = json.loads(texts["samples.json"])
    answers = answered(made / "trees.zip", *map(json.dumps, examples["rows"]))
    assert len(answers) == 5
    for answer, expected in zip(answers, examples["predictions"], strict=True):
        assert is_close(answer["prediction"], expected)
    assert {"name", "probability of Ann", "probability of Bob"} == examples["predictions"][0].keys()


def test_rows_of_json_are_answered_one_by_one(made):
    rows = [
        (json.dumps(GOOD), None),
        ("", ...),
        (json.dumps([2.5, "oak", "no", "2024-01-03"]), None),
        (json.dumps(GOOD | {"height": None, "kind": "ash"}), None),
        ("{", "not JSON"),
        ('{"height": NaN}', "NaN is not a number of JSON"),
        (json.dumps({"height": 1}), 'no column "kind"'),
        (json.dumps(GOOD | {"height": "tall"}), '"tall" is not a finite number'),
        (json.dumps(GOOD | {"wet": "maybe"}), "not one of the categories"),
        (json.dumps(GOOD | {"height": [1]}), "neither a number nor text"),
        (json.dumps(GOOD | {"height": 10**400}), '"inf" is not a finite number'),
        ("{}", 'no column "day"'),
        ("3", "a row is an object with the columns height, kind, wet, day"),
        (json.dumps(GOOD), None),
    ]
    found = answered(made / "trees.zip", *(row for row, _ in rows), code=2)
    answers = {answer["line"]: answer for answer in found}
    for number, (_, expected) in enumerate(rows, start=1):
        if expected is ...:
            assert number not in answers
        elif expected is None:
            assert "error" not in answers[number], answers[number]
        else:
            assert expected in answers[number]["error"]
    assert not any("none are available" in answer.get("error", "") for answer in found)
    assert answers[1]["prediction"] == answers[3]["prediction"] and "row 0" not in str(found)
    (of_run,) = answered(made / "run", json.dumps(GOOD))
    assert is_close(of_run["prediction"], answers[1]["prediction"])
    file = lines(called("predict", made / "run", made / "kept.csv", "--format", "json"))
    assert len(file) == 60 and file[0]["row"] == 0 and file[0]["prediction"].keys() == answers[1]["prediction"].keys()
    refused = called("predict", made / "run", made / "kept.csv", "--format", "json", "-o", "x.csv", code=2)
    assert "--out" in refused.stderr


def test_networks_on_arrays_take_nested_lists(tmp_path):
    x = np.arange(40 * 6, dtype=np.int64).reshape(40, 3, 2)
    spec = {"layers": ["flatten", "linear"], "loss": "mse", "transforms": {"inputs": ["standardize"]}, "plots": []}
    run = specnet.run(spec | {"training": {"epochs": 1}}, tmp_path / "run", data=(x, x[:, 0] * 0.5), report=False)
    bundle = specnet.load_model(run.bundle(tmp_path / "b.zip"))
    assert bundle.schema["inputs"] == {"shape": [3, 2], "type": "integer", "min": [0, 1], "max": [238, 239]}
    rows = [x[3].tolist(), [[1]], x[5].astype(float).tolist(), [[10**400] * 2] * 3, x[5].tolist(), "a"]
    answers = answered(tmp_path / "b.zip", *map(json.dumps, rows), code=2)
    assert [[*answer["prediction"]] for answer in answers[::2]] == [["y0", "y1"]] * 3
    np.testing.assert_allclose([*answers[0]["prediction"].values()], run.predict(x[3:4])[0], rtol=1e-5)
    assert all("a row is a list of numbers of shape (3, 2)" in answer["error"] for answer in answers[1::2])


def test_a_long_line_is_read_in_linear_time_and_one_wrong_row_costs_few_predictions(made, monkeypatch):
    calls = []
    monkeypatch.setattr(specnet.Run, "predict", lambda run, x: calls.append(len(x)) or np.zeros((len(x), 2)))
    rows = [json.dumps(GOOD | {"id": "x" * 1_000_000}), *[json.dumps(GOOD)] * 30, "{}", *[json.dumps(GOOD)] * 30]
    begun = time.process_time()
    assert [answer["line"] for answer in answered(made / "run", *rows, code=2)] == [*range(1, 63)]
    assert len(calls) < 15 and sum(calls) == 61 and time.process_time() - begun < 5


def test_what_is_damaged_or_of_another_form_is_refused(made, tmp_path):
    content = (made / "trees.zip").read_bytes()
    for number, wrong in enumerate([content[:-1], content[:200] + b"x" + content[201:], b"", content + b"x"]):
        path = tmp_path / f"{number}.zip"
        path.write_bytes(wrong)
        assert "is damaged" in called("predict", path, "-", code=3).stderr
    with open_archive(made / "trees.zip", ("bundle.json", "spec.json", "schema.json", "samples.json")) as archive:
        assert archive.headers["params"].dtype == np.float32
    with pytest.raises(RunError), open_archive(made / "trees.zip"):
        pass
    for name, change in [
        ("schema.json", lambda value: value["inputs"]["columns"][1].pop("name")),
        ("schema.json", lambda value: value["inputs"].update(columns=None)),
        ("samples.json", lambda value: value["rows"].clear()),
        ("bundle.json", lambda value: value.update(checkpoint="../x")),
        ("further.npy", None),
    ]:
        called("predict", rewritten(made / "trees.zip", tmp_path / "other.zip", name, change), "-", code=3)
    checkpoint = next((made / "run" / "checkpoints").iterdir())
    assert "it has no bundle.json" in called("predict", checkpoint, "-", code=3).stderr


def rewritten(path, other, name, change):
    """A bundle with a changed or a further file and the right digest."""
    with ZipFile(path) as archive:
        members = {each: archive.read(each) for each in archive.namelist()}
    if change:
        value = json.loads(members[name])
        change(value)
        members[name] = json.dumps(value).encode()
    else:
        members[name] = members["params.npy"]
    arrays = {
        each.removesuffix(".npy"): np.load(io.BytesIO(content)) if each.endswith(".npy") else content
        for each, content in members.items()
    }
    stage_archive(other, arrays).commit()
    return other


def test_predicting_imports_numpy_and_pydantic_alone(made):
    code = f"""
import sys
before = {{*sys.modules}}
import specnet
model = specnet.load_model({str(made / "trees.zip")!r})
model.predict([[2.5, 0, 0, 1, 0, 19725]])
found = {{name.partition(".")[0] for name in {{*sys.modules}} - before}} - {{*sys.stdlib_module_names}}
print(*sorted(name for name in found if not name.startswith("_")))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    pydantic = {"annotated_types", "pydantic", "pydantic_core", "typing_extensions", "typing_inspection"}
    lookup = {"importlib_metadata", "zipp"}  # finds components; the standard library has it too
    assert done.returncode == 0, done.stderr
    assert {*done.stdout.split()} - pydantic - lookup <= {"numpy", "specnet", "lazy_importer", "cython_runtime"}


def test_commands_print_json(made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spec.json").write_text(json.dumps(SPEC | {"dataset": "spiral", "transforms": {}}))

    def printed(*arguments):
        return json.loads(called(*arguments, "--format", "json").stdout)

    ran = printed("run", "spec.json", "-o", "a", "--no-report")
    results = json.loads((tmp_path / "a" / "results.json").read_text())
    assert (ran["directory"], ran["status"], ran["report"]) == ("a", "finished", None)
    assert ran["results"] == {split: results[split] for split in ("train", "test")}
    assert printed("resume", "a", "--set", "training.epochs=3", "--no-report")["best"]["epoch"] == 3
    called("run", "spec.json", "-q", "-o", "b", "--no-report", "--set", "seed=1")
    compared = printed("compare", "a", "b")
    assert [entry["directory"] for entry in compared["entries"]] == ["a", "b"]
    assert [*compared["entries"][0]["specs"]] == ["seed", "training.epochs"]
    assert (
        compared["entries"][0]["values"]["test/loss"]["mean"]
        == json.loads((tmp_path / "a/results.json").read_text())["test"]["loss"]
    )
    summary = printed("summary", "spec.json")
    assert summary["parameters"] == sum(layer["parameters"] for layer in summary["layers"]) == 22
    assert len(summary["step_seconds"]) == 4 and summary["input_shape"] == [2]
    assert printed("components")["layers"] and printed("components", "losses").keys() == {"losses"}
    fields = printed("components", "layers", "linear")["fields"]
    assert fields[-1].keys() == {"name", "type", "default", "description", "limits"}


def test_a_bundle_is_exported_without_the_data(made, tmp_path):
    result = called("export", made / "trees.zip", "--to", "numpy", "-o", tmp_path / "trees.py")
    assert "for 5 rows" in result.stdout and (tmp_path / "trees.py").is_file()
    refused = called("export", made / "trees.zip", "--to", "notebook", "-o", tmp_path / "trees.ipynb", code=2)
    assert "a bundle has no training data" in refused.stderr
