import io
import random
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from specnet import SpecnetError, build
from specnet.datasets.text_table import NO_HEADER

RNG = np.random.default_rng(0)


def mistakes(dataset, look=lambda dataset: dataset.load(RNG)):
    """Return what is said about a file that cannot be loaded, without its folder."""
    with pytest.raises(SpecnetError) as raised:
        look(dataset)
    found = raised.value.diagnostics
    assert all("table.csv" in diagnostic.message for diagnostic in found)
    return [diagnostic.message.replace(dataset.path, "FILE") for diagnostic in found]


NUMBERS = {
    "plain": ("a,t\n1,2\n3,4\n", {}),
    "no last line end": ("a,t\n1,2\n3,4", {}),
    "CRLF": ("a,t\r\n1,2\r\n3,4\r\n", {}),
    "byte order mark": ("\ufeffa,t\n1,2\n3,4\n", {}),
    "blank lines": ("\n\na,t\n\n1,2\n\n3,4\n\n", {}),
    "quotes": ('"a","t"\n"1","2"\n3,"4"\n', {}),
    "spaces": ("a,t\n 1, 2\n3 ,4e0\n", {}),
    "semicolons": ("a;t\n1;2\n3;4\n", {"delimiter": ";"}),
    "tabs": ("a\tt\n1\t2\n3\t4\n", {"delimiter": "\t"}),
    "further columns": ("x,t,a,\ntext,2,1,\nmore,4,3,\n", {}),
}


@pytest.mark.parametrize("case", NUMBERS)
def test_numbers_are_read_whatever_the_form(table, case):
    content, fields = NUMBERS[case]
    data = table(content, **fields).load(RNG)
    assert data.train.inputs.tolist() == [[1.0], [3.0]]
    assert data.train.targets.tolist() == [[2.0], [4.0]]
    assert data.train.targets.dtype == np.float64
    assert (data.classes, data.input_names, data.target_names) == ((), ("a",), ("t",))


def test_columns_come_in_the_order_of_the_spec(table):
    data = table("a,b,t,u\n1,2,3,4\n5,6,7,8\n", inputs=["b", "a"], targets=["u", "t"]).load(RNG)
    assert data.train.inputs.tolist() == [[2, 1], [6, 5]]
    assert data.train.targets.tolist() == [[4, 3], [8, 7]]


def test_text_becomes_class_numbers_in_alphabetical_order(table):
    data = table('a,t\n1,pear\n2,apple\n3,"fig, ""dried"""\n4,pear\n').load(RNG)
    assert data.classes == ("apple", 'fig, "dried"', "pear")
    assert data.train.targets.tolist() == [2, 0, 1, 2]
    assert np.issubdtype(data.train.targets.dtype, np.integer)


WRONG = {
    "empty file": ("", ["FILE has no rows"]),
    "blank file": ("\n\n", ["FILE has no rows"]),
    "header only": ("a,t\n", ["FILE has no rows"]),
    "column twice": ("a,t,a\n1,2,3\n", ['FILE has several columns "a"']),
    "ragged": ("a,t\n1\n1,2\n1,2,3\n", ["FILE:2: 1 cell, the header has 2", "FILE:4: 3 cells, the header has 2"]),
    "text": ("a,t\n1,2\nx,2\n", ['FILE:3: column "a": "x" is not a finite number']),
    "infinity": ("a,t\n-inf,2\n", ['FILE:2: column "a": "-inf" is not a finite number']),
    "too large": ("a,t\n1e999,2\n", ['FILE:2: column "a": "1e999" is not a finite number']),
    "underscore": ("a,t\n1_000,2\n", ['FILE:2: column "a": "1_000" is not a finite number']),
    "both columns": ("a,t\nx,2\n3,\n", ['FILE:2: column "a": "x"', 'FILE:3: column "t": the cell is empty']),
    "mixed targets": ("a,t\n1,2\n2,x\n", ['FILE:3: column "t": "x" is not a finite number']),
    "class missing": ("a,t\n1,x\n2,\n3,y\n", ['FILE:3: column "t": the cell is empty']),
    "class nan": ("a,t\n1,x\n2,NaN\n3,y\n", ['FILE:3: column "t": "NaN" is a missing value']),
    "no target at all": ("a,t\n1,\n", ['FILE:2: column "t": the cell is empty']),
    "cell over two lines": ('a,t\n"1\n",2\nx,3\n', ['FILE:4: column "a": "x"']),
    "long cell": ("a,t\n1,2\n" + "x" * 5000 + ",2\n", ['FILE:3: column "a": "xxx']),
    "cell beyond the parser's limit": ("a,t\n1," + "x" * 200_000 + "\n", ["FILE:2: field larger"]),
    "header beyond the parser's limit": ("a" * 200_000 + ",t\n", ["FILE:1: field larger"]),
    "open quote": ('a,t\n1,"x\n', ["FILE:2: unexpected end of data"]),
    "text after a quote": ('a,t\n1,"x"y\n', ["FILE:2: "]),
    "Latin-1": ("a,t\n1,é\n".encode("latin-1"), ["FILE:2: the byte 0xe9 is not UTF-8"]),
}


