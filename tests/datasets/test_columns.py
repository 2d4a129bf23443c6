"""Types of columns are found, written into the spec, and decide how cells become numbers."""

import json

import numpy as np
import pytest

import specnet
from specnet import SpecnetError, build
from specnet.features import Feature

RNG = np.random.default_rng(0)


@pytest.fixture
def table(tmp_path):
    """Write a column of cells beside a target, and return the dataset, resolved."""

    def write(cells, column="a", classes=False, **fields):
        path = tmp_path / "table.csv"
        path.write_text("a,t\n" + "".join(f'"{cell}",{number}\n' for number, cell in enumerate(cells)))
        given = {"type": "csv", "path": str(path), "inputs": [column], "targets": ["t"], **fields}
        return build("datasets", given).resolve(classes=classes, reserved=(), early=True)[0]

    return write


TYPES = {
    "whole numbers": (["1", "2", "3"], "number"),
    "numbers with gaps": (["1.5", "", "NA", "-2e3"], "number"),
    "nothing but gaps": (["", "NA"], "number"),
    "per cent": (["5%", "10 %", "7%"], "number"),
    "money": (["$5", "$10.50", "$7"], "number"),
    "two texts": (["red", "blue", "red"], "binary"),
    "yes and no": (["TRUE", "FALSE", ""], "binary"),
    "few texts": (["a", "b", "c"], "category"),
    "many texts that come again": ([str(n % 12) + "x" for n in range(40)], "category"),
    "many texts": ([f"person {n}" for n in range(40)], "text"),
    "dates": (["2024-01-31", "2023-12-01", ""], "date"),
    "months": (["1949-01", "1949-02"], "date"),
    "times": (["2024-01-31 10:30", "2024-01-31T11:00:30"], "date"),
    "slashes": (["2024/01/31", "2024/02/01"], "date"),
    "years": (["1990", "1991"], "number"),
}


@pytest.mark.parametrize("case", TYPES)
def test_the_type_of_a_column_is_found(case, table):
    cells, expected = TYPES[case]
    if expected == "text":
        with pytest.raises(SpecnetError, match="all of the input columns are text"):
            table(cells)
    else:
        (column,) = table(cells).inputs
        assert column.type == expected
        assert column.complete


def test_what_is_found_is_written_so_that_a_run_depends_on_no_other_file(table, tmp_path):
    dataset = table(["x", "y", "z"])
    written = json.loads(json.dumps(dataset.to_spec()))
    assert written["inputs"] == [{"name": "a", "type": "category", "categories": ["x", "y", "z"]}]
    assert build("datasets", written) == dataset
    other = tmp_path / "other.csv"
    other.write_text("a\nz\n")
    assert dataset.read(other, targets=False, classes=()).inputs.tolist() == [[0, 0, 1]]


ENCODED = {
    "one column for each category": (["x", "y", "z", "x"], "a", [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]]),
    "one for two, no before yes": (["yes", "no", "yes"], "a", [[1], [0], [1]]),
    "the order that is given": (["x", "y"], {"name": "a", "categories": ["y", "x"]}, [[0, 1], [1, 0]]),
    "whole numbers": (["x", "y"], {"name": "a", "encode": "ordinal"}, [[0], [1]]),
    "a gap of a pair": (["x", "", "y"], {"name": "a", "type": "binary"}, [[0], [np.nan], [1]]),
    "a gap as a category": (["x", "", "y"], {"name": "a", "missing": "category"}, [[1, 0, 0], [0, 0, 1], [0, 1, 0]]),
    "a gap of a category": (["x", "?"], {"name": "a", "type": "category"}, [[1], [np.nan]]),
    "numbers as categories": (["10", "9", "1.0"], {"name": "a", "type": "category", "categories": ["1", "9", "10"]},
                              [[0, 0, 1], [0, 1, 0], [1, 0, 0]]),
    "leading zeros": (["01", "02"], {"name": "a", "type": "category"}, [[1, 0], [0, 1]]),
    "other categories ignored": (["x", "q"], {"name": "a", "categories": ["x", "y"], "handle_unknown": "ignore"},
                                 [[1, 0], [0, 0]]),
    "days": (["1970-01-02", "1970-01-01 12:00"], "a", [[1], [0.5]]),
    "another zone": (["1970-01-01T02:00+02:00", "1970-01-02T00:00Z"], {"name": "a", "type": "date"}, [[0], [1]]),
    "signs and units": (["-$3", "$-3", "3 $", "-1"], "a", [[-3], [-3], [3], [-1]]),
    "negative per cent": (["-5%", "-7%"], "a", [[-0.05], [-0.07]]),
    "per cent": (["5%", "", "7%"], "a", [[0.05], [np.nan], [0.07]]),
}  # fmt: skip


