"""On a terminal messages are cut to its width and coloured; elsewhere they are plain."""

import io
import re
import sys

import pytest

from specnet.cli.messages import coloured, terminal_width
from specnet.cli.output import tell
from specnet.errors import Diagnostic, Location

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
