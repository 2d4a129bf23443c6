"""A run directory that is crafted leads nobody out of itself."""

import os
import shutil

import pytest
from click.testing import CliRunner
from helpers import change, checkpoint, flip

import specnet
from specnet.cli import cli
from specnet.errors import RunError, SpecError, UsageError
from specnet.runs.storage.directory import RunDirectory, claim_directory

SPEC = {
    "seed": 3,
    "dataset": {"type": "spiral", "n_samples": 12},
    "layers": [{"type": "linear", "units": 1}],
    "loss": "bce_with_logits",
    "training": {"epochs": 4, "batch_size": 6},
    "checkpoint": {"every": 1, "every_steps": 3, "keep": 99, "monitor": "train/loss"},
    "record": {"every": 2, "points": 2},
    "plots": [],
}
LONGER = ["training.epochs=6"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return specnet.run(specnet.load_spec(SPEC), out=tmp_path_factory.mktemp("made") / "run").directory


@pytest.fixture
def run(made, tmp_path):
    """The directory of a run of 8 steps, with something outside that no run has to do with."""
    folder = tmp_path / "outside"
    folder.mkdir()
    for name in ("victim", "step-00000001.npz"):
        (folder / name).write_text("mine")
    return shutil.copytree(made, tmp_path / "inside" / "run")


@pytest.fixture
def outside(run, tmp_path):
    """Compares what is outside the run directory with what was there."""
    before = tree(tmp_path, run)
    yield tmp_path / "outside"
    assert tree(tmp_path, run) == before


def tree(folder, without):
    """Every file outside a run directory with its content."""
    paths = [path for path in folder.rglob("*") if without not in (path, *path.parents)]
    return {str(path): path.read_bytes() if path.is_file() else None for path in paths}


def test_where_no_checkpoint_can_be_believed_all_are_named_and_the_exit_code_is_3(run, outside):
    steps = [int(path.stem[5:]) for path in (run / "checkpoints").iterdir()]
    for step in steps:
        flip(checkpoint(run, step))
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file() and path.name != ".lock"}
    for attempt in (specnet.load_run, specnet.resume, lambda run: specnet.load_run(run, "latest")):
        with pytest.raises(RunError, match="no checkpoint is intact") as caught:
            attempt(run)
        assert [f"step-{step:08d}.npz" in str(caught.value) for step in steps] == [True] * len(steps)
    for verb in ("resume", "evaluate"):
        result = CliRunner().invoke(cli, [verb, str(run)])
        assert result.exit_code == 3
        assert "no checkpoint is intact" in result.stderr
    assert {path: path.read_bytes() for path in before} == before


TEXTS = {
    "empty": b"", "cut": b"{", "a list": b"[]", "a number": b"5", "no UTF-8": b"\xff", "NUL": b"\0" * 100,
    "deep": b"[" * 100_000, "deep objects": b'{"a":' * 100_000, "a huge number": b'{"a": 1' + b"0" * 10_000 + b"}",
    "no keys": b"{}",
}  # fmt: skip


@pytest.mark.parametrize("name", ["manifest.json", "spec.json"])
@pytest.mark.parametrize("content", TEXTS)
def test_a_damaged_file_of_the_run_is_refused_by_name(name, content, run, outside):
    (run / name).write_bytes(TEXTS[content])
    for attempt in (specnet.load_run, specnet.resume):
        with pytest.raises(RunError, match=name):
            attempt(run)


@pytest.mark.parametrize("name", ["manifest.json", "spec.json"])
def test_a_missing_file_of_the_run_is_named(name, run, outside):
    (run / name).unlink()
    for attempt in (specnet.load_run, specnet.resume):
        with pytest.raises(RunError, match=name):
            attempt(run)


def test_a_spec_that_is_not_the_run_s_is_refused(run, outside):
    change(run / "spec.json", seed=4)
    for attempt in (specnet.load_run, specnet.resume):
        with pytest.raises(RunError, match=r"spec\.json is not the spec of this run"):
            attempt(run)


@pytest.mark.parametrize(
    "name", ["../x", "/tmp/x", "x/y", "..", ".", "", "x\0", "x\n", "\nx", "x y", "~", "-x", "x\\y", "ä", 5, "x" * 101]
)
def test_a_name_that_could_lead_elsewhere_is_no_name_of_a_spec(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SpecError, match="name"):
        specnet.run(SPEC | {"name": name})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "name",
    ["history.jsonl", "manifest.json", "spec.json", "record.npz"]
    + [f"checkpoints/step-{step:08d}.npz" for step in (0, 8)],
)
@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_a_link_in_the_place_of_a_file_is_replaced_and_what_it_leads_to_stays(link, name, run, tmp_path):
    path, victim = run / name, tmp_path / "outside" / "victim"
    shutil.move(path, victim)
    link(victim, path)
    before = tree(tmp_path, run)
    specnet.resume(run, LONGER)
    assert tree(tmp_path, run) == before
    again = {"checkpoints/step-00000000.npz", "checkpoints/step-00000008.npz"}  # which need not be written again
    assert path.is_symlink() == (link is os.symlink and name in again)


