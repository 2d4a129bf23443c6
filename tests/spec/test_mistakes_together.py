"""Several mistakes at once, in one file, several, and overrides; what hostile specs cost; the place of any wrong value.

A mark ▸ stands before each mistake; marks are no part of the text.
"""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from helpers import assert_told, marked, told
from hypothesis import given, settings
from hypothesis import strategies as st

from specnet import Layer, registry
from specnet.cli import cli
from specnet.component import Section
from specnet.words import json_pointer

MINIMAL = {"dataset": "spiral", "layers": [{"type": "linear", "units": 1}, "sigmoid"], "loss": "bce"}

TEN = """{
  "description": "größe 漢字", "seed": ▸1e400,
  "dataset": {"type": "npz", "path": ▸"no.npz"},
  "dtype": ▸"float16",
  ▸"optimiser": "adam",
  "layers": [
    ▸{"type": "linear"},
    {"type": "residual", "layers": [{"type": "repeat", "times": 2, "layers": [▸"thanh"]}]},
    {"type": "dropout", "rate": ▸"0.5"},
    {"type": "linear", "units": 1},
    "sigmoid"
  ],
  "loss": ▸"bce_with_logits",
  "metrics": ["mse", ▸"mse"],
  "training": {"epochs": 3, ▸"epochs": 4},
  "checkpoint": {"monitor": ▸"train/msee"},
  "record": {"every": 1, "points": ▸NaN},
  "split": ▸{"validation": 0.5, "test": 0.5}
} ▸garbage
"""
TEN_CODES = [
    "out-of-range /seed", "missing-file /dataset/path", "wrong-value /dtype", "unknown-key /optimiser",
    "missing-key /layers/0", "unknown-component /layers/1/layers/0/layers/0", "wrong-type /layers/2/rate",
    "loss-output /loss", "duplicate-metric /metrics/1", "duplicate-key /training/epochs",
    "unknown-monitor /checkpoint/monitor", "not-finite /record/points", "split /split", "syntax",
]  # fmt: skip


def test_many_mistakes_of_many_kinds_are_all_told_in_the_order_of_the_file(tmp_path):
    assert_told(tmp_path / "spec.json", TEN, TEN_CODES)
    assert len({code.split()[0] for code in TEN_CODES}) == len(TEN_CODES) >= 10


def test_the_command_tells_them_all_and_in_json_where(tmp_path):
    path, found = tmp_path / "spec.json", []
    content, places = marked(TEN)
    path.write_bytes(content)
    result = CliRunner().invoke(cli, ["validate", str(path), "--format", "json", "--set", "training.shuffle=1"])
    override, *found = json.loads(result.stdout)
    assert (result.exit_code, result.stderr) == (2, "")
    assert (override["file"], override["line"], override["column"]) == ("--set training.shuffle=1", 1, 18)
    assert [(each["line"], each["column"]) for each in found] == places
    assert [f"{each['code']} {each['pointer']}".strip() for each in found] == TEN_CODES
    assert {each["file"] for each in found} == {str(path)}
    text = CliRunner().invoke(cli, ["validate", str(path), "--set", "training.shuffle=1"]).stderr
    assert text.count("error[") == len(TEN_CODES) + 1


@pytest.mark.parametrize("text", ["[]", "3", "null", "true", '"spiral"', '[{"dataset": "spiral"}]', "1.5"])
def test_a_document_that_is_no_object_is_told_in_one_sentence(tmp_path, text):
    (found,) = assert_told(tmp_path / "spec.json", f"\n ▸{text}\n", ["wrong-type"])
    assert "the spec should be" in found.message