@pytest.mark.parametrize("case", WRONG)
def test_each_mistake_is_told_with_its_place(table, case):
    content, expected = WRONG[case]
    found = mistakes(table(content))
    assert len(found) == len(expected)
    for message, beginning in zip(found, expected, strict=True):
        assert message.startswith(beginning)
        assert len(message) < 200


SEEN_AT_ONCE = [
    "empty file", "blank file", "header only", "column twice", "cell beyond the parser's limit",
    "header beyond the parser's limit", "open quote", "text after a quote", "Latin-1", "ragged",
]  # fmt: skip
"""Mistakes that header and first rows show."""


@pytest.mark.parametrize("case", WRONG)
def test_an_outline_tells_the_mistakes_of_header_and_first_rows_in_the_same_words(table, case):
    dataset = table(WRONG[case][0])
    if case in SEEN_AT_ONCE:
        assert mistakes(dataset, type(dataset).outline) == mistakes(dataset)
    else:
        assert dataset.outline().inputs is None  # the types of the columns are not known yet


def test_more_than_twenty_mistakes_are_counted(table):
    found = mistakes(table("a,t\n" + "1\n" * 25))
    assert len(found) == 21
    assert found[-1] == "FILE: 5 more mistakes like these"


def test_each_missing_column_is_named_with_the_nearest(table):
    dataset = table("length,width,kind\n1,2,3\n", inputs=["lenght", "width", "hight"], targets=["kinds"])
    with pytest.raises(SpecnetError) as raised:
        dataset.load(RNG)
    with pytest.raises(SpecnetError) as outlined:
        dataset.outline()
    assert outlined.value.diagnostics == raised.value.diagnostics
    found = [(diagnostic.pointer, diagnostic.help) for diagnostic in raised.value.diagnostics]
    assert found[0] == (("inputs", 0), 'did you mean "length"?')
    assert [place for place, _ in found] == [("inputs", 0), ("inputs", 2), ("targets", 0)]
    assert found[2][1] == 'did you mean "kind"?'
    assert all('table.csv has no column "' in diagnostic.message for diagnostic in raised.value.diagnostics)


@pytest.mark.parametrize("delimiter", ["", ",,", "\n", "\r", '"', "\0"])
def test_what_cannot_separate_cells_is_refused(table, delimiter):
    with pytest.raises(SpecnetError) as raised:
        table("a,t\n1,2\n", delimiter=delimiter)
    assert raised.value.diagnostics[0].pointer == ("delimiter",)


@pytest.mark.parametrize(("name", "reason"), [("", "directory"), ("no.csv", "no such file"), ("n" * 300, "long")])
def test_a_file_that_cannot_be_opened_is_named_with_the_reason(tmp_path, name, reason):
    path = tmp_path / name
    dataset = build("datasets", {"type": "csv", "path": str(path), "inputs": ["a"], "targets": ["t"]})
    with pytest.raises(SpecnetError, match=reason) as raised:
        dataset.load(RNG)
    assert str(path) in raised.value.message


def test_a_file_that_may_not_be_read_is_named_with_the_reason(table, monkeypatch):
    def refuse(path, *args, **kwargs):
        raise PermissionError(13, "Permission denied")

    dataset = table("a,t\n1,2\n")
    # Permission bits do not stop the superuser, under whom containers run tests.
    monkeypatch.setattr(Path, "open", refuse)
    assert mistakes(dataset) == ["FILE: Permission denied"]


@pytest.mark.parametrize("path", ["a\0b", "~nobody_of_this_name/x.csv"])
def test_impossible_paths_are_mistakes_of_the_spec(path):
    with pytest.raises(SpecnetError) as raised:
        build("datasets", {"type": "csv", "path": path, "inputs": ["a"], "targets": ["t"]})
    assert raised.value.diagnostics[0].pointer == ("path",)


