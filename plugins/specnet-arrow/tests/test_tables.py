"""A table trains to the same arrays from a file of any format."""

import json
import random
import re
from csv import writer as writing
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import specnet_arrow.columns
from click.testing import CliRunner
from openpyxl import Workbook, load_workbook
from pyarrow import parquet as pq
from pyarrow.feather import write_feather

import specnet
import specnet.testing
from specnet import SpecnetError, build
from specnet.cli import cli

RNG = np.random.default_rng(0)
DAYS = ["2024-01-31", "2024-02-01 06:00", None, "2024-03-01", "2024-05-31", "2023-12-31"]
TABLE = {
    "mass": [3750.5, 3800, None, 4100.25, 3300, 3900],
    "year": [2007, 2008, 2008, 2009, 2009, 2007],
    "island": ["Biscoe", "Dream", "Dream", None, "Biscoe", "Torgersen"],
    "banded": [True, False, True, True, False, True],
    "seen": [day and datetime.fromisoformat(day) for day in DAYS],
    "price": [1, 2, 3, 4, 5, 6],
    "species": ["Adelie", "Gentoo", "Adelie", "Chinstrap", "Gentoo", "Adelie"],
}


def parquet(table, path):
    pq.write_table(pa.table(table), path, row_group_size=4)


def feather(table, path):
    write_feather(pa.table(table), path, chunksize=4)


def json_lines(table, path):
    rows = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
    known = [{name: cell for name, cell in row.items() if cell is not None} for row in rows]
    path.write_text("".join(json.dumps(row, default=str) + "\n" for row in known))


def excel(table, path, title="Sheet", book=None):
    book = book or Workbook()
    sheet = book.active if title == "Sheet" else book.create_sheet(title)
    for row in [list(table), *zip(*table.values(), strict=True)]:
        sheet.append(row)
    book.save(path)


def csv(table, path):
    with path.open("w", newline="") as file:
        writing(file).writerows([list(table), *zip(*table.values(), strict=True)])


def rows(table, start):
    return {name: cells[start:] for name, cells in table.items()}


WRITERS = {
    "parquet": (parquet, ".parquet"), "feather": (feather, ".feather"), "json_lines": (json_lines, ".jsonl"),
    "excel": (excel, ".xlsx"),
}  # fmt: skip
EVERY = pytest.mark.parametrize("kind", WRITERS)


def written(kind, table, folder, name="table"):
    write, suffix = WRITERS[kind]
    path = folder / f"{name}{suffix}"
    write(table, path)
    return path


def dataset(kind, path, **fields):
    return build("datasets", {"type": kind, "path": str(path), "inputs": "*", "targets": ["species"], **fields})


def resolved(given, classes=True):
    return given.resolve(classes=classes, reserved=(), early=False)[0]


FIELDS = {
    "all columns": {},
    "numbers": {"inputs": ["year", "price"], "targets": ["mass"], "missing": "drop"},
    "a few columns in another order": {"inputs": ["island", "mass"], "missing": "drop"},
    "a missing category": {"inputs": [{"name": "island", "missing": "category"}, "banded"]},
    "a number as categories": {"inputs": [{"name": "year", "type": "category"}, "seen"]},
    "a weight": {"inputs": ["year"], "sample_weight": "price"},
}


@EVERY
@pytest.mark.parametrize("case", FIELDS)
def test_a_table_has_the_same_arrays_as_its_csv(kind, case, tmp_path):
    csv(TABLE, tmp_path / "table.csv")
    expected = resolved(dataset("csv", tmp_path / "table.csv", **FIELDS[case]))
    found = resolved(dataset(kind, written(kind, TABLE, tmp_path), **FIELDS[case]))
    assert (found.inputs, found.targets) == (expected.inputs, expected.targets)
    one, other = expected.load(RNG), found.load(RNG)
    for array, again in zip(one.train, other.train, strict=True):
        np.testing.assert_array_equal(array, again)
    assert (one.classes, one.input_names, one.target_names) == (other.classes, other.input_names, other.target_names)
    assert found.outline().inputs == one.train.inputs.shape[1:]