# Files by name, then what is told of spec.json: file, code and pointer in the order of the files' marks.
EXTENDS = [
    ({"base.json": '{"dataset": ▸"spirall", "seed": 1, "layers": ["tanh"]}',
      "spec.json": '{"extends": "base.json", "seed": ▸-1, "loss": "mse"}'},
     ["unknown-component /dataset", "out-of-range /seed"]),
    ({"base.json": '{"training": {"epochs": 1, ▸"epoch": 1}, "dataset": "waves"}',
      "middle.json": '{"extends": "base.json", "layers": [{"type": "linear", "units": ▸0}]}',
      "spec.json": '{"extends": "middle.json", ▸"lss": "mse", "loss": "mse"}'},
     ["unknown-key /training/epoch", "out-of-range /layers/0/units", "unknown-key /lss"]),
    ({"base.json": '{"seed": 1, ▸"seed": 2, "split": {"test": ▸1e400}} ▸x',
      "spec.json": json.dumps(MINIMAL | {"extends": "base.json"})},
     ["duplicate-key /seed", "out-of-range /split/test", "syntax"]),
    ({"base.json": '{"seed": ▸+1}', "spec.json": json.dumps(MINIMAL | {"extends": "base.json"})}, ["syntax"]),
    ({"base.json": '{"dataset": {"type": "csv", "path": ▸"no.csv", "inputs": ["a"], "targets": ["b"]}, "loss": "mse"}',
      "spec.json": '{"extends": "base.json", "layers": [{"type": "linear", "units": 1}]}'},
     ["missing-file /dataset/path"]),
    # What replaces a wrong value of the base is right.
    ({"base.json": json.dumps(MINIMAL | {"seed": -1, "dtype": "x"}),
      "spec.json": '{"extends": "base.json", "seed": 1, "dtype": null}'}, []),
    ({"base.json": json.dumps(MINIMAL), "spec.json": '{"extends": "base.json", "loss": ▸{"reduction": "sum"}}'},
     ["missing-key /loss"]),
    *(({"spec.json": f'{{"extends": ▸{value}}}'}, ["extends /extends"])
      for value in ("3", "null", "true", '""', "[]", "{}", '"a\\u0000"', '"no.json"', '"."', '"spec.json"')),
    ({"a.json": '{"extends": "b.json"}', "b.json": '{"extends": ▸"spec.json"}', "spec.json": '{"extends": "a.json"}'},
     ["extends /extends"]),
    ({**{f"{number}.json": f'{{"extends": "{number + 1}.json"}}' for number in range(9)},
      "9.json": '{"extends": "10.json"}', "8.json": '{"extends": ▸"9.json"}', "spec.json": '{"extends": "0.json"}'},
     ["extends /extends"]),
    ({"base.json": '{"extends": ▸"no.json"}', "spec.json": '{"extends": "base.json"}'}, ["extends /extends"]),
    ({"base.json": "▸[]", "spec.json": json.dumps(MINIMAL | {"extends": "base.json"})}, ["wrong-type"]),
]  # fmt: skip


@pytest.mark.parametrize(("files", "expected"), EXTENDS)
def test_a_mistake_is_located_in_the_file_it_stands_in(tmp_path, files, expected):
    wanted = []
    for name, text in sorted(files.items()):
        content, places = marked(text)
        (tmp_path / name).write_bytes(content)
        wanted += [(str(tmp_path / name), line, column) for line, column in places]
    found = told(tmp_path / "spec.json")
    assert [f"{each.code} {json_pointer(each.pointer)}".strip() for each in found] == expected
    assert [(each.location.file, each.location.line, each.location.column) for each in found] == wanted


OVERRIDES = [
    ("▸nope", "override"),
    ("layers.▸7=tanh", "override"),
    ("layers.0.units=▸0", "out-of-range /layers/0/units"),
    ("dataset.▸n_sample=4", "unknown-key /dataset/n_sample"),
    ('layers.1={"type": ▸"sigmod"}', "unknown-component /layers/1/type"),
    ("loss=▸bse", "unknown-component /loss"),
    ("training.▸epoch=3", "unknown-key /training/epoch"),
    ("training.epochs=▸0", "out-of-range /training/epochs"),
    ("seed=▸1e400", "out-of-range /seed"),
    ("seed=▸NaN", "not-finite /seed"),
    ('split={"test": 0.1, ▸"test": 0.2}', "duplicate-key /split/test"),
    ("split=[1▸}", "syntax"),
    ('dataset={"type": "npz", "path": ▸"no.npz"}', "missing-file /dataset/path"),
    ("checkpoint.monitor=▸train/acc", "unknown-monitor /checkpoint/monitor"),
    ('optimizer={"type": "sgd", "learning_rate": ▸1e-60}', "out-of-range /optimizer/learning_rate"),
]


