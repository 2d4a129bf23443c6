"""Where each diagnostic stands: file, line, column, pointer and code, of every code that the package has.

The rows are in `places.json`, and say nothing of words. A row has a spec: lines of the minimal one that are replaced or
added, or a whole `text`, in which ' stands for ". A mark ▸ stands before each place that is told, in the spec, in
`files` beside it and in overrides to `set`; marks are no part of the text. `expected` has, in the order in which they
are told, code and pointer, and which of the texts has the next mark: the spec if nothing else is said, null for no
place. `by` says who tells: the command `validate` by default.
"""

import ast
import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from environment import installed_in, write_distribution
from helpers import marked, spec_text

import specnet
from specnet import Callback, SpecnetError
from specnet.cli import cli
from specnet.diagnostics import CODES
from specnet.exporters.base import export
from specnet.runs.requirements import check_requirements, parse_requirement

ROWS = json.loads(Path(__file__).with_name("places.json").read_text())
PACKAGE = Path(specnet.__file__).parent
CODE = re.compile(r"[a-z]+(-[a-z]+)*")
TAKING_A_CODE = re.compile(r"Diagnostic|custom_error|_?mistake|layer_mistake")
NEVER_TOLD = {"component", "spec", "error", "plugin", "diverged"}
"""Codes of base classes, whose errors are of one of the classes below or tell the codes of what they hold; that of
local files of plugins, which are no part of a spec; and that of a finding about a run."""

PLUGIN = """
import numpy as np
from specnet import Dataset, Layer, Loss, Metric, Schedule
from specnet.datasets.base import Data, Samples

class Plain(Layer):
    def forward(self, x, training):
        return x

    def backward(self, dy):
        return dy

class BadBuild(Plain):
    def build(self, input_shape):
        raise RuntimeError("bad")

class BadBackward(Plain):
    def backward(self, dy):
        return None

class Diverging(Plain):
    '''Right for a few steps, and then nan in `part`: outputs, gradient, dx, state.'''
    part: str

    def build(self, input_shape):
        self.declare("gain", input_shape, "zeros")
        self.declare_state("seen", input_shape)
        return input_shape

    def forward(self, x, training):
        if training:
            self.calls = getattr(self, "calls", 0) + 1
            if self._due("state"):
                self.seen[...] = np.nan
        return x * np.float32(np.nan) if self._due("outputs") else x * 1

    def backward(self, dy):
        self.grad.gain[...] = np.nan if self._due("gradient") else 0
        return dy * np.float32(np.nan) if self._due("dx") else dy

    def _due(self, part):
        return self.part == part and getattr(self, "calls", 0) > 3

class Untraceable(Layer):
    def forward(self, x, training):
        return np.array(x)

    def backward(self, dy):
        return dy

class Unknown(Dataset):
    '''Tells nothing before it is loaded. `what` of its samples is wrong.'''
    what: str = "nothing"

    def load(self, rng):
        if self.what == "load":
            raise RuntimeError("bad")
        inputs, targets = rng.normal(size=(12, 2)), rng.normal(size=(12, 1))
        if self.what == "inputs":
            inputs[3, 1] = np.nan
        if self.what == "range":
            inputs[3, 1] = 1e60
        return Data(train=Samples(inputs, targets[:7] if self.what == "targets" else targets))

class BadLoss(Loss):
    takes = "numbers"

    def forward(self, y, target):
        raise RuntimeError("bad")

    def backward(self):
        raise RuntimeError("bad")

class BadMetric(Metric):
    def reset(self):
        self.keep(count=0)

    def update(self, prediction, target):
        raise RuntimeError("bad")

    def compute(self):
        return 0.0

class BadSchedule(Schedule):
    def __call__(self, step):
        raise RuntimeError("bad")
"""
POINTS = """
bad_import = acme_bad:Bad
bad_build = acme:BadBuild
bad_backward = acme:BadBackward
diverging = acme:Diverging
twice = acme:Plain
untraceable = acme:Untraceable
[specnet.datasets]
unknown = acme:Unknown
[specnet.losses]
bad_loss = acme:BadLoss
[specnet.metrics]
bad_metric = acme:BadMetric
[specnet.schedules]
bad_schedule = acme:BadSchedule
"""


@pytest.fixture(scope="module")
def plugins(tmp_path_factory):
    """Some plugins are installed, found once for all rows."""
    folder = tmp_path_factory.mktemp("plugins")
    write_distribution(folder, "acme", POINTS, acme=PLUGIN, acme_bad="1 / 0")
    write_distribution(folder, "other", "twice = acme:Plain")
    with pytest.MonkeyPatch.context() as patch, installed_in(folder, patch):
        yield


