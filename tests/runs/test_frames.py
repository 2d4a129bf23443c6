"""Predictions of data frames go by the names of columns."""

import numpy as np
import pytest

import specnet
from specnet.errors import DataError
from specnet.runs.frames import frame_columns, frame_names

COLUMNS = {"a": [1.0, 2.0, 3.0], "b": [0.5, -1.0, 4.0], "t": [0.0, 1.0, 0.0]}


class Frame:
    """A data frame as far as specnet knows one: columns by name, and their names."""

    def __init__(self, columns):
        self.data = columns
        self.columns = list(columns)

    def __getitem__(self, name):
        return self.data[name]

    def __array__(self, dtype=None, copy=None):
        return np.array([*self.data.values()], dtype).T


class Table(Frame):
    """The same where the names are called as pyarrow calls them, and `columns` are arrays."""

    def __init__(self, columns):
        super().__init__(columns)
        self.column_names, self.columns = self.columns, [np.array(values) for values in columns.values()]


class Missing:
    """A missing value of a nullable type, which is no number."""

    def __repr__(self):
        return "<NA>"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("frames")
    rows = ["a,b,t", *(f"{a},{b},{a - 2 * b}" for a, b in np.random.default_rng(0).normal(size=(20, 2)))]
    (folder / "table.csv").write_text("\n".join(rows) + "\n")
    dataset = {"type": "csv", "path": str(folder / "table.csv"), "inputs": ["a", "b"], "targets": ["t"]}
    spec = {"dataset": dataset, "layers": ["linear"], "loss": "mse", "training": {"epochs": 3}, "plots": []}
    return specnet.run(spec, folder / "run", report=False)


@pytest.mark.parametrize("kind", [Frame, Table])
def test_the_order_of_columns_does_not_matter_and_others_are_ignored(kind, run):
    expected = run.predict(np.array([COLUMNS["a"], COLUMNS["b"]]).T)
    for order in ("ab", "ba", "tba", "bta"):
        np.testing.assert_array_equal(run.predict(kind({name: COLUMNS[name] for name in order})), expected)


def test_whole_numbers_of_a_nullable_type_are_numbers(run):
    whole = np.array([1, 2, 3], object)
    expected = run.predict(np.array([[1, 1], [2, 2], [3, 3]]))
    np.testing.assert_array_equal(run.predict(Frame({"b": whole, "a": whole})), expected)


def test_missing_columns_are_named(run):
    with pytest.raises(DataError, match="no column b") as error:
        run.predict(Frame({"a": [1.0], "c": [2.0]}))
    assert "a, c" in error.value.help


@pytest.mark.parametrize("value", [Missing(), None, "two", float("nan"), float("inf")])
def test_the_first_value_that_is_no_number_is_named_with_row_and_column(value, run):
    with pytest.raises(DataError, match=r'row 1 of column "b" is .*, not a finite number'):
        run.predict(Frame({"b": [1.0, value, value], "a": [1.0, 2.0, 3.0]}))


def test_a_column_that_is_there_twice_is_refused():
    frame = Frame({"a": [1.0], "b": [2.0]})
    frame.columns = ["a", "a", "b"]
    with pytest.raises(DataError, match="several columns a"):
        frame_columns(frame, ["a", "b"])


def test_frames_whose_columns_have_no_names_are_arrays(run):
    frame = Frame({0: COLUMNS["a"], 1: COLUMNS["b"]})
    assert frame_names(frame) is None
    np.testing.assert_array_equal(run.predict(frame), run.predict(Frame(COLUMNS)))


@pytest.mark.parametrize("value", [np.zeros((2, 2)), [[1.0, 2.0]], 3.0, None, {"a": [1.0]}, np.zeros(2, [("a", "f8")])])
def test_other_values_are_no_frames(value):
    assert frame_names(value) is None


def test_pandas_frames_are_taken_by_name(run):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"b": [4, 5], "a": [1, 2]}, dtype="Int64")
    np.testing.assert_array_equal(run.predict(frame), run.predict(np.array([[1, 4], [2, 5]])))
    frame.loc[1, "a"] = pandas.NA
    with pytest.raises(DataError, match='row 1 of column "a" is <NA>'):
        run.predict(frame)