def test_a_mistake_in_an_override_is_located_there(tmp_path):
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(MINIMAL))
    for text, expected in OVERRIDES:
        content, ((_, column),) = marked(text)
        override = content.decode()
        (found,) = told(path, [override])
        assert f"{found.code} {json_pointer(found.pointer)}".strip() == expected, override
        assert (found.location.file, found.location.column) == (f"--set {override}", column)


@pytest.mark.parametrize("override", ["record.x=3", "metrics.0=mse", "loss.epsilon.x=1", "split.a.b=1"])
def test_what_an_override_creates_on_the_way_is_located_there(tmp_path, override):
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(MINIMAL))
    (found,) = told(path, [override])
    assert found.location.file == f"--set {override}"


# A plugin's component is told about like a built-in.


class Size(Section):
    """A section of a plugin."""

    width: int = 1


class Wrapper(Layer):
    """A layer of a plugin."""

    size: Size = Size()
    inside: Layer

    def forward(self, x, training):
        return x

    def backward(self, dy):
        return dy


PLUGIN = [
    ('{"type": "wrapper", "inside": "tanh", ▸"insde": 1}', "unknown-key /layers/0/insde"),
    ('{"type": "wrapper", "inside": "tanh", "size": {▸"widht": 1}}', "unknown-key /layers/0/size/widht"),
    ('{"type": "wrapper", "inside": "tanh", "size": {"width": ▸"1"}}', "wrong-type /layers/0/size/width"),
    ('{"type": "wrapper", "inside": {"type": "linear", "units": 1, ▸"unit": 1}}', "unknown-key /layers/0/inside/unit"),
    (
        '{"type": "wrapper", "inside": {"type": "wrapper", "inside": ▸"thanh"}}',
        "unknown-component /layers/0/inside/inside",
    ),
    ('▸{"type": "wrapper"}', "missing-key /layers/0"),
    ('{"type": ▸"breaks"}', "broken-component /layers/0/type"),
]


@pytest.mark.parametrize(("layer", "expected"), PLUGIN)
def test_a_mistake_in_a_component_of_a_plugin_is_told_where_it_stands(tmp_path, monkeypatch, layer, expected):
    def fail():
        raise ImportError("no such library")

    claims = {group: dict(names) for group, names in registry._claims().items()}
    for name, load in {"wrapper": lambda: Wrapper, "breaks": fail}.items():
        claims["layers"][name] = [registry.Entry("layers", name, "m:C", "dist", "1", SimpleNamespace(load=load))]
    monkeypatch.setattr(registry, "_claims", lambda: claims)
    text = f'{{"dataset": "spiral", "loss": "bce", "layers": [{layer}, {{"type": "linear", "units": 1}}, "sigmoid"]}}'
    assert_told(tmp_path / "spec.json", text, [expected])


# Whatever the layout of a file, a wrong value is found.


@st.composite
def written(draw):
    """A valid spec in any layout with one value in it replaced by a wrong one, which is marked."""
    space = st.text(" \t\n", max_size=4)
    unsafe = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="▸")
    value = MINIMAL | {"description": draw(st.text(unsafe, max_size=30)), "seed": 1, "split": {"test": 0.1}}
    value |= {"training": {"epochs": 3, "shuffle": True}, "metrics": ["mse", "accuracy"], "optimizer": {"type": "sgd"}}
    wrong = draw(st.sampled_from(sorted(WRONG)))
    ascii_only = draw(st.booleans())

    def write(part, place=""):
        if place == wrong:
            return f"▸{WRONG[wrong]}"
        if not isinstance(part, (dict, list)):
            return json.dumps(part, ensure_ascii=ascii_only)
        keys = draw(st.permutations(list(part))) if isinstance(part, dict) else range(len(part))
        items = [(json.dumps(key) + draw(space) + ":" if isinstance(part, dict) else "", key) for key in keys]
        values = [name + draw(space) + write(part[key], f"{place}/{key}") for name, key in items]
        text = ",".join(draw(space) + value + draw(space) for value in values)
        return f"{{{text}}}" if isinstance(part, dict) else f"[{text}]"

    return draw(space) + write(value) + draw(space), wrong


