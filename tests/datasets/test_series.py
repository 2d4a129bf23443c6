import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import specnet
from specnet import SpecnetError, build
from specnet.cli import cli
from specnet.datasets.table import ArrayTable
from specnet.runs.trained.building import load_data, transform
from specnet.testing import check_dataset

RNG = np.random.default_rng(0)
PLAIN = "y,x\n" + "".join(f"{10 * row},{row}\n" for row in range(1, 7))
DATED = "month,y\n2024-03,30\n2024-01,10\n2024-04,40\n2024-02,20\n"
SHOPS = "day,shop,y\n1,a,10\n1,b,100\n2,b,200\n2,a,20\n3,a,30\n3,b,300\n4,a,40\n4,b,400\n"


@pytest.fixture
def series(tmp_path):
    """Write a file and return the dataset that reads it, with what it finds there in its fields."""

    def write(content, **fields):
        path = tmp_path / "table.csv"
        path.write_text(content)
        given = build("datasets", {"type": "series", "path": str(path), "targets": ["y"], "lags": 2, **fields})
        return given.resolve(classes=False, reserved=(), early=False)[0]

    return write


CASES = {
    "the past of the target": (PLAIN, {}, [[10, 20], [20, 30], [30, 40], [40, 50]], [30, 40, 50, 60]),
    "one row": (PLAIN, {"lags": 1}, [[10], [20], [30], [40], [50]], [20, 30, 40, 50, 60]),
    "further ahead": (PLAIN, {"horizon": 3}, [[10, 20], [20, 30]], [50, 60]),
    "fewer samples": (PLAIN, {"stride": 3}, [[10, 20], [40, 50]], [30, 60]),
    "another input": (PLAIN, {"inputs": ["x"]}, [[1, 2], [2, 3], [3, 4], [4, 5]], [30, 40, 50, 60]),
    "all inputs": (PLAIN, {"inputs": "*", "lags": 1, "horizon": 4}, [[1], [2]], [50, 60]),
    "sorted by month": (DATED, {"order": "month"}, [[10, 20], [20, 30]], [30, 40]),
    "sorted by dates of another form": (
        DATED.replace("2024-0", "1."),
        {"order": {"name": "month", "format": "%d.%m"}},
        [[10, 20], [20, 30]],
        [30, 40],
    ),
    "sorted by a number, downwards in the file": (
        "y,day\n40,4\n30,3\n20,2\n10,1\n",
        {"order": "day"},
        [[10, 20], [20, 30]],
        [30, 40],
    ),
    "two series": (
        SHOPS,
        {"group_by": "shop", "order": "day"},
        [[10, 20], [100, 200], [20, 30], [200, 300]],
        [30, 300, 40, 400],
    ),
    "two series in the order of the file": (
        SHOPS,
        {"group_by": "shop"},
        [[10, 20], [100, 200], [20, 30], [200, 300]],
        [30, 300, 40, 400],
    ),
    "a short series": (SHOPS + "4,c,1\n", {"group_by": "shop", "horizon": 2}, [[10, 20], [100, 200]], [40, 400]),
    "sequences with a gap": (
        PLAIN.replace("20,2", ",2"),
        {"missing": "drop"},
        [[30, 40], [40, 50]],
        [50, 60],
    ),
    "a target with a gap": (
        PLAIN.replace("50,5", "NA,5"),
        {"inputs": ["x"], "missing": "drop"},
        [[1, 2], [2, 3], [4, 5]],
        [30, 40, 60],
    ),
    "a gap that is no target": (
        PLAIN.replace("10,1", "?,1"),
        {"inputs": ["x"]},
        [[1, 2], [2, 3], [3, 4], [4, 5]],
        [30, 40, 50, 60],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_samples_are_rows_in_order_and_the_target_that_follows(series, case):
    content, fields, inputs, targets = CASES[case]
    dataset = series(content, **fields)
    data = dataset.load(RNG)
    np.testing.assert_array_equal(data.train.inputs, np.array(inputs, float)[:, :, np.newaxis])
    np.testing.assert_array_equal(data.train.targets[:, 0], targets)
    outline = dataset.outline()
    assert outline.inputs == data.train.inputs.shape[1:] and outline.rows in (None, len(inputs))


def test_columns_are_read_as_in_a_table(series):
    content = "day,kind,y,w\n1,a,low,1\n2,b,high,2\n3,a,low,3\n4,c,high,4\n"
    data = series(content, inputs=["day", "kind"], sample_weight="w", lags=1).load(RNG)
    assert data.input_names == ("day", "kind=a", "kind=b", "kind=c") and data.classes == ("high", "low")
    assert data.train.inputs.tolist() == [[[1, 1, 0, 0]], [[2, 0, 1, 0]], [[3, 1, 0, 0]]]
    assert data.train.targets.tolist() == [0, 1, 0] and data.train.weight.tolist() == [2, 3, 4]


def test_the_past_of_classes_predicts_them(series):
    data = series("y\na\nb\nb\na\n", lags=1).load(RNG)
    assert data.train.inputs[:, 0].tolist() == [[0], [1], [1]] and data.train.targets.tolist() == [1, 1, 0]


def test_star_leaves_out_what_sorts_the_rows(series):
    content = SHOPS.replace("\n", ",0\n").replace("y,0", "y,x")
    assert [each.name for each in series(content, inputs="*", order="day", group_by="shop").inputs] == ["x"]


WRONG = {
    "too few rows": (PLAIN, {"lags": 6}, "there are 6 rows in a series, not 7", ("lags",)),
    "a time twice": (
        SHOPS,
        {"order": "day"},
        'line 2 and line 3 have the same "day"',
        ("order",),
    ),
    "no order": (PLAIN.replace("10,1", "10,first"), {"order": "x", "inputs": ["y"]}, '"first" is not a', ("order",)),
    "no time": (PLAIN.replace("10,1", "10,"), {"order": "x", "inputs": ["y"]}, "line 2|:2: .*empty", ("order",)),
    "categories for an order": (SHOPS, {"order": "shop"}, "has neither dates nor numbers", ("order",)),
    "no group": (SHOPS.replace("3,b", "3,"), {"group_by": "shop", "order": "day"}, ":7: .*empty", ("group_by",)),
    "no such group": (SHOPS, {"group_by": "store"}, 'has no column "store"', ("group_by", 0)),
    "no such order": (SHOPS, {"order": "date"}, 'has no column "date"', ("order", 0)),
    "a missing target": (PLAIN.replace("50,5", ",5"), {"inputs": ["x"]}, ":6: .*empty", ("targets", 0)),
    "only gaps": ("y\n1\nNA\n3\nNA\n5\n", {"missing": "drop"}, "none is left", ("missing",)),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_makes_no_series_is_told(series, case):
    content, fields, message, pointer = WRONG[case]
    with pytest.raises(SpecnetError, match=message) as raised:
        series(content, **fields).load(RNG)
    assert raised.value.diagnostics[0].pointer == pointer
    assert "table.csv" in raised.value.diagnostics[0].message


def spec_for(dataset, **keys):
    fields = dataset.to_spec()
    return {"dataset": fields, "layers": ["flatten", "linear"], "loss": "mse", "training": {"epochs": 2}, **keys}


def test_a_split_by_order_trains_on_no_later_target_of_any_series(series):
    rows = [(day, shop, 100 * day + number) for number, shop in enumerate("abc") for day in range(1, 21)]
    content = "day,shop,y\n" + "".join(f"{day},{shop},{y}\n" for day, shop, y in rows)
    dataset = series(content, group_by="shop", order="day", horizon=2, lags=3)
    split = {"by": "order", "validation": 0.25, "test": 0.25}
    data = load_data(specnet.load_spec(spec_for(dataset, split=split)))
    days = {name: samples.targets // 100 for name, samples in data.splits.items()}
    assert days["train"].max() <= days["validation"].min() and days["validation"].max() <= days["test"].min()
    for samples in data.splits.values():  # the inputs end two days before the target, whatever split they lie in
        assert (samples.targets // 100 - samples.inputs[:, -1] // 100 == 2).all()
        assert (samples.inputs[:, :, 0] % 100 == samples.targets % 100).all()


def test_transforms_see_the_columns_of_each_row(series):
    dataset = series("y,x,kind\n" + "".join(f"{row % 7},{row},{'abc'[row % 3]}\n" for row in range(40)), inputs="*")
    transforms = {"inputs": [{"type": "polynomial", "columns": ["x"]}, "standardize"]}
    spec = specnet.load_spec(spec_for(dataset, transforms=transforms))
    data = load_data(spec)
    inputs, _, splits = transform(spec, data)
    x, y = data.train.inputs, splits["train"].inputs
    assert inputs.names() == ("x", "x^2", "kind=a", "kind=b", "kind=c") and y.shape == (38, 2, 5)
    np.testing.assert_allclose(y[:, :, :2].mean(axis=(0, 1)), 0, atol=1e-12)
    np.testing.assert_array_equal(y[:, :, 2:], x[:, :, 1:])
    np.testing.assert_allclose(inputs.apply(x[:3]), y[:3])


def test_a_gap_is_filled_by_a_transform_or_told(series):
    dataset = series(PLAIN.replace("20,2", ",2"), targets=["x"], inputs=["y"])
    with pytest.raises(SpecnetError, match='column "y": 2 values are missing, the first in the sequence for line 4'):
        transform(spec := specnet.load_spec(spec_for(dataset)), load_data(spec))
    with pytest.raises(SpecnetError, match='column "y" has a missing value in the sequence for line 4'):
        transforms = {"inputs": ["standardize", "impute"]}
        transform(spec := specnet.load_spec(spec_for(dataset, transforms=transforms)), load_data(spec))
    spec = specnet.load_spec(spec_for(dataset, transforms={"inputs": ["impute"]}))
    filled = transform(spec, load_data(spec))[2]["train"].inputs
    assert filled[0, 1, 0] == filled[1, 0, 0] == np.nanmean(load_data(spec).train.inputs)


def test_data_are_shown_by_column(series, tmp_path):
    dataset = series(PLAIN.replace("20,2", ",2"), targets=["x"], inputs=["y"])
    (tmp_path / "spec.json").write_text(json.dumps(spec_for(dataset, transforms={"inputs": ["impute"]})))
    printed = called("data", str(tmp_path / "spec.json"))
    assert ["y", "number", "2", "10", "50"] in [line.split()[:5] for line in printed.splitlines()]


def called(*arguments):
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 0, done.output
    return done.output


def test_predictions_reach_beyond_the_end_of_the_file(series, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dataset = series(SHOPS, group_by="shop", order="day", stride=2)
    Path("spec.json").write_text(json.dumps(spec_for(dataset)))
    called("run", "spec.json", "-q", "-o", "made")
    printed = called("predict", "made", "table.csv", "--keep", "day", "--keep", "shop", "--keep", "y").splitlines()
    assert [line.rpartition(",")[0] for line in printed] == [
        "day,shop,y", "2,a,20", "2,b,200", "3,a,30", "3,b,300", "4,a,40", "4,b,400",
    ]  # fmt: skip
    called("evaluate", "made", "--data", "table.csv")
    run = specnet.load_run("made")
    frame = {"day": np.array([8, 7, 9]), "shop": np.array(["a"] * 3, object), "y": np.array([2.0, 1.0, 3.0])}
    table = ArrayTable("the frame", [*frame], frame.get)
    expected = run.predict(np.array([[[1.0], [2.0]], [[2.0], [3.0]]]))
    np.testing.assert_array_equal(run.dataset.read_table(table, targets=False).inputs, [[[1], [2]], [[2], [3]]])
    assert expected.shape == (2, 1)


def test_other_files_are_series_of_their_own(series, tmp_path):
    (tmp_path / "later.csv").write_text("y,x\n1,1\n2,2\n3,3\n")
    data = series(PLAIN, test=str(tmp_path / "later.csv")).load(RNG)
    assert data.test.inputs[:, :, 0].tolist() == [[1, 2]] and data.test.targets.tolist() == [[3]]
    assert data.place("test", 0) == "the sequence for line 4 of later.csv"


@pytest.mark.parametrize("case", ["the past of the target", "two series", "sequences with a gap"])
def test_a_series_keeps_the_contract_of_datasets(series, case):
    content, fields, *_ = CASES[case]
    check_dataset(series(content, **fields).to_spec())
