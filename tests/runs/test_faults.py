import json
import subprocess
import sys
from contextlib import chdir
from itertools import product
from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers import sampled
from runs.faulty import FUNCTIONS, REASON, content, temporary

import specnet
from specnet.cli import cli
from specnet.runs.storage.files import TEMPORARY

FAULTY = Path(__file__).with_name("faulty.py")
BEGINNING = {"empty": [0, 0], "interrupted": [1, 4]}
"""Epoch and step of what is saved where `faulty` begins."""
BEGUN = {"empty": "manifest.json", "interrupted": "spec.json"}
"""What is written last before training."""
FILES = {"spec.json", "manifest.json", "history.jsonl", "record.npz", "results.json"}
WRITTEN = {
    "empty": FILES | {"step-00000000.npz", "step-00000002.npz"},
    "interrupted": FILES | {"step-00000004.npz", "step-00000006.npz"},
}
SPEC = {
    "name": "spec",
    "seed": 3,
    "dataset": {"type": "spiral", "n_samples": 400},
    "layers": [{"type": "linear", "units": 500}, "tanh", "dropout", {"type": "linear", "units": 1}],
    "loss": "bce_with_logits",
    "optimizer": "adam",
    "training": {"epochs": 6, "batch_size": 200},
    "checkpoint": {"every": 2},
    "record": {"points": 2},
    "plots": [],
}
COMMAND = """
import ctypes, os, resource
from specnet.cli import main
from specnet.training import loop

def fault():
    {fault}

def run_epoch(trainer, original=loop.run_epoch):
    if trainer.epoch == {after}:
        fault()
    return original(trainer)

if os.geteuid() == 0:  # permissions bind root only without its capabilities
    # the version of the header, and this process; effective, permitted and inheritable ones, in two halves
    header, none = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    assert ctypes.CDLL(None).capset(header, none) == 0
if {after} == 0:
    fault()
loop.run_epoch = run_epoch
main()
"""
LIMIT = "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))"
FAULTS = {
    "a file-size limit": (LIMIT, "run/checkpoints/step-00000008.npz: File too large", "failed"),
    "a read-only directory": (
        "os.chmod('run/checkpoints', 0o555); os.chmod('run', 0o555)",
        "run/record.npz: Permission denied",
        "running",
    ),
    "a directory without permissions": ("os.chmod('run', 0)", "run/.lock: Permission denied", "running"),
    "a vanished directory": ("os.rename('run', 'gone')", "run: is no longer the directory of this run", "running"),
}
"""What happens within a run, what is said of it, and which status is left."""


def assert_durable(calls):
    """What is written is synced before anything else is done, and so is the directory after a file is renamed."""
    for place, call in enumerate(calls):
        if call == "write":
            assert next(later for later in calls[place:] if later not in ("write", "read")) == "fsync"
        if call == "replace":
            assert calls[place + 1 : place + 3] == ["open", "fsync"]


