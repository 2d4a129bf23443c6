"""Signals, as a real process meets them."""

import json
import signal
import subprocess
import sys
import time
from contextlib import chdir

import pytest
from click.testing import CliRunner
from helpers import sampled

import specnet
from specnet.cli import cli
from specnet.runs.storage.files import TEMPORARY

SPEC = {
    "dataset": {"type": "spiral", "n_samples": 200},
    "layers": [{"type": "linear", "units": 8}, "tanh", {"type": "linear", "units": 1}],
    "loss": "bce_with_logits",
    "training": {"epochs": 1_000_000},
    "plots": [],
}


@pytest.fixture
def start(tmp_path):
    """Start a run that takes for ever, and wait until it has begun."""
    processes = []

    def call(**changes):
        (tmp_path / "long.json").write_text(json.dumps(SPEC | changes))
        command = [sys.executable, "-m", "specnet", "run", "long.json", "--out", "run", "--quiet"]
        process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
        processes.append(process)
        history = tmp_path / "run" / "history.jsonl"
        while not (tmp_path / "run" / "manifest.json").exists() or history.stat().st_size == 0:
            assert process.poll() is None
            time.sleep(0.01)
        return process

    yield call
    for process in processes:
        with process:
            process.kill()


@pytest.mark.parametrize(("number", "code"), sampled([(signal.SIGINT, 130), (signal.SIGTERM, 143)], 2))
def test_a_signal_ends_a_run_with_a_checkpoint_and_its_code(number, code, start, tmp_path):
    process = start()
    process.send_signal(number)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == code
    assert stderr == f"stopped by {number.name}\n   = note: its state is saved; to resume: specnet resume run\n"
    run = specnet.load_run(tmp_path / "run", "latest")
    assert run.status == "interrupted"
    assert len(run.history["epoch"]) == run.progress["epoch"] > 0


def test_a_second_interrupt_ends_a_run_at_once_and_the_directory_is_valid(start, tmp_path):
    # A step of this run takes a while, so that the second signal finds it still at work.
    layers = [{"type": "linear", "units": 800}, "tanh"] * 3 + [{"type": "linear", "units": 1}]
    process = start(layers=layers, training={"epochs": 1000, "batch_size": 10})
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 130
    assert stderr.startswith("stopped by SIGINT\n")
    assert "Traceback" not in stderr
    run = specnet.load_run(tmp_path / "run", "latest")
    assert run.warnings == []
    assert specnet.resume(tmp_path / "run", [f"training.epochs={run.progress['epoch'] + 1}"]).status == "finished"
    assert not [path for path in (tmp_path / "run").rglob("*") if TEMPORARY.fullmatch(path.name)]


def test_a_run_in_progress_refuses_a_second_process_and_goes_on(start, tmp_path):
    process = start()
    for command in (["resume", "run"], ["run", "long.json", "--out", "run", "--resume"]):
        with chdir(tmp_path):
            second = CliRunner().invoke(cli, command)
        assert (second.exit_code, second.stdout) == (2, "")
        assert f"another process writes to run: process {process.pid} on " in second.stderr
    length = len((tmp_path / "run" / "history.jsonl").read_bytes())
    while len((tmp_path / "run" / "history.jsonl").read_bytes()) == length:
        time.sleep(0.01)
    assert process.poll() is None


def test_the_lock_of_a_run_that_was_killed_does_not_block(start, tmp_path):
    process = start()
    process.kill()
    process.communicate()
    epoch = specnet.load_run(tmp_path / "run", "latest").progress["epoch"]
    assert specnet.resume(tmp_path / "run", [f"training.epochs={epoch + 5}"]).status == "finished"


INTERRUPTED_WHILE_IMPORTED = """
import sys

class Interrupting:
    def find_spec(self, name, *_):
        if name == "specnet.cli":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupting())
from specnet.__main__ import run_command_line
run_command_line()
"""


def test_ctrl_c_while_the_command_is_imported_ends_it_without_a_traceback():
    done = subprocess.run([sys.executable, "-c", INTERRUPTED_WHILE_IMPORTED], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")
