import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from specnet.cli import cli

MINIMAL = {
    "dataset": {"type": "spiral", "n_samples": 40},
    "layers": [{"type": "linear", "units": 4}, "tanh", {"type": "linear", "units": 1}],
    "loss": "bce_with_logits",
    "training": {"epochs": 3},
    "plots": [],
}


@pytest.fixture
def invoke(tmp_path, monkeypatch):
    """Run a command in a folder of its own; a traceback fails the test."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return call


@pytest.fixture
def write(invoke):
    """Write a small spec with changes into that folder and return its path."""

    def call(path, **changes):
        Path(path).write_text(json.dumps(MINIMAL | changes))
        return path

    return call
