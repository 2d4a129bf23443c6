"""What only some systems have is not needed: modules, flags and signals of POSIX are hidden, as on Windows."""

import subprocess
import sys

import pytest

HIDING = """
import os, runpy, shutil, signal, subprocess, sys, tempfile, types
import psutil

for name in ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog"):
    sys.modules[name] = None
for name in (
    "O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_DIRECTORY", "sched_getaffinity", "sysconf", "preadv", "pread", "pwrite",
    "getuid", "geteuid", "fchmod", "fork", "killpg", "getpgid", "mkfifo",
):
    delattr(os, name)
for name in ("SIGHUP", "SIGQUIT", "SIGKILL"):
    delattr(signal, name)
for name in ("RLIMIT_AS", "RLIM_INFINITY"):
    delattr(psutil, name)
del psutil.Process.rlimit
sys.modules["msvcrt"] = types.SimpleNamespace(LK_NBLCK=2, locking=lambda handle, mode, size: None)
sys.argv = ["specnet", *sys.argv[1:]]
runpy.run_module("specnet", run_name="__main__")
"""
SPEC = (
    '{"dataset": "spiral", "layers": [{"type": "linear", "units": 4}, "tanh", "linear"], "loss": "bce_with_logits",'
    ' "metrics": ["accuracy"], "training": {"epochs": 2}}'
)


@pytest.fixture
def specnet(tmp_path):
    """Run a command in a process where all that is hidden; it has to succeed."""

    def call(*arguments):
        done = subprocess.run(
            [sys.executable, "-c", HIDING, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    (tmp_path / "spec.json").write_text(SPEC)
    return call


def test_a_run_needs_nothing_that_only_posix_has(specnet, tmp_path):
    specnet("validate", "spec.json")
    assert "linear" in specnet("summary", "spec.json")
    specnet("new", "spec", "fresh.json")
    specnet("run", "spec.json", "-o", "made")
    assert "epoch 3" in specnet("resume", "made", "--set", "training.epochs=3")
    assert "accuracy" in specnet("evaluate", "made")
    specnet("doctor", "made")
    assert (tmp_path / "made" / "report.html").exists()
