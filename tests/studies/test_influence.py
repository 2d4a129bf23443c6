import json

import numpy as np
import pytest

import specnet
from specnet.errors import UsageError
from specnet.runs.inventory import foreign_files
from specnet.runs.provenance.manifest import read_manifest
from specnet.spec.load import load_spec
from specnet.studies.influence import influence, spec_without

COUNT, TRAIN = 40, 30


def least_squares(path):
    """A linear network that is trained until its squared error is least, on a table in this folder."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(COUNT, 2))
    y = 2 * x[:, 0] - x[:, 1] + 0.5 + rng.normal(size=COUNT)
    lines = ["a,b,y", *(",".join(map(repr, row)) for row in np.column_stack([x, y]).tolist())]
    (path / "table.csv").write_text("\n".join(lines))
    return {
        "dataset": {"type": "csv", "path": str(path / "table.csv"), "inputs": ["a", "b"], "targets": ["y"]},
        "split": {"test": 0.25, "by": "order"},
        "dtype": "float64",
        "layers": [{"type": "linear", "units": 1}],
        "loss": "mse",
        "optimizer": {"type": "lbfgs", "tolerance_grad": 1e-13, "tolerance_change": 1e-15},
        "training": {"epochs": 20, "batch_size": "full"},
        "record": None,
        "plots": [],
    }


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("influence")
    return specnet.run(least_squares(path), path / "run", report=False)


def test_the_influence_of_a_sample_on_least_squares_is_that_of_the_hat_matrix(run):
    train, test = run.data.train, run.data.test
    x, z = (np.column_stack([samples.inputs, np.ones(len(samples.inputs))]) for samples in (train, test))
    inverse = np.linalg.inv(x.T @ x)
    beta = inverse @ x.T @ train.targets[:, 0]
    residual = train.targets[:, 0] - x @ beta
    leverage = np.einsum("ij,jk,ik->i", x, inverse, x)

    def loss(beta):
        return np.mean((z @ beta - test.targets[:, 0]) ** 2)

    found = influence(run, samples=6, predict=4, workers=1)
    assert (found.split, len(found.rows)) == ("test", 6)
    assert found.values["loss"] == pytest.approx(loss(beta), rel=1e-8)
    changes = [each.changes["loss"] for each in found.rows]
    assert changes == sorted(changes, reverse=True)
    for each in found.rows:
        step = inverse @ x[each.row] * residual[each.row] / (1 - leverage[each.row])
        assert each.changes["loss"] == pytest.approx(loss(beta - step) - loss(beta), rel=1e-6, abs=1e-9)
        assert each.predictions["y"] == pytest.approx(-z[4] @ step, rel=1e-6, abs=1e-9)
        assert each.place == f"line {each.row + 2}"


def test_runs_are_kept_inside_the_run_and_only_new_or_unfinished_ones_are_trained(run):
    found = influence(run, rows=[2, 9], workers=1)
    stamps = {name: read_manifest(found.directory / name)["started"] for name in ("all", "row-2", "row-9")}
    before = (found.directory / "row-9" / "results.json").read_bytes()
    (found.directory / "row-9" / "results.json").unlink()  # as if it had been killed
    again = influence(run, rows=[9, 11, 2], workers=1)
    assert {name: read_manifest(again.directory / name)["started"] for name in stamps} == stamps
    assert (found.directory / "row-9" / "results.json").read_bytes() == before
    assert {each.row for each in again.rows} == {2, 9, 11} and all(each in again.rows for each in found.rows)
    assert run.directory in found.directory.parents and foreign_files(run.directory) == []
    told = json.loads((found.directory / "influence.json").read_text())
    assert [row["row"] for row in told["rows"]] == [each.row for each in again.rows]
    assert again.to_json() == told


def test_a_damaged_run_is_not_believed(run):
    found = influence(run, rows=[5], workers=1)
    path = found.directory / "row-5" / "results.json"
    before = path.read_bytes()
    path.write_text("{")
    assert influence(run, rows=[5], workers=1).rows == found.rows
    assert path.read_bytes() == before


def test_all_samples_trained_again_are_the_run_itself(run):
    found = influence(run, rows=[0], workers=1)
    assert found.values == run.evaluate("test")


def test_rows_are_numbered_as_they_are_left(run):
    spec = spec_without(spec_without(run.spec, 2), 2)
    assert spec.split.leave_out == [2, 3]
    assert spec_without(spec, 1).split.leave_out == [1, 2, 3]


@pytest.mark.parametrize(("arguments", "message"), [
    ({"rows": [TRAIN]}, "no training sample 30: they are 0 to 29"),
    ({"rows": [-1]}, "no training sample -1"),
    ({"samples": 3, "predict": 10}, "no sample 10 in the test split: they are 0 to 9"),
    ({"samples": 3, "split": "validation"}, "no validation samples"),
])  # fmt: skip
def test_samples_that_do_not_exist_are_refused(arguments, message, run):
    with pytest.raises(UsageError, match=message):
        influence(run, **arguments)


def test_a_run_that_diverged_or_was_stopped_cannot_be_repeated(tmp_path):
    spec = least_squares(tmp_path) | {"optimizer": {"type": "sgd", "learning_rate": 1e5}}
    spec |= {"training": {"epochs": 200, "batch_size": "full"}}
    with pytest.raises(specnet.SpecnetError, match="the loss is"):
        specnet.run(spec, tmp_path / "run", report=False)
    with pytest.raises(UsageError, match="the run has diverged"):
        influence(tmp_path / "run")


def test_a_sample_without_which_training_diverges_is_listed_last_with_its_status(tmp_path, monkeypatch):
    run = specnet.run(least_squares(tmp_path), tmp_path / "run", report=False)

    def without(spec, row):
        made = spec_without(spec, row)
        if row != 1:
            return made
        worse = {"optimizer": {"type": "sgd", "learning_rate": 1e5}, "training": {"epochs": 200, "batch_size": "full"}}
        return load_spec(made.to_json() | worse)

    monkeypatch.setattr("specnet.studies.influence.spec_without", without)
    found = influence(run, rows=[1, 2], workers=1)
    assert [(each.row, each.status, bool(each.changes)) for each in found.rows] == [
        (2, "finished", True), (1, "diverged", False),
    ]  # fmt: skip


def test_samples_given_in_python_are_needed_again(tmp_path):
    rng = np.random.default_rng(0)
    data = rng.normal(size=(12, 2)), rng.normal(size=(12, 1))
    spec = {"layers": [{"type": "linear", "units": 1}], "loss": "mse", "training": {"epochs": 2}, "plots": []}
    specnet.run(spec, tmp_path / "run", data=data, report=False)
    with pytest.raises(specnet.DataError, match="given in Python"):
        influence(tmp_path / "run", 2, workers=1)
    assert len(influence(tmp_path / "run", 2, workers=1, data=data).rows) == 2