TYPES = {
    "int8": (pa.array([1, None, 3], pa.int8()), [1, np.nan, 3]),
    "uint64": (pa.array([1, None, 3], pa.uint64()), [1, np.nan, 3]),
    "half": (pa.array(np.array([1, np.nan, 3], np.float16)), [1, np.nan, 3]),
    "decimal": (pa.array([1, None, 3], pa.decimal128(9, 2)), [1, np.nan, 3]),
    "nothing": (pa.nulls(3), [np.nan] * 3),
    "text": (pa.array([" a", None, "b"]), ["a", "", "b"]),
    "large text": (pa.array(["a", None, "b"], pa.large_string()), ["a", "", "b"]),
    "dictionary": (pa.array(["a", None, "b"]).dictionary_encode(), ["a", "", "b"]),
    "dictionary of numbers": (pa.array([1, None, 3]).dictionary_encode(), [1, np.nan, 3]),
    "truth values": (pa.array([True, None, False]), ["True", "", "False"]),
    "time of day": (pa.array([60, None, 3600], pa.time32("s")), ["00:01:00", "", "01:00:00"]),
    "large whole numbers": (pa.array([2**53 + 1, None, 1]), ["9007199254740993", "", "1"]),
}


@pytest.mark.parametrize("kind", ["parquet", "feather"])
@pytest.mark.parametrize("case", TYPES)
def test_each_type_of_arrow_is_read(kind, case, tmp_path):
    column, expected = TYPES[case]
    path, write = tmp_path / "table", pq.write_table if kind == "parquet" else write_feather
    write(pa.table({"a.b c": column}), path, **({"row_group_size": 2} if kind == "parquet" else {"chunksize": 2}))
    np.testing.assert_array_equal(dataset(kind, path).table(path).cells("a.b c"), expected)


@pytest.mark.parametrize("kind", ["parquet", "feather"])
@pytest.mark.parametrize(
    "days", [pa.array([date(2024, 5, 31), None]), pa.array([datetime(2024, 5, 31), None], pa.timestamp("ns", "CET"))]
)
def test_dates_are_read_whatever_their_unit(kind, days, tmp_path):
    path, write = tmp_path / "table", pq.write_table if kind == "parquet" else write_feather
    write(pa.table({"seen": days}), path)
    expected = np.array(["2024-05-31", "NaT"], "datetime64[us]")
    np.testing.assert_array_equal(dataset(kind, path).table(path).cells("seen"), expected)


@EVERY
def test_first_rows_are_read_alone(kind, tmp_path):
    path = written(kind, TABLE, tmp_path)
    table = dataset(kind, path).table(path, 5)
    assert table.rows == len(table.cells("mass")) == len(table.text("island")) == (6 if kind == "json_lines" else 5)


@pytest.mark.parametrize("kind", ["parquet", "feather"])
def test_only_the_columns_that_are_used_are_read(kind, tmp_path, monkeypatch):
    path = written(kind, TABLE, tmp_path)
    read = []
    as_array = specnet_arrow.columns.as_array
    monkeypatch.setattr(specnet_arrow.columns, "as_array", lambda column: read.append(column.type) or as_array(column))
    found = dataset(
        kind, path, inputs=[{"name": "year", "type": "number"}], targets=[{"name": "price", "type": "number"}]
    )
    found.outline()
    assert read == []
    found.load(RNG)
    assert {*read} == {pa.int64()}  # the others have other types


@EVERY
def test_a_nested_column_is_refused_by_name_where_it_is_used(kind, tmp_path):
    if kind == "excel":
        pytest.skip("its cells hold single values")
    path = written(kind, TABLE | {"tags": [[1], [2, 3], [], [4], [5], [6]]}, tmp_path)
    with pytest.raises(SpecnetError, match=r'the cells of column "tags" are list<.*int64>, neither') as raised:
        resolved(dataset(kind, path))
    (found,) = raised.value.diagnostics
    assert found.pointer[0] == "inputs" and found.help == 'if it is not an input, write "exclude": ["tags"]'
    assert len(resolved(dataset(kind, path, exclude=["tags"])).load(RNG).train.inputs) == 6


