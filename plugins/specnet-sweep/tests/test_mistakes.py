"""Every mistake in a sweep file is reported at its place, before anything is trained."""

import json

import pytest
from specnet_sweep import sweep
from specnet_sweep.plan import SweepPlan

from specnet.errors import SpecError, SpecnetError

SPEC = {
    "dataset": {"type": "spiral", "n_samples": 40},
    "split": {"validation": 0.25},
    "layers": [{"type": "linear", "units": 3}, "tanh", "linear"],
    "loss": "bce_with_logits",
    "optimizer": {"type": "adam", "beta_1": 0.8},
    "metrics": ["accuracy"],
}
UNITS = {"layers.0.units": {"low": 2, "high": 6}}
SWEEP = {"spec": "base.json", "minimize": "validation/loss", "search": UNITS, "trials": 5}
RATE = "optimizer.learning_rate"
TYPES = {"optimizer": {"choices": ["sgd", "adam"]}}
WIDE = {path: {"low": 1, "high": 1000} for path in ("layers.0.units", "training.batch_size", "seed")}

WHEN_WIDE = {"low": 1, "high": 3, "when": {"seed": [5, 9]}}


def searching(path, **about):
    return {"search": {path: about}}


MISTAKES = [  # what the sweep file has, and where which mistakes are: the marked text, and words of the message
    (searching("optimizer.lerning_rate", low=1e-4, high=0.1), [('"optimizer.lerning_rate"', '"learning_rate"?')]),
    (searching("layers.9.units", low=2, high=3), [("9", "not one of the positions 0 to 2")]),
    (searching("foo.bar", low=2, high=3), [("foo", 'no key "foo"')]),
    (searching("layers+", choices=["tanh"]), [("{", "is not a path")]),
    (searching(RATE, low=-1, high=0), [("-1", "greater than 0"), ("0", "greater than 0")]),
    (searching(RATE, low=-4, high=-1, log=True), [("-4", "with log, low should be greater than 0")]),
    (searching(RATE, low=1, high=0.1), [("0.1", "high should not be less than low")]),
    (searching(RATE, low="a", high=0.1), [('"a"', "low should be a number")]),
    (searching(RATE, low=0.1), [("{", "expected low and high, or choices")]),
    (searching(RATE, low=0.1, hihg=2), [('"hihg"', '"high"?')]),
    (searching(RATE, low=0.1, high=1, step=0.1, log=True), [("0.1", "has no step")]),
    (searching("layers.0.units", low=1.5, high=3), [("1.5", "units should be a whole number")]),
    (searching("layers.0.units", low=2, high=3, step=0.5), [("0.5", "units should be a whole number")]),
    (searching("layers.0.units", low=8, high=100, step=8), [("100", "96 or 104")]),
    (searching("layers.0.units", low=8, high=10**10), [("10000000000", "GB")]),
    (searching("layers.1", choices=["tanh", "relux"]), [('"relux"', '"relu"?')]),
    (searching("layers.1", choices=["tanh", "tanh"]), [('"tanh"', "is listed twice")]),
    (searching("layers.1", choices=["tanh"], low=3), [("3", "choices have no low")]),
    (searching("layers.2", choices=["linear", "relu"]), [('"relu"', "the last layer returns shape")]),
    (searching("optimizer.type", choices=["adam", "sgd"]), [('"sgd"', 'spec is invalid: there is no key "beta_1"')]),
    (searching("split.validation", low=0, high=0.5), [("0", 'with this value there will be no "validation/loss"')]),
    ({"search": {"layers.0.units": UNITS["layers.0.units"], "layers[0].units": {"choices": [3]}}},
     [("{", "is the same place")]),
    ({"search": {"optimizer.beta_2": {"low": 0.1, "high": 0.2}, **TYPES}}, [("{", "should be before it")]),
    ({"search": {**TYPES, "optimizer.beta_2": {"low": 0.1, "high": 0.2}}},
     [('"optimizer.beta_2"', 'with optimizer "sgd"')]),
    ({"search": {**TYPES, "optimizer.momentum": {"low": 0.1, "high": 1.5, "when": {"optimizer.type": "sgd"}}}},
     [("1.5", "momentum should be less than 1")]),
    ({"search": {**TYPES, RATE: {"low": 0.1, "high": 0.2, "when": {"optimizer.type": "sdg"}}}}, [('"sdg"', '"sgd"?')]),
    ({"search": {RATE: {"low": 0.1, "high": 0.2, "when": {"loss": "mse"}}}}, [('"mse"', "nothing that is searched")]),
    ({"search": WIDE, "sampler": "grid", "trials": None}, [("{", "the grid has 1,000,000,000 points")]),
    ({**searching(RATE, low=0.1, high=1), "sampler": "grid"}, [("{", "a grid cannot contain all numbers")]),
    ({"search": {"seed": {"low": 1, "high": 10**9}, "training.epochs": WHEN_WIDE}, "sampler": "grid", "trials": None},
     [("{", "the grid has 1,000,000,004 points")]),
    ({"search": {**WIDE, "optimizer.beta_2": {"low": 0.1, "high": 0.2, "when": {"seed": 0}}}},
     [("0", "seed is never exactly 0")]),
    ({"search": {RATE: {"low": 0.1, "high": 1}, "layers.0.units": {"choices": [3], "when": {RATE: 0.5}}}},
     [("0.5", "is never exactly 0.5")]),
    ({"search": {**TYPES, RATE: {"low": 0.1, "high": 0.2, "when": {"optimizer.type": []}}}}, [("[", "needs at least")]),
    (searching(RATE, low=0.1, high=1, step=1e-320), [("{", "about 10^320 numbers, more than 2^53")]),
    (searching("layers.1", choices=["tanh", {"type": "tanh"}]), [("{", 'is the same as "tanh"')]),
    (searching("optimizer.beta_1", choices=[0, 0.0, 0.5]), [("0.0", "0.0 is the same as 0")]),
    (searching("name", choices=["one", "two"]), [('"two"', 'is the same as "one"')]),
    (searching("record.every", low=2, high=4), [("{", 'no trial depends on "record.every"')]),
    ({"search": {"optimizer": {"choices": [{"type": "sgd", "learning_rate": n} for n in (1, 2)]},
                 RATE: {"low": 0.1, "high": 1}}}, [("{", f"as {RATE} is set as well")]),
    ({"search": {}}, [("{", "search should have at least 1 item")]),
    ({"search": []}, [("[", "search should be an object")]),
    (searching(RATE, choices=[]), [("[", "choices should have at least 1 item")]),
    (searching(RATE, low=True, high=1), [("true", "low should be a number")]),
    (searching(RATE, low=0.1, high=1, log="yes"), [('"yes"', "log should be true or false")]),
    (searching(RATE, low=0.1, high=1, when=[]), [("[", "when should be an object")]),
    ({"minimize": ""}, [('""', "minimize should have at least 1 character")]),
    ({"trials": -1}, [("-1", "trials should be greater than 0")]),
    ({"trials": "5"}, [('"5"', "trials should be a whole number")]),
    ({"folds": 1}, [("1", "folds should be greater than or equal to 2")]),
    ({"spec": "a\0b"}, [('"a\\u0000b"', "cannot contain a null character")]),
    ({"minimize": None, "trials": 0}, [("0", "greater than 0"), ("{", '"minimize" or "maximize"')]),
    ({"minimize": "validation/los"}, [('"validation/los"', '"validation/loss"?')]),
    ({"minimize": "test/loss"}, [('"test/loss"', 'there will be no "test/loss"')]),
    ({"minimize": "validation/accuracy"}, [('"validation/accuracy"', "is better if it is higher")]),
    ({"minimize": "test/loss", "folds": 3, "pruner": "median"}, [('"median"', "has no test/loss")]),
    ({"maximize": "validation/accuracy"}, [('"validation/accuracy"', "not both")]),
    ({"minimize": None}, [("{", '"minimize" or "maximize"')]),
    ({"trials": None}, [("{", 'the key "trials" is missing')]),
    ({"trials": 0, "trals": 3}, [('"trals"', '"trials"?'), ("0", "greater than 0")]),
    ({"seeds": "x"}, [('"x"', "seeds should be a number from 1")]),
    ({"seeds": [3, 3]}, [("[", "a seed is listed twice")]),
    ({"seeds": 3, "folds": 3}, [("3", "not both")]),
    ({"sampler": "bayes"}, [('"bayes"', "sampler")]),
    (SPEC, [("[", "this is a spec, not a sweep")]),
    ({"spec": "nope.json"}, [('"nope.json"', "there is no such file")]),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(MISTAKES)))
