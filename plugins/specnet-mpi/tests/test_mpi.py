"""A network that several processes train together ends in the bytes of one process."""

import json
import os
import random
import subprocess
import sys
import sysconfig
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest

import specnet

LAUNCHED = Path(__file__).with_name("launched.py")
MPIEXEC = Path(sysconfig.get_path("scripts")) / "mpiexec"
NAMES = ("plain", "dropout", "batch_norm", "streamed", "plateau", "again", "diverging", "restored")


def launch(ranks, *arguments, **environment):
    """Start a Python program on this number of ranks."""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", **environment}
    command = [MPIEXEC, "-n", str(ranks), sys.executable, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=300)


def content(run):
    """Return what is the same in two runs: every file but the manifest, without seconds."""
    found = {str(path.relative_to(run)): path.read_bytes() for path in run.rglob("*") if path.is_file()}
    lines = [json.loads(line) | {"seconds": None} for line in found.pop("history.jsonl").splitlines()]
    kept = {name: found[name] for name in found if name.startswith(("checkpoints/", "spec", "results"))}
    return kept | {"history": lines}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(1)
    x = rng.normal(size=(300, 40)).astype(np.float32)
    np.save(folder / "x.npy", x)
    np.save(folder / "t.npy", x[:, :1] * 2 + x[:, 1:2])
    return folder


@pytest.fixture(scope="module")
def alone(data, tmp_path_factory):
    """The runs of one process."""
    folder = tmp_path_factory.mktemp("alone")
    done = launch(1, LAUNCHED, data, folder, *NAMES)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("ranks", [2, 4])
def test_any_number_of_ranks_ends_in_the_same_bytes(ranks, alone, data, tmp_path):
    done = launch(ranks, LAUNCHED, data, tmp_path, *NAMES)
    assert done.returncode == 0, done.stderr
    for name in NAMES:
        assert content(tmp_path / name) == content(alone / name), name
    for rank in range(ranks):  # all of them raise the error of the run
        assert (tmp_path / "diverging" / f"error-{rank}").read_text() == (alone / "diverging" / "error-0").read_text()
    statuses = {name: json.loads((tmp_path / name / "manifest.json").read_text())["status"] for name in NAMES}
    ends = {"diverging": "diverged", "restored": "diverged"}
    assert statuses == {name: ends.get(name, "finished") for name in NAMES}


def test_a_run_whose_rank_is_killed_or_stopped_is_resumed_on_another_number(alone, data, tmp_path):
    killed = launch(2, LAUNCHED, data, tmp_path, "dropout", HIT="1 7 SIGKILL")
    assert killed.returncode != 0
    assert "Killed" in killed.stdout + killed.stderr
    assert (tmp_path / "dropout" / "checkpoints" / "step-00000006.npz").exists()
    stopped = launch(2, LAUNCHED, data, tmp_path, "plain", HIT="1 6 SIGTERM")
    assert stopped.returncode == 143, stopped.stderr
    assert json.loads((tmp_path / "plain" / "manifest.json").read_text())["status"] == "interrupted"
    assert (tmp_path / "plain" / "checkpoints" / "step-00000006.npz").exists()
    resumed = launch(3, LAUNCHED, data, tmp_path, "dropout", "plain")
    assert resumed.returncode == 0, resumed.stderr
    assert content(tmp_path / "dropout") == content(alone / "dropout")
    (last,) = sorted((alone / "plain" / "checkpoints").glob("*"))[-1:]
    assert (tmp_path / "plain" / "checkpoints" / last.name).read_bytes() == last.read_bytes()


def test_only_one_rank_reports_a_mistake(tmp_path):
    (tmp_path / "spec.json").write_text('{"dataset": "waves", "layers": ["linearr"], "loss": "mse"}')
    done = launch(2, "-m", "mpi4py", "-m", "specnet", "run", tmp_path / "spec.json", "--shards", 2)
    assert (done.returncode, done.stderr.count("error[unknown-component]")) == (2, 1)


def test_ranks_without_shards_are_refused_once(data, tmp_path):
    (tmp_path / "spec.json").write_text('{"dataset": "waves", "layers": ["linear"], "loss": "mse"}')
    done = launch(3, "-m", "mpi4py", "-m", "specnet", "run", tmp_path / "spec.json", "-o", tmp_path / "run")
    assert (done.returncode, done.stderr.count("add --shards 3")) == (2, 1)
    assert not (tmp_path / "run").exists()


def test_another_number_of_shards_is_refused(alone, data, monkeypatch):
    monkeypatch.chdir(data)
    with pytest.raises(specnet.SpecnetError, match="was made with 4 shards, not 2"):
        specnet.run(specnet.load_run(alone / "plain").spec, alone / "plain", shards=2, resume=True)


def test_a_rank_that_ends_before_all_are_connected_ends_the_others(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import os, sys\n"
        "if os.environ['PMI_RANK'] == '1':\n"
        "    sys.exit(0)\n"
        "from specnet.runs import sharding\n"
        "sharding.START_LIMIT = 2\n"
        "sharding.open_ranks()\n"
    )
    done = launch(3, script)
    assert done.returncode != 0
    assert "BAD TERMINATION" in done.stdout + done.stderr  # by SIGALRM, or by the SIGTERM that follows


def kill_later(seconds, rank, *arguments):
    """Start a program on two ranks, kill a process of them after a time, and return whether it was still there."""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    command = [MPIEXEC, "-n", "2", sys.executable, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment) as launcher:
        time.sleep(seconds)
        for process in psutil.Process(launcher.pid).children(recursive=True):
            with suppress(psutil.Error):
                if process.environ().get("PMI_RANK") == str(rank):
                    process.kill()
        return launcher.wait(120) != 0


@pytest.mark.long
def test_runs_that_are_killed_again_and_again_end_in_the_same_bytes(alone, data, tmp_path):
    rng, kills = random.Random(22), {"after a step": 0, "at any time": 0}
    number = 0
    while min(kills.values()) < 12:
        number += 1
        folder, name = tmp_path / str(number), rng.choice(["plain", "dropout", "batch_norm", "streamed"])
        hit = f"{rng.randrange(2)} {rng.randrange(1, 12)} SIGKILL"
        kills["after a step"] += launch(2, LAUNCHED, data, folder, name, HIT=hit).returncode != 0
        kills["at any time"] += kill_later(rng.uniform(1, 6), rng.randrange(2), LAUNCHED, data, folder, name)
        done = launch(rng.choice([1, 2, 3, 4]), LAUNCHED, data, folder, name)
        assert done.returncode == 0, done.stderr
        assert content(folder / name) == content(alone / name), (name, number)
