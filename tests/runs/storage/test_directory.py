import itertools
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from specnet.errors import BusyError, RunError, UsageError
from specnet.runs.storage import directory
from specnet.runs.storage.directory import (
    LOCK,
    RunDirectory,
    claim_directory,
    find_writer,
    inside,
    take_directory,
    take_or_join,
)


def test_a_second_writer_is_refused_at_once_and_touches_nothing(tmp_path):
    with RunDirectory(tmp_path):
        before = (tmp_path / LOCK).read_bytes(), (tmp_path / LOCK).stat().st_mtime_ns
        with pytest.raises(BusyError, match=f"process {os.getpid()} on ") as error:
            RunDirectory(tmp_path)
        assert error.value.exit_code == 2
        assert ((tmp_path / LOCK).read_bytes(), (tmp_path / LOCK).stat().st_mtime_ns) == before
    RunDirectory(tmp_path).close()


def test_a_holder_that_has_not_told_its_number_is_told_of_as_well(tmp_path):
    with RunDirectory(tmp_path):
        (tmp_path / LOCK).write_text("")
        with pytest.raises(BusyError, match="its number is not known yet"):
            RunDirectory(tmp_path)


def test_the_lock_of_a_process_that_was_killed_does_not_block(tmp_path):
    code = "import os, sys, signal; from pathlib import Path; from specnet.runs.storage.directory import RunDirectory\n"
    code += "held = RunDirectory(Path(sys.argv[1])); os.kill(os.getpid(), signal.SIGKILL)"
    assert subprocess.run([sys.executable, "-c", code, tmp_path], check=False).returncode == -9
    assert (tmp_path / LOCK).is_file()
    with RunDirectory(tmp_path):
        assert (tmp_path / LOCK).read_text().startswith(f"process {os.getpid()} ")


def test_a_lock_that_cannot_be_made_is_an_error_of_the_file(tmp_path):
    (tmp_path / "victim").write_text("mine")
    (tmp_path / LOCK).symlink_to("victim")
    with pytest.raises(OSError, match=LOCK):
        RunDirectory(tmp_path)
    assert (tmp_path / "victim").read_text() == "mine"


@pytest.mark.parametrize("make", [lambda lock, victim: os.link(victim, lock), lambda lock, victim: os.mkfifo(lock)])
def test_a_lock_that_is_not_of_this_directory_alone_is_refused(make, tmp_path):
    (tmp_path / "victim").write_text("mine")
    make(tmp_path / LOCK, tmp_path / "victim")
    with pytest.raises(OSError, match=r"is a link to a file elsewhere|is not a regular file") as error:
        RunDirectory(tmp_path)
    assert error.value.filename == str(tmp_path / LOCK)
    assert (tmp_path / "victim").read_text() == "mine"


def test_the_writer_of_a_directory_can_be_asked_for_without_disturbing_it(tmp_path):
    assert find_writer(tmp_path) is None
    with RunDirectory(tmp_path):
        assert find_writer(tmp_path) == (tmp_path / LOCK).read_text().strip()
        (tmp_path / LOCK).write_text("")
        assert find_writer(tmp_path) == "a process"
    assert find_writer(tmp_path) is None
    RunDirectory(tmp_path).close()


def test_a_system_without_locks_is_an_error_and_leaves_no_open_file(tmp_path, monkeypatch):
    def flock(descriptor, operation):
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", flock)
    before = set(Path("/dev/fd").iterdir())
    with pytest.raises(OSError, match="No locks"):
        RunDirectory(tmp_path)
    assert set(Path("/dev/fd").iterdir()) == before


def test_where_there_is_no_fcntl_the_lock_is_that_of_windows(tmp_path, monkeypatch):
    held = set()

    def locking(handle, mode, size):
        if (place := (os.fstat(handle).st_ino, os.lseek(handle, 0, os.SEEK_CUR))) in held:
            raise OSError(13, "Permission denied")
        held.add(place)

    monkeypatch.setitem(sys.modules, "fcntl", None)
    monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(LK_NBLCK=2, locking=locking))
    with RunDirectory(tmp_path):
        assert find_writer(tmp_path) == (tmp_path / LOCK).read_text().strip()
        with pytest.raises(BusyError, match=f"process {os.getpid()} on "):
            RunDirectory(tmp_path)


@pytest.mark.parametrize("round", range(5))
def test_runs_that_start_in_the_same_instant_get_a_directory_each(round, tmp_path):
    start, claimed = threading.Barrier(8), []

    def claim():
        start.wait()
        claimed.append(claim_directory(tmp_path / "run"))

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = sorted(directory.path.name for directory in claimed)
    assert names == ["run", *(f"run-{number}" for number in range(2, 9))]


def test_what_a_run_left_that_ended_before_it_had_begun_is_swept_away(tmp_path):
    with claim_directory(tmp_path / "run") as directory:
        for parts in (("spec.json",), ("checkpoints", "step-00000000.npz"), ("history.jsonl",)):
            directory.file(*parts).write_text("begun")
        directory.file("checkpoints", ".step-00000000.npz.abcd_123.tmp").write_text("part")
    with claim_directory(tmp_path / "run") as directory:
        assert directory.path.name == "run"
        assert [path.name for path in directory.path.rglob("*")] == [LOCK]


@pytest.mark.parametrize("name", ["manifest.json", "notes.txt", "checkpoints/step-00000001.npz", "plots/mine.png"])
def test_a_directory_with_anything_else_in_it_is_not_free(name, tmp_path):
    with claim_directory(tmp_path / "run") as directory:
        directory.file(*name.split("/")).write_text("mine")
    assert take_directory(tmp_path / "run") is None
    with claim_directory(tmp_path / "run") as directory:
        assert directory.path.name == "run-2"
    assert (tmp_path / "run" / name).read_text() == "mine"


