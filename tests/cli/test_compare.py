"""`specnet compare`: runs and groups in a table, chosen and sorted, and as CSV, Markdown and JSON."""

import csv
import json
import shutil
from pathlib import Path

import pytest

import specnet

SPEC = {
    "dataset": {"type": "moons", "n_samples": 40},
    "split": {"validation": 0.2, "test": 0.2, "seed": 1},
    "layers": [{"type": "linear", "units": 4}, "tanh", {"type": "linear", "units": 1}],
    "loss": "bce_with_logits",
    "metrics": ["accuracy"],
    "training": {"epochs": 2},
    "record": None,
    "plots": [],
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two groups of three runs, with other layers and the same seeds, and a run on other samples."""
    folder = tmp_path_factory.mktemp("made")

    def train(path, **changes):
        specnet.run(specnet.load_spec(SPEC | {"name": path.split("/")[0]} | changes), folder / path, report=False)

    for seed in range(3):
        train(f"tanh/{seed}", seed=seed)
        train(
            f"deep/{seed}",
            seed=seed,
            layers=[*SPEC["layers"][:2], {"type": "linear", "units": 4}, "tanh", SPEC["layers"][2]],
        )
    train("other", split={"validation": 0.2, "test": 0.2, "seed": 2})
    (folder / "tanh/summary.json").write_text("{}")
    return folder


@pytest.fixture
def compare(made, invoke):
    shutil.copytree(made, ".", dirs_exist_ok=True)

    def call(*arguments, code=0):
        result = invoke("compare", *arguments)
        assert result.exit_code == code, result.output
        return result

    return call


def test_groups_are_rows_with_their_statistics_and_what_can_be_concluded(compare):
    lines = compare("tanh", "deep").stdout.splitlines()
    assert [line.split("  ")[0] for line in lines[:3]] == ["run", "tanh", "deep"]
    assert lines[0].split()[:4] == ["run", "layers.0", "layers.1", "test/accuracy"] and " ± " in lines[1]
    assert any("cannot be told apart: test/accuracy differs by" in line for line in lines)
    assert any("± is the standard deviation over the runs of a group" in line for line in lines)
    found = json.loads(compare("tanh", "deep", "--format", "json").stdout)
    (pair,) = found["pairs"]
    assert (found["value"], pair["paired"], pair["size"]) == ("test/accuracy", True, 3)
    assert {pair["first"], pair["second"]} == {"tanh", "deep"}
    values = found["entries"][0]["values"]["test/loss"]
    numbers = [json.loads(Path(f"tanh/{seed}/results.json").read_text())["test"]["loss"] for seed in range(3)]
    assert (values["numbers"], values["mean"]) == (numbers, pytest.approx(sum(numbers) / 3))


def test_a_single_group_is_compared_run_by_run(compare):
    found = json.loads(compare("tanh", "--format", "json").stdout)
    assert [entry["name"] for entry in found["entries"]] == ["0", "1", "2"]
    assert [entry["specs"] for entry in found["entries"]] == [{"seed": str(seed)} for seed in range(3)]
    assert found["entries"][0]["values"]["test/loss"]["interval"] is not None


def test_a_directory_of_groups_stands_for_all_of_them(compare):
    for number, group in enumerate(("tanh", "deep")):
        shutil.copytree(group, f"sweep/{number}")
    assert [line.split()[0] for line in compare("sweep").output.splitlines()[:3]] == ["run", "0", "1"]
    for path in Path("sweep/0").glob("*/results.json"):  # as in a trial that diverged
        path.unlink()
    result = compare("sweep", "other")
    assert [line.split()[0] for line in result.stdout.splitlines()[:3]] == ["run", "1", "other"]
    assert "left out sweep/0: 0: it has no results yet, 1: it has no results yet, 2: it has" in result.stderr


def test_runs_on_different_samples_have_no_winner(compare):
    result = compare("tanh/0", "other")
    assert "*" not in result.stdout
    assert "note: the runs were trained or measured on different samples" in result.stderr
    assert "no result is marked as the best" in result.stderr
    assert "*" in compare("tanh/0", "deep/0").stdout


def test_rows_are_chosen_and_sorted(compare):
    paths = [f"{name}/{seed}" for name in ("tanh", "deep") for seed in range(3)]

    def listed(*options):
        found = json.loads(compare(*paths, "--format", "json", *options).stdout)
        return [entry["directory"] for entry in found["entries"]]

    assert listed("--where", "layers.3=tanh", "--where", "seed>0") == ["deep/1", "deep/2"]
    found = json.loads(compare(*paths, "--format", "json", "--sort", "-test/loss").stdout)["entries"]
    losses = [entry["values"]["test/loss"]["mean"] for entry in found]
    assert losses == sorted(losses, reverse=True)
    assert listed("--sort", "-seed")[:2] == ["tanh/2", "deep/2"]


def test_a_group_meets_a_condition_if_all_of_its_runs_do(compare):
    found = json.loads(compare("tanh", "deep", "other", "--format", "json", "--where", "seed<3").stdout)
    assert [entry["name"] for entry in found["entries"]] == ["tanh", "deep", "other"]
    found = json.loads(compare("tanh", "deep", "other", "--format", "json", "--where", "seed<1").stdout)
    assert [entry["name"] for entry in found["entries"]] == ["other"]
    for option, message in [
        (["--where", "seed>1"], "if all of its runs do"),
        (["--where", "seed<abc"], "seed is a number, such as 0, but abc is text"),
        (["--sort", "seed"], "the runs of each group have different values of seed"),
    ]:
        assert message in compare("tanh", "deep", *option, code=2).stderr


def test_csv_has_numbers_of_their_own_and_markdown_is_for_notes(compare):
    rows = [*csv.DictReader(compare("tanh", "deep", "--format", "csv").stdout.splitlines())]
    assert [row["run"] for row in rows] == ["tanh", "deep"]
    low, mean, high = (float(rows[0][f"test/loss{which}"]) for which in (" low", "", " high"))
    assert low <= mean <= high and float(rows[0]["test/loss sd"]) > 0
    lines = compare("tanh/0", "deep/0", "--format", "markdown").stdout.splitlines()
    assert lines[1].startswith("| --- |") and lines[3].startswith("| deep |")


def test_what_cannot_be_compared_is_said(compare):
    Path("empty").mkdir()
    for arguments, code, message in [
        (["tanh/0"], 2, "specnet compare tanh/0 RUN"),
        (["tanh/0", "empty"], 3, "empty is not a run directory"),
        (["tanh/0", "nothing"], 3, "there is no directory nothing"),
        (["tanh/0", "deep/0", "--where", "lr>1"], 2, 'did you mean "optimizer.learning_rate"?'),
        (["tanh/0", "deep/0", "--where", "seed=9"], 2, "no run meets seed=9"),
        (["tanh/0", "deep/0", "--sort", "accuracy"], 2, '--sort accuracy: there is no value "accuracy"'),
    ]:
        result = compare(*arguments, code=code)
        assert message in result.stderr


def test_a_run_of_a_group_that_cannot_be_read_is_left_out(compare):
    for path in Path("tanh/1/checkpoints").iterdir():
        path.write_bytes(b"")
    result = compare("tanh", "deep", "--format", "json")
    assert "warning: left out 1 of tanh: no checkpoint is intact" in result.stderr
    assert len(json.loads(result.stdout)["entries"][0]["values"]["test/loss"]["numbers"]) == 2
    (pair,) = json.loads(result.stdout)["pairs"]
    assert pair["size"] == 2


def test_a_group_whose_runs_all_diverged_is_left_out_and_named(compare):
    for seed in range(3):
        Path(f"tanh/{seed}/results.json").unlink()
        manifest = Path(f"tanh/{seed}/manifest.json")
        manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"status": "diverged"}))
    result = compare("tanh", "deep", "other", "-o", "page.html")
    assert "warning: left out tanh: all of its runs diverged" in result.stderr
    assert "Left out tanh: all of its runs diverged." in Path("page.html").read_text()
    assert [line.split()[0] for line in compare("tanh", "deep").stdout.splitlines()[:2]] == ["run", "deep"]
    found = json.loads(compare("tanh", "deep", "--format", "json").stdout)
    assert found["notes"] == ["left out tanh: all of its runs diverged"]
    result = compare("tanh", code=2)
    assert "left out tanh: all of its runs diverged" in result.stderr and "specnet runs tanh shows" in result.stderr


def test_results_are_believed_without_loading_the_data(compare, monkeypatch):
    monkeypatch.setattr("specnet.runs.measured.load_data", lambda *arguments: 1 / 0)
    assert "test/accuracy" in compare("tanh", "deep").stdout


def test_of_many_differences_the_first_are_shown_and_the_rest_is_counted(compare):
    for name in ("wide", "other_wide"):
        titles = [f"{name}{number}" for number in range(310)]
        rows = [",".join(str((row + n) % 7) for n in range(311)) for row in range(20)]
        Path(f"{name}.csv").write_text("\n".join([",".join([*titles, "y"]), *rows]))
        dataset = {"type": "csv", "path": f"{name}.csv", "inputs": titles, "targets": ["y"]}
        spec = {"layers": [{"type": "linear", "units": 1}], "loss": "mse", "metrics": [], "dataset": dataset}
        specnet.run(specnet.load_spec(SPEC | spec | {"name": name}), name, report=False)
    compare("wide", "other_wide", "-o", "page.html")
    lines = compare("wide", "other_wide").stdout.splitlines()
    assert sum(line.count("dataset.inputs.") for line in lines if line.startswith("run ")) == 30
    expected = "And 281 more places: dataset.inputs.30.name, dataset.inputs.31.name"
    (said,) = [line for line in lines if line.startswith(expected)]
    assert said.endswith("… and 276 more. --format json has all.")
    assert expected in Path("page.html").read_text()
    found = json.loads(compare("wide", "other_wide", "--format", "json").stdout)
    assert len(found["entries"][0]["specs"]) == 311
