"""The option --kernels, in every command that computes."""

import json

import pytest

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
        assert "or add --allow-other-kernels: last bits may differ" in refused.stderr
        allowed = invoke(*command, "--kernels", "numpy", "--allow-other-kernels")
        assert allowed.exit_code == 0, allowed.stderr
        assert 'the set of kernels "textbook" of specnet' in allowed.stderr or command[0] != "resume"
        if command[0] == "resume":
            back = invoke(*command, "--kernels", "textbook", "--allow-other-kernels", "--set", "training.epochs=4")
            assert back.exit_code == 0, back.stderr


def test_a_set_is_checked(spec, invoke):
    result = invoke("check", "--kernels", "textbook")
    assert (result.exit_code, result.stdout) == (0, "\nall is well: 0 checks\n")
    assert invoke("check", "--kernels", "numpy", "--distribution", "specnet").exit_code == 2
