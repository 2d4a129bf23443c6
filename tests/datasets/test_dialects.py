"""A table is read to the same numbers in whatever form its file is."""

import bz2
import csv
import gzip
import io
import lzma
import re
import zipfile

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from specnet import SpecnetError, build

RNG = np.random.default_rng(0)
PLAIN = "a,b,kind\n1.5,1000,x\n-2.25,20,y\n3,4,x\n"


def read(path, content, inputs=("a", "b"), targets=("kind",), **fields):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    description = {"type": "csv", "path": str(path), "inputs": list(inputs), "targets": list(targets)}
    dataset = build("datasets", description | fields)
    data = dataset.load(RNG)
    assert dataset.outline().inputs is None
    dataset, _ = dataset.resolve(classes=False, reserved=(), early=True)
    assert dataset.outline().inputs == data.train.inputs.shape[1:]
    return data


def zipped(content):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("folder/table.csv", content)
        archive.writestr("__MACOSX/._table.csv", b"junk")
    return stream.getvalue()


FORMS = {
    "semicolons": (PLAIN.replace(",", ";"), {}),
    "tabs": (PLAIN.replace(",", "\t"), {}),
    "bars": (PLAIN.replace(",", "|"), {}),
    "another separator": (PLAIN.replace(",", "^"), {"delimiter": "^"}),
    "decimal comma": (PLAIN.replace(",", ";").replace(".", ","), {"decimal": ","}),
    "decimal comma in quotes": ('a,b,kind\n"1,5",1000,x\n"-2,25",20,y\n3,4,x\n', {"decimal": ","}),
    "thousands": (PLAIN.replace(",", ";").replace("1000", "1,000"), {"thousands": ","}),
    "thousands and decimal comma": (
        PLAIN.replace(",", ";").replace(".", ",").replace("1000", "1.000"), {"thousands": ".", "decimal": ","}
    ),
    "single quotes": (PLAIN.replace("x", "'x'").replace("y", "'y'"), {"quote": "'"}),
    "comments": ("# made\n" + PLAIN.replace("3,4", "  # between\n3,4"), {"comment": "#"}),
    "lines above": ("Table 1\n,,\n" + PLAIN, {"skip_rows": 2}),
    "no header": (PLAIN.partition("\n")[2], {"header": False, "inputs": [0, 1], "targets": [2]}),
    "names given": (PLAIN.partition("\n")[2], {"header": False, "names": ["a", "b", "kind"]}),
    "other names": (PLAIN, {"names": ["left", "right", "what"], "inputs": ["left", "right"], "targets": ["what"]}),
    "latin-1": (PLAIN.replace("kind", "größe").encode("latin-1"), {"encoding": "latin-1", "targets": ["größe"]}),
    "UTF-16 with a mark": (PLAIN.encode("utf-16"), {}),
    "UTF-32 with a mark": (PLAIN.encode("utf-32"), {}),
    "UTF-16 without one": (PLAIN.encode("utf-16-le"), {"encoding": "utf-16-le"}),
    "gzip": (gzip.compress(PLAIN.encode()), {}),
    "bzip2": (bz2.compress(PLAIN.encode()), {}),
    "xz": (lzma.compress(PLAIN.encode()), {}),
    "zip": (zipped(PLAIN), {}),
    "gzip of tabs in UTF-16": (gzip.compress(PLAIN.replace(",", "\t").encode("utf-16")), {}),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_form_has_the_same_numbers_and_classes(form, tmp_path):
    content, fields = FORMS[form]
    data = read(tmp_path / "table", content, **fields)
    assert data.train.inputs.tolist() == [[1.5, 1000], [-2.25, 20], [3, 4]]
    assert (data.classes, data.train.targets.tolist()) == (("x", "y"), [0, 1, 0])


def test_lines_of_the_file_are_told_whatever_is_skipped(tmp_path):
    content = "above\n# a\na,b,kind\n1,2,x\n# b\n\n3,4,y\n5,six,x\n"
    with pytest.raises(SpecnetError, match='table:8: column "b": "six" is not a finite number'):
        read(tmp_path / "table", content, skip_rows=1, comment="#")
    data = read(tmp_path / "table", content.replace("six", "6"), skip_rows=1, comment="#")
    assert [data.place("train", row) for row in range(3)] == ["line 4", "line 7", "line 8"]


def test_a_row_of_another_file_is_named_by_its_line(tmp_path):
    form = {"type": "csv", "path": str(tmp_path / "a.csv"), "inputs": ["a"], "targets": ["t"], "comment": "#"}
    dataset = build("datasets", form)
    (tmp_path / "b.csv").write_text("# above\na,t\n1,2\n\n3,4\n")
    assert [dataset.place(tmp_path / "b.csv", row) for row in (0, 1)] == ["line 3", "line 5"]


numbers = st.floats(-1e6, 1e6).map(lambda number: float(f"{number:.6g}"))


@given(
    st.lists(
        st.tuples(numbers, numbers, st.sampled_from(["x", "y, z", "it's", '"q"', "ü;|\t"])), min_size=2, max_size=9
    ),
    st.sampled_from(",;\t|"),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    st.sampled_from([bytes, gzip.compress, bz2.compress, lzma.compress]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_what_the_csv_module_writes_is_read_again(tmp_path_factory, rows, separator, encoding, compress, quoting, end):
    assume(len({kind for _, _, kind in rows}) > 1)
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=separator, quoting=quoting, lineterminator=end)
    writer.writerows([("a", "b", "kind"), *rows])
    content = compress(stream.getvalue().encode(encoding))
    path = tmp_path_factory.mktemp("table") / "table.csv"
    data = read(path, content, encoding="cp1252" if encoding == "cp1252" else "utf-8")
    assert data.train.inputs.tolist() == [[a, b] for a, b, _ in rows]
    assert [data.classes[number] for number in data.train.targets] == [kind.strip() for _, _, kind in rows]


WRONG = {
    "cut gzip": (gzip.compress(PLAIN.encode())[:-12], {}, "cannot be decompressed"),
    "damaged xz": (b"\xfd7zXZ\x00" + bytes(50), {}, "cannot be decompressed"),
    "damaged zip": (b"PK\x03\x04" + bytes(50), {}, "cannot be decompressed"),
    "damaged gzip": (b"\x1f\x8b" + bytes(50), {}, "table: "),
    "another encoding": ("a,b,kind\n1,2,é\n3,4,x\n".encode("latin-1"), {}, "table:2: the byte 0xe9 is not UTF-8"),
    "not ASCII": (PLAIN.replace("x", "é"), {"encoding": "ascii"}, "table:2: the byte 0xc3 is not ASCII"),
    "UTF-16 without a mark": (PLAIN.encode("utf-16-le"), {}, "its text is not UTF-8"),
    "an array": (b"\x93NUMPY\x01\x00v\x00{}", {}, "table is a NumPy array"),
    "a database": (b"SQLite format 3\0\x10\0", {}, "table is an SQLite database"),
    "too few names": (PLAIN, {"names": ["a", "b"]}, 'table:2: 3 cells, "names" has 2'),
    "uneven without a header": ("1,2,x\n1,2\n", {"header": False}, "table:2: 2 cells, the first row has 3"),
    "all is skipped": (PLAIN, {"skip_rows": 9}, "table has no rows below its header"),
    "decimal point": (PLAIN.replace(",", ";"), {"decimal": ","}, 'table:2: column "a": "1.5" is not a finite number'),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_read_is_told_with_its_place(case, tmp_path):
    content, fields, message = WRONG[case]
    with pytest.raises(SpecnetError) as raised:
        read(tmp_path / "table", content, **fields)
    assert message in raised.value.diagnostics[0].message


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"encoding": "klingon"}, "encoding should be 'utf-8', 'utf-16'"),
        ({"decimal": ",", "thousands": ","}, "the same mark"),
        ({"delimiter": ";", "quote": ";"}, "quote is the same mark"),
        ({"decimal": "5"}, "decimal should match"),
        ({"skip_rows": -1}, "skip_rows should be greater than or equal to 0"),
    ],
)
def test_a_form_that_means_nothing_is_refused(fields, message, tmp_path):
    with pytest.raises(SpecnetError) as raised:
        read(tmp_path / "table", PLAIN, **fields)
    assert message in raised.value.diagnostics[0].message


