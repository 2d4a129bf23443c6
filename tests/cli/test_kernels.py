"""The option --kernels, in every command that computes."""

import json
from pathlib import Path

import pytest
from helpers import change

SPEC = {
    "dataset": {"type": "spiral", "n_samples": 40},
    "layers": [{"type": "linear", "units": 3}, "relu", {"type": "linear", "units": 2}],
    "loss": "cross_entropy",
    "training": {"epochs": 2},
    "plots": [],
}


@pytest.fixture
def spec(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spec.json").write_text(json.dumps(SPEC))
    (tmp_path / "x.csv").write_text("x,y\n1,2\n")
    return "spec.json"


@pytest.mark.parametrize("command", ["validate", "summary"])
def test_commands_on_specs_take_a_set(command, spec, invoke):
    assert invoke(command, spec, "--kernels", "textbook").exit_code == 0
    result = invoke(command, spec, "--kernels", "text")
    assert result.exit_code == 2
    assert 'there is no set of kernels "text"' in result.stderr


def test_runs_keep_their_set_and_another_is_refused(spec, invoke):
    assert invoke("run", spec, "-o", "run", "--kernels", "textbook", "--no-report").exit_code == 0
    for command in (["resume", "run", "--set", "training.epochs=3"], ["evaluate", "run"], ["predict", "run", "x.csv"]):
        refused = invoke(*command, "--kernels", "numpy")
        assert refused.exit_code == 2
        assert "use --kernels textbook; or add --allow-other-kernels: last bits may differ" in refused.stderr
        allowed = invoke(*command, "--kernels", "numpy", "--allow-other-kernels")
        assert allowed.exit_code == 0, allowed.stderr
        assert 'the set of kernels "textbook" of specnet' in allowed.stderr or command[0] != "resume"
        if command[0] == "resume":
            back = invoke(*command, "--kernels", "textbook", "--allow-other-kernels", "--set", "training.epochs=4")
            assert back.exit_code == 0, back.stderr


def test_a_set_is_checked(spec, invoke):
    result = invoke("check", "--kernels", "textbook")
    assert (result.exit_code, result.stdout) == (0, "\n0 checks passed\n")
    assert invoke("check", "--kernels", "numpy", "--distribution", "specnet").exit_code == 2


@pytest.fixture
def gone(spec, invoke):
    """A run whose set of kernels is no longer installed."""
    assert invoke("run", spec, "-o", "run", "--no-report").exit_code == 0
    kernels = {"name": "fast", "distribution": "specnet-fast", "version": "1.2", "sha256": "0" * 64}
    change(Path("run/manifest.json"), kernels=kernels)
    return "run"


@pytest.mark.parametrize("command", [["plot", "run", "curves"], ["report", "run"], ["compare", "run", "run"]])
def test_a_run_whose_set_is_gone_is_shown_with_the_default_one(command, gone, invoke):
    result = invoke(*command)
    assert result.exit_code == 0, result.stderr
    assert 'warning: the run was made with the set of kernels "fast" of specnet-fast 1.2' in result.stderr
    assert 'now it is "numpy"' in result.stderr


@pytest.mark.parametrize(
    "command",
    [["evaluate", "run"], ["predict", "run", "x.csv"], ["resume", "run", "--set", "training.epochs=3"],
     ["run", "spec.json", "-o", "run", "--resume", "--set", "training.epochs=3"]],
)  # fmt: skip
def test_where_bits_matter_a_run_whose_set_is_gone_needs_leave(command, gone, invoke):
    refused = invoke(*command)
    assert (refused.exit_code, "pip install specnet-fast==1.2; or add --allow-other" in refused.stderr) == (2, True)
    allowed = invoke(*command, "--allow-other-kernels")
    assert (allowed.exit_code, "last bits may differ" in allowed.stderr) == (0, True)


def test_leave_for_another_set_is_for_runs_that_are_resumed(spec, invoke):
    for option in ("--allow-other-kernels", "--allow-changed-code", "--strict"):
        result = invoke("run", spec, option)
        assert (result.exit_code, f"{option} needs a run to resume" in result.stderr) == (2, True)