@pytest.mark.parametrize("lock", [None, "", "mine"])
def test_a_spec_of_somebody_is_no_beginning_of_a_run(lock, tmp_path):
    (tmp_path / "spec.json").write_text("mine")
    if lock is not None:
        (tmp_path / LOCK).write_text(lock)
    assert take_directory(tmp_path) is None
    assert (tmp_path / "spec.json").read_text() == "mine"


def test_a_lock_that_a_process_has_not_signed_before_it_was_killed_does_not_take_the_directory(tmp_path):
    (tmp_path / LOCK).write_text("")
    with claim_directory(tmp_path) as directory:
        assert directory.path == tmp_path


def test_a_lock_tells_of_a_run_at_any_time(tmp_path, monkeypatch):
    with claim_directory(tmp_path / "run") as directory:
        directory.file("spec.json").write_text("begun")

    calls = itertools.count()

    def first_alone(function):
        def call(*arguments):
            if next(calls):
                raise OSError(5, "Input/output error")
            return function(*arguments)

        return call

    for name in ("ftruncate", "write"):
        monkeypatch.setattr(os, name, first_alone(getattr(os, name)))
    with pytest.raises(UsageError, match="Input/output error"):
        claim_directory(tmp_path / "run")
    monkeypatch.undo()
    with claim_directory(tmp_path / "run") as directory:
        assert directory.path == tmp_path / "run"


@pytest.mark.parametrize("what", ["moved", "moved and another in its place", "without its lock", "with another lock"])
def test_a_writer_stops_where_the_directory_is_no_longer_its_own(what, tmp_path):
    run = tmp_path / "run"
    with claim_directory(run) as directory:
        assert directory.file("spec.json") == run / "spec.json"
        if "moved" in what:
            run.rename(tmp_path / "moved")
        else:
            (run / LOCK).unlink()
        if "another" in what:
            claim_directory(run)
        with pytest.raises(OSError, match="is no longer the directory of this run") as error:
            directory.file("checkpoints", "step-00000000.npz")
        assert error.value.filename == str(run)


def test_a_directory_that_is_filled_between_two_looks_is_not_taken(tmp_path, monkeypatch):
    lock = RunDirectory.__init__

    def filled(self, path):
        lock(self, path)
        (path / "manifest.json").write_text("a run that has come and gone")

    monkeypatch.setattr(RunDirectory, "__init__", filled)
    assert take_directory(tmp_path) is None
    assert (tmp_path / "manifest.json").is_file()


def test_a_folder_that_leads_elsewhere_is_not_written_to(tmp_path):
    run, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    run.mkdir()
    elsewhere.mkdir()
    (run / "plots").symlink_to(elsewhere)
    with pytest.raises(RunError, match="symbolic link") as error:
        inside(run, "plots", "curves.png")
    assert error.value.exit_code == 3
    assert inside(run, "checkpoints", "a.npz") == run / "checkpoints" / "a.npz"
    assert inside(run, "spec.json") == run / "spec.json"


def test_temporary_files_are_removed_and_others_are_not(tmp_path):
    kept = [tmp_path / "mine.tmp", tmp_path / "checkpoints" / ".hidden", tmp_path / "other" / ".a.npz.abcd1234.tmp"]
    gone = [tmp_path / ".spec.json.abcd_234.tmp", tmp_path / "checkpoints" / ".step-00000003.npz.q1w2e3r4.tmp"]
    for path in (*kept, *gone):
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    with RunDirectory(tmp_path) as directory:
        directory.clean()
    assert all(path.exists() for path in kept)
    assert not any(path.exists() for path in gone)


@pytest.mark.parametrize(
    ("name", "reason"), [("file/run", "file/run cannot be created"), ("file", "is not a directory")]
)
def test_a_place_where_no_directory_can_be_made_is_named(name, reason, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=reason):
        claim_directory(tmp_path / name)
    with pytest.raises(UsageError, match="cannot be created"):
        take_or_join(tmp_path / name)


def test_a_directory_to_join_is_new_or_has_a_run(tmp_path):
    with take_or_join(tmp_path / "run") as taken:
        assert taken.path == tmp_path / "run"
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="contains other files and no run"):
        take_or_join(tmp_path)


def test_a_directory_that_another_run_holds_is_only_passed_over_where_the_name_is_free_to_choose(tmp_path):
    (tmp_path / "run").mkdir()
    with RunDirectory(tmp_path / "run"):
        with pytest.raises(BusyError):
            claim_directory(tmp_path / "run", exactly=True)
        with claim_directory(tmp_path / "run") as other:
            assert other.path == tmp_path / "run-2"


def test_a_lock_that_always_says_try_again_ends(tmp_path, monkeypatch):
    def always(path):
        raise BusyError("busy")

    monkeypatch.setattr(directory, "take_directory", always)
    with pytest.raises(BusyError):
        claim_directory(tmp_path / "run")
    assert len(list(tmp_path.iterdir())) <= 101


def test_names_that_are_all_taken_are_told(tmp_path, monkeypatch):
    monkeypatch.setattr(directory, "MOST_NUMBERED", 3)
    for name in ("run", "run-2", "run-3"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "notes.txt").touch()
    with pytest.raises(UsageError, match="and 3 names after it are taken"):
        claim_directory(tmp_path / "run")
