import shutil
import subprocess
import sys

import pytest
from runs import kill

SPECS = ("plateau", "stopping", "restored", "extended")


def test_runs_that_are_killed_at_random_moments_end_in_the_same_bytes():
    command = [sys.executable, kill.__file__, "--kills", "12", "--seed", "3", *(f"--spec={name}" for name in SPECS)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


CHANGES = {
    "history": ("history.jsonl", '"epoch": 3', '"epoch": 4'),
    "status": ("manifest.json", "finished", "failed"),
    "record.npz": ("record.npz", "PK", "PQ"),
    "best.json": ("best.json", '"epoch": ', '"epoch": 9'),
    "latest checkpoint": ("checkpoints/step-00000008.npz", "params", "parans"),
    "a temporary file": (".best.json.abcdefgh.tmp", "", ""),
}


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("change", CHANGES)
def test_a_difference_is_seen(change, exact, train, tmp_path):
    directory = train(training={"epochs": 8, "batch_size": None}, record={"every": 2, "points": 3}).directory
    other = shutil.copytree(directory, tmp_path / "other")
    assert kill.differences(directory, other, exact) == []
    name, before, after = CHANGES[change]
    content = (other / name).read_bytes() if (other / name).exists() else b""
    (other / name).write_bytes(content.replace(before.encode(), after.encode()))
    assert kill.differences(directory, other, exact)
