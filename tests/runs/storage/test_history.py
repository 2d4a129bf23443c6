import errno
import json
import math
import os
import tracemalloc
from pathlib import Path

import pytest

from specnet.errors import RunError
from specnet.runs.storage.history import History, HistoryWriter, check_history, read_last, read_until

LINES = [{"epoch": epoch, "step": 2 * epoch, "train/loss": 1 / epoch, "seconds": 0.5} for epoch in (1, 2, 3)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "history.jsonl"


def write(path, lines):
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def read_lines(path):
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def opened(path, lines=()):
    """A writer that has written these lines."""
    writer = HistoryWriter(path)
    writer.open()
    for line in lines:
        writer.epoch(None, line)
    return writer


def of_state(path, state):
    """The lines that a run takes over which resumes from this state."""
    writer = HistoryWriter(path)
    writer.open(read_until(path, state))
    assert writer.state() == state
    writer.close()
    return read_lines(path)


def state(path, count):
    """What a writer of the first lines says of them."""
    writer = opened(path.with_name("other"), LINES[:count])
    writer.close()
    return writer.state()


def test_a_line_is_there_as_soon_as_it_is_written(path):
    writer = opened(path)
    for count, line in enumerate(LINES, 1):
        writer.epoch(None, line)
        assert read_lines(path) == LINES[:count]
        assert writer.state() == state(path, count)
    writer.close()


def test_a_writer_goes_on_from_the_lines_that_it_is_given(path):
    write(path, [*LINES[:2], {"what": "was there before"}])
    writer = HistoryWriter(path)
    writer.open(read_until(path, state(path, 2)))
    assert read_lines(path) == LINES[:2]
    writer.epoch(None, LINES[2])
    writer.sync()
    writer.close()
    assert read_lines(path) == LINES
    assert writer.state() == state(path, 3)


@pytest.mark.parametrize("torn", ['{"epoch": 4', '{"epoch": 4}', "\udcff", '{"epoch": 4}\r'])
def test_a_line_that_is_torn_does_not_count(torn, path):
    write(path, LINES)
    with path.open("ab") as file:
        file.write(torn.encode("utf-8", "surrogateescape"))
    assert check_history(path) == (3, {})
    assert History.read(path, state(path, 3))["epoch"].tolist() == [1, 2, 3]
    assert of_state(path, state(path, 3)) == LINES


def test_the_history_until_a_state_leaves_out_what_came_later(path):
    write(path, [*LINES[:2], {"epoch": 3}, {"epoch": 4}])
    with path.open("a") as file:
        file.write("and what is no JSON\n")
    assert of_state(path, state(path, 2)) == LINES[:2]


def test_before_the_first_epoch_there_need_be_no_file(path):
    assert of_state(path, state(path, 0)) == []


def test_seconds_may_differ_and_nothing_else_may(path):
    write(path, [line | {"seconds": 7} for line in LINES])
    assert [line["seconds"] for line in of_state(path, state(path, 3))] == [7, 7, 7]
    for changes in ({"epoch": 9}, {"train/loss": 0}, {"more": 1}):
        write(path, [LINES[0] | changes, *LINES[1:]])
        with pytest.raises(RunError, match=f"{path} no longer contains the first 3 epochs unchanged"):
            read_until(path, state(path, 3))


@pytest.mark.parametrize("lines", [LINES[:2], [LINES[0], LINES[2]], LINES[::-1], [LINES[0], *LINES], []])
def test_lines_that_are_missing_added_or_in_another_order_are_noticed(lines, path):
    write(path, lines)
    with pytest.raises(RunError, match="no longer contains"):
        read_until(path, state(path, 3))


@pytest.mark.parametrize(
    "content",
    [b"{\n", b"[]\n", b"5\n", b"{}\n", b"null\n", b'\n{"epoch": 1}\n', b"\xff\n", b"[" * 100_000 + b"\n"],
    ids=lambda content: repr(content[:10]),
)
def test_what_is_no_history_is_refused_by_name(content, path):
    path.write_bytes(content)
    for read in (read_until, History.read):
        with pytest.raises(RunError, match=f"{path} is damaged"):
            read(path, state(path, 1))


def test_a_line_without_end_is_not_read_whole(path):
    with path.open("wb") as file:
        file.truncate(2**30)
    with pytest.raises(RunError, match=f"{path} is damaged: line 1 is longer than 1,048,576 bytes"):
        read_until(path, state(path, 1))


@pytest.mark.long
def test_memory_does_not_grow_with_the_epochs_but_for_the_columns(path):
    epochs = 20_000
    writer = opened(path, ({"epoch": number, "step": number, "seconds": 0.5} for number in range(1, epochs + 1)))
    writer.close()
    peaks = []
    for read in (lambda: read_until(path, writer.state()), lambda: History.read(path, writer.state())):
        tracemalloc.start()
        read()
        peaks.append(tracemalloc.get_traced_memory()[1] / epochs)
        tracemalloc.stop()
    assert peaks[0] < 5
    assert peaks[1] < 3 * 8 * 3.5  # bytes of an epoch's three numbers, while an array is copied to a larger one


def test_a_history_that_is_not_there_is_named(path):
    with pytest.raises(RunError, match=f"{path} cannot be read: there is no such file"):
        History.read(path, state(path, 0))


@pytest.mark.parametrize("torn", ["", '{"epoch": 4, "st'])
def test_the_last_complete_line_is_found_from_the_end(torn, path):
    write(path, LINES * 1000)
    with path.open("a") as file:
        file.write(torn)
    assert read_last(path) == LINES[-1]


@pytest.mark.parametrize("content", [None, "", '{"epoch": 1', "{}\n", "nothing\n"])
def test_a_history_without_a_complete_line_has_no_last_one(content, path):
    if content is not None:
        path.write_text(content)
    assert read_last(path) == {}


def test_columns_have_an_item_for_each_epoch(path):
    write(path, LINES)
    history = History.read(path, state(path, 2))
    assert list(history) == ["epoch", "step", "train/loss", "seconds"]
    assert len(history) == 4
    assert history["epoch"].tolist() == [1, 2, 3]
    assert len(History({})) == 0


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"epoch": 4, "step": 8, "seconds": 0.5}, "its lines have different names"),
        (LINES[0] | {"train/loss": [1, 2]}, "line 4.train/loss: input should be a valid number"),
        (LINES[0] | {"train/loss": "low"}, "line 4.train/loss"),
        (LINES[0] | {"train/loss": None}, "line 4.train/loss"),
        (LINES[0] | {"train/loss": math.nan}, "line 4.train/loss: input should be a finite number"),
        (LINES[0] | {"seconds": None}, "line 4.seconds"),
        (LINES[0] | {"seconds": -1.0}, "line 4.seconds"),
        (LINES[0] | {"step": math.inf}, "line 4.step"),
        (LINES[0] | {"step": 2**63}, "line 4.step: input should be less than"),
        (LINES[0] | {"epoch": 10**30}, "line 4.epoch: input should be less than"),
        (LINES[0] | {"epoch": {}}, "line 4.epoch"),
        (None, "line 4: input should be an object"),
    ],
)
def test_a_history_with_something_else_than_numbers_is_refused(line, reason, path):
    write(path, [*LINES, line])
    with pytest.raises(RunError, match=f"{path} is damaged: .*{reason}"):
        History.read(path, state(path, 3))


@pytest.mark.parametrize("call", [lambda writer: writer.epoch(None, LINES[0]), lambda writer: writer.sync()])
def test_a_history_that_cannot_be_written_is_named(call, path, monkeypatch):
    def fail(handle):
        raise OSError(errno.EINVAL, "Invalid argument")

    writer = opened(path)
    monkeypatch.setattr(os, "fsync", fail)
    with Path("/dev/full").open("ab") as full:
        os.dup2(full.fileno(), writer._file.fileno())
    with pytest.raises(OSError, match=r"No space left|Invalid argument") as caught:
        call(writer)
    monkeypatch.undo()
    assert caught.value.filename == str(path)
    writer.close()
