"""A sweep that is killed or stopped anywhere ends in the same table and study as one that nothing has interrupted."""

import json
import os
import random
import signal
import subprocess
import sys
import warnings
from collections import Counter
from contextlib import suppress

import optuna
import psutil
import pytest
from specnet_sweep import SweepObserver, sweep
from specnet_sweep.study import JOURNAL


def killed(file, out, lines, torn):
    """Run a sweep in a process that is killed as it appends a line to the journal; part of it is then written."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python 3.12 warns of threads
        process = os.fork()
    if process == 0:
        backend, left = optuna.storages.journal.JournalFileBackend, [lines]
        append = backend.append_logs

        def dying(self, logs):
            left[0] -= 1
            if left[0] == 0:
                with (out / JOURNAL).open("ab") as journal:
                    journal.write(json.dumps(logs[0]).encode()[:torn])
                os.kill(os.getpid(), signal.SIGKILL)
            append(self, logs)

        backend.append_logs = dying
        try:
            sweep(file, out, workers=1)
        finally:
            os._exit(1)
    assert os.waitpid(process, 0)[1] == signal.SIGKILL


class Stopping(SweepObserver):
    """Stops a sweep when some runs have ended."""

    def __init__(self, runs):
        self.left = runs

    def run_ended(self, outcome):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
def test_a_sweep_that_is_killed_and_stopped_ends_in_the_same_table(swept, write, read, tmp_path):
    file, out = write(tmp_path), tmp_path / "killed"
    for lines, torn in ((4, 0), (20, 25), (24, 1)):
        killed(file, out, lines, torn)
    with pytest.raises(KeyboardInterrupt):
        sweep(file, out, workers=1, observer=Stopping(4))
    sweep(file, out, workers=1)
    assert read(out) == read(swept.directory)


@pytest.mark.long
def test_thirty_kills_of_a_sweep_and_its_workers_end_in_the_same_table(write, read, tmp_path):
    file = write(tmp_path, {"training": {"epochs": 100, "batch_size": 8}, "checkpoint": {"every": 10}})
    whole = sweep(file, tmp_path / "whole", workers=1)
    rng, kills, sweeps, errors = random.Random(21), Counter(), 0, tmp_path / "errors"
    while kills.total() < 30 or not sweeps:
        out = tmp_path / f"killed-{sweeps}"
        with errors.open("w") as stderr:  # not a pipe, which orphaned workers keep open
            command = [sys.executable, "-m", "specnet", "sweep", str(file), "-o", str(out), "-j", "2", "-q"]
            process = subprocess.Popen(command, stderr=stderr)
        while process.poll() is None and kills.total() < 30:
            with suppress(subprocess.TimeoutExpired):
                process.wait(rng.uniform(0.3, 10))
            with suppress(psutil.NoSuchProcess):
                main = psutil.Process(process.pid)
                workers = main.children(recursive=True)
                victim = rng.choice(workers) if workers and rng.random() < 0.6 else main
                victim.kill()
                kills["sweep" if victim == main else "worker"] += 1
        code = process.wait()
        if code == 0:
            assert read(out) == read(whole.directory)
            sweeps += 1
        else:  # a sweep whose workers die again and again gives up
            assert code == -signal.SIGKILL or "workers died 3 times" in errors.read_text(), errors.read_text()
    sys.stderr.write(f"{dict(kills)}, {sweeps} sweeps\n")