def test_a_decimal_comma_is_recognised(tmp_path):
    with pytest.raises(SpecnetError) as raised:
        read(tmp_path / "table", PLAIN.replace(",", ";").replace(".", ","))
    assert raised.value.diagnostics[0].help == 'set "decimal": ",", if that is the decimal mark'


@pytest.mark.parametrize(
    ("cells", "decimal", "mark"),
    [(["1,234", "2,345.5", "3"], ".", ","), (["$1,234", "2,345,678", "3"], ".", ","), (["1.234,1", "3"], ",", ".")],
)
def test_a_mark_between_thousands_is_recognised(cells, decimal, mark, tmp_path):
    content = "a;b;kind\n" + "".join(f"{cell};1;{'xy'[n % 2]}\n" for n, cell in enumerate(cells))
    with pytest.raises(SpecnetError) as raised:
        read(tmp_path / "table", content, inputs=["a"], delimiter=";", decimal=decimal)
    assert f'set "thousands": "{mark}"' in raised.value.diagnostics[0].help


def test_a_file_of_arrays_is_not_taken_for_a_zipped_table(tmp_path):
    with (tmp_path / "table").open("wb") as file:
        np.savez(file, x=[1])
    content = (tmp_path / "table").read_bytes()
    with pytest.raises(SpecnetError, match="NumPy arrays"):
        read(tmp_path / "table", content)


