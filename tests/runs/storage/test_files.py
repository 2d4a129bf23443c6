import os
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest

from specnet.errors import RunError
from specnet.runs.storage import files
from specnet.runs.storage.files import Staged, open_file, read_bytes, sync_directory, write_file


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    return path


def failing(*_):
    raise OSError(5, "Input/output error")


def assert_old(path):
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("call", ["fsync", "chmod", "replace"])
def test_a_file_that_cannot_be_written_is_named_and_stays_as_it_was(call, path, monkeypatch):
    monkeypatch.setattr(os, call, failing)
    if call != "fsync":
        monkeypatch.setattr(Path, call, failing)
    with pytest.raises(OSError, match="Input/output error") as caught:
        write_file(path, lambda file: file.write(b"new"))
    assert caught.value.filename == str(path)
    assert_old(path)


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), OSError(2, "is not there", "another")])
def test_an_error_of_somebody_else_comes_through_and_leaves_nothing(error, path):
    with pytest.raises(type(error)) as caught, Staged(path):
        raise error
    assert caught.value is error
    assert_old(path)


def test_a_folder_that_is_not_there_is_told_by_the_name_of_the_file(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        write_file(tmp_path / "none" / "file", lambda file: None)
    assert caught.value.filename == str(tmp_path / "none" / "file")


def test_what_is_no_ordinary_file_is_not_replaced(tmp_path):
    for path in (tmp_path, Path(os.devnull)):
        with pytest.raises(OSError, match="is not an ordinary file"):
            write_file(path, lambda file: None)
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_read_is_named_with_the_reason(path, monkeypatch):
    monkeypatch.setattr(os, "open", failing)
    with pytest.raises(RunError, match=f"{path} cannot be read: Input/output error"):
        read_bytes(path)


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


KINDS = {
    "named pipe": os.mkfifo,
    "directory": Path.mkdir,
    "socket": make_socket,
    "device": lambda path: path.symlink_to("/dev/zero"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_file_is_named_and_keeps_nobody_waiting(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    path = Path("file")
    KINDS[kind](path)
    with pytest.raises(RunError, match=f"file cannot be read: it is a {kind}, not a regular file"):
        read_bytes(path)


def test_a_file_that_is_too_large_is_not_read(path):
    assert read_bytes(path, 3) == b"old"
    with pytest.raises(RunError, match="it has 3 bytes, more than 2"):
        read_bytes(path, 2)


def test_a_file_that_does_not_fit_into_memory_is_named(path):
    with pytest.raises(RunError, match=f"{path} cannot be read: there is not enough memory for it"), open_file(path):
        raise MemoryError


def test_where_directories_cannot_be_opened_they_are_not_synced(path, monkeypatch):
    monkeypatch.setattr(files, "os", SimpleNamespace(name="nt"))
    sync_directory(path.parent)
