"""Arrays and data frames take the place of a dataset, and a run keeps their digest alone."""

import copy
import json
import pickle

import numpy as np
import pytest
from click.testing import CliRunner

import specnet
from specnet.cli import cli
from specnet.errors import DataError, SpecError, UsageError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = X @ [1.0, -2.0, 0.5]
KINDS = np.where(Y > 0, "up", "down")
FRAME = {"a": X[:, 0], "b": X[:, 1], "kind": np.array(["oak", "elm"] * 20, object), "t": Y, "id": np.arange(40)}
NUMBERS = {"layers": ["linear"], "loss": "mse", "training": {"epochs": 2}, "plots": [], "record": None}
CLASSES = NUMBERS | {"loss": "cross_entropy", "metrics": ["accuracy"]}


def frame(columns=FRAME):
    return pytest.importorskip("pandas").DataFrame(columns)


@pytest.fixture(scope="module")
def arrays(tmp_path_factory):
    """A run on arrays with names of classes, and a validation split."""
    data = {"train": (X, KINDS), "validation": (X[:9], KINDS[:9])}
    return specnet.run(CLASSES, tmp_path_factory.mktemp("arrays") / "run", data=data, report=False), data


def test_arrays_train_as_those_of_a_file_do(arrays, tmp_path):
    run, data = arrays
    names = {f"{split}_{what}": array for split, pair in data.items() for what, array in zip("xt", pair, strict=True)}
    np.savez(tmp_path / "data.npz", **names)
    dataset = {"type": "npz", "path": str(tmp_path / "data.npz"), "inputs": "x", "targets": "t"}
    other = specnet.run(CLASSES | {"dataset": dataset}, tmp_path / "run", report=False)
    assert run.manifest["data"] == other.manifest["data"] and run.classes == ("down", "up")
    np.testing.assert_array_equal(run.predict(X), other.predict(X))
    assert run.spec.to_json()["dataset"]["type"] == "arrays" and run.metrics == other.metrics


def test_only_the_same_arrays_resume_a_run(arrays):
    run, data = arrays
    longer = ["training.epochs=3"]
    assert run.spec.dataset.classes == ["down", "up"]  # numbers of the same classes would have the same digest
    with pytest.raises(SpecError, match='"left" in row 2 is not one of the classes'):
        specnet.resume(run.directory, longer, data={"train": (X, np.where(KINDS == "up", "up", "left"))})
    with pytest.raises(DataError, match="given in Python") as error:
        specnet.resume(run.directory, longer)
    assert "specnet.resume(run, data=" in error.value.help
    with pytest.raises(UsageError, match="the data are not those"):
        specnet.resume(run.directory, longer, data=data | {"train": (X + 1, KINDS)})
    resumed = specnet.resume(run.directory, longer, data=data, report=False)
    assert resumed.history["epoch"].tolist() == [1, 2, 3]
    np.testing.assert_array_equal(specnet.load_run(run.directory).predict(X), resumed.predict(X))
    whole = CLASSES | {"training": {"epochs": 3}}
    again = specnet.run(whole, run.directory.parent / "whole", data=data, report=False)
    np.testing.assert_array_equal(again.predict(X), resumed.predict(X))


def test_what_needs_the_samples_of_a_loaded_run_asks_for_them(arrays):
    run, data = arrays
    loaded = specnet.load_run(run.directory)
    assert [*loaded.metrics] == ["train", "validation"]  # from its results
    with pytest.raises(DataError, match="given in Python"):
        loaded.evaluate("train")
    given = specnet.load_run(run.directory, data=data)
    assert given.evaluate("validation") == given.evaluate(*data["validation"]) == given.metrics["validation"]
    with pytest.raises(DataError, match="not those that the run was made with"):
        specnet.load_run(run.directory, data=(X, KINDS)).evaluate("train")
    for command in ("resume", "evaluate"):
        result = CliRunner().invoke(cli, [command, str(run.directory)])
        assert (result.exit_code, "specnet.load_run(run, data=" in result.stderr) == (2, True), command
    result = CliRunner().invoke(cli, ["doctor", str(run.directory)])
    assert result.exit_code == 0 and "given in Python" in result.stdout
    np.save(run.directory.parent / "x.npy", X)
    assert CliRunner().invoke(cli, ["predict", str(run.directory), str(run.directory.parent / "x.npy")]).exit_code == 0


def test_samples_are_not_pickled_and_cannot_be_written_to(arrays, tmp_path):
    run, data = arrays
    spec = specnet.load_spec(CLASSES, data=data)
    assert len(pickle.dumps(spec)) < X.nbytes + 4000 and not pickle.loads(pickle.dumps(spec)).dataset.given
    assert copy.copy(spec).dataset.given and copy.deepcopy(spec).dataset.given
    assert pickle.loads(pickle.dumps(run)).predict(X).shape == (40, 2)
    with pytest.raises(ValueError, match="read-only"):
        run.data.train.inputs[0] = 1


def test_weights_of_samples_count(tmp_path):
    keep = np.arange(40) < 30
    spec = NUMBERS | {"training": {"epochs": 3, "batch_size": "full"}}
    weighted = specnet.run(spec, tmp_path / "a", data=(X, Y, keep.astype(float)), report=False)
    few = specnet.run(spec, tmp_path / "b", data=(X[keep], Y[keep]), report=False)
    np.testing.assert_allclose(weighted.predict(X), few.predict(X), rtol=1e-5, atol=1e-6)
    assert weighted.evaluate(X, Y, keep)["loss"] == pytest.approx(few.evaluate(X[keep], Y[keep])["loss"])