@pytest.mark.parametrize("case", ENCODED)
def test_cells_become_numbers(case, table):
    cells, column, expected = ENCODED[case]
    dataset = table(cells, column)
    data = dataset.load(RNG)
    np.testing.assert_array_equal(data.train.inputs, expected)
    assert len(data.input_names) == len(expected[0]) == len(dataset.outline().features)


def test_all_inputs_as_whole_numbers_keep_them(table):
    assert table(["x", "y"], {"name": "a", "encode": "ordinal"}).load(RNG).train.inputs.dtype == np.int64


def test_features_have_names_kinds_and_columns(table):
    data = table(["x", "", "z"], {"name": "a", "missing": "category"}).load(RNG)
    assert data.input_features == (
        Feature("a=x", "category", "a"), Feature("a=z", "category", "a"), Feature("a.missing", "category", "a"),
    )  # fmt: skip


REFUSED = {
    "another category": ({"name": "a", "categories": ["x"]}, '"y" is not one of the categories ["x"]'),
    "three for a pair": ({"name": "a", "type": "binary"}, "a binary column has two categories, but this one has 3"),
    "text as a number": ({"name": "a", "type": "number"}, '"x" is not a finite number, and 2 more cells'),
    "no date": ({"name": "a", "type": "date"}, '"x" is not a date such as 2024-05-31'),
    "no date of the form": ({"name": "a", "format": "%d.%m.%Y"}, '"x" is not a date of the form %d.%m.%Y'),
}


@pytest.mark.parametrize("case", REFUSED)
def test_cells_that_do_not_fit_are_one_mistake_at_the_column(case, table):
    column, message = REFUSED[case]
    with pytest.raises(SpecnetError) as raised:
        table(["x", "y", "z"], column)
    (found,) = raised.value.diagnostics
    assert message in found.message
    assert found.pointer == ("inputs", 0)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ({"name": "a", "type": "number", "categories": ["x"]}, "the type number has no categories"),
        ({"name": "a", "type": "number", "encode": "ordinal"}, "the type number has no categories"),
        ({"name": "a", "type": "category", "format": "%Y"}, "only dates have a format"),
        ({"name": "a", "format": "%d%d"}, '"%d%d" is not a date format'),
        ({"name": "a", "format": "%Q"}, '"%Q" is not a date format'),
        ({"name": "a", "format": "%d.%m.%Y%"}, '"%d.%m.%Y%" is not a date format'),
        ({"name": "a", "categories": ["x", "x"]}, "a category is listed twice"),
        ({"name": "a", "type": "binary", "categories": ["x"]}, "binary columns have two categories, not 1"),
        ({"name": "a", "encode": "ordinal", "handle_unknown": "ignore"}, 'handle_unknown "ignore" needs'),
        ({"name": "a", "typ": "number"}, "typ"),
        ({"type": "number"}, "name"),
        (True, "a column is its name or an object"),
    ],
)
def test_fields_of_a_column_that_contradict_each_other_are_refused(column, message, table):
    with pytest.raises(SpecnetError, match=message) as raised:
        table(["x"], column)
    assert raised.value.diagnostics[0].pointer[:2] == ("inputs", 0)


TARGETS = {
    "text": (["x", "y"], False, ("x", "y"), [0, 1]),
    "numbers from 1 for a loss of classes": (["2", "1", "3"], True, ("1", "2", "3"), [1, 0, 2]),
    "numbers for another loss": (["2", "1", "3"], False, (), [[2], [1], [3]]),
    "fractions are no classes": (["0.2", "0.8"], True, (), [[0.2], [0.8]]),
    "a pair": (["yes", "no"], True, ("no", "yes"), [1, 0]),
}