def test_further_files_are_read_with_the_classes_of_training(table, tmp_path):
    dataset, more = table("a,t\n1,x\n2,y\n"), tmp_path / "more.csv"
    more.write_text("t,a\ny,5\ny,6\n")
    inputs, targets, *_ = dataset.read(more, targets=True, classes=("x", "y"))
    assert (inputs.tolist(), targets.tolist()) == ([[5], [6]], [1, 1])
    more.write_text("a\n7\n")
    inputs, targets, *_ = dataset.read(more, targets=False, classes=("x", "y"))
    assert (inputs.tolist(), targets.shape) == ([[7]], (1, 0))
    with pytest.raises(SpecnetError, match=r'more\.csv has no column "t"'):
        dataset.read(more, targets=True, classes=("x", "y"))
    more.write_text("a,t\n7,x\n8,z\n")
    with pytest.raises(SpecnetError, match=r'more\.csv:3: column "t": "z" is not one of the classes \["x", "y"\]'):
        dataset.read(more, targets=True, classes=("x", "y"))


def test_damaged_files_load_or_are_refused_by_name(table):
    good = b'a,b,t\n1,2,x\n2,"3",y\n4,5,x\n'
    for seed in range(300):
        generator = random.Random(seed)
        bad = bytearray(good)
        for _ in range(generator.choice([1, 3])):
            bad[generator.randrange(len(bad))] = generator.randrange(256)
        dataset = table(bytes(bad[: generator.choice([len(bad), generator.randrange(len(bad))])]))
        try:
            assert len(dataset.load(RNG).train.inputs)
        except SpecnetError as error:
            assert "table.csv" in error.message


@pytest.mark.parametrize("line", [1, 2, 700, 5000])
def test_the_first_byte_that_is_not_utf_8_is_found_wherever_it_is(table, line):
    lines = [b"a,t", *[b"1.25,\xc3\xa9"] * 5000]
    lines[line - 1] += b"\xe9"
    dataset = table(b"\r\n".join([*lines, b"\xfe"]))
    with pytest.raises(SpecnetError, match=f"table.csv:{line}: the byte 0xe9") as raised:
        dataset.load(RNG)
    assert raised.value.help == 'set "encoding", such as "latin-1", or save the file as UTF-8'


def helps(dataset, look=lambda dataset: dataset.load(RNG)):
    with pytest.raises(SpecnetError) as raised:
        look(dataset)
    return {diagnostic.help for diagnostic in raised.value.diagnostics}


@pytest.mark.parametrize(
    ("content", "fields", "delimiters"),
    [
        ("a;t\n1;2\n", {"delimiter": ","}, ('";"', '","')),
        ("a\tt\n1\t2\n", {"delimiter": ","}, (r'"\t"', '","')),
        ("a,t\n1,2\n", {"delimiter": ";"}, ('","', '";"')),
    ],
)
def test_another_delimiter_is_recognized(table, content, fields, delimiters):
    right, wrong = delimiters
    assert helps(table(content, **fields)) == {f'set "delimiter": {right}, or separate cells by {wrong}'}


def test_a_file_without_a_header_is_told_to_need_one(table):
    assert helps(table("0,1,0\n1,2,1\n")) == {NO_HEADER}
    assert helps(table("a,t,a\n1,2,3\n")) == {"give them different names"}
    assert helps(table("5.1,3.5,0.2\n4.9,3.0,0.2\n")) == {f"the first line looks like data: {NO_HEADER}"}


@pytest.mark.parametrize(
    "fields", [{"inputs": ["5.1", "3.5"], "targets": ["0"]}, {"inputs": ["3.5"], "targets": ["0"]}]
)
def test_a_first_row_of_data_is_not_taken_for_names(table, fields):
    dataset = table("5.1,3.5,0\n4.9,3.0,0\n6.2,3.6,1\n", **fields)
    assert mistakes(dataset) == ["FILE:1: the first line should name the columns, but it looks like data"]


def test_numbers_unlike_those_below_them_are_names(table):
    dataset = table("1990,1991,t\n0.5,0.6,1\n0.7,0.8,0\n", inputs=["1990", "1991"])
    assert dataset.load(RNG).train.inputs.tolist() == [[0.5, 0.6], [0.7, 0.8]]


def test_only_the_columns_of_the_spec_need_names_of_their_own(table):
    data = table("a,x,x,t\n1,5,6,2\n").load(RNG)
    assert (data.train.inputs.tolist(), data.train.targets.tolist()) == ([[1]], [[2]])


def test_names_and_classes_are_read_without_spaces_around_them(table):
    data = table('a , t\n1, yes\n2,yes \n3, "no"\n').load(RNG)
    assert (data.classes, data.train.targets.tolist()) == (("no", "yes"), [1, 1, 0])


def test_names_match_however_their_accents_are_composed(table):
    data = table("caf\u00e9,t\n1,2\n", inputs=["cafe\u0301"]).load(RNG)
    assert data.train.inputs.tolist() == [[1]]


def test_an_empty_line_is_a_row_of_a_table_of_one_column(table):
    column = {"name": "a", "type": "number"}
    dataset = table("a\n1\n\n3\n\n\n", inputs=[column], targets=[column])
    samples = dataset.read(Path(dataset.path), targets=False, classes=())
    np.testing.assert_array_equal(samples.inputs, [[1], [np.nan], [3]])


