"""On a terminal messages are cut to its width and coloured; elsewhere they are plain."""

import io
import json
import re
import shlex
import subprocess
import sys
import unicodedata
from itertools import product

import pytest
from helpers import sampled

from specnet.cli.messages import coloured, terminal_width
from specnet.cli.output import tell
from specnet.errors import Diagnostic
from specnet.location import Location

LINE = '"training": {"epochs": 2, "early_stopping": true}, ' * 20
FOUND = Diagnostic("code", "what is wrong", ("training",), None, Location("spec.json", 3, 303, LINE, 9))
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


class Terminal(io.StringIO):
    def isatty(self):
        return True


def terminal(monkeypatch):
    """Let standard error be a terminal."""
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.delenv("NO_COLOR", raising=False)
    return sys.stderr


@pytest.mark.parametrize("columns", [40, 60, 80, 119, 200])
def test_no_line_of_a_spec_is_wider_than_the_terminal(columns, monkeypatch):
    terminal(monkeypatch)
    monkeypatch.setenv("COLUMNS", str(columns))
    text = FOUND.render(None, terminal_width()).split("\n")
    assert max(map(len, text)) <= columns
    shown, carets = text[3:5]
    assert "".join(char for char, mark in zip(shown, carets, strict=False) if mark == "^") == LINE[302:311]


WIDE = '{"name": "' + "漢" * 60 + '", "layers": ["' + "字" * 50 + '", "tanh"]}'


@pytest.mark.parametrize("columns", [40, 80, 119])
@pytest.mark.parametrize(("column", "width"), [(11, 60), (85, 52), (140, 6)])
def test_wide_characters_count_as_two_columns(column, width, columns, monkeypatch):
    terminal(monkeypatch)
    monkeypatch.setenv("COLUMNS", str(columns))
    found = FOUND._replace(location=Location("spec.json", 1, column, WIDE, width))
    shown, carets = found.render(None, terminal_width()).split("\n")[3:5]
    cells = [char for char in shown for _ in range(1 + (unicodedata.east_asian_width(char) in "WF"))]
    assert len(cells) <= columns
    marked = [cell for cell, mark in zip(cells, carets, strict=False) if mark == "^"]
    assert marked[:5] == [char for char in WIDE[column - 1 :] for _ in range(1 + (ord(char) > 999))][:5]


COMMANDS = [["validate", "spec.json"], ["run", "spec.json"], ["doctor", "nosuch"]]


@pytest.mark.parametrize(
    ("closed", "arguments"), sampled(product(["2>&-", "2>/dev/full", ">&- 2>&- <&-"], COMMANDS), 7)
)
def test_where_nobody_hears_of_warnings_a_command_goes_on(arguments, closed, tmp_path):
    spec = {
        "dataset": {"type": "spiral", "n_samples": 20},
        "layers": [{"type": "linear", "units": 1}],
        "loss": "mse",
        "training": {"epochs": 1, "batch_size": 1000},
    }
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    command = shlex.join([sys.executable, "-m", "specnet", *arguments])
    result = subprocess.run(["sh", "-c", f"exec {command} {closed}"], cwd=tmp_path, capture_output=True, check=False)
    assert result.returncode == {"doctor": 3}.get(arguments[0], 0)
    assert (tmp_path / "runs" / "spec" / "manifest.json").exists() is (arguments[0] == "run")


@pytest.mark.parametrize("arguments", [["components"], ["--help"], ["components", "layers", "tanh"]])
def test_a_full_disk_is_one_message(arguments):
    command = shlex.join([sys.executable, "-m", "specnet", *arguments])
    result = subprocess.run(["sh", "-c", f"exec {command} > /dev/full"], stderr=subprocess.PIPE, text=True, check=False)
    assert (result.returncode, result.stderr) == (2, "error[file]: output: No space left on device\n")


def test_elsewhere_a_line_has_the_same_length_whatever_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    assert terminal_width() is None
    assert FOUND.render(None, terminal_width()) == FOUND.render()


def test_colours_change_no_word_and_mark_what_a_message_is(monkeypatch):
    stderr = terminal(monkeypatch)
    help = FOUND._replace(help="type this " * 20)
    warning = FOUND._replace(severity="warning", location=None, help="or that")
    text = "\n".join([help.render("spec.json"), warning.render("spec.json"), "error: without a code", "and more"])
    tell(text)
    shown = stderr.getvalue()
    assert ESCAPE.sub("", shown) == f"{text}\n"
    for part in ("error[code]:", "warning[code]:", "-->", "^" * 9, "= help:"):
        assert re.search(rf"\x1b\[[0-9;]*m *{re.escape(part)}\x1b\[0m", shown)


def test_no_color_is_respected(monkeypatch):
    terminal(monkeypatch)
    monkeypatch.setenv("NO_COLOR", "1")
    assert coloured(FOUND.render()) == FOUND.render()
