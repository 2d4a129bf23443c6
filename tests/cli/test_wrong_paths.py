"""A path to something else than a command takes: the message says what it is, and what to type."""

from pathlib import Path

import pytest

import specnet

SPEC = {
    "dataset": {"type": "moons", "n_samples": 20},
    "split": {"validation": 0.2},
    "layers": [{"type": "linear", "units": 1}],
    "loss": "bce_with_logits",
    "training": {"epochs": 1},
    "record": None,
    "plots": [],
}
RUN = {
    "nothing": ("there is no directory nothing", "specnet runs DIR lists"),
    "file": ("file is a file, not a run directory", "specnet runs DIR lists"),
    "empty": ("empty is not a run directory: it has no manifest.json", "specnet run SPEC creates"),
    "group": ("group is not a run directory: it is a group of runs", "such as group/seed-1"),
    "sweep": ("sweep is not a run directory: it is a sweep", "such as sweep/0/seed-1"),
    ".": (". is not a run directory: it has no manifest.json", "such as group/seed-1"),
}
BUNDLE = {"file": ("file is neither a run directory nor a bundle", "specnet bundle RUN writes bundles")}
GROUP = {
    "nothing": ("there is no directory nothing", "specnet runs DIR lists"),
    "file": ("file is a file, not a group of runs", "specnet runs DIR lists"),
    "empty": ("empty is not a group of runs: it has no summary.json", "repeat and specnet cross-validate create"),
    "group/seed-1": ("group/seed-1 is not a group of runs: it is a run", "it is in a group: group"),
    ".": (". is not a group of runs: it has no summary.json", "such as group"),
}
SPECS = {
    "nothing": ("there is no such file", ""),
    "empty": ("it is a directory, not a file", ""),
    "group": ("it is a directory, not a file", "did you mean group/spec.json?"),
}


@pytest.fixture
def places(invoke):
    specnet.repeat(SPEC, [1], "group", workers=1)
    Path("sweep/0/seed-1").mkdir(parents=True)
    for name in ("sweep/plan.json", "sweep/0/seed-1/manifest.json"):
        Path(name).write_text("{}")
    Path("empty").mkdir()
    Path("file").write_text("hello\n")


@pytest.mark.parametrize(
    ("commands", "expected"),
    [
        (["resume", "bundle", "plot", "report", "reproduce", "explain", "importance", "influence", "doctor"], RUN),
        (["evaluate", "predict"], BUNDLE),
        (["refit"], GROUP),
        (["run", "repeat", "cross-validate", "validate", "summary", "data", "lr-find"], SPECS),
    ],
    ids=["run", "bundle", "group", "spec"],
)
def test_what_a_path_leads_to_is_said(commands, expected, places, invoke):
    for command in commands:
        for path, texts in expected.items():
            if (command, path) == ("plot", "file"):
                continue  # it is read as a spec
            result = invoke(command, path, *(["file"] if command == "predict" else []))
            assert result.exit_code in (2, 3) and all(text in result.stderr for text in texts), (command, path)
