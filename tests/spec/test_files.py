"""Data files that a spec names are looked for before anything is loaded."""

import json

import pytest
from spec.checked import MINIMAL, mistakes

from specnet import SpecnetError, load_spec


@pytest.mark.parametrize(
    ("dataset", "missing"),
    [
        ({"type": "csv", "path": "no.csv", "inputs": ["a"], "targets": ["t"]}, ["path"]),
        ({"type": "csv", "path": "n" * 300, "inputs": ["a"], "targets": ["t"]}, ["path"]),
        ({"type": "npz", "path": "."}, ["path"]),
        ({"type": "npz", "path": ""}, ["path"]),
        ({"type": "idx", "images": "a", "labels": __file__}, ["images"]),
        (
            {"type": "idx", "images": "a", "labels": "b", "test": {"images": "c", "labels": "d"}},
            ["images", "labels", "test.images", "test.labels"],
        ),
    ],
)
def test_missing_data_files_are_found_before_anything_is_loaded(dataset, missing):
    assert mistakes(dataset=dataset) == [("missing-file", ("dataset", *field.split("."))) for field in missing]


def test_files_in_lists_and_objects_are_looked_for_too(plugin, tmp_path):
    (tmp_path / "a.txt").write_text("a")
    path = tmp_path / "spec.json"
    dataset = {"type": "files", "paths": ["a.txt"], "named": {"first": "a.txt"}}
    path.write_text(json.dumps(MINIMAL | {"dataset": dataset}))
    found = load_spec(path).to_json()["dataset"]
    assert (found["paths"], found["named"]) == ([str(tmp_path / "a.txt")], {"first": str(tmp_path / "a.txt")})
    path.write_text(json.dumps(MINIMAL | {"dataset": dataset | {"paths": ["a.txt", "b.txt"], "named": {"x": "c.txt"}}}))
    with pytest.raises(SpecnetError) as raised:
        load_spec(path)
    assert [found.pointer for found in raised.value.diagnostics] == [
        ("dataset", "paths", 1),
        ("dataset", "named", "x"),
    ]