def test_a_mistake_is_reported_at_its_place(number, tmp_path):
    changes, expected = MISTAKES[number]
    content = {key: value for key, value in {**SWEEP, **changes}.items() if value is not None}
    (tmp_path / "base.json").write_text(json.dumps(SPEC))
    (tmp_path / "sweep.json").write_text(json.dumps(content))
    with pytest.raises(SpecError) as caught:
        SweepPlan(tmp_path / "sweep.json")
    found = []
    for each in caught.value.diagnostics:
        place = each.location
        assert place.file == str(tmp_path / "sweep.json")
        found.append((place.text[place.column - 1 :][: place.width], f"{each.message} {each.help}"))
    assert [marked if "{" not in marked and "[" not in marked else marked[0] for marked, _ in found] == [
        marked for marked, _ in expected
    ]
    for (_, message), (_, words) in zip(found, expected, strict=True):
        assert words in message


@pytest.mark.parametrize("text", ["", "[]", "null", '"sweep"', "{", '{"trials": 1, "trials": 2}'])
def test_a_file_that_is_no_sweep_is_refused(text, tmp_path):
    (tmp_path / "sweep.json").write_text(text)
    with pytest.raises(SpecError) as caught:
        SweepPlan(tmp_path / "sweep.json")
    assert all(each.location.file == str(tmp_path / "sweep.json") for each in caught.value.diagnostics)
    assert "the spec" not in str(caught.value)


