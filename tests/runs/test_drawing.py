"""A second process draws the pictures of `specnet run`; none of this shows, whatever happens to either."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from specnet.runs.drawing import LARGEST, can_draw_beside
from specnet.runs.provenance.threads import usable_cores

pytestmark = pytest.mark.skipif(sys.platform != "linux" or usable_cores() < 2, reason="needs Linux and two cores")

SPEC = {
    "dataset": {"type": "csv", "path": "data.csv", "inputs": ["a", "\U00013000"], "targets": ["c"]},
    "split": {"validation": 0.2},
    "layers": [{"type": "linear", "units": 8}, "tanh", {"type": "linear", "units": 1}],
    "loss": "bce_with_logits",
    "training": {"epochs": 50},
    "plots": ["curves", "decision_boundary", "confusion_matrix"],
}  # fmt: skip
PICTURES = [f"{name}.png" for name in sorted(SPEC["plots"])]
TOO_LONG = {"training": {"epochs": 10_000_000}}


@pytest.fixture
def start(tmp_path):
    """Start a run in a session of its own, and return it with its second process, if it gets one."""
    processes = []

    def call(*options, out="run", alone=False, expected=True, **changes):
        rows = [f"{a},{b},{'yes' if a > b else 'no'}" for a, b in ((37 * x % 401 / 100, x / 100) for x in range(400))]
        (tmp_path / "data.csv").write_text("\n".join(["a,\U00013000,c", *rows]))
        (tmp_path / "spec.json").write_text(json.dumps(SPEC | changes))
        command = [sys.executable, "-m", "specnet", "run", "spec.json", "--out", out, *options]
        process = subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        processes.append(process)
        if alone:
            psutil.Process(process.pid).cpu_affinity([0])
        wait_for(tmp_path / out / "history.jsonl")  # the second process begins before
        found = psutil.Process(process.pid).children()
        assert bool(found) == expected
        return process, next(iter(found), None)

    yield call
    for process in processes:
        with process:
            process.kill()


def wait_for(path):
    deadline = time.monotonic() + 120
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def wait_until_gone(process):
    """Wait until a process has ended, though nobody may have asked for its status."""
    with suppress(psutil.NoSuchProcess):
        while process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.002)


def pictures(folder):
    return {path.name: path.read_bytes() for path in (folder / "plots").iterdir()}


def specnet(folder, *command):
    done = subprocess.run(
        [sys.executable, "-m", "specnet", *command], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_pictures_and_warnings_are_those_that_one_process_makes(start, tmp_path):
    beside, second = start()
    _, warned = beside.communicate()
    alone, _ = start(out="alone", alone=True, expected=False)
    assert alone.communicate()[1] == warned
    assert warned.startswith("warning: no installed font has \U00013000")
    assert pictures(tmp_path / "run") == pictures(tmp_path / "alone")
    assert sorted(pictures(tmp_path / "run")) == PICTURES
    assert beside.returncode == alone.returncode == 0
    assert not psutil.pid_exists(second.pid)


def test_a_second_process_that_is_killed_is_not_missed(start, tmp_path):
    process, second = start()
    second.kill()
    _, warned = process.communicate()
    assert process.returncode == 0
    assert warned.count("\n") == 1
    assert sorted(pictures(tmp_path / "run")) == PICTURES


def test_a_run_that_is_killed_while_it_trains_takes_the_second_process_along_and_leaves_no_lock(start, tmp_path):
    process, second = start(**TOO_LONG)
    wait_for(tmp_path / "run" / "manifest.json")
    process.kill()
    process.wait()
    wait_until_gone(second)
    epoch = len((tmp_path / "run" / "history.jsonl").read_text().splitlines())
    specnet(tmp_path, "resume", "run", "--set", f"training.epochs={epoch + 1}", "--no-report")


def test_so_does_one_that_is_killed_while_it_waits_for_pictures(start, tmp_path):
    process, second = start()
    second.suspend()
    wait_for(tmp_path / "run" / "results.json")
    process.kill()
    process.wait()
    specnet(tmp_path, "resume", "run", "--no-report")  # the lock is free before the second process has ended
    drawn = pictures(tmp_path / "run")
    second.resume()
    wait_until_gone(second)
    assert pictures(tmp_path / "run") == drawn
    assert sorted(drawn) == PICTURES


@pytest.mark.parametrize(
    ("drawing", "number", "code"),
    [(False, signal.SIGINT, 130), (True, signal.SIGINT, 130), (True, signal.SIGTERM, 143)],
)
def test_a_signal_to_both_ends_both_with_the_message_of_one(drawing, number, code, start, tmp_path):
    process, second = start(**({} if drawing else TOO_LONG))
    if drawing:
        second.suspend()
    wait_for(tmp_path / "run" / ("results.json" if drawing else "manifest.json"))
    os.killpg(process.pid, number)
    _, told = process.communicate()
    saved = "its state is saved; to resume: specnet resume run"
    complete = "training is complete; to draw what is missing: specnet plot run, specnet report run"
    assert told == f"stopped by {number.name}\n   = note: {complete if drawing else saved}\n"
    assert process.returncode == code
    assert not psutil.pid_exists(second.pid)
    assert not (tmp_path / "run" / "plots").exists()


def test_plots_of_plugins_are_drawn_where_the_run_trains(start, tmp_path):
    (tmp_path / "mine.py").write_text(
        "import specnet\n\n\n@specnet.register('plots', 'mine')\nclass Mine(specnet.Plot):\n"
        "    def draw(self, run):\n        raise KeyError('oh')\n"
    )
    changes = {"plots": ["curves", "mine"], "training": {"epochs": 1}}
    process, _ = start("--plugin", "mine.py", expected=False, **changes)
    _, warned = process.communicate()
    assert "plots.1 was not drawn: the plot \"mine\" of mine.py fails in draw: KeyError: 'oh'" in warned
    assert [*pictures(tmp_path / "run")] == ["curves.png"]


def test_a_second_process_needs_a_core_and_a_small_network(monkeypatch):
    monkeypatch.delitem(sys.modules, "matplotlib", raising=False)
    manifest = {
        "components": {"layers.linear": "specnet 1"},
        "kernels": {"distribution": "specnet"},
        "machine": {"blas_threads": 1},
        "resumed": [],
    }
    assert can_draw_beside(manifest, 0)
    assert not can_draw_beside(manifest, LARGEST + 1)
    assert not can_draw_beside(manifest | {"machine": {"blas_threads": usable_cores()}}, 0)
    assert not can_draw_beside(manifest | {"components": {"layers.swish": "specnet-swish 1"}}, 0)
    assert not can_draw_beside(manifest | {"kernels": {"distribution": "specnet-numba"}}, 0)
    monkeypatch.setitem(sys.modules, "matplotlib", Path)
    assert not can_draw_beside(manifest, 0)