@pytest.mark.parametrize(
    ("cells", "delimiter", "fields"),
    [
        (["0,461", "12,250"], ";", {"decimal": ","}),  # no thousands begin with 0
        (["0,461", "12,250"], ",", {"decimal": ","}),
        (["460,639", "12,250"], ";", {"decimal": ","}),  # semicolons separate cells where the comma is the decimal mark
        (["460,639", "12,250"], ",", {"thousands": ","}),
        (["1,639", "12,250", "998"], ";", {"thousands": ","}),  # smaller numbers have no mark
        (["4.606,39", "356,3"], ";", {"decimal": ",", "thousands": "."}),
        (["4 606,39", "356,3"], ";", {"decimal": ",", "thousands": " "}),
        (["4\u202f606,39", "1\u202f356,3"], ";", {"decimal": ",", "thousands": "\u202f"}),
        (["4'606.39", "356.3"], ",", {"thousands": "'"}),
        (["1.234.567,8", "1,5"], ";", {"decimal": ",", "thousands": "."}),
    ],
)
def test_the_advice_about_marks_of_numbers_leads_to_the_numbers(cells, delimiter, fields, tmp_path):
    content = f"a{delimiter}b{delimiter}kind\n" + "".join(
        delimiter.join([f'"{cell}"', "1", "xy"[n % 2]]) + "\n" for n, cell in enumerate(cells)
    )
    followed = {}
    while {*followed} != {*fields}:
        with pytest.raises(SpecnetError) as raised:
            read(tmp_path / "table", content, inputs=["a"], **followed)
        name, value = re.match(r'set "(\w+)": "(.)"', raised.value.diagnostics[0].help).groups()
        followed[name] = value
    assert followed == fields
    read(tmp_path / "table", content, inputs=["a"], **followed)


def test_a_telephone_number_is_not_taken_for_thousands(tmp_path):
    content = "a,b,kind\n" + "".join(f"555 {n:03d} 789,1,x\n" for n in range(30))
    with pytest.raises(SpecnetError, match="all of the input columns are text"):
        read(tmp_path / "table", content, inputs=["a"])


@pytest.mark.parametrize(
    ("cells", "wrong", "usual"),
    [
        (["46.5", "12", "30%"], "30%", "46.5"),
        (["46%", "12%", "0.3"], "0.3", "46%"),
        (["$3", "€4", "$5"], "€4", "$3"),
        (["$3", "4", "50%"], "50%", None),
    ],
)
def test_units_are_not_mixed_in_a_column(cells, wrong, usual, tmp_path):
    content = "a,b,kind\n" + "".join(f"{cell},1,{'xy'[n % 2]}\n" for n, cell in enumerate(cells))
    with pytest.raises(SpecnetError) as raised:
        read(tmp_path / "table", content, inputs=["a"])
    (found,) = raised.value.diagnostics
    assert f'"{wrong}" is not in the unit of other cells' in found.message or f'"{wrong}" (1)' in found.message
    assert usual is None or f'such as "{usual}"' in found.message


@pytest.mark.parametrize("cells", [["$3", "4"], ["5%", "0", ""], ["€1.5", "€-2"], ["46%", "12%"]])
def test_one_unit_in_a_column_is_read(cells, tmp_path):
    content = "a,b,kind\n" + "".join(f"{cell},1,{'xy'[n % 2]}\n" for n, cell in enumerate(cells))
    read(tmp_path / "table", content, inputs=["a"], missing="drop")