def test_a_mistake_in_the_spec_is_reported_there(tmp_path):
    (tmp_path / "base.json").write_text(json.dumps({**SPEC, "loss": "mze"}))
    (tmp_path / "sweep.json").write_text(json.dumps(SWEEP))
    with pytest.raises(SpecError) as caught:
        SweepPlan(tmp_path / "sweep.json")
    assert [each.location.file for each in caught.value.diagnostics] == [str(tmp_path / "base.json")]


@pytest.mark.parametrize(
    ("base", "folds", "file", "words"),
    [
        ({}, 41, "sweep.json", "41 folds need at least 41 samples, but there are 40"),
        ({"split": {"by": "group", "column": "x"}}, 3, "base.json", 'no columns to split by "group"'),
        ({"dataset": {"type": "csv", "path": "t.csv", "inputs": ["x"], "targets": ["y"]}}, 2, "base.json", "z"),
    ],
)
def test_what_the_samples_make_impossible_is_reported_before_anything_is_written(base, folds, file, words, tmp_path):
    (tmp_path / "t.csv").write_text("x,z\n1,2\n3,4\n")
    (tmp_path / "base.json").write_text(json.dumps(SPEC | base))
    (tmp_path / "sweep.json").write_text(json.dumps(SWEEP | {"minimize": "test/loss", "folds": folds}))
    with pytest.raises(SpecnetError, match=words) as caught:
        sweep(tmp_path / "sweep.json", tmp_path / "swept")
    assert caught.value.diagnostics[0].location.file == str(tmp_path / file)
    assert not (tmp_path / "swept").exists()
