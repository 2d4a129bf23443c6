"""Runs whose batches are divided into shards, and processes that a launcher has started together."""

import json
import signal

import numpy as np
import pytest

from specnet import registry

SPEC = {
    "dataset": {"type": "waves", "n_samples": 40},
    "layers": [{"type": "linear", "units": 4}, "batch_norm", "dropout", "linear"],
    "loss": "mse",
    "training": {"epochs": 2, "batch_size": 8},
    "plots": [],
    "record": None,
}


@pytest.fixture
def spec(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spec.json").write_text(json.dumps(SPEC))
    return tmp_path / "spec.json"


def launched(monkeypatch, rank, count, name="PMI"):
    """Let the process look like one that mpiexec has started, without the plugin."""
    monkeypatch.setenv(f"{name}_RANK", str(rank))
    monkeypatch.setenv(f"{name}_SIZE", str(count))
    claims = registry.claims
    monkeypatch.setattr(registry, "claims", lambda group: {} if group == "ranks" else claims(group))


@pytest.mark.parametrize("launcher", ["PMI", "OMPI_COMM_WORLD"])
@pytest.mark.parametrize("command", [["run", "spec.json"], ["run", "spec.json", "--shards", "4"], ["resume", "run"]])
def test_several_processes_without_the_plugin_are_told_once_what_to_install(
    launcher, command, spec, invoke, monkeypatch
):
    launched(monkeypatch, 0, 3, launcher)
    result = invoke(*command)
    assert result.exit_code == 2
    assert "3 processes were started together, which would all train the same network" in result.stderr
    assert "specnet-mpi; then: mpiexec -n 3 python -m mpi4py -m specnet run SPEC --shards 3" in result.stderr
    launched(monkeypatch, 1, 3, launcher)
    result = invoke(*command)
    assert (result.exit_code, result.output) == (2, "")
    assert not (spec.parent / "runs").exists()


@pytest.mark.parametrize("command", ["repeat spec.json --seeds 2", "cross-validate spec.json", "validate spec.json"])
def test_commands_that_processes_cannot_share_are_refused_once(command, spec, invoke, monkeypatch):
    launched(monkeypatch, 0, 2)
    result = invoke(*command.split())
    assert (result.exit_code, "2 processes were started together, which would all do the same" in result.stderr) == (
        2,
        True,
    )
    launched(monkeypatch, 1, 2)
    result = invoke(*command.split())
    assert (result.exit_code, result.output) == (2, "")
    assert [path.name for path in spec.parent.iterdir()] == ["spec.json"]


def test_a_signal_or_time_ends_a_process_that_waits_for_others_to_start(monkeypatch):
    from specnet.runs import sharding, signals

    found = []

    def connect():
        found.extend(map(signal.getsignal, (signal.SIGTERM, signal.SIGALRM)))
        assert 0 < signal.alarm(sharding.START_LIMIT) <= sharding.START_LIMIT

    monkeypatch.setattr(sharding, "find_class", lambda *_: connect)
    with signals.Signals():
        handler = signal.getsignal(signal.SIGTERM)
        sharding._connect.__wrapped__()
        assert signal.getsignal(signal.SIGTERM) is handler
    assert found == [signal.SIG_DFL] * 2
    assert handler != signal.SIG_DFL
    assert signal.alarm(0) == 0


def test_one_process_that_a_launcher_has_started_trains_as_always(spec, invoke, monkeypatch):
    launched(monkeypatch, 0, 1)
    assert invoke("run", "spec.json", "-q", "--no-report").exit_code == 0


def test_a_run_keeps_its_shards(spec, invoke):
    assert invoke("run", "spec.json", "--shards", "3", "-o", "run", "-q", "--no-report").exit_code == 0
    assert json.loads((spec.parent / "run" / "manifest.json").read_text())["shards"] == 3
    refused = invoke("run", "spec.json", "--shards", "2", "-o", "run", "--resume")
    assert (refused.exit_code, "the run was made with 3 shards, not 2" in refused.stderr) == (2, True)
    longer = ["--set", "training.epochs=3", "-q", "--no-report"]
    assert invoke("resume", "run", *longer).exit_code == 0
    assert invoke("run", "spec.json", "--shards", "3", "-o", "whole", *longer).exit_code == 0
    assert invoke("run", "spec.json", "-o", "other", *longer).exit_code == 0
    last = [spec.parent / name / "checkpoints" / "step-00000015.npz" for name in ("run", "whole", "other")]
    assert last[0].read_bytes() == last[1].read_bytes()
    with np.load(last[1]) as whole, np.load(last[2]) as other:
        assert whole["params"].tobytes() != other["params"].tobytes()
    assert invoke("reproduce", "run").exit_code == 0


def test_the_shards_of_a_lost_manifest_are_those_of_its_checkpoints(spec, invoke):
    invoke("run", "spec.json", "--shards", "3", "-o", "run", "-q", "--no-report")
    (spec.parent / "run" / "manifest.json").unlink()
    assert invoke("doctor", "run", "--repair").exit_code == 0
    assert json.loads((spec.parent / "run" / "manifest.json").read_text())["shards"] == 3


def test_more_shards_than_samples_of_a_step_are_refused(spec, invoke):
    result = invoke("run", "spec.json", "--shards", "9")
    assert (result.exit_code, "9 shards, but a step has only 8 samples" in result.stderr) == (2, True)
    assert invoke("run", "spec.json", "--shards", "0").exit_code == 2