@pytest.fixture
def folder(plugins, tmp_path, monkeypatch):
    """The working directory, with data that specs may name."""
    monkeypatch.chdir(tmp_path)
    numbers = np.random.default_rng(0).normal(size=(40, 2))
    arrays = {"inputs": numbers, "targets": numbers[:, :1]}
    np.savez("arrays.npz", **arrays, classes=np.arange(40) % 3)
    np.savez("own.npz", **arrays, **{f"test_{name}": array for name, array in arrays.items()})
    for name, array in arrays.items():
        np.save(f"{name}.npy", array)
    return tmp_path


def validate(path, overrides):
    arguments = [part for override in overrides for part in ("--set", override)]
    result = CliRunner().invoke(cli, ["validate", str(path), "--format", "json", "--memory-budget", "8GB", *arguments])
    told = json.loads(result.stdout)
    assert (result.exit_code == 2) == any(found["severity"] == "error" for found in told)
    return told


def told_by(call, *arguments, **options):
    """Return what an error tells that a call ends in, and assert that it is no warning."""
    with pytest.raises(SpecnetError) as raised:
        call(*arguments, **options)
    told = [found.to_json(raised.value.file) for found in raised.value.diagnostics]
    assert {found["severity"] for found in told} == {"error"}
    assert raised.value.exit_code == {"run": 3, "divergence": 4, "requirement": 5}.get(told[0]["code"], 2)
    return told


def run(path, overrides):
    return told_by(specnet.run, specnet.load_spec(path, overrides), "run", report=False)


def export_numpy(path, overrides):
    trained = specnet.run(specnet.load_spec(path, overrides), "run", report=False)
    return told_by(export, trained, "numpy", Path("exported.py"))


def resume(path, overrides):
    specnet.run(specnet.load_spec(path), "run", report=False)
    return told_by(specnet.resume, "run", overrides)


def resume_while_it_runs(path, overrides):
    told = []

    class Resuming(Callback):
        def epoch(self, training, values):
            told[:] = told_by(specnet.resume, "run")

    specnet.run(path, "run", callbacks=[Resuming()], report=False)
    return told


BY = {
    "validate": validate,
    "run": run,
    "resume": resume,
    "export": export_numpy,
    "a gate": lambda path, overrides: told_by(
        check_requirements, [parse_requirement("accuracy>=0.9")], {"accuracy": 0.5}
    ),
    "resume while it runs": resume_while_it_runs,
    "resume of no run": lambda path, overrides: told_by(specnet.resume, "nowhere"),
    "run in a file": lambda path, overrides: told_by(specnet.run, path, path),
    "load of no file": lambda path, overrides: told_by(specnet.load_spec, "nowhere.json"),
    "build of another group": lambda path, overrides: told_by(specnet.build, "layers", specnet.build("losses", "mse")),
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["claim"])
def test_a_diagnostic_has_its_code_and_stands_in_its_place(row, folder):
    texts = {"spec.json": "\n".join(row["text"]) if "text" in row else spec_text(row.get("spec", []))}
    texts |= row.get("files", {})
    places = {}
    for name, text in texts.items():
        content, marks = marked(text.replace("'", '"'))
        (folder / name).write_bytes(content)
        places[name] = iter([(str(folder / name), *mark) for mark in marks])
    overrides = []
    for override in row.get("set", []):
        content, marks = marked(override.replace("'", '"'))
        overrides.append(content.decode())
        places["set"] = iter([(f"--set {overrides[-1]}", *mark) for mark in marks])
    expected = [
        (code, pointer, *(next(places[where[0] if where else "spec.json"]) if where != [None] else (None, None)))
        for code, pointer, *where in row["expected"]
    ]
    found = BY[row.get("by", "validate")](folder / "spec.json", overrides)
    told = [
        (each["code"], each["pointer"], each["file"], each["line"], each["column"])
        if each["line"]
        else (each["code"], each["pointer"], None, None)
        for each in found
    ]
    assert told == expected
    assert {each["severity"] for each in found} == {row.get("severity", "error")}
    assert [next(rest, None) for rest in places.values()] == [None] * len(places), "each mark is of one diagnostic"


def codes():
    """Return the codes that the package gives its diagnostics: of error classes, of pydantic's, and those written."""
    found = set(CODES.values())
    # Codes of findings about runs are those of tests/diagnosis.
    sources = [path.read_text() for path in PACKAGE.rglob("*.py") if path.parent.name != "diagnosis"]
    for source in filter(re.compile(f"code|{TAKING_A_CODE.pattern}").search, sources):
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                values = node.args if TAKING_A_CODE.fullmatch(name) else []
            elif isinstance(node, ast.Compare) and getattr(node.left, "attr", "") == "code":
                values = node.comparators
            elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "code":
                values = [node.value]
            else:
                values = []
            texts = {value.value for value in values if isinstance(value, ast.Constant)}
            found |= {text for text in texts if isinstance(text, str) and CODE.fullmatch(text)}
    return found - NEVER_TOLD


def test_each_code_of_the_package_has_a_row():
    assert {code for row in ROWS for code, *_ in row["expected"]} == codes()
