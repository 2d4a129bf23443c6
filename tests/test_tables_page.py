"""Each small file of docs/tables.md becomes the samples that the page shows, or is refused in its words."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

import specnet
from specnet import SpecnetError
from specnet.runs.experiment import Experiment

PAGE = (Path(__file__).parents[1] / "docs" / "tables.md").read_text()
EXAMPLE = re.compile(r"^```csv\n(.*?)^```\n.*?^```json\n(.*?)^```\n.*?^```text\n(.*?)^```", re.M | re.S)
EXAMPLES = EXAMPLE.findall(PAGE)


def shown(content, fields):
    """Return the samples that a network sees of a file, with the names of their columns, or the error as text."""
    Path("table.csv").write_text(content)
    given = json.loads(fields)
    spec = {
        "dataset": {"type": "csv", "path": "table.csv", **given.pop("dataset")},
        "layers": ["linear"],
        "loss": given.pop("loss", "mse"),
        **given,
    }
    try:
        experiment = Experiment(specnet.load_spec(spec))
    except SpecnetError as error:
        return "\n".join(f"error: {found.message}\n  help: {found.help}" for found in error.diagnostics) + "\n"
    data, inputs = experiment.data, experiment.model.inputs
    x = inputs.apply(data.train.inputs)
    targets = [data.classes[number] for number in data.train.targets] if data.classes else data.train.targets.tolist()
    rows = [[*(f"{number:.6g}" for number in row)] for row in x]
    for row, target in zip(rows, targets, strict=True):
        row += ["|", target if data.classes else " ".join(f"{number:.6g}" for number in target)]
    rows.insert(0, [*inputs.names(), "|", " ".join(data.target_names)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "\n".join(lines).replace(str(Path.cwd()) + "/", "") + "\n"


@pytest.mark.parametrize(("content", "fields", "expected"), EXAMPLES)
def test_a_small_file_becomes_what_the_page_shows(content, fields, expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert shown(content, fields).replace(f"{tmp_path}/", "") == expected


def test_every_feature_has_a_small_file():
    assert len(EXAMPLES) > 15
    assert np.unique([fields for _, fields, _ in EXAMPLES]).size == len(EXAMPLES)