@pytest.mark.parametrize(
    ("start", "mode", "step"),
    [
        ("interrupted", "killed", 24),
        ("empty", "for good", 24),
        *[pytest.param(*each, 1, marks=pytest.mark.long) for each in product(BEGUN, ["killed", "once", "for good"])],
    ],
)
def test_a_fault_in_any_system_call_leaves_the_old_checkpoint_or_the_new_one(start, mode, step, tmp_path):
    command = [sys.executable, "-W", "error", str(FAULTY), start, mode, str(step), str(tmp_path)]
    report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=tmp_path).stdout)
    noted, cases = report["noted"], report["cases"]
    calls = [call for call, *_ in noted]
    assert_durable(calls)
    assert {name for call, _, name in noted if call == "replace"} == WRITTEN[start]
    saves = [place for place, call in enumerate(calls) if call == "saved"]
    tried = [place for place, (call, number, _) in enumerate(noted) if call == "saved" or (number - 1) % step == 0]
    assert [case["place"] for case in cases] == [place for place in tried if place not in saves]
    if start == "empty":
        assert set(calls) == {*FUNCTIONS, "read", "write", "saved"}
    else:  # the second save has a new latest, a new best in the place of what was saved of its step, and one to delete
        assert [noted[save][1:] for save in saves[:2]] == [[[1, 4], [1, 2]], [[3, 6], [2, 4]]]
        assert [name for call, _, name in noted if call == "unlink"][-1] == "step-00000002.npz"

    *_, ended = (place for place, (call, _, name) in enumerate(noted) if (call, name) == ("replace", "manifest.json"))
    ended += 2  # the name is synced as well
    begun = next(place for place, (call, _, name) in enumerate(noted) if (call, name) == ("replace", BEGUN[start])) + 2
    for case in cases:
        place, error = case["place"], case["error"]
        call, _, name = noted[place]
        old = [BEGINNING[start], *(noted[save][1] for save in saves if save < place)][-1]
        new = next((noted[save][1:] for save in saves if save > place), [])
        assert case["believed"] in ([old, *new] if error or mode == "killed" else [noted[saves[-1]][1]]), noted[place]
        assert (case["warnings"], case["different"]) == ([], []), noted[place]
        if mode == "once":
            assert not case["left"], noted[place]
        if error and error["type"] == "UsageError":  # no directory could be made
            assert all(earlier != "write" for earlier in calls[:place]), noted[place]
        elif error:
            assert (error["type"], error["number"]) == ("OSError", REASON[mode]), noted[place]
            assert Path(error["file"]).is_relative_to(tmp_path / "run"), noted[place]
            assert not TEMPORARY.fullmatch(Path(error["file"]).name), noted[place]
            if mode == "once" and place > begun:
                assert case["status"] == ("finished" if place > ended else "failed"), noted[place]
        elif mode != "killed":  # a folder that is there is not missed, nor is what is left of a file that is renamed
            assert call == "mkdir" or (call == "unlink" and TEMPORARY.fullmatch(name)), noted[place]
            assert case["status"] == "finished", noted[place]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What a run of the spec leaves that nothing happens to."""
    return content(specnet.run(SPEC, tmp_path_factory.mktemp("whole") / "run").directory)


@pytest.fixture
def command(tmp_path):
    """Run a command in a process of its own. A fault happens before it, or once so many epochs are over."""
    (tmp_path / "spec.json").write_text(json.dumps(SPEC))

    def call(*arguments, fault="pass", after=0):
        code = COMMAND.format(fault=fault, after=after)
        result = subprocess.run(
            [sys.executable, "-B", "-c", code, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert "Traceback" not in result.stderr
        return result

    return call


@pytest.mark.parametrize("name", sampled(FAULTS, 2))
def test_a_run_that_cannot_write_says_where_and_why_and_later_goes_on_to_the_same_bytes(name, command, whole, tmp_path):
    fault, message, status = FAULTS[name]
    result = command("run", "spec.json", "--out", "run", fault=fault, after=3)
    assert result.returncode == 2
    assert result.stderr.startswith(f"error[file]: {message}\n")
    note = "   = note: earlier states are in run; to resume: specnet resume run\n"
    assert result.stderr.endswith(note) is (status == "failed")
    run = tmp_path / "run"
    if not run.exists():
        (tmp_path / "gone").rename(run)
    for directory in (run, run / "checkpoints"):
        directory.chmod(0o755)
    assert json.loads((run / "manifest.json").read_text())["status"] == status
    assert not temporary(run)
    before = specnet.load_run(run, "latest")
    assert (before.checkpoint.name, before.warnings) == ("step-00000004.npz", [])
    with chdir(tmp_path):
        result = CliRunner().invoke(cli, ["resume", "run"])
    assert (result.exit_code, result.stderr) == (0, "")
    assert content(run) == whole


def test_a_run_that_cannot_save_its_beginning_is_begun_anew_in_the_same_directory(command, whole, tmp_path):
    result = command("run", "spec.json", "--out", "run", "--resume", fault=LIMIT)
    assert result.returncode == 2
    assert result.stderr == "error[file]: run/checkpoints/step-00000000.npz: File too large\n"
    assert not temporary(tmp_path / "run")
    with chdir(tmp_path):
        assert CliRunner().invoke(cli, ["run", "spec.json", "--out", "run", "--resume"]).exit_code == 0
    assert content(tmp_path / "run") == whole


def test_a_run_in_a_folder_where_nothing_can_be_made_is_refused(command):
    fault = "os.mkdir('closed', 0o555)"
    result = command("run", "spec.json", "--out", "closed/run", fault=fault)
    assert result.returncode == 2
    assert "closed/run cannot be created: Permission denied" in result.stderr


def test_resuming_where_nothing_can_be_written_says_so_and_changes_nothing(command, tmp_path):
    run = specnet.run(SPEC, tmp_path / "run").directory
    before = content(run), (run / "manifest.json").read_bytes()
    result = command("resume", "run", "--set", "training.epochs=8", fault="os.chmod('run', 0o555)")
    run.chmod(0o755)
    assert (result.returncode, result.stderr) == (2, "error[file]: run/history.jsonl: Permission denied\n")
    assert (content(run), (run / "manifest.json").read_bytes()) == before


def test_resuming_removes_the_temporary_files_of_a_run_and_no_others(tmp_path):
    run = specnet.run(SPEC, tmp_path / "run").directory
    ours = [
        ".spec.json.a1b2c3_4.tmp",
        "checkpoints/.step-00000008.npz.zzzzzzzz.tmp",
        "plots/.curves.png.00000000.tmp",
    ]
    others = ["notes.tmp", ".notes.tmp", ".spec.json.A1B2C3D4.tmp", "checkpoints/.a.b.tmp", "mine/.a.a1b2c3d4.tmp"]
    for name in ours + others:
        (run / name).parent.mkdir(exist_ok=True)
        (run / name).write_text(name)
    (run / ".folder.a1b2c3d4.tmp").mkdir()
    specnet.resume(run)
    assert not any((run / name).exists() for name in ours)
    assert [(run / name).read_text() for name in others] == others
    assert (run / ".folder.a1b2c3d4.tmp").is_dir()
