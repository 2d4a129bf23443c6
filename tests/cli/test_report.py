"""`specnet report`, `compare`, and the page at the end of `run`."""

import json
import re
from pathlib import Path

import pytest


@pytest.fixture
def arms(write, invoke):
    """A run of two arms, without a page."""
    invoke("run", write("arms.json", metrics=["accuracy"], split={"validation": 0.2}), "--no-report")
    return Path("runs/arms")


def test_run_ends_with_a_page_unless_told_not_to(write, invoke):
    result = invoke("run", write("arms.json"))
    assert "Replay and results:\n  runs/arms/report.html\n" in result.output
    assert Path("runs/arms/report.html").read_text().startswith("<!DOCTYPE html>")
    assert "report.html" not in invoke("run", write("arms.json"), "--no-report").output
    assert not Path("runs/arms-2/report.html").exists()


def test_report_writes_the_page_of_a_run_and_tells_its_path(arms, invoke):
    assert invoke("report", arms).output == "runs/arms/report.html\n"
    assert "<title>arms – specnet</title>" in (arms / "report.html").read_text()


def test_a_terminal_opens_the_page_at_a_click(arms, invoke, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    shown = invoke("report", arms).output
    assert f"\x1b]8;id=0;{(arms / 'report.html').absolute().as_uri()}" in re.sub(r"id=\d+", "id=0", shown)


def test_resume_writes_the_page_anew(arms, invoke):
    invoke("report", arms)
    invoke("resume", arms, "--set", "training.epochs=5")
    assert "5 of 5" in (arms / "report.html").read_text()
    invoke("resume", arms, "--set", "training.epochs=6", "--no-report")
    assert "5 of 5" in (arms / "report.html").read_text()


def test_a_page_of_before_is_not_announced_as_that_of_now(arms, invoke):
    invoke("report", arms)
    assert "report.html" not in invoke("resume", arms, "--set", "training.epochs=6", "--no-report").output


def test_a_run_that_diverges_has_a_page_as_well(write, invoke):
    optimizer = {"type": "sgd", "learning_rate": 1e30}
    result = invoke("run", write("wild.json", optimizer=optimizer, loss="mse"))
    assert result.exit_code == 4
    assert "note: the page shows how: runs/wild/report.html" in result.stderr
    assert "diverged" in Path("runs/wild/report.html").read_text()


def test_a_mistake_in_the_page_takes_nothing_from_the_run(write, invoke, monkeypatch):
    monkeypatch.setattr("specnet.report.page.page", lambda runs: 1 / 0)
    result = invoke("run", write("arms.json"))
    assert result.exit_code == 0
    assert "report.html cannot be written: ZeroDivisionError" in result.stderr
    assert invoke("evaluate", "runs/arms").exit_code == 0


def test_a_page_is_a_part_of_the_run_for_doctor(arms, invoke):
    invoke("report", arms)
    invoke("plot", arms, "curves", "--format", "svg")
    assert "foreign" not in invoke("doctor", arms).output
    assert invoke("doctor", arms).exit_code == 0


@pytest.mark.parametrize("command", ["report", "compare"])
def test_what_is_no_run_has_no_page(command, arms, invoke):
    Path("empty").mkdir()
    result = invoke(command, "empty", *([arms] if command == "compare" else []))
    assert (result.exit_code, "empty is not a run directory" in result.output) == (3, True)


def test_compare_tells_what_differs_and_marks_the_best(arms, write, invoke):
    changes = {"metrics": ["accuracy"], "split": {"validation": 0.2}}
    invoke("run", write("arms.json", **changes), "--set", "optimizer.learning_rate=0.1", "--no-report")
    shown = invoke("compare", "runs/arms", "runs/arms-2").output
    titles, *rows = (re.split("  +", line) for line in shown.splitlines()[:3])
    column = titles.index("optimizer.learning_rate")
    assert [row[column] for row in rows] == ["0.001", "0.1"]
    assert "layers" not in shown and "The best are marked by *." in shown
    losses = [row[titles.index("train/loss")] for row in rows]
    values = [float(value.removesuffix(" *")) for value in losses]
    assert [value.endswith(" *") for value in losses] == [value == min(values) for value in values]


def test_equal_specs_are_told_to_be_so(arms, write, invoke):
    invoke("run", write("arms.json", metrics=["accuracy"], split={"validation": 0.2}), "--no-report")
    assert invoke("compare", "runs/arms", "runs/arms-2").output.endswith("\nThe specs are the same.\n")


def test_compare_writes_a_page_of_several_runs(arms, invoke):
    assert invoke("compare", arms, arms, "-o", "both.html").output == "both.html\n"
    assert "2 runs compared" in Path("both.html").read_text()


def test_one_run_is_not_compared(arms, invoke):
    result = invoke("compare", arms)
    assert (result.exit_code, "specnet compare runs/arms RUN" in result.output) == (2, True)


def test_plot_writes_to_a_file_in_the_format_of_its_name(arms, invoke):
    assert invoke("plot", arms, "curves", "-o", "curves.svg").output == "curves.svg\n"
    assert Path("curves.svg").read_text().startswith("<?xml")
    assert invoke("plot", arms, "replay", "-o", "replay.GIF").output == "replay.GIF\n"
    assert Path("replay.GIF").read_bytes().startswith(b"GIF89a")
    assert not list((arms / "plots").glob("*"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["curves", "-o", "curves.jpg"], "cannot be written as jpg"),
        (["curves", "-o", "curves"], "cannot be written as"),
        (["curves", "-o", "curves.gif"], "is not animated"),
        (["curves", "schedule", "-o", "curves.png"], "-o takes one plot"),
        (["-o", "curves.png"], "-o takes one plot"),
        (["curves", "-o", "runs/arms/record.npz"], "already exists"),
        (["curves", "-o", "nowhere/curves.png"], "No such file"),
    ],
)
def test_a_plot_that_cannot_be_written_so_is_refused(arguments, message, arms, invoke):
    result = invoke("plot", arms, *arguments)
    assert result.exit_code == 2
    assert message in result.output


def test_plot_draws_other_formats_into_the_run(arms, invoke):
    assert invoke("plot", arms, "curves", "--format", "svg").output == f"{arms}/plots/curves.svg\n"


def test_the_page_of_another_name_is_that_of_its_spec(write, invoke):
    Path("odd.json").write_text(json.dumps(json.loads(Path(write("x.json")).read_text()) | {"name": "a.b-c_d"}))
    invoke("run", "odd.json")
    assert "<h1>a.b-c_d</h1>" in Path("runs/a.b-c_d/report.html").read_text()