@pytest.mark.parametrize("mark", ["NA", "N/A", "?", "NaN", "null", "None", " "])
def test_marks_of_missing_values_are_no_classes(table, mark):
    dataset = table(f"a,t\n1,yes\n2,{mark}\n3,no\n4,{mark}\n")
    (found,) = mistakes(dataset)
    assert found.startswith('FILE:3: column "t": ') and "1 more cells" in found
    assert next(iter(helps(dataset))).startswith("to leave these rows out")


def test_a_column_of_text_is_one_mistake_at_its_name_in_the_spec(table):
    dataset = table("a,b,t\n" + "1,red,2\n2,blue,3\n" * 50, inputs=["a", {"name": "b", "type": "number"}])
    with pytest.raises(SpecnetError) as raised:
        dataset.load(RNG)
    (found,) = raised.value.diagnostics
    assert found.pointer == ("inputs", 1)
    assert found.message.endswith(
        'csv:2: column "b": "red" is not a finite number, and 99 more cells of the column are wrong: '
        '"blue" (50), "red" (49)'
    )
    assert found.help == 'write {"name": "b", "type": "category"} if the column has categories'


@pytest.mark.parametrize("digits", ["\u0661\u0662", "\uff11\uff12", "1_000"])
def test_numbers_are_written_with_ascii_digits(table, digits):
    (found,) = mistakes(table(f"a,t\n{digits},1\n3,1\n"))
    assert "is not a finite number" in found


def zipped(files):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


FORMATS = {
    "workbook": (
        zipped({"[Content_Types].xml": b"", "xl/workbook.xml": b""}),
        "a spreadsheet workbook",
        '"type": "excel"',
    ),
    "several files": (zipped({"a.csv": b"", "b.csv": b""}), "a zip file with 2 files", "unpack it"),
    "parquet": (b"PAR1" + bytes(30), "a Parquet file", '"type": "parquet"'),
    "feather": (b"ARROW1" + bytes(30), "a Feather file", '"type": "feather"'),
    "old workbook": (b"\xd0\xcf\x11\xe0" + bytes(30), "a spreadsheet workbook", "as CSV"),
}


@pytest.mark.parametrize("case", FORMATS)
def test_files_of_other_formats_are_recognised_with_the_dataset_that_reads_them(table, case):
    content, kind, help = FORMATS[case]
    with pytest.raises(SpecnetError) as raised:
        table(content).load(RNG)
    (found,) = raised.value.diagnostics
    assert f"table.csv is {kind}" in found.message and help in found.help
    assert ('pip install "specnet[arrow]"' in found.help) == ('"type"' in found.help)


@pytest.mark.parametrize(
    ("content", "help"),
    [
        ("# made by hand\na,t\n1,2\n", '"comment": "#"'),
        ("@relation iris\n@attribute a numeric\n@data\n1,2\n", "ARFF"),
        ('[{"a": 1, "t": 2}]\n', "JSON"),
        ('{"a": 1, "t": 2}\n', '"type": "json_lines"'),
    ],
)
def test_text_above_a_header_or_without_one_is_recognised(table, content, help):
    assert all(help in found for found in helps(table(content)))


def test_a_header_that_is_missing_is_told_where_none_of_the_names_is_found(table):
    found = helps(table("0.5,1\n0.4,0\n0.7,1\n"), lambda dataset: dataset.outline())
    assert set(found) == {f"the first line looks like data: {NO_HEADER}"}
    found = helps(table("0.5,x\n0.4,y\n0.7,x\n"), lambda dataset: dataset.outline())
    assert set(found) == {f"the first line looks like data: {NO_HEADER}"}
    found = helps(table("5.1,3.5,Iris-setosa\n4.9,3.0,Iris-setosa\n4.7,3.2,Iris-setosa\n"))
    assert set(found) == {f"the first line looks like data: {NO_HEADER}"}
    found = helps(table("2001,2002,year\n0.4,1,5\n0.7,2,6\n"), lambda dataset: dataset.outline())
    assert set(found) == {"one of: 2001, 2002, year"}


@pytest.mark.long
def test_a_table_of_60_000_columns_is_read_in_a_moment(table):
    names = [f"gene{number}" for number in range(60_000)]
    content = "\n".join([",".join([*names, "t"]), *[",".join(["0.5"] * 60_000 + ["1"])] * 3])
    start = time.process_time()
    data = table(content, inputs=names).load(RNG)
    assert data.train.inputs.shape == (3, 60_000)
    assert time.process_time() - start < 10  # a loop over all pairs of names takes minutes
