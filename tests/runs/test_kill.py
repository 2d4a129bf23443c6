import shutil
import subprocess
import sys

import pytest
from runs import kill, victims
from runs.victims import DIAGONAL, MATRIX, METRICS, STATEFUL

import specnet

SPECS = ("plateau", "restored")


def killed(*arguments):
    """Return how many blows of each kind fell, after every run has ended as if none had."""
    command = [sys.executable, kill.__file__, *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    _, *told, _ = result.stdout.splitlines()
    return {what: int(count) for count, what in (line.split(maxsplit=1) for line in told)}


def test_runs_that_are_killed_at_random_moments_end_in_the_same_bytes():
    assert killed("--kills", 2, "--blows", 2, "--seed", 3, *(f"--spec={name}" for name in SPECS))["SIGKILL"] >= 2


def test_so_do_runs_of_each_kind_of_state_killed_while_a_split_is_measured_and_between_record_and_checkpoint():
    cells = [f"--spec={name}" for name in DIAGONAL[:2]]
    fallen = killed("--kills", 3, "--blows", 2, "--seed", 5, *cells, "--phase=measure", "--phase=gap")
    assert {"SIGKILL measure", "SIGKILL gap"} <= fallen.keys()


def test_a_few_cells_of_the_matrix_have_each_kind_of_state():
    assert {part for cell in DIAGONAL for part in cell.split("-")} >= {*METRICS, *STATEFUL}
    assert {cell.split("-")[0] for cell in DIAGONAL} == {cell.split("-")[0] for cell in MATRIX}


CHANGES = {
    "history": ("history.jsonl", '"epoch": 3', '"epoch": 4'),
    "status": ("manifest.json", "finished", "failed"),
    "record.npz": ("record.npz", "PK", "PQ"),
    "latest checkpoint": ("checkpoints/step-00000008.npz", "PK\1\2", "PK\1\3"),
    "a temporary file": (".spec.json.abcdefgh.tmp", "", ""),
}


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    spec = victims.SPIRAL | {"training": {"epochs": 8, "batch_size": None}, "record": {"every": 2, "points": 3}}
    return specnet.run(spec, tmp_path_factory.mktemp("whole") / "run", report=False).directory


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("change", CHANGES)
def test_a_difference_is_seen(change, exact, directory, tmp_path):
    other = shutil.copytree(directory, tmp_path / "other")
    assert kill.differences(directory, other, exact) == []
    name, before, after = CHANGES[change]
    content = (other / name).read_bytes() if (other / name).exists() else b""
    (other / name).write_bytes(content.replace(before.encode(), after.encode()))
    assert kill.differences(directory, other, exact)