@pytest.mark.parametrize("case", TARGETS)
def test_targets_are_classes_or_numbers(case, tmp_path):
    cells, classes, names, expected = TARGETS[case]
    path = tmp_path / "table.csv"
    path.write_text("a,t\n" + "".join(f"1,{cell}\n" for cell in cells))
    dataset = build("datasets", {"type": "csv", "path": str(path), "inputs": ["a"], "targets": ["t"]})
    data = dataset.resolve(classes=classes, reserved=(), early=False)[0].load(RNG)
    assert (data.classes, data.train.targets.tolist()) == (names, expected)


def test_each_of_several_targets_may_have_classes(tmp_path):
    (tmp_path / "table.csv").write_text("a,t,u\n1,x,p\n2,y,q\n3,z,q\n")
    description = {"type": "csv", "path": str(tmp_path / "table.csv"), "inputs": ["a"], "targets": ["t", "u"]}
    data = build("datasets", description).load(RNG)
    assert data.column_classes == (("x", "y", "z"), ("p", "q"))
    assert data.train.targets.tolist() == [[0, 0], [1, 1], [2, 1]]


def test_a_star_stands_for_all_columns_without_another_use(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("id,site,w,a,b,t\n1,p,1,5,x,0\n2,q,2,6,y,1\n3,q,1,7,z,1\n")
    description = {"type": "csv", "path": str(path), "targets": ["t"], "exclude": ["id"], "sample_weight": "w"}
    for inputs in ("*", ["*"], [{"name": "b", "type": "category"}, "*"]):
        dataset = build("datasets", {**description, "inputs": inputs})
        resolved, warnings = dataset.resolve(classes=True, reserved=["site"], early=True)
        assert sorted(column.name for column in resolved.inputs) == ["a", "b"]
        assert warnings == []
    assert resolved.load(RNG).train.weight.tolist() == [1, 2, 1]


def test_rows_that_are_left_out_keep_their_lines(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a,b,t\n1,,1\n,2,2\n3,4,\n5,6,7\n")
    column = {"name": "a", "missing": "drop"}
    dataset = build(
        "datasets",
        {"type": "csv", "path": str(path), "inputs": [column, "b"], "targets": [{"name": "t", "missing": "drop"}]},
    )
    data = dataset.load(RNG)
    np.testing.assert_array_equal(data.train.inputs, [[1, np.nan], [5, 6]])
    assert [data.place("train", row) for row in range(2)] == ["line 2", "line 5"]
    assert data.column("b").tolist()[1:] == [6]
    with pytest.raises(SpecnetError, match="a value is missing in each row"):
        path.write_text("a,b,t\n,1,1\n,2,2\n")
        dataset.load(RNG)


def test_files_of_validation_and_test_are_read_with_the_types_of_training(tmp_path):
    for name, rows in {"train": "x,1\ny,2\nz,3\n", "validation": "z,4\n", "test": "y,5\nq,6\n"}.items():
        (tmp_path / f"{name}.csv").write_text("a,t\n" + rows)
    paths = {key: str(tmp_path / f"{name}.csv") for key, name in (("path", "train"), ("validation", "validation"))}
    description = {"type": "csv", "inputs": ["a"], "targets": ["t"], **paths}
    data = build("datasets", description).load(RNG)
    assert (data.validation.inputs.tolist(), data.validation.targets.tolist()) == ([[0, 0, 1]], [[4]])
    assert data.place("validation", 0) == "line 2 of validation.csv"
    with pytest.raises(SpecnetError, match=r'test\.csv:3: column "a": "q" is not one of the categories'):
        build("datasets", {**description, "test": str(tmp_path / "test.csv")}).load(RNG)


def test_missing_values_are_told_for_each_column_with_their_number(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a,b,c,t\n1,,p,1\n,,q,2\n3,4,,3\n5,6,r,4\n")
    spec = {
        "dataset": {"type": "csv", "path": str(path), "inputs": "*", "targets": ["t"]},
        "layers": ["linear"],
        "loss": "mse",
        "training": {"epochs": 1},
        "split": {"validation": 0.25},
    }
    with pytest.raises(SpecnetError) as raised:
        specnet.run(spec, out=tmp_path / "run")
    found = [(diagnostic.message, diagnostic.help.split(":")[0]) for diagnostic in raised.value.diagnostics]
    assert sorted(message for message, _ in found) == [
        'column "a": a value is missing, the first in line 3',
        'column "b": 2 values are missing, the first in line 2',
        'column "c": a value is missing, the first in line 4',
    ]
    assert {help for _, help in found} == {"fill them", 'write {"name"'}
    filled = {**spec, "transforms": {"inputs": ["impute"]}}
    with pytest.raises(SpecnetError, match='column "c": a value is missing'):
        specnet.run(filled, out=tmp_path / "run")
    filled["dataset"] = {**spec["dataset"], "inputs": ["a", "b", {"name": "c", "missing": "category"}]}
    run = specnet.run(filled, out=tmp_path / "run")
    assert np.isfinite(run.predict(np.array([[np.nan, np.nan, 1, 0, 0, 0]]))).all()


@pytest.mark.parametrize("count", [9, 300])
@pytest.mark.parametrize(
    "cells", [["007", "07", "7"], ["9007199254740992", "9007199254740993", "9007199254740994"], ["1.1", "1.10", "2.0"]]
)
def test_categories_are_what_is_written_however_many_rows_there_are(cells, count, table, tmp_path):
    written = [cells[row % 3] for row in range(count)]
    dataset = table(written, {"name": "a", "type": "category"})
    assert sorted(dataset.inputs[0].categories) == sorted(cells)
    assert dataset.read_text(tmp_path / "table.csv", ["a"]) == [written]


@pytest.mark.parametrize("count", [9, 300])
def test_whole_numbers_with_and_without_a_point_are_one_category(count, table):
    dataset = table((["1", "1.0", "2"] * count)[:count], {"name": "a", "type": "category"})
    assert dataset.inputs[0].categories == ["1", "2"]


@pytest.mark.parametrize("count", [9, 300])
def test_spellings_of_a_whole_number_are_one_category_and_codes_are_not(count, table):
    cells = ["1", "1.00", "02", "2.0", "2.000", "2"]
    dataset = table((cells * count)[: 6 * count], {"name": "a", "type": "category"})
    assert dataset.inputs[0].categories == ["1", "02", "2"]
    assert dataset.load(RNG).train.inputs[:6].argmax(axis=1).tolist() == [0, 0, 1, 2, 2, 2]


def test_another_long_number_is_not_a_known_category(table):
    column = {"name": "a", "type": "category", "categories": ["9007199254740992", "1"]}
    with pytest.raises(SpecnetError, match='"9007199254740993" is not one of the categories'):
        table(["9007199254740993", "1.0"], column).load(RNG)


@pytest.mark.parametrize("count", [4, 300])
def test_a_form_of_dates_makes_dates_of_numbers(count, table):
    dataset = table((["01021970", "03011970"] * count)[:count], {"name": "a", "format": "%d%m%Y"})
    assert dataset.inputs[0].type == "date"
    assert dataset.load(RNG).train.inputs[:2].tolist() == [[31], [2]]


def test_a_column_without_any_value_is_to_be_left_out(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a,b,t\n1,,1\n2,,2\n3,,3\n")
    dataset = {"type": "csv", "path": str(path), "inputs": "*", "targets": ["t"]}
    with pytest.raises(SpecnetError) as raised:
        specnet.run({"dataset": dataset, "layers": ["linear"], "loss": "mse"}, out=tmp_path / "run")
    (found,) = raised.value.diagnostics
    assert found.message == 'column "b": all values are missing'
    assert "exclude" in found.help


def test_columns_of_one_name_are_one_mistake(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a,a,a,t\n1,2,3,4\n2,3,4,5\n")
    with pytest.raises(SpecnetError) as raised:
        build("datasets", {"type": "csv", "path": str(path), "inputs": "*", "targets": ["t"]}).load(RNG)
    assert len(raised.value.diagnostics) == 1


def test_a_column_is_named_once(table):
    with pytest.raises(SpecnetError, match='the column "a" is listed twice') as raised:
        table(["1"], inputs=["a", " a"])
    assert raised.value.diagnostics[0].pointer == ("inputs",)


@pytest.mark.parametrize(("cell", "number"), [("1,234", 1234), ("-12,345,678.5", -12345678.5), ("$1,000", 1000)])
def test_marks_between_thousands_stand_before_three_digits(cell, number, table):
    column = {"name": "a", "type": "number"}
    assert table([cell], column, thousands=",").load(RNG).train.inputs.tolist() == [[number]]
    for wrong in ("1,2,3", "1,23", "12,3456", "1234,567,8", "0,123", "012,345"):
        with pytest.raises(SpecnetError, match="is not a finite number"):
            table([wrong], column, thousands=",")
