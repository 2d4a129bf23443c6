"""Every branch of what writes and reads checkpoints and run directories is taken in its tests."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
COVERED = (
    "storage/archive", "storage/checkpoints", "storage/directory", "storage/files", "storage/history", "storage/state",
    "signals",
)  # fmt: skip
TESTS = (
    "runs/storage/test_archive",
    "runs/storage/test_checkpoints",
    "runs/test_confinement",
    "runs/storage/test_directory",
    "runs/verification/test_doctor",
    "runs/storage/test_files",
    "runs/storage/test_history",
    "runs/test_notebook",
    "runs/test_pretrained",
    "runs/test_signals",
    "runs/test_start",
    "runs/test_trust",
    "cli/test_running",
    "cli/test_stopping",
    "test_platforms",
)


@pytest.mark.long
def test_every_branch_of_the_checkpoint_and_run_directory_modules_is_covered(tmp_path):
    environment = os.environ | {"COVERAGE_FILE": str(tmp_path / "coverage")}

    def coverage(*arguments):
        command, root = [sys.executable, "-m", "coverage", *arguments], HERE.parents[1]
        return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)

    include = ",".join(f"specnet/runs/{name}.py" for name in COVERED)
    tests = [str(HERE.parent / f"{name}.py") for name in TESTS]
    plugins = ["-p", "no:xdist", "-p", "no:cacheprovider"]
    ran = coverage("run", "--branch", f"--include={include}", "-m", "pytest", "-q", "-m", "", *plugins, *tests)
    assert ran.returncode == 0, ran.stdout
    report = coverage("report", "--show-missing", "--fail-under=100")
    assert report.returncode == 0, report.stdout
    assert report.stdout.count("specnet/runs/") == len(COVERED)
