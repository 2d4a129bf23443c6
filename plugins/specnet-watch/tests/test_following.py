"""A history is followed without gaps, whatever happens to it."""

import json

import pytest
from specnet_watch.following import FollowedHistory
from specnet_watch.watched import WatchedRun


def line(epoch, loss=None, seconds=0.5):
    values = {"epoch": epoch, "step": epoch, "train/loss": 1 / epoch if loss is None else loss, "seconds": seconds}
    return json.dumps(values) + "\n"


@pytest.fixture
def path(tmp_path):
    return tmp_path.resolve() / "history.jsonl"


def epochs(history, position=""):
    return [row[0] for row in history.rows_after(position)[1]]


def test_lines_are_read_once_they_are_complete(path):
    path.write_text(line(1) + line(2)[:10])
    history = FollowedHistory(path, 100)
    history.update()
    assert (epochs(history), history.line, history.problem) == ([1], 1, "")
    before = history.position
    assert before.startswith("1-")
    path.write_text(line(1) + line(2) + line(3))
    history.update()
    assert (history.rows_after(before)[0], epochs(history, before)) == (1, [2, 3])
    assert history.position.startswith("3-")


def test_a_resumed_run_continues_where_its_lines_are_the_same_and_else_begins_again(path, tmp_path):
    history = FollowedHistory(path, 100)
    path.write_text("".join(map(line, range(1, 6))))
    history.update()
    position = history.position

    def replace(text):
        (tmp_path / "new").write_text(text)
        (tmp_path / "new").replace(path)
        history.update()

    replace("".join(map(line, range(1, 8))))  # another file, with the same lines
    assert epochs(history, position) == [6, 7]
    replace("".join(map(line, range(1, 4))))  # a run that was killed goes back to its checkpoint
    assert history.rows_after(position) == (0, history.rows)
    assert epochs(history) == [1, 2, 3]
    position = history.position
    replace("".join(line(epoch, 2.0) for epoch in range(1, 6)))  # another run
    assert history.rows_after(position)[0] == 0
    assert history.columns()["train/loss"].tolist() == [2.0] * 5


@pytest.mark.parametrize("position", ["", "nonsense", "2", "2-other", "-1", "9999999999999999999999-", "２-a", "\x00"])
def test_an_unknown_position_gets_all_lines(path, position):
    path.write_text(line(1) + line(2))
    history = FollowedHistory(path, 100)
    history.update()
    assert history.rows_after(position) == (0, history.rows)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("{}\n", "line 3.epoch: field required"),
        ("not JSON\n", "line 3: Expecting value"),
        ("\n", "line 3: Expecting value"),
        ("\xff\n", "line 3"),
        (
            '{"epoch": 3, "step": 3, "train/loss": NaN, "seconds": 1}\n',
            "line 3.train/loss: input should be a finite number",
        ),
        (line(2), "line 3 does not follow the one before it"),
        ('{"epoch": 3, "step": 3, "loss": 1, "seconds": 1}\n', "line 3 does not follow the one before it"),
        ("x" * 2**20, "line 3 is longer than 1,048,576 bytes"),
    ],
)
def test_what_is_before_a_damage_is_shown_and_the_damage_told(path, damage, words):
    path.write_bytes((line(1) + line(2) + damage + line(4)).encode("latin-1"))
    history = FollowedHistory(path, 100)
    for _ in range(2):
        history.update()
        assert epochs(history) == [1, 2]
        assert words in history.problem


def test_a_missing_history_is_told_until_it_is_there(path):
    history = FollowedHistory(path, 100)
    history.update()
    assert "cannot be read: there is no such file" in history.problem
    path.write_text(line(1))
    history.update()
    assert (history.problem, history.line) == ("", 1)


@pytest.mark.parametrize("total", [10_000, pytest.param(100_000, marks=pytest.mark.long)])
def test_many_epochs_are_thinned_and_keep_ends_and_extremes(path, total):
    path.write_text("".join(line(epoch, 50.0 if epoch == 7_000 else 1 / epoch) for epoch in range(1, total + 1)))
    history = FollowedHistory(path, 500)
    while history.update():
        pass
    assert history.line == total and history.position.startswith(f"{total}-")
    assert len(history.rows) <= 1000
    columns = history.columns()
    assert columns["epoch"][0] == 1 and columns["epoch"][-1] == total
    assert columns["train/loss"].max() == 50.0


def test_the_pieces_of_a_thinned_history_are_those_of_one_generation(path):
    history = FollowedHistory(path, 4)
    with path.open("a") as file:
        held, position = [], ""
        for epoch in range(1, 40):
            file.write(line(epoch))
            file.flush()
            history.update()
            after, rows = history.rows_after(position)
            held = [row for row in held if after] + rows
            position = history.position
            assert held == history.rows


@pytest.fixture
def directory(tmp_path):
    made = tmp_path.resolve() / "run"
    made.mkdir()
    return made


def facts(directory):
    run = WatchedRun("run", directory, 100)
    run.update()
    return run.row()


def test_a_directory_of_anything_is_told_and_never_fails(directory):
    assert facts(directory)["status"] == "killed"
    assert facts(directory)["error"] == "the run ended before its initial state was saved"
    for text in ("", "{", "[]", '{"format": 1}', '{"format": 3}', "\x00", '{"status": "running"}'):
        (directory / "manifest.json").write_text(text)
        told = facts(directory)
        assert told["status"] == "damaged" and "manifest.json" in told["problem"]
    (directory / "manifest.json").unlink()
    (directory / "manifest.json").mkdir()
    assert "it is a directory, not a regular file" in facts(directory)["problem"]
