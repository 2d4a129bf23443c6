"""From a table to a spec, a run and predictions, as one types it."""

import csv
import gzip
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers import sampled

import specnet
from specnet import registry

KINDS = ("oak", "elm", "fir")


def tree(number):
    """A row of a table with everything that makes a table difficult; a gap in each tenth row."""
    kind = KINDS[number % 3]
    height = f"{10 + 5 * (number % 3) + number % 7 / 10:.1f}" if number % 10 else ""
    return [
        number + 1,
        f"tree {number}",
        height,
        "red" if kind == "oak" else "green",
        f"2024-0{1 + number % 9}-15",
        kind,
    ]


@pytest.fixture
def trees(tmp_path, monkeypatch):
    """Write trees.csv and later.csv into the working directory, the first for training."""
    monkeypatch.chdir(tmp_path)
    for name, numbers in {"trees.csv": range(120), "later.csv": range(200, 230)}.items():
        with Path(name).open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerows([["id", "name", "height", "colour", "planted", "kind"], *map(tree, numbers)])


def succeed(invoke, *arguments):
    result = invoke(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_spec_for_a_table_trains_as_it_is_and_predicts_the_next_file(invoke, trees):
    told = succeed(invoke, "new", "spec", "trees", "--data", "trees.csv", "--target", "kind")
    assert '"id" is left out: it numbers the rows' in told
    assert '"name" is left out: it is text' in told
    spec = json.loads(Path("trees.json").read_text())
    assert spec["dataset"]["inputs"] == [
        {"name": "height", "type": "number"}, {"name": "colour", "type": "binary"}, {"name": "planted", "type": "date"},
    ]  # fmt: skip
    parts = {"type": "date_parts", "parts": ["day_of_year", "weekday"], "cyclic": True}
    assert spec["transforms"]["inputs"] == [parts, "impute", "standardize"]
    assert succeed(invoke, "validate", "--data", "trees.json").startswith("trees.json: no mistakes found\n")
    succeed(invoke, "run", "trees.json", "--set", "training.epochs=60", "-q")
    rows = [*csv.DictReader(io.StringIO(succeed(invoke, "predict", "runs/trees", "later.csv", "--keep", "kind")))]
    assert [*rows[0]] == ["kind", "predicted kind", *(f"probability of {kind}" for kind in sorted(KINDS))]
    right = [row["kind"] == row["predicted kind"] for row in rows]
    assert np.mean(right) > 0.6  # a third by chance; gaps make it harder


def test_predictions_take_the_same_table_in_any_form(invoke, trees):
    succeed(invoke, "new", "spec", "trees", "--data", "trees.csv", "--target", "kind")
    succeed(invoke, "run", "trees.json", "--set", "training.epochs=2", "-q", "--no-report")
    content = Path("later.csv").read_bytes()
    Path("later.csv.gz").write_bytes(gzip.compress(content))
    Path("later.tsv").write_bytes(content.replace(b",", b"\t"))
    expected = succeed(invoke, "predict", "runs/trees", "later.csv")
    for name in ("later.csv.gz", "later.tsv"):
        assert succeed(invoke, "predict", "runs/trees", name) == expected


def test_a_table_on_standard_input_is_predicted(trees, tmp_path):
    specnet.run({**SMALL, "dataset": {**SMALL["dataset"], "path": "trees.csv"}}, out="small", report=False)
    command = [sys.executable, "-m", "specnet", "predict", "small"]
    expected = subprocess.run([*command, "later.csv", "--keep", "id"], capture_output=True, check=True).stdout
    content = Path("later.csv").read_bytes()
    for given in (content, gzip.compress(content)):
        result = subprocess.run([*command, "-", "--keep", "id"], input=given, capture_output=True, check=True)
        assert result.stdout == expected


SMALL = {
    "dataset": {"type": "csv", "inputs": ["height", "colour"], "targets": ["kind"]},
    "transforms": {"inputs": ["impute"]},
    "layers": ["linear"],
    "loss": "cross_entropy",
    "training": {"epochs": 1},
}
WRONG = {
    "an unknown category": ("height,colour\n1,red\n2,blue\n", [], 'in.csv:3: column "colour": "blue" is not one of'),
    "a missing column": ("height\n1\n", [], 'in.csv has no column "colour"'),
    "text as a number": ("height,colour\ntall,red\n", [], 'in.csv:2: column "height": "tall" is not a finite number'),
    "a missing category": ("height,colour\n1,\n", [], 'column "colour" has a missing value in line 2'),
    "nothing to keep": ("height,colour\n1,red\n", ["--keep", "colou"], 'has no column "colou"'),
    "kept in npy": ("height,colour\n1,red\n", ["--keep", "colour", "-o", "out.npy"], "only .csv files"),
    "no rows": ("height,colour\n", [], "in.csv has no rows below its header"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_predicted_is_told_with_its_place(case, invoke, trees):
    content, options, message = WRONG[case]
    specnet.run({**SMALL, "dataset": {**SMALL["dataset"], "path": "trees.csv"}}, out="small", report=False)
    Path("in.csv").write_text(content)
    result = invoke("predict", "small", "in.csv", *options)
    assert (result.exit_code, message in result.stderr) == (2, True), result.stderr
    assert result.stdout == ""


def test_numbers_with_few_values_are_classes_unless_said_otherwise(invoke, trees):
    Path("cars.csv").write_text("weight,cylinders\n" + "".join(f"{n % 50}.5,{4 + 2 * (n % 3)}\n" for n in range(99)))
    told = succeed(invoke, "new", "spec", "a", "--data", "cars.csv", "--target", "cylinders")
    assert '"cylinders" is used as classes; for numbers use --kind regression' in told
    assert json.loads(Path("a.json").read_text())["loss"] == "cross_entropy"
    succeed(invoke, "new", "spec", "b", "--data", "cars.csv", "--target", "cylinders", "--kind", "regression")
    made = json.loads(Path("b.json").read_text())
    assert (made["loss"], made["transforms"]["targets"]) == ("mse", ["standardize"])
    for name in ("a", "b"):
        assert specnet.load_spec(f"{name}.json").layers[-1].units == (3 if name == "a" else 1)


def test_few_numbers_and_text_in_a_column_are_categories(invoke, trees):
    Path("cars.csv").write_text("cylinders,price\n" + "".join(f"{'46r'[n % 3]},{n}.5\n" for n in range(60)))
    told = succeed(invoke, "new", "spec", "cars", "--data", "cars.csv", "--target", "price")
    assert '"cylinders" has numbers and text, which are used as categories' in told
    assert json.loads(Path("cars.json").read_text())["dataset"]["inputs"] == [{"name": "cylinders", "type": "category"}]


def test_a_table_without_a_header_is_recognised(invoke, trees):
    Path("bare.csv").write_text("".join(f"{n % 7}.5,{n % 5}.25,{'xyz'[n % 3]}\n" for n in range(60)))
    succeed(invoke, "new", "spec", "bare", "--data", "bare.csv", "--target", "2")
    assert json.loads(Path("bare.json").read_text())["dataset"]["header"] is False
    succeed(invoke, "run", "bare.json", "--set", "training.epochs=1", "-q", "--no-report")


OTHER_FORMATS = {
    "a workbook": (b"\xd0\xcf\x11\xe0" + bytes(600), "is a spreadsheet workbook", "save the sheet as CSV"),
    "Parquet": (b"PAR1" + bytes(600), "is a Parquet file", 'pip install "specnet[arrow]", and repeat the command'),
    "Feather": (b"ARROW1" + bytes(600), "is a Feather file", 'pip install "specnet[arrow]", and repeat the command'),
    "JSON lines": (b'{"a": 1, "kind": "x"}\n' * 40, "looks like JSON lines", 'pip install "specnet[arrow]", and'),
    "an array": (b"\x93NUMPY" + bytes(600), "is a NumPy array", "specnet components datasets npz"),
    "a folder": (None, "is a directory, not a table", "name a file in it"),
}


@pytest.mark.parametrize("case", OTHER_FORMATS)
def test_what_is_no_table_of_text_is_told_with_the_next_step(case, invoke, trees, monkeypatch):
    claims = registry.claims

    def without_plugins(group):
        return {name: found for name, found in claims(group).items() if found[-1].distribution == "specnet"}

    monkeypatch.setattr(registry, "claims", without_plugins)
    content, message, help = OTHER_FORMATS[case]
    Path("in").write_bytes(content) if content else Path("in").mkdir()
    result = invoke("new", "spec", "made", "--data", "in", "--target", "kind")
    assert (result.exit_code, message in result.stderr, help in result.stderr) == (2, True, True), result.stderr
    assert 'set "' not in result.stderr
    assert not Path("made.json").exists()


NOT_MADE = {
    "no target": (["--data", "trees.csv"], "--data and --target need each other"),
    "no data": (["--target", "kind"], "--data and --target need each other"),
    "an unknown target": (["--data", "trees.csv", "--target", "kin"], 'trees.csv has no column "kin"'),
    "images": (["--data", "trees.csv", "--target", "kind", "--kind", "images"], "cannot be combined with --data"),
    "numbers of text": (["--data", "trees.csv", "--target", "kind", "--kind", "regression"], "contain numbers"),
    "no file": (["--data", "tree.csv", "--target", "kind"], "no such file"),
    "two targets of classes": (
        ["--data", "trees.csv", "--target", "kind", "--target", "colour", "--kind", "classification"], "has one target"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", NOT_MADE)
def test_what_cannot_be_a_spec_is_told_and_nothing_written(case, invoke, trees):
    options, message = NOT_MADE[case]
    result = invoke("new", "spec", "made", *options)
    assert (result.exit_code, message in result.stderr) == (2, True), result.stderr
    assert not Path("made.json").exists()


def test_data_shows_each_column(invoke, trees):
    spec = {**SMALL, "dataset": {**SMALL["dataset"], "path": "trees.csv"}}
    Path("small.json").write_text(json.dumps(spec))
    shown = succeed(invoke, "data", "small.json")
    assert [line.split()[:3] for line in shown.splitlines() if line.startswith(("height", "colour"))] == [
        ["height", "number", "12"], ["colour", "category", "0"],
    ]  # fmt: skip


def test_validate_warns_of_data_if_it_loads_them(invoke, trees):
    Path("flat.csv").write_text("a,b,t\n" + "".join(f"{n},7,{n % 2}\n" for n in range(60)))
    dataset = {"type": "csv", "path": "flat.csv", "inputs": "*", "targets": ["t"]}
    spec = {"dataset": dataset, "layers": ["linear"], "loss": "cross_entropy"}
    Path("flat.json").write_text(json.dumps(spec))
    assert "column" not in invoke("validate", "flat.json").stderr
    warned = invoke("validate", "--data", "flat.json")
    assert (warned.exit_code, "constant" in warned.stderr or "same" in warned.stderr) == (0, True), warned.stderr


def test_a_date_may_be_missing(trees, invoke):
    lines = [f"{'' if day % 4 == 0 else f'2024-01-{day % 28 + 1:02d}'},{day / 2}" for day in range(60)]
    Path("days.csv").write_text("\n".join(["d,y", *lines]))
    assert invoke("new", "spec", "days", "--data", "days.csv", "--target", "y").exit_code == 0
    assert invoke("run", "days.json", "--set", "training.epochs=1", "--no-report").exit_code == 0


@pytest.mark.parametrize(
    ("content", "fields"),
    sampled(
        [
            ("price;kind\n1,5;x\n2,25;y\n", {"decimal": ","}),
            ("price;kind\n1,500;x\n12,250;y\n", {"decimal": ","}),
            ('price,kind\n"1,500",x\n"12,250",y\n', {"thousands": ","}),
            ("price;kind\n" + "".join(f"{n}.5;x\n" for n in range(12)) + "-;y\n", {"na_values": "-"}),
        ],
        3,
    ),
)
def test_marks_of_numbers_are_recognised_and_said(content, fields, invoke, trees):
    header, *rows = content.splitlines(keepends=True)
    Path("in.csv").write_text(header + "".join(rows * 20))
    told = succeed(invoke, "new", "spec", "made", "--data", "in.csv", "--target", "kind")
    assert "the file is read with {" in told
    made = json.loads(Path("made.json").read_text())["dataset"]
    for name, value in fields.items():
        assert value in made[name]
    succeed(invoke, "run", "made.json", "--set", "training.epochs=1", "-q", "--no-report")


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("größe", "latin-1"),
        ("größe €", "cp1252"),
        ("“size”", "cp1252"),
        ("size", "utf-16-le"),
        ("size", "utf-16-be"),
    ],
)
def test_an_encoding_is_guessed_and_said(name, encoding, invoke, trees):
    Path("in.csv").write_bytes((f"{name},kind\n" + "1,x\n2,y\n" * 20).encode(encoding))
    told = succeed(invoke, "new", "spec", "made", "--data", "in.csv", "--target", "kind")
    assert f'the file is read with {{"encoding": "{encoding}"}}: check that' in told
    assert json.loads(Path("made.json").read_text())["dataset"]["inputs"] == [{"name": name, "type": "number"}]
    succeed(invoke, "run", "made.json", "--set", "training.epochs=1", "-q", "--no-report")


def test_bytes_that_cp1252_lacks_are_read_as_latin_1(invoke, trees):
    Path("in.csv").write_bytes(b"a\x80\x81,kind\n" + b"1,x\n2,y\n" * 20)
    assert '{"encoding": "latin-1"}' in succeed(invoke, "new", "spec", "made", "--data", "in.csv", "--target", "kind")


DATES = [
    "31.01.2021",
    "1/31/2021",
    "31/01/2021 10:30",
    "2021-01-31T10:00",
    "31-Jan-2021",
    "January 31, 2021",
    "20210131",
]


@pytest.mark.parametrize("date", sampled(DATES, 4))
def test_dates_are_recognised_in_every_form(date, invoke, trees):
    form = next(form for form in ("T", "Jan", "31.", "1/31", "31/", "2021") if form in date)
    days = [date.replace("31", f"{day:02}", 1) for day in (*range(13, 29), *range(13, 29))]
    Path("in.csv").write_text("d,x,y\n" + "".join(f'"{day}",{n % 7},{n % 5}.5\n' for n, day in enumerate(days)))
    told = succeed(invoke, "new", "spec", "made", "--data", "in.csv", "--target", "y")
    assert ('"d" is read as dates of the form %' in told) == (form != "T")
    made = json.loads(Path("made.json").read_text())
    assert made["dataset"]["inputs"][0]["type"] == "date"
    assert made["transforms"]["inputs"][0]["type"] == "date_parts"
    succeed(invoke, "run", "made.json", "--set", "training.epochs=1", "-q", "--no-report")


def test_days_and_months_that_may_be_exchanged_are_left_to_the_user(invoke, trees):
    rows = "".join(f"{n % 12 + 1:02}/{n % 11 + 1:02}/2021,{n % 7},{n % 5}.5\n" for n in range(40))
    Path("in.csv").write_text("d,x,y\n" + rows)
    told = succeed(invoke, "new", "spec", "made", "--data", "in.csv", "--target", "y")
    advice = 'write {"name": "d", "type": "date", "format": "%d/%m/%Y"}, or "%m/%d/%Y" if its first number is the month'
    assert f'"d" looks like dates: to read them, {advice}\n' in told
    dataset = {"type": "csv", "path": "in.csv", "inputs": "*", "targets": ["y"]}
    Path("all.json").write_text(json.dumps({"dataset": dataset, "layers": ["linear"], "loss": "mse"}))
    assert advice in invoke("validate", "all.json").stderr


def test_columns_with_one_name_are_told_once(invoke, trees):
    Path("in.csv").write_text("a,b,b,y\n" + "".join(f"{n % 7}.5,{n},{n},{'xy'[n % 2]}\n" for n in range(40)))
    told = succeed(invoke, "new", "spec", "made", "--data", "in.csv", "--target", "y")
    assert told.count("several columns have this name") == 1
    result = invoke("new", "spec", "other", "--data", "in.csv", "--target", "b")
    assert (result.exit_code, 'in.csv has several columns "b"' in result.stderr) == (2, True)


def test_of_many_columns_that_are_left_out_a_few_are_named(invoke, trees):
    names = ",".join(f"c{number}" for number in range(40))
    Path("in.csv").write_text(f"{names},x,y\n" + "".join(f"{'7,' * 40}{n % 7}.5,{'xy'[n % 2]}\n" for n in range(40)))
    told = succeed(invoke, "new", "spec", "made", "--data", "in.csv", "--target", "y")
    assert told.count("is left out") == 5
    assert "35 more columns are left out: it is the same in all rows\n" in told


def test_lines_of_comments_above_a_table_are_skipped(invoke, trees):
    Path("in.csv").write_text("# measured in May\na,kind\n" + "1,x\n2,y\n" * 20)
    assert '{"comment": "#"}' in succeed(invoke, "new", "spec", "made", "--data", "in.csv", "--target", "kind")
    succeed(invoke, "run", "made.json", "--set", "training.epochs=1", "-q", "--no-report")


def test_a_column_that_cannot_be_read_is_left_out_with_its_place(invoke, trees):
    rows = [f"{'bad' + str(n % 8) if n % 4 == 0 else n * 1.25},{n % 7}.5,{'xy'[n % 2]}\n" for n in range(60)]
    Path("in.csv").write_text("a,b,y\n" + "".join(rows))
    told = succeed(invoke, "new", "spec", "made", "--data", "in.csv", "--target", "y")
    assert '"a" is left out: ' in told and 'in.csv:2: column "a": "bad0" is not a finite number' in told
    succeed(invoke, "run", "made.json", "--set", "training.epochs=1", "-q", "--no-report")
    result = invoke("new", "spec", "other", "--data", "in.csv", "--target", "a")
    assert (result.exit_code, 'in.csv:2: column "a": "bad0" is not' in result.stderr) == (2, True), result.stderr


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["1,x"], "in.csv has 1 row, and at least 10 are needed"),
        (["1,x", "2,y"], "in.csv has 2 rows, and at least 10 are needed"),
        ([f"{n % 7}.5,2.5" for n in range(60)], 'column "kind" is the same in all rows'),
        ([f"{n % 7}.5,NaN" for n in range(60)], 'column "kind" has no values'),
        ([f"NaN,{'xy'[n % 2]}" for n in range(60)], '"a" is left out: all values are missing'),
        ([f"{n},x" for n in range(0, 60, 2)], 'column "kind" is the same in all rows'),
        ([f"{n % 7}.5,text {n}" for n in range(60)], 'column "kind" has 60 different values in 60 rows'),
    ],
)
def test_a_table_that_has_nothing_to_learn_is_refused(rows, message, invoke, trees):
    Path("in.csv").write_text("a,kind\n" + "\n".join(rows) + "\n")
    result = invoke("new", "spec", "made", "--data", "in.csv", "--target", "kind")
    assert (result.exit_code, message in result.stderr) == (2, True), result.stderr
    assert not Path("made.json").exists()