@pytest.mark.parametrize("name", ["", "/", "..", "../.."])
def test_a_directory_that_no_number_can_follow_is_no_run_directory(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="cannot be a run directory"):
        specnet.run(SPEC, out=name)
    assert not list(tmp_path.iterdir())


def test_a_directory_that_another_run_holds_and_a_file_with_the_next_number_are_passed_over(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run-2").write_text("mine")
    with RunDirectory(tmp_path / "run"), claim_directory(tmp_path / "run") as claimed:
        assert claimed.path == tmp_path / "run-3"
    assert (tmp_path / "run-2").read_text() == "mine"


def test_a_symbolic_link_for_a_lock_is_refused(run, outside):
    (run / ".lock").unlink()
    (run / ".lock").symlink_to(outside / "victim")
    with pytest.raises(OSError, match="is not a regular file") as caught:
        specnet.resume(run, LONGER)
    assert caught.value.filename == str(run / ".lock")


def test_nothing_is_written_to_checkpoints_that_are_a_link_to_elsewhere(run, tmp_path):
    shutil.move(run / "checkpoints", tmp_path / "outside" / "checkpoints")
    (run / "checkpoints").symlink_to(tmp_path / "outside" / "checkpoints")
    (run / "checkpoints" / f".{checkpoint(run, 8).name}.abcdefgh.tmp").write_text("mine")
    checkpoint(run, 7).write_text("mine")
    before = tree(tmp_path, run)
    with pytest.raises(RunError, match=f"{run / 'checkpoints'} is a symbolic link"):
        specnet.resume(run, LONGER)
    assert tree(tmp_path, run) == before


def test_no_plot_is_drawn_into_plots_that_are_a_link_to_elsewhere(run, outside):
    (run / "plots").symlink_to(outside)
    with pytest.raises(RunError, match=f"{run / 'plots'} is a symbolic link"):
        specnet.load_run(run).plot("curves")
    with pytest.raises(RunError, match=f"{run / 'plots'} is a symbolic link"):
        specnet.resume(run, ['plots=["curves"]'])


@pytest.mark.parametrize("place", ["", "checkpoints"])
def test_what_the_run_has_not_written_is_neither_loaded_counted_nor_deleted(place, run, outside):
    foreign = [
        "notes.txt",
        ".hidden",
        "step-00000002.npz.bak",
        "step-99999999.npz",
        ".step-1.npz.tmp",
        "step-00000005.npz",
    ]
    content = checkpoint(run, 8).read_bytes()
    for name in foreign:
        (run / place / name).write_bytes(content)
    loaded = specnet.load_run(run, "latest")
    assert loaded.checkpoint == checkpoint(run, 8)
    assert ["step-99999999.npz" in each for each in loaded.warnings] == [True] * bool(place)
    for step in (5, 99999999):
        with pytest.raises(RunError if place else UsageError, match=f"step-{step:08d}"):
            specnet.load_run(run, step)
    specnet.resume(run, [*LONGER, "checkpoint.keep=1"])
    kept = {f"step-{step:08d}.npz" for step in (0, loaded.best["step"], 12)}
    others = {*foreign} if place else set()
    assert {path.name for path in (run / "checkpoints").iterdir()} == kept | others
    assert [(run / place / name).read_bytes() == content for name in foreign] == [True] * len(foreign)


def test_a_checkpoint_that_was_about_to_be_deleted_is_deleted_when_the_run_goes_on(made, run, outside):
    specnet.resume(run, ["checkpoint.keep=1"])
    kept = {path.name for path in (run / "checkpoints").iterdir()}
    assert "step-00000006.npz" not in kept
    shutil.copy(checkpoint(made, 6), checkpoint(run, 6))  # as if the process had ended before this deletion
    specnet.resume(run)
    assert {path.name for path in (run / "checkpoints").iterdir()} == kept


@pytest.mark.parametrize("which", ["bset", "-1", "1.0", "../../outside/step-00000001.npz", "step-00000001.npz/x", "²"])
def test_what_names_no_checkpoint_is_refused(which, run, outside):
    with pytest.raises(UsageError, match="there is no checkpoint"):
        specnet.load_run(run, which)
