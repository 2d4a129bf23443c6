"""Predictions of data frames go by the names of columns."""

import numpy as np
import pytest

import specnet
from specnet.datasets.memory import column_array, frame_names
from specnet.datasets.table import ArrayTable
from specnet.errors import DataError

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
    with pytest.raises(DataError, match='the data frame has no column "b"') as error:
        run.predict(Frame({"a": [1.0], "c": [2.0]}))
    assert "a, c" in error.value.help


@pytest.mark.parametrize("value", [Missing(), None, "two", float("nan"), float("inf")])
def test_the_first_value_that_is_no_number_is_named_with_row_and_column(value, run):
    with pytest.raises(DataError, match=r'column "b".* (is not a finite number|has a missing value)') as error:
        run.predict(Frame({"b": [1.0, value, value], "a": [1.0, 2.0, 3.0]}))
    assert "row 1" in error.value.message


def test_a_column_that_is_there_twice_is_refused(run):
    frame = Frame({"a": [1.0], "b": [2.0]})
    frame.columns = ["a", "a", "b"]
    with pytest.raises(DataError, match='several columns "a"'):
        run.predict(frame)


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
    with pytest.raises(DataError, match='column "a" has a missing value in row 1'):
        run.predict(frame)


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    """A run on a table with a number that may be missing, a category and a date."""
    folder = tmp_path_factory.mktemp("trees")
    rows = [f"{n % 7 or ''},{['oak', 'elm', 'fir'][n % 3]},2024-01-{1 + n % 28:02},{n % 5}" for n in range(30)]
    (folder / "trees.csv").write_text("\n".join(["height,kind,day,t", *rows]) + "\n")
    spec = {
        "dataset": {"type": "csv", "path": str(folder / "trees.csv"), "inputs": "*", "targets": ["t"]},
        "transforms": {"inputs": ["impute", "standardize"]},
        "layers": ["linear"],
        "loss": "mse",
        "training": {"epochs": 2},
    }
    return specnet.run(spec, folder / "run", report=False)


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_frames_of_a_table_are_encoded_as_its_file(library, trees):
    module = pytest.importorskip(library)
    path = trees.spec.dataset.path
    if library == "pyarrow":
        frames = [pytest.importorskip("pyarrow.csv").read_csv(path)]
    elif library == "pandas":
        plain = module.read_csv(path)
        frames = [plain, plain.astype({"kind": "category"}), plain.convert_dtypes()]
        frames.append(plain.assign(day=module.to_datetime(plain["day"])))
    else:
        frames = [module.read_csv(path), module.read_csv(path, try_parse_dates=True)]
        frames.append(frames[0].with_columns(module.col("kind").cast(module.Categorical)))
    expected = trees.predict(trees.data.train.inputs)
    for frame in frames:
        np.testing.assert_array_equal(trees.predict(frame), expected)


def test_a_category_of_a_frame_that_is_unknown_is_named(trees):
    with pytest.raises(DataError, match=r'row 1: column "kind": "ash" is not one of the categories') as error:
        trees.predict(Frame({"height": [1.0, 2.0], "kind": ["oak", "ash"], "day": ["2024-01-01"] * 2}))
    assert "data frame" in error.value.message


@pytest.mark.parametrize("kind", ["string", "large_string", "dictionary", "bool"])
def test_cells_of_pyarrow_are_what_they_contain(kind):
    pa = pytest.importorskip("pyarrow")
    cells = [True, None, False] if kind == "bool" else ["a", None, "bc"]
    column = pa.array(cells)
    column = column.dictionary_encode() if kind == "dictionary" else column.cast(pa.type_for_alias(kind))
    assert column_array(pa.table({"c": column})["c"]).tolist() == cells


@pytest.mark.parametrize(
    ("cells", "texts"),
    [
        (np.array([2**53 + 1, -(2**60) - 1, 7]), ["9007199254740993", "-1152921504606846977", "7"]),
        (np.array([2**64 - 1], np.uint64), ["18446744073709551615"]),
        (np.array(["NaT", None, float("nan"), np.datetime64("NaT"), "a"], object), ["NaT", "", "", "", "a"]),
    ],
)
def test_cells_of_a_frame_are_the_text_that_a_file_would_have(cells, texts):
    assert ArrayTable("frame", ["a"], lambda name: cells).text("a") == texts