def test_frames_are_read_as_tables(tmp_path):
    made = frame()
    spec = NUMBERS | {"dataset": {"targets": ["t"], "exclude": ["id"]}, "split": {"test": 0.2}}
    run = specnet.run(spec, tmp_path / "frame", data=made, report=False)
    assert run.input_names == ("a", "b", "kind") and run.target_names == ("t",)
    made.to_csv(tmp_path / "table.csv", index=False)
    dataset = {"type": "csv", "path": str(tmp_path / "table.csv"), "inputs": "*", **spec["dataset"]}
    other = specnet.run(spec | {"dataset": dataset}, tmp_path / "csv", report=False)
    np.testing.assert_array_equal(run.predict(made), other.predict(made))
    assert run.evaluate(made) == run.evaluate(made.drop(columns="t"), made["t"]) == other.evaluate(made)
    assert specnet.resume(run.directory, ["training.epochs=3"], data=made, report=False).status == "finished"
    weighted = specnet.run(spec, tmp_path / "w", data=(made, None, np.ones(40)), report=False)
    np.testing.assert_allclose(weighted.predict(made), run.predict(made), rtol=1e-5)


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_targets_may_be_given_beside_the_frame(library, tmp_path):
    module = pytest.importorskip(library)
    inputs = {name: FRAME[name] for name in ("a", "kind")}
    made = module.table(inputs) if library == "pyarrow" else module.DataFrame(inputs)
    targets = {"pandas": lambda: module.Series(KINDS, name="side"), "polars": lambda: module.Series("side", KINDS)}
    y = targets.get(library, lambda: KINDS)()
    run = specnet.run(CLASSES, tmp_path / "run", data=(made, y), report=False)
    assert run.classes == ("down", "up") and run.input_names == ("a", "kind")
    assert run.target_names == ("target" if library == "pyarrow" else "side",)
    assert run.evaluate(made, y) == run.evaluate(made, KINDS) == run.evaluate("train")
    assert specnet.load_run(run.directory, data=(made, y)).evaluate("train") == run.evaluate("train")


def test_wrong_data_are_refused_with_the_forms_that_are_taken(tmp_path):
    for data, message in [
        ([X, Y], "data of type list are not samples"),
        (X, "data of type ndarray are not samples"),
        ({"train": (X, Y), "val": (X, Y)}, "data have the splits 'train', 'val'"),
        ((X, Y[:3]), "there are 40 train inputs and 3 targets"),
        ((X, None), "there are no targets"),
        ((np.array([["a"]]), Y[:1]), "inputs of dtype <U1 and shape"),
        ((np.array([[None, "x"]], object), Y[:1]), "not an array of numbers"),
        ((np.full((40, 1), 10**400, object), Y), "the inputs are not an array of numbers: int too large"),
        (([[1], [2, 3]], Y[:2]), "the inputs are not an array"),
        ((np.ma.masked_greater(X, 0), Y), "values are missing"),
        ((X, KINDS[:, np.newaxis]), r"targets that are text have shape \(40, 1\)"),
        ((X, np.array(["a", None] * 20, object)), "the target in row 1 is None, but others are text"),
        ((X, Y, ["a"] * 40), "weight of dtype <U1"),
        ((X, Y, 2.0), "weight of dtype float64 and shape"),
        ((X, Y, None, "mask"), "mask of dtype <U4"),
        ({"validation": (X, Y)}, 'data have no split "train"'),
        ((frame({"a": X[:, 0]}), [[1], [2, 3]] * 20), "the targets are not an array"),
        ((frame({"a": X[:, 0]}), Y, ["a"] * 40), "weight of dtype <U1"),
        ((frame({"a": X[:, 0]}), Y, None, np.ones((40, 2), bool)), "a mask is for sequences"),
        ((frame({"a": [10**400] * 40}), Y), 'column "a": "inf" is not a finite number'),
        (frame(X), "the columns of the DataFrame have names that are not text"),
    ]:
        with pytest.raises((DataError, SpecError), match=message):
            specnet.run(NUMBERS, tmp_path / "run", data=data)
    for dataset, data, message in [
        ("spiral", (X, Y), "the spec has its own dataset, Spiral"),
        ("frame", (X, Y), "the train inputs have no names of columns"),
        ("frame", frame(), "no target columns are named"),
        ({"targets": ["u"]}, frame(), 'the data frame has no column "u"'),
        ({"type": "arrays", "target_names": ["u", "v"]}, (X, Y), "2 names for targets"),
        ({"type": "arrays", "classes": ["u", "u"]}, (X, Y), "two classes are the same"),
    ]:
        with pytest.raises(SpecError, match=message) as error:
            specnet.load_spec(NUMBERS | {"dataset": dataset}, data=data)
        assert error.value.diagnostics[0].pointer[0] == "dataset"
    with pytest.raises(SpecError, match="dataset"):
        specnet.load_spec(NUMBERS)
    assert not (tmp_path / "run").exists()


def test_text_of_every_dtype_is_classes():
    for y in (KINDS.astype(object), KINDS.astype(np.dtypes.StringDType()), KINDS.tolist()):
        data = specnet.load_spec(CLASSES, data=(X, y)).dataset.load(np.random.default_rng())
        assert data.classes == ("down", "up")


def test_a_spec_on_given_data_is_valid_without_them(tmp_path):
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(NUMBERS | {"dataset": "arrays"}))
    spec = specnet.load_spec(path)
    with pytest.raises(DataError, match="given in Python"):
        specnet.run(spec, tmp_path / "run")
    assert specnet.run(spec, tmp_path / "run", data=(X, Y), report=False).status == "finished"
    result = CliRunner().invoke(cli, ["run", str(path), "-o", str(tmp_path / "other")])
    assert result.exit_code == 2 and "data=" in result.stderr
