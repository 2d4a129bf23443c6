import json
import os
import shutil
import sys

import numpy as np
import pytest
from helpers import flip, newest
from runs.conftest import spiral

import specnet
from specnet import registry
from specnet.errors import DivergenceError, RunError, SpecnetError
from specnet.runs.provenance.machine import describe_machine
from specnet.runs.storage.checkpoints import Listing
from specnet.runs.storage.directory import RunDirectory, claim_directory
from specnet.runs.storage.state import file_name
from specnet.runs.verification.doctor import examine_run

RECORD = {"every": 2, "points": 5}
STEPS = 5
"""Steps of an epoch."""


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A finished run with a record: it has 5 steps an epoch and its best state is not its last."""
    spec = spiral(record=RECORD, checkpoint={"every": 2, "monitor": "validation/loss", "mode": "max"})
    return specnet.run(spec, tmp_path_factory.mktemp("sound") / "run", report=False).directory


@pytest.fixture
def made(sound, tmp_path):
    """A copy of the sound run, to be damaged."""
    return shutil.copytree(sound, tmp_path / "run")


def rewrite(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def rewrite_lines(path, change):
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(change(lines)))


def link(path, target):
    path.rename(target)
    path.symlink_to(target)


def replace_line(number, text):
    return lambda lines: [*lines[:number], text, *lines[number + 1 :]]


def line(**values):
    return json.dumps({"seconds": 1.0} | values).encode() + b"\n"


def change_value(lines):
    line = json.loads(lines[2]) | {"train/loss": 0.125}
    return [*lines[:2], json.dumps(line).encode() + b"\n", *lines[3:]]


def leave_other(run):
    """Put a checkpoint of another run in the directory, under a later name."""
    shutil.copy(newest(run), run / "checkpoints" / file_name(99))


def in_record(**changes):
    def change(run):
        with np.load(run / "record.npz") as file:
            arrays = dict(file)
        changed = {name: np.full_like(arrays[name], value) for name, value in changes.items()}
        np.savez(run / "record.npz", **arrays | changed)

    return change


def other_record(run):
    with np.load(run / "record.npz") as file:
        arrays = dict(file)
    np.savez(run / "record.npz", **arrays | {"epochs": arrays["epochs"][:2], "predictions": arrays["predictions"][:2]})


DAMAGE = {
    "manifest gone": (lambda run: (run / "manifest.json").unlink(), "error", "manifest", "it has no manifest.json"),
    "manifest no JSON": (lambda run: (run / "manifest.json").write_text("{"), "error", "manifest", "is damaged"),
    "manifest incomplete": (
        lambda run: rewrite(run / "manifest.json", data={}), "error", "manifest", "data.sha256: field required"),
    "status unknown": (
        lambda run: rewrite(run / "manifest.json", status="done"), "error", "manifest", "status: input should be"),
    "killed": (lambda run: rewrite(run / "manifest.json", status="running"), "note", "manifest", "it was killed"),
    "interrupted": (
        lambda run: rewrite(run / "manifest.json", status="interrupted"), "note", "manifest", "it is interrupted"),
    "failed": (
        lambda run: rewrite(run / "manifest.json", status="failed", error="disk full\nmore"), "note", "manifest",
        "it is failed: disk full"),
    "spec gone": (lambda run: (run / "spec.json").unlink(), "error", "spec", "spec.json cannot be read"),
    "spec changed": (lambda run: rewrite(run / "spec.json", seed=4), "error", "spec", "SHA-256 does not match"),
    "another machine": (
        lambda run: rewrite(run / "manifest.json", machine=describe_machine() | {"blas_threads": 9}), "note", "machine",
        "BLAS threads: trained before with 9"),
    "another version": (
        lambda run: rewrite(run / "manifest.json", components={"layers.linear": "specnet 0.0.1"}),
        "note", "components", "of an unknown version"),
    "checkpoint flipped": (lambda run: flip(newest(run)), "error", "checkpoints", "SHA-256 does not match"),
    "checkpoint cut": (
        lambda run: newest(run).write_bytes(newest(run).read_bytes()[:-9]), "error", "checkpoints",
        "its end is incomplete or has changed"),
    "best checkpoint gone": (
        lambda run: (run / "checkpoints" / file_name(specnet.load_run(run).best["step"])).unlink(), "error",
        "checkpoints", "the best one, does not exist"),
    "checkpoint of another step": (leave_other, "note", "checkpoints", "a checkpoint of another step"),
    "pipe for a checkpoint": (
        lambda run: os.mkfifo(run / "checkpoints" / file_name(99)), "error", "checkpoints", "it is a named pipe"),
    "history gone": (lambda run: (run / "history.jsonl").unlink(), "error", "history", "history.jsonl cannot be read"),
    "history without a line": (
        lambda run: rewrite_lines(run / "history.jsonl", lambda lines: lines[:2] + lines[3:]), "error", "history",
        "line 3 has epoch 4 after epoch 2"),
    "history with garbage": (
        lambda run: rewrite_lines(run / "history.jsonl", replace_line(3, b"\0\0\n")), "error", "history",
        "damaged: line 4: "),
    "history whose steps stand still": (
        lambda run: rewrite_lines(run / "history.jsonl", replace_line(1, line(epoch=2, step=1))), "error",
        "history", "line 2 has step 1 after step"),
    "history with other names": (
        lambda run: rewrite_lines(run / "history.jsonl", replace_line(1, line(epoch=2, step=9))), "error",
        "history", "line 2 has different names"),
    "history with a line without seconds": (
        lambda run: rewrite_lines(run / "history.jsonl", replace_line(1, line(epoch=2, step=9, seconds=None))),
        "error", "history", "line 2.seconds: input should be a valid number"),
    "history with another value": (
        lambda run: rewrite_lines(run / "history.jsonl", change_value), "error", "history",
        "no longer contains the first 8 epochs"),
    "history cut": (
        lambda run: rewrite_lines(run / "history.jsonl", lambda lines: lines[:6]), "error", "history",
        "no longer contains the first 8 epochs"),
    "history torn": (
        lambda run: rewrite_lines(run / "history.jsonl", lambda lines: [*lines, b'{"epo']), "note", "history",
        "ends in an incomplete line"),
    "history ahead": (
        lambda run: rewrite_lines(run / "history.jsonl", lambda lines: [
            *lines, json.dumps(json.loads(lines[-1]) | {"epoch": 9, "step": 999}).encode() + b"\n"]), "note", "history",
        "1 epoch after the newest checkpoint"),
    "record gone": (lambda run: (run / "record.npz").unlink(), "error", "record", "record.npz"),
    "record flipped": (lambda run: flip(run / "record.npz", "predictions"), "error", "record", "record.npz"),
    "record short": (other_record, "error", "record", "different numbers of frames"),
    "other data": (
        lambda run: rewrite(run / "manifest.json", data={"sha256": "0" * 64, "rows": {}}), "note", "data",
        "the data are not"),
    "losses of the record are others": (in_record(**{"train/loss": 42.0}), "error", "record", "frame of epoch 0 has"),
    "temporary file": (
        lambda run: (run / ".spec.json.abcdefgh.tmp").write_text(""), "note", "files", ".spec.json.abcdefgh.tmp"),
    "damaged checkpoint that was renamed": (
        lambda run: (run / "checkpoints" / f"{file_name(7)}.damaged-2").write_text(""), "note", "files",
        "damaged checkpoints that resume has renamed: checkpoints/step-00000007.npz.damaged-2"),
    "foreign file": (
        lambda run: (run / "notes.txt").write_text(""), "note", "files", "not written by the run: notes.txt"),
    "linked file": (
        lambda run: link(run / "history.jsonl", run.parent / "h"), "note", "files", "history.jsonl is a symbolic link"),
    "linked folder": (
        lambda run: link(run / "checkpoints", run.parent / "c"), "note", "files", "checkpoints is a symbolic link"),
}  # fmt: skip


def test_of_a_sound_run_everything_is_looked_at_and_nothing_found(made):
    report = examine_run(made)
    assert (report.findings, report.verdict) == ([], "intact")
    assert list(report.parts) == [
        "manifest", "spec", "components", "machine", "checkpoints", "history", "data", "record", "files", "resume",
        "evaluate",
    ]  # fmt: skip
    best = specnet.load_run(made).best["step"]
    assert (report.resume, report.evaluate) == (Listing(made, None).steps[-1], best)
    assert report.resume != best


def content(folder):
    """Return everything that can be seen of a folder: names, times, bytes, and where links lead."""
    paths = sorted([folder, *folder.rglob("*")])
    states = [path.lstat() for path in paths]
    return [
        (path, state.st_ino, state.st_mode, state.st_mtime_ns, state.st_ctime_ns, path.is_file() and path.read_bytes())
        for path, state in zip(paths, states, strict=True)
    ]


@pytest.mark.parametrize("kind", DAMAGE)
def test_each_kind_of_damage_is_told_once_and_left_as_it_is(kind, made):
    damage, severity, part, message = DAMAGE[kind]
    damage(made)
    before = content(made.parent)
    report = examine_run(made)
    assert content(made.parent) == before
    # An older state may need what is damaged, too: that is told where `resume` and `evaluate` are asked.
    found = [finding for finding in report.findings if finding.part not in ("resume", "evaluate")]
    assert [(finding.severity, finding.part) for finding in found] == [(severity, part)]
    assert message in found[0].message


def test_looking_at_a_sound_run_changes_nothing(made):
    before = content(made)
    examine_run(made)
    assert content(made) == before


@pytest.mark.parametrize("kind", [kind for kind, damage in DAMAGE.items() if damage[1] == "error"])
def test_a_run_can_go_on_or_not_as_the_verdict_says(kind, made):
    DAMAGE[kind][0](made)
    report = examine_run(made)
    if report.resume is None:
        assert not report.verdict.startswith("damaged, but")
        with pytest.raises(SpecnetError):
            specnet.resume(made)
    else:
        assert report.verdict == f"damaged, but can be resumed from step {report.resume}: specnet resume {made}"
        started = []
        observer = specnet.Observer()
        observer.begin = lambda view: started.append(view.epoch)
        specnet.resume(made, observer=observer)
        assert started == [report.resume // STEPS]
    if report.evaluate is None:
        with pytest.raises(RunError):
            specnet.load_run(made)


def test_what_resume_can_mend_it_mends(made):
    DAMAGE["checkpoint flipped"][0](made)
    specnet.resume(made)
    assert [(finding.severity, finding.part) for finding in examine_run(made).findings] == [("note", "files")]


def test_several_kinds_of_damage_are_all_told(made):
    kinds = [
        "killed", "checkpoint flipped", "history with garbage", "history torn",
        "record flipped", "temporary file", "foreign file",
    ]  # fmt: skip
    for kind in kinds:
        DAMAGE[kind][0](made)
    found = examine_run(made).findings
    for kind in kinds:
        _, severity, part, message = DAMAGE[kind]
        assert any(each[:2] == (part, severity) and message in each.message for each in found), kind


def test_without_its_spec_the_digests_of_checkpoints_are_looked_at(made):
    DAMAGE["spec gone"][0](made)
    DAMAGE["checkpoint flipped"][0](made)
    report = examine_run(made)
    assert [finding.part for finding in report.findings] == ["spec", "checkpoints"]
    assert (report.resume, report.evaluate) == (None, None)


def test_a_run_of_which_no_checkpoint_is_left_is_lost(made):
    for path in (made / "checkpoints").iterdir():
        flip(path)
    assert examine_run(made).verdict == "lost: no checkpoint is intact"


def test_if_all_until_the_best_are_lost_another_checkpoint_is_recommended(made):
    for path in (made / "checkpoints").iterdir():
        if path != newest(made):
            flip(path)
    report = examine_run(made)
    found = next(finding for finding in report.findings if finding.part == "evaluate")
    assert ("neither the best checkpoint" in found.message, "--checkpoint" in found.help) == (True, True)
    assert report.verdict == "lost: it can be neither resumed nor used"


def test_a_run_in_progress_is_told_as_such(made):
    rewrite(made / "manifest.json", status="running")
    (made / ".spec.json.abcdefgh.tmp").write_text("")
    with RunDirectory(made):
        report = examine_run(made)
    assert [finding.part for finding in report.findings] == ["manifest"]
    assert f"process {os.getpid()} on" in report.findings[0].message
    assert (report.verdict, report.resume) == ("intact, and in progress", None)


def test_looking_stands_in_the_way_of_nobody_afterwards(made):
    examine_run(made)
    RunDirectory(made).close()


def test_a_checkpoint_that_the_writer_has_deleted_meanwhile_is_no_damage(made, monkeypatch):
    path, listed = newest(made), []

    class Moving(Listing):
        def __init__(self, directory, identities):
            super().__init__(directory, identities)
            if not listed:
                path.unlink()
            listed.append(self)

    monkeypatch.setattr("specnet.runs.verification.doctor.Listing", Moving)
    with RunDirectory(made):
        assert "checkpoints" not in {finding.part for finding in examine_run(made).findings}


def test_a_killed_run_is_told_from_where_it_goes_on(made):
    rewrite(made / "manifest.json", status="running")
    report = examine_run(made)
    assert report.verdict == f"intact, and can be resumed from step {report.resume}: specnet resume {made}"


def test_a_diverged_run_is_sound_and_is_not_told_to_go_on(train, tmp_path):
    with pytest.raises(DivergenceError):
        train(optimizer={"type": "sgd", "learning_rate": 1e38}, layers=[{"type": "linear", "units": 1}], loss="mse")
    report = examine_run(tmp_path / "run")
    assert [(finding.severity, finding.help) for finding in report.findings] == [("note", None)]
    assert "it is diverged: " in report.findings[0].message
    assert report.verdict == "intact"


def test_what_resume_would_refuse_is_no_damage(made):
    DAMAGE["another version"][0](made)
    report = examine_run(made)
    assert (report.verdict, report.resume) == ("intact, but resume refuses it", None)
    assert report.evaluate == specnet.load_run(made).best["step"]


def test_a_component_that_is_no_longer_installed_is_told_with_what_to_install(train, install, monkeypatch):
    source = "from specnet import Layer\nclass Same(Layer):\n    def forward(self, x, training): return x\n"
    source += "    def backward(self, dy): return dy\n"
    install("specnet-same", "same = specnet_same:Same", version="2.5", specnet_same=source)
    made = train(layers=["same", {"type": "linear", "units": 1}]).directory
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path != str(made.parent)])
    registry._claims.cache_clear()
    found = examine_run(made).findings
    assert [(finding.part, finding.help) for finding in found] == [("spec", "pip install specnet-same==2.5")]


@pytest.mark.parametrize("change", ["gone", "narrow", "other"])
def test_data_of_a_file_that_are_not_as_they_were_are_no_damage(change, train, tmp_path):
    path = tmp_path / "data.npz"
    inputs = np.arange(40.0).reshape(20, 2) % 7
    np.savez(path, inputs=inputs, targets=np.arange(20) % 2)
    made = train(dataset={"type": "npz", "path": str(path)}).directory
    assert examine_run(made).findings == []
    if change == "gone":
        path.unlink()
    else:
        inputs = inputs + 1 if change == "other" else inputs[:, :1]
        np.savez(path, inputs=inputs, targets=np.arange(20) % 2)
    report = examine_run(made)
    assert [(finding.severity, finding.part) for finding in report.findings] == [("note", "data")]
    (found,) = report.findings
    assert ("no such file" if change == "gone" else "the data are not those that the run was made") in found.message
    assert report.verdict == "intact, but resume refuses it"
    assert (report.resume, report.evaluate) == (None, specnet.load_run(made).best["step"])


def test_where_a_run_ended_before_it_began_it_is_told_how_to_start(tmp_path):
    with claim_directory(tmp_path / "run") as directory:
        (directory.path / "spec.json").write_text("{}")
        assert examine_run(directory.path).verdict == "a run is starting"
    report = examine_run(tmp_path / "run")
    assert report.verdict == "a run ended here before it started"
    assert [(finding.severity, finding.help) for finding in report.findings] == [
        ("note", f"to start it: specnet run SPEC --out {tmp_path / 'run'}")
    ]


@pytest.mark.parametrize("what", ["nothing", "empty", "others", "file"])
def test_what_is_no_run_directory_is_refused(what, tmp_path):
    path = tmp_path / "run"
    if what == "file":
        path.write_text("")
    elif what != "nothing":
        path.mkdir()
    if what == "others":
        (path / "notes.txt").write_text("")
    with pytest.raises(RunError, match=r"is not a run directory|is a file, not a run directory|there is no directory"):
        examine_run(path)


def test_of_many_files_a_few_are_named(made):
    for number in range(9):
        (made / f"{number}.txt").write_text("")
    (finding,) = examine_run(made).findings
    assert finding.message == "not written by the run: 0.txt, 1.txt, 2.txt, 3.txt, 4.txt, … and 4 more"


def test_a_run_that_diverged_after_its_best_state_is_sound(tmp_path):
    spec = {
        "dataset": {"type": "spiral", "n_samples": 40},
        "layers": [{"type": "linear", "units": 1}],
        "loss": "mse",
        "optimizer": {"type": "sgd", "learning_rate": 0.9},
        "training": {"epochs": 500, "batch_size": 10},
        "checkpoint": {"every": 400},
        "plots": [],
    }
    with pytest.raises(SpecnetError):
        specnet.run(spec, tmp_path / "run")
    assert examine_run(tmp_path / "run").verdict == "intact"
