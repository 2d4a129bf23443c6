"""Events follow a run, and go on where a connection was lost."""

import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

import specnet


@pytest.fixture
def copied(trained, tmp_path):
    shutil.copytree(trained / "arms", tmp_path / "runs" / "arms")
    return tmp_path / "runs"


def further(epoch):
    return (
        json.dumps(
            {
                "epoch": epoch, "step": epoch, "train/loss": 0.5, "train/accuracy": 0.5, "validation/loss": 0.5,
                "validation/accuracy": 0.5, "optimizer.learning_rate": 0.001, "seconds": 0.1,
            }
        )
        + "\n"
    )  # fmt: skip


def test_an_event_has_the_number_of_its_last_line_and_a_new_connection_what_follows(copied, served):
    with served(copied) as site:
        stream = site.stream("/run/arms/events")
        first, lines = stream.take("history")
        assert first.startswith("6-") and lines["id"] == first
        assert (lines["after"], [row[0] for row in lines["rows"]]) == (0, [1, 2, 3, 4, 5, 6])
        assert lines["names"][:2] == ["epoch", "train/loss"]
        titles = {panel["title"]: [each["column"] for each in panel["series"]] for panel in lines["panels"]}
        assert titles["loss"] == ["train/loss", "validation/loss"]
        stream.close()
        with (copied / "arms" / "history.jsonl").open("a") as file:
            file.write(further(7) + further(8))
        for again in (
            site.stream("/run/arms/events", **{"Last-Event-ID": first}),
            site.stream(f"/run/arms/events?after={first}"),
        ):
            second, lines = again.take("history")
            assert second.startswith("8-") and second.partition("-")[2] == first.partition("-")[2]
            assert (lines["after"], [row[0] for row in lines["rows"]]) == (6, [7, 8])


def test_a_reader_who_knows_another_history_gets_all_of_this(copied, served):
    with served(copied) as site:
        for known in ("3-elsewhere", "junk", "9-"):
            _, lines = site.stream("/run/arms/events", **{"Last-Event-ID": known}).take("history")
            assert (lines["after"], len(lines["rows"])) == (0, 6)


def test_facts_tell_how_far_a_run_is(copied, served, until):
    with served(copied) as site:
        stream = site.stream("/run/arms/events")
        _, facts = stream.take("facts")
        assert (facts["status"], facts["epoch"], facts["epochs"], facts["problem"]) == ("finished", 6, 6, "")
        run = specnet.load_run(copied / "arms")
        assert facts["monitor"] == "validation/loss" and facts["best epoch"] == run.best["epoch"]
        assert facts["best"] == pytest.approx(run.best["value"], rel=1e-4)
        manifest = json.loads((copied / "arms" / "manifest.json").read_text())
        for changes, status in (
            ({"status": "diverged", "error": "it grew"}, "diverged"),
            ({"status": "running"}, "killed" if os.name != "nt" else "running"),
            ({"status": "interrupted"}, "interrupted"),
        ):
            (copied / "arms" / ".lock").write_text(f"process {2**22 - 3} on {os.uname().nodename}\n")
            (copied / "arms" / "new").write_text(json.dumps(manifest | changes))
            (copied / "arms" / "new").replace(copied / "arms" / "manifest.json")
            _, facts = stream.take("facts")
            assert (facts["status"], facts["error"]) == (status, changes.get("error", ""))


def test_a_run_that_is_deleted_while_it_is_watched_is_told_and_can_come_back(copied, served):
    with served(copied) as site:
        stream = site.stream("/run/arms/events")
        assert stream.take("facts")[1]["status"] == "finished"
        (copied / "arms").rename(copied / ".moved")
        facts = stream.take("facts")[1]
        assert (facts["status"], facts["error"]) == ("deleted", "the directory of this run no longer exists")
        assert site.ask("/run/arms/").status == 404
        (copied / ".moved").rename(copied / "arms")
        assert stream.take("facts")[1]["status"] == "finished"