PLACES = {"parquet": "row 2", "feather": "row 2", "json_lines": ":4:", "excel": "row 5"}
"""Where the third row is if an empty line precedes it; Excel counts its header."""


@EVERY
def test_a_mistake_is_told_with_its_place(kind, tmp_path):
    path = written(kind, TABLE | {"species": ["a", "b", None, "a", "b", "a"]}, tmp_path)
    if kind == "json_lines":
        path.write_text(path.read_text().replace("\n", "\n\n", 1))
    if kind == "excel":
        book = load_workbook(path)
        book.active.insert_rows(1)
        book.save(path)
    with pytest.raises(SpecnetError, match='column "species": the cell is empty') as raised:
        resolved(dataset(kind, path, inputs=["year"])).load(RNG)
    assert PLACES[kind] in raised.value.message and path.name in raised.value.message


@EVERY
def test_a_trained_run_predicts_and_evaluates_other_files(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path, later = written(kind, TABLE, tmp_path), written(kind, rows(TABLE, 2), tmp_path, "later")
    transforms = {"inputs": [{"type": "impute"}, "standardize"]}
    fields = {"path": path.name, "inputs": "*", "targets": ["species"], "exclude": ["island", "seen"]}
    spec = {
        "dataset": {"type": kind, **fields},
        "transforms": transforms,
        "layers": ["linear"],
        "loss": "cross_entropy",
    }
    Path("spec.json").write_text(json.dumps(spec))
    called("run", "spec.json", "-q", "-o", "made")
    called("evaluate", "made", "--data", later.name)
    printed = called("predict", "made", later.name, "--keep", "year").splitlines()
    assert printed[0].startswith("year,species,probability of Adelie") and len(printed) == 5
    csv(rows(TABLE, 2), Path("later.csv"))
    assert called("predict", "made", "later.csv", "--keep", "year").splitlines() == printed


def called(*arguments, code=0):
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == code, done.output
    return done.output


@EVERY
def test_a_damaged_file_is_refused_by_name_or_read(kind, tmp_path):
    path = written(kind, TABLE, tmp_path)
    content, refused = path.read_bytes(), 0
    for seed in range(100):
        generator = random.Random(seed)
        bad = bytearray(content)
        for _ in range(generator.choice([1, 3])):
            bad[generator.randrange(len(bad))] = generator.randrange(256)
        path.write_bytes(bad[: generator.choice([len(bad), generator.randrange(len(bad))])])
        given = dataset(kind, path)
        for look in (given.outline, lambda given=given: resolved(given).load(RNG)):
            try:
                look()
            except SpecnetError as error:
                refused += 1
                assert path.name in error.message
    assert refused > 33


WRONG = {
    "gone": (None, "there is no file"),
    "empty": (b"", ""),
    "text": (b"a,species\n1,x\n", "cannot be read as"),
    "old": (b"\xd0\xcf\x11\xe0" + bytes(30), ""),
}


@EVERY
@pytest.mark.parametrize("case", WRONG)
def test_a_file_of_another_kind_exits_with_2_and_its_name(kind, case, tmp_path):
    content, message = WRONG[case]
    path = tmp_path / "table"
    if content is not None:
        path.write_bytes(content)
    spec = {"dataset": dataset(kind, path).to_spec(), "layers": ["linear"], "loss": "cross_entropy"}
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    printed = called("validate", str(tmp_path / "spec.json"), code=2)
    assert "table" in printed and message in printed and "Traceback" not in printed


def test_a_sheet_is_chosen_by_name_or_number(tmp_path):
    path = tmp_path / "table.xlsx"
    book = Workbook()
    excel(rows(TABLE, 4), path, "2023", book)
    excel(TABLE, path, "2024", book)
    del book["Sheet"]
    book.save(path)
    for sheet, count in {0: 2, 1: 6, "2023": 2, "2024": 6}.items():
        assert dataset("excel", path, sheet=sheet).table(path).rows == count
    for sheet, help in {
        2: "it has 2, counted from 0",
        "2O24": 'did you mean "2024"?',
        "x": "one of: 2023, 2024",
    }.items():
        with pytest.raises(SpecnetError, match="has no sheet") as raised:
            dataset("excel", path, sheet=sheet).outline()
        assert (raised.value.diagnostics[0].pointer, raised.value.diagnostics[0].help) == (("sheet",), help)


def test_an_excel_column_of_dates_may_have_spellings_of_missing_values(tmp_path):
    days = [date(2024, 1, 31), "NA", date(2024, 2, 1), date(2024, 3, 1), "NA", date(2024, 5, 31)]
    excel(TABLE | {"seen": days}, path := tmp_path / "table.xlsx")
    found = resolved(dataset("excel", path, inputs=["seen"])).load(RNG)
    np.testing.assert_array_equal(found.train.inputs[:, 0], [19753, np.nan, 19754, 19783, np.nan, 19874])


@pytest.mark.parametrize("case", specnet.testing.cases("specnet-arrow"), ids=str)
def test_what_specnet_asks_of_a_plugin_holds(case):
    case()


@EVERY
def test_a_dataset_keeps_its_contract(kind, tmp_path):
    path = written(kind, TABLE, tmp_path)
    specnet.testing.check_dataset(dataset(kind, path, inputs=["year", "banded"]).to_spec())


def test_the_example_of_the_readme_reaches_what_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    (script,), (spec,) = (re.findall(f"```{kind}\n(.*?)```", readme, re.DOTALL) for kind in ("python", "json"))
    exec(script, {})
    Path("sales.json").write_text(spec)
    run = specnet.run("sales.json", out="sales", report=False)
    reached = float(re.search(r"`validation/r2` reaches (0\.\d+)", readme)[1])
    assert run.evaluate("validation")["r2"] == pytest.approx(reached, abs=0.02)
    printed = called("predict", "sales", "sales.parquet", "--keep", "date", "--keep", "shop").splitlines()
    shown = readme.rpartition("```\n")[0].rpartition("```\n")[2].splitlines()
    for line, expected in zip(printed, shown, strict=False):
        assert line.split(",")[:2] == expected.split(",")[:2]


@pytest.mark.parametrize("write", [parquet, feather, json_lines, excel])
def test_a_spec_is_written_for_a_table_of_any_format(write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = range(40)
    table = {
        "mass": [number % 7 + 0.5 for number in rows],
        "day": [datetime(2024, 1, 1 + number % 28) for number in rows],
        "kind": ["xy"[number % 2] for number in rows],
    }
    write(table, Path("table"))  # its format is found in its bytes
    told = CliRunner().invoke(cli, ["new", "spec", "made", "--data", "table", "--target", "kind"])
    assert told.exit_code == 0, told.output
    made = json.loads(Path("made.json").read_text())["dataset"]
    assert made["type"] == write.__name__
    assert made["inputs"] == [{"name": "mass", "type": "number"}, {"name": "day", "type": "date"}]
    result = CliRunner().invoke(cli, ["run", "made.json", "--set", "training.epochs=1", "--set", "plots=[]", "-q"])
    assert result.exit_code == 0, result.output


def test_columns_of_lists_are_left_out_of_a_new_spec(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = range(40)
    table = {"a": [n % 7 for n in rows], "b": [[n] for n in rows], "kind": ["xy"[n % 2] for n in rows]}
    parquet(table, Path("table.parquet"))
    told = CliRunner().invoke(cli, ["new", "spec", "made", "--data", "table.parquet", "--target", "kind"])
    assert told.exit_code == 0, told.output
    assert '"b" is left out: table.parquet: the cells of column "b" are list' in told.output
    result = CliRunner().invoke(cli, ["run", "made.json", "--set", "training.epochs=1", "--set", "plots=[]", "-q"])
    assert result.exit_code == 0, result.output
