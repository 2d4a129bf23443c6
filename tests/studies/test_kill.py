import json
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from studies import kill

import specnet
from specnet.local import load_file

KILLER = """
import os, pathlib, signal, specnet

@specnet.register("callbacks", "killer")
class Killer(specnet.Callback):
    def epoch(self, training, values):
        blows = pathlib.Path("blows")
        if training.epoch != 3 or not blows.exists():
            return
        with blows.open("a") as file:
            file.write("x")
        if blows.stat().st_size == 2:
            os.kill(os.getppid(), signal.SIGKILL)
        if blows.stat().st_size <= 2:
            os.kill(os.getpid(), signal.SIGKILL)
"""
"""Kills the worker that comes to epoch 3 first, and then the next one with the command that has started it."""


def test_a_group_whose_worker_and_command_are_killed_ends_as_if_they_had_not_been(tmp_path, monkeypatch, local):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "killer.py").write_text(KILLER)
    training = {"epochs": 5, "batch_size": 20, "callbacks": ["killer"]}
    spec = kill.SPEC | {"name": "spec", "training": training, "checkpoint": {"every": 2}, "record": None}
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    (tmp_path / "blows").touch()
    options = ["--plugin", "killer.py", "--seeds", "2", "-j", "2", "-o", "group", "-q"]
    command = [sys.executable, "-m", "specnet", "repeat", "spec.json", *options]
    struck = subprocess.Popen(command, start_new_session=True)
    assert struck.wait() == -signal.SIGKILL
    kill.sweep([struck.pid])
    assert [run.status for run in specnet.load_group("group").summary.runs] == ["waiting"] * 2  # as it began
    load_file(tmp_path / "killer.py")
    whole, group = (specnet.repeat("spec.json", 2, name, workers=1) for name in ("whole", "group"))
    kill.compare(whole.directory, group.directory)
    assert sum(len(run.manifest["resumed"]) for run in group.runs) >= 2


EARLY = """
import contextlib, os, pathlib, signal, specnet

@specnet.register("callbacks", "early")
class Early(specnet.Callback):
    def begin(self, training):
        with pathlib.Path("FOLDER/blows").open("a") as file:
            file.write("x")
        with contextlib.suppress(FileExistsError):
            pathlib.Path("FOLDER/first").touch(exist_ok=False)
            os.kill(os.getpid(), signal.SIGKILL)
"""
"""Kills the worker that comes first, before its run has a manifest; workers may have another working directory."""


def test_a_run_of_a_plugin_that_is_killed_before_its_manifest_is_begun_anew(tmp_path, monkeypatch, local):
    monkeypatch.chdir(tmp_path)
    early = EARLY.replace("FOLDER", str(tmp_path))
    (tmp_path / "early.py").write_text(early)
    load_file(tmp_path / "early.py")
    spec = kill.SPEC | {"training": {"epochs": 2, "callbacks": ["early"]}, "record": None}
    group = specnet.repeat(spec, 2, "group", workers=2)
    assert [run.status for run in group.summary.runs] == ["finished"] * 2
    assert len(Path("blows").read_text()) >= 3
    assert [(run.directory / "plugins/early.py").read_text() for run in group.runs] == [early] * 2


@pytest.mark.long
def test_groups_whose_command_and_workers_are_killed_at_random_end_in_the_same_bytes(tmp_path):
    assert sum(kill.survives(tmp_path, 12, 4, random.Random(3), 6.0).values()) >= 6