def test_a_replay_is_that_of_the_report_or_its_reason(copied, served):
    with served(copied) as site:
        scene = json.loads(site.ask("/run/arms/scene").text)["scene"]
        assert scene["kind"] == "plane" and scene["epochs"][-1] == 6
        (copied / "arms" / "record.npz").write_bytes(b"not an archive")
        assert "record.npz" in json.loads(site.ask("/run/arms/scene").text)["reason"]


def test_the_table_has_a_row_for_each_run_and_follows_them(copied, served):
    (copied / "group" / "half").mkdir(parents=True)
    (copied / "empty").mkdir()
    for name in (".lock", "history.jsonl"):
        (copied / "group" / "half" / name).write_text("")
    with served(copied) as site:
        stream = site.stream("/events")
        _, table = stream.take("runs")
        assert table["all"]
        rows = {row["name"]: row for row in table["rows"]}
        assert {name: row["status"] for name, row in rows.items()} == {"arms": "finished", "group/half": "killed"}
        assert rows["arms"]["href"] == "/run/arms/" and len(rows["arms"]["spark"]) == 6
        assert site.ask(rows["group/half"]["href"]).status == 200
        shutil.rmtree(copied / "group")
        assert stream.take("runs")[1] == {"all": False, "rows": [], "gone": ["group/half"]}
        shutil.copytree(copied / "arms", copied / "second one#?%")
        _, changes = stream.take("runs")
        assert site.ask(changes["rows"][0]["href"]).status == 200


def test_a_training_run_is_followed_to_its_end_and_a_killed_one_is_told(tmp_path, served, spec, until):
    (tmp_path / "spec.json").write_text(json.dumps(spec | {"training": {"epochs": 1_000_000}}))
    command = [
        sys.executable,
        "-m",
        "specnet",
        "run",
        str(tmp_path / "spec.json"),
        "-q",
        "-o",
        str(tmp_path / "runs" / "it"),
    ]
    process = subprocess.Popen(command)
    try:
        until((tmp_path / "runs" / "it" / "manifest.json").exists)
        with served(tmp_path / "runs") as site:
            stream = site.stream("/run/it/events")
            last = 0
            for _ in range(4):
                identifier, lines = stream.take("history")
                assert [row[0] for row in lines["rows"]] == sorted({row[0] for row in lines["rows"]})
                assert lines["after"] in (0, last) and lines["rows"][-1][0] > last
                last = lines["rows"][-1][0]
                assert identifier.startswith(f"{last}-")
            _, facts = stream.take("facts")
            assert facts["status"] == "running" and facts["left"]
            process.kill()
            process.wait()
            while facts["status"] == "running":
                _, facts = stream.take("facts")
            assert facts["status"] == "killed"
    finally:
        process.kill()
        process.wait()


def test_a_signal_ends_the_command_while_a_page_is_open(trained, until):
    import http.client

    process = subprocess.Popen(
        [sys.executable, "-m", "specnet", "watch", str(trained), "--port", "0"], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    address = process.stdout.readline().strip()
    assert address.startswith("http://127.0.0.1:") and address.endswith("/")
    connection = http.client.HTTPConnection("127.0.0.1", int(address.split(":")[2].strip("/")), timeout=120)
    connection.request("GET", "/run/arms/events")
    assert connection.getresponse().readline() == b"retry: 1000\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    connection.close()
    assert (process.returncode, errors) == (130, "stopped by SIGINT\n")


def test_a_port_that_is_taken_and_a_directory_that_is_missing_are_told(trained, served):
    from click.testing import CliRunner

    from specnet.cli import cli

    with served(trained) as site:
        result = CliRunner().invoke(cli, ["watch", str(trained), "--port", str(site.port)])
        assert (result.exit_code, f"port {site.port} cannot be used" in result.stderr) == (2, True)
        assert "--port 0" in result.stderr
    for path, words in (
        (trained / "nothing", "there is no directory"),
        (trained / "arms" / "spec.json", "is not a dir"),
    ):
        result = CliRunner().invoke(cli, ["watch", str(path)])
        assert (result.exit_code, words in result.stderr) == (2, True)