WRONG = {
    "/seed": "-1", "/description": "null", "/layers/0/units": '"é漢"', "/layers/1": '"sigmöid"', "/loss": '"\\u0062c"',
    "/split/test": "1.5", "/training/epochs": "0", "/training/shuffle": "[\n]", "/metrics/1": "{}",
    "/optimizer/type": "3",
}  # fmt: skip


@settings(max_examples=100)
@given(written())
def test_a_wrong_value_is_found_in_any_layout(tmp_path_factory, case):
    text, pointer = case
    path = tmp_path_factory.getbasetemp() / "any.json"
    content, places = marked(text)
    path.write_bytes(content)
    (found,) = told(path)
    assert json_pointer(found.pointer) == pointer
    assert [(found.location.line, found.location.column)] == places


# Specs that are made to do harm.


def nest(depth):
    layer = '"tanh"'
    for _ in range(depth):
        layer = f'{{"type": "residual", "layers": [{layer}]}}'
    return json.dumps(MINIMAL).replace('"sigmoid"', layer)


def with_layers(layers):
    return json.dumps(MINIMAL | {"layers": layers})


MILLION = {"type": "repeat", "times": 1000, "layers": ["tanh"]}
HOSTILE = {
    "lists": "[" * 100_000,
    "objects": '{"a":' * 100_000,
    "closed": "[" * 100_000 + "]" * 100_000,
    "string": '"' + r"\"" * 400_000,
    "composites": nest(201),
    "deepest composites": nest(48),
    "units": with_layers([{"type": "linear", "units": 10**12}, {"type": "linear", "units": 1}, "sigmoid"]),
    "square": with_layers([{"type": "linear", "units": 10**9}] * 2),
    "repeat": with_layers([MILLION | {"layers": [MILLION | {"layers": [MILLION]}]}]),
    "digits": with_layers([{"type": "linear", "units": 1}, "sigmoid"])[:-1] + ', "seed": ' + "9" * 900_000 + "}",
    "large": " " * 2_000_000,
    "traps": with_layers(["os.system", "builtins:eval", "antigravity:fly", "this", "turtle.Turtle", "../linear"]),
    "duplicates": '{"a": [' + '{"a": 1, "a": 1},' * 20_000 + "1]}\n",
    "wide": with_layers(["antigravity"] * 60_000),
}
# Runs the command; then prints which of the modules that the specs name were imported.
DRIVER = r"""
import pathlib, re, sys
from specnet.cli import main
try:
    main()
finally:
    print(sorted(sys.modules.keys() & {"antigravity", "this", "turtle"}))
    # Not what `getrusage` tells: that remembers the process which started this one.
    status = pathlib.Path("/proc/self/status")
    print(re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1] if status.exists() else 0)
"""
MOST_MEMORY = 200_000_000


def test_hostile_specs_end_in_a_message_and_cost_little(tmp_path):
    paths = []
    for name, text in HOSTILE.items():
        paths.append(tmp_path / f"{name}.json")
        paths[-1].write_text(text)
    arguments = [sys.executable, "-c", DRIVER, "validate", *map(str, paths), "--memory-budget", "8GB"]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    result = subprocess.run(arguments, capture_output=True, text=True, env=environment, check=False)
    imported, kilobytes = result.stdout.splitlines()
    assert result.returncode == 2, result.stderr[-2000:]
    assert imported == "[]"
    assert all(str(path) in result.stderr for path in paths)
    assert "Traceback" not in result.stderr and "error[internal]" not in result.stderr
    assert int(kilobytes) * 1024 < MOST_MEMORY


def test_warnings_are_told_with_the_mistakes_and_in_their_place(tmp_path):
    path = tmp_path / "spec.json"
    path.write_text(
        '{"dataset": "spiral",\n"layers": [{"type": "linear", "units": 1}],\n"loss": "bce",\n'
        '"training": {"batch_size": 999},\n"sed": 1}'
    )
    found = [(each.severity, each.code, each.location.line) for each in told(path)]
    assert found == [("error", "loss-output", 3), ("warning", "batch-size", 4), ("error", "unknown-key", 5)]
