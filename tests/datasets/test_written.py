"""Tables that csv, pandas and polars write are read to the same numbers, categories and dates, in whatever way.

`pytest -m long tests/datasets/test_written.py` tries thirty times as many.
"""

import csv
import gzip
import io
import math
from contextlib import contextmanager
from datetime import datetime, time
from decimal import Decimal

import numpy as np
import pytest
from helpers import few_or_many
from hypothesis import given, settings
from hypothesis import strategies as st

from specnet import SpecnetError, build
from specnet.datasets import plain_text, text_table
from specnet.datasets.columnar import NA_VALUES
from specnet.datasets.text_table import TextTable

RNG = np.random.default_rng(0)
EPOCH = datetime(1970, 1, 1)
NAMES = ["mass (g)", "größe", 'with "quotes"', "a;b,c|d", "two\nlines", "x y"]
NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(10**6), 10**6).map(float),
    st.sampled_from([-0.0, 0.1]),
)
TEXTS = st.text("abé漢,;\t|\"'\n .%$-1", min_size=1, max_size=8).map(str.strip)
MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)).map(lambda moment: moment.replace(microsecond=0))
DAYS = MOMENTS.map(lambda moment: datetime.combine(moment, time()))
STYLES = {"minimal": csv.QUOTE_MINIMAL, "all": csv.QUOTE_ALL, "nonnumeric": csv.QUOTE_NONNUMERIC}


def is_a_category(text):
    return text not in NA_VALUES


COLUMNS = {
    "number": NUMBERS,
    "category": TEXTS.filter(is_a_category),
    "plain category": st.sampled_from(["Adelie", "Gentoo", "Chinstrap"]),
    "date": DAYS,
    "time": MOMENTS,
}


@st.composite
def tables(draw):
    """Return columns as (kind, cells), with None for a missing value but in the last one."""
    rows = draw(st.integers(1, 12))
    columns = []
    for number in range(draw(st.integers(1, 4)) + 1):
        kind = draw(st.sampled_from([*COLUMNS]))
        value = COLUMNS[kind]
        cells = draw(st.lists(value, min_size=rows, max_size=rows))
        if number and draw(st.booleans()):
            gaps = draw(st.lists(st.booleans(), min_size=rows, max_size=rows))
            cells = [cells[0], *(None if gap else cell for gap, cell in zip(gaps[1:], cells[1:], strict=True))]
        columns.append((kind, cells))
    last = draw(st.sampled_from(["number", "category"] if rows > 1 else ["number"]))
    targets = st.lists(COLUMNS[last], min_size=rows, max_size=rows)
    if last == "category":
        targets = targets.filter(lambda cells: len({*cells}) > 1)
    return [*columns, (last, draw(targets))]


def described(columns, names):
    """Return the fields of a dataset for columns, of which the last is the target."""
    kinds = {"number": {}, "date": {}, "time": {}}
    fields = [
        {"name": name} | kinds.get(kind, {"type": "category", "encode": "ordinal"})
        for name, (kind, _) in zip(names, columns, strict=True)
    ]
    target = {"name": names[-1], "type": columns[-1][0]}
    return {"inputs": fields[:-1], "targets": [target]}


def day(moment):
    return np.nan if moment is None else (moment - EPOCH).total_seconds() / 86_400


def assert_read(path, columns, names, **fields):
    """Assert that a file has these columns, whichever way it is read."""
    given = {"type": "csv", "path": str(path)} | described(columns, names) | fields
    for way in ("fast", "rows", "numbered"):
        with reading(way):
            dataset, _ = build("datasets", given).resolve(classes=False, reserved=(), early=False)
            data = dataset.load(RNG)
        inputs = data.train.inputs
        for number, (kind, cells) in enumerate(columns[:-1]):
            found = inputs[:, number]
            if kind == "number":
                expected = np.array([np.nan if cell is None else cell for cell in cells])
                assert found.astype(np.float64).tobytes() == expected.tobytes(), (way, number)
            elif kind in ("date", "time"):
                assert np.array_equal(found, [*map(day, cells)], equal_nan=True), (way, number)
            else:
                categories = dataset.inputs[number].categories
                texts = [None if math.isnan(code) else categories[int(code)] for code in found]
                assert texts == cells, (way, number)
        kind, cells = columns[-1]
        targets = data.train.targets
        assert ([data.classes[code] for code in targets] if kind == "category" else targets[:, 0].tolist()) == cells


@contextmanager
def reading(way):
    """Read tables of more than two rows in one way: "fast" where possible, as "rows", or "numbered"."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_table, "_SAMPLE", 2)
        patch.setattr(plain_text, "_CHUNK", 7)
        if way != "fast":
            patch.setattr(TextTable, "_read_fast", lambda self, sample: None)
        if way == "numbered":
            patch.setattr(TextTable, "_read_rows", lambda self: None)
        yield


def tried(count, *strategies):
    setting = settings(max_examples=count)
    return lambda holds: setting(given(*strategies)(holds))()


def written_number(value, decimal, thousands):
    text = f"{Decimal(repr(value)):,f}" if thousands and abs(value) < 1e15 else repr(value)
    return text.replace(",", "T").replace(".", decimal).replace("T", thousands or "")


def written_moment(kind, moment):
    return str(moment.date()) if kind == "date" else moment.isoformat(" ")


@st.composite
def dialects(draw):
    """Return fields of a dataset, and how a file is written that they describe."""
    delimiter = draw(st.sampled_from([",", ";", "\t", "|", " ", "^", "§"]))
    marks = [(".", None), (",", None), (".", ","), (",", "."), (".", "'"), (",", " ")]
    decimal, thousands = draw(st.sampled_from(marks))
    quote = draw(st.sampled_from(['"', "'", "`"]))
    if quote in (decimal, thousands):
        quote = '"'
    fields = {"delimiter": delimiter, "decimal": decimal, "thousands": thousands, "quote": quote}
    fields |= {"skip_rows": draw(st.integers(0, 2)), "header": draw(st.booleans())}
    fields |= {"encoding": draw(st.sampled_from(["utf-8", "utf-16", "gb18030"]))}
    how = {
        "style": draw(st.sampled_from([*STYLES])),
        "end": draw(st.sampled_from(["\n", "\r\n"])),
        "missing": draw(st.sampled_from(NA_VALUES)),
        "gzip": draw(st.booleans()),
        "comment": draw(st.booleans()),
    }
    if how["comment"]:
        fields["comment"] = "#"
    return fields, how


@few_or_many
def test_a_table_that_csv_writes_in_any_dialect_is_read_to_the_same_values(count, tmp_path):
    @tried(count, tables(), dialects())
    def _(columns, dialect):
        fields, how = dialect
        names = [*map(str, range(len(columns)))]
        stream = io.StringIO()
        stream.write(f'above, "all{how["end"]}' * fields["skip_rows"])
        rules = {"delimiter": fields["delimiter"], "quotechar": fields["quote"], "lineterminator": how["end"]}
        writer = csv.writer(stream, quoting=STYLES[how["style"]], **rules)
        if fields["header"]:
            names = NAMES[: len(columns)]
            writer.writerow(names)

        def cell(kind, value):
            if value is None:
                return how["missing"]
            if kind == "number":
                return written_number(value, fields["decimal"], fields["thousands"])
            return value if "category" in kind else written_moment(kind, value)

        for row in zip(*(cells for _, cells in columns), strict=True):
            if how["comment"]:
                stream.write(f" # a comment{how['end']}")
            writer.writerow([cell(kind, value) for (kind, _), value in zip(columns, row, strict=True)])
        content = stream.getvalue().encode(fields["encoding"])
        path = tmp_path / "table.csv"
        path.write_bytes(gzip.compress(content) if how["gzip"] else content)
        assert_read(path, columns, names, **fields)


@few_or_many
def test_a_table_that_pandas_writes_is_read_to_the_same_values(count, tmp_path):
    pandas = pytest.importorskip("pandas")

    @tried(count, tables(), dialects())
    def _(columns, dialect):
        fields, how = dialect
        fields = {key: fields[key] for key in ("delimiter", "decimal", "quote", "encoding", "header")}
        names = NAMES[: len(columns)]
        frame = pandas.DataFrame({name: pandas.Series(cells) for name, (_, cells) in zip(names, columns, strict=True)})
        path = tmp_path / ("table.csv.gz" if how["gzip"] else "table.csv")
        frame.to_csv(
            path, index=False, sep=fields["delimiter"], decimal=fields["decimal"], quotechar=fields["quote"],
            encoding=fields["encoding"], header=fields["header"], na_rep=how["missing"],
            quoting=STYLES[how["style"]], lineterminator=how["end"],
        )  # fmt: skip
        assert_read(path, columns, names if fields["header"] else [*map(str, range(len(columns)))], **fields)


@few_or_many
def test_a_table_that_polars_writes_is_read_to_the_same_values(count, tmp_path):
    polars = pytest.importorskip("polars")
    styles = {"minimal": "necessary", "all": "always", "nonnumeric": "non_numeric"}

    @tried(count, tables(), dialects(), st.booleans())
    def _(columns, dialect, bom):
        fields, how = dialect
        fields = {key: fields[key] for key in ("delimiter", "decimal", "quote", "header")}
        if not fields["delimiter"].isascii() or fields["decimal"] == fields["delimiter"]:
            fields |= {"delimiter": ";"}
        names = NAMES[: len(columns)]
        frame = polars.DataFrame([polars.Series(name, cells) for name, (_, cells) in zip(names, columns, strict=True)])
        path = tmp_path / "table.csv"
        frame.write_csv(
            path, include_bom=bom, include_header=fields["header"], separator=fields["delimiter"],
            line_terminator=how["end"], quote_char=fields["quote"], null_value=how["missing"],
            quote_style=styles[how["style"]], decimal_comma=fields["decimal"] == ",",
        )  # fmt: skip
        assert_read(path, columns, names if fields["header"] else [*map(str, range(len(columns)))], **fields)


NUMERALS = ["1", "-2.5", "1e5", ".5", "+3", "1e999", "nan", "inf", "0x10", "1_000", "٣", "-0.0", "5-", "1d3", "1j"]
QUOTED = ['"a"', '"a,b"', '"a\nb"', '"a""b"', '""', '"', 'a"b', ' "a"', '"a" ', '"a"b', "'a'", '"1"', '"1']
SPACED = ["", "NA", " 1 ", "\t2", "1\xa0", "a b", " "]
CELLS = st.sampled_from([*NUMERALS, *QUOTED, *SPACED]) | st.text("ab1.,\"' \t\r\n;é-e\0\ufeff\x85\u2028", max_size=5)
ENDS = st.sampled_from(["\n"] * 8 + ["\r\n", "\r", "\n\n", ",\n"])


@st.composite
def odd_tables(draw):
    """Return the text of a table of numbers and words in which a few cells and line ends are anything."""
    rows = draw(st.integers(4, 10))
    kinds = draw(st.tuples(*[st.sampled_from(["1", "-2.5", "x", '"a,b"'])] * 2))
    cells = [[*kinds] for _ in range(rows)]
    ends = ["\n"] * rows
    for _ in range(draw(st.integers(0, 3))):
        cells[draw(st.integers(0, rows - 1))][draw(st.integers(0, 1))] = draw(CELLS)
    if draw(st.booleans()):
        ends[draw(st.integers(0, rows - 1))] = draw(ENDS)
    return "".join(",".join(row) + end for row, end in zip(cells, ends, strict=True))


def columns_of(path, form, way):
    """Return the columns of a file read in one way, as text or numbers, or the mistakes in it."""
    with reading(way):
        try:
            table = TextTable(path, form)
        except SpecnetError as error:
            return [each.message for each in error.diagnostics]
        return [table.names, *(table.cells_at(number) for number in range(len(table.names)))]


def agree(one, other):
    """Return whether two ways read the same: a number where the other has a text is that of the text."""
    if len(one) != len(other):
        return False
    for fast, slow in zip(one, other, strict=True):
        if isinstance(fast, np.ndarray):
            if fast.tobytes() != np.array([*map(float, slow)]).tobytes():
                return False
        elif [*fast] != [*slow]:
            return False
    return True


@few_or_many
def test_all_ways_of_reading_agree_on_every_file(count, tmp_path):
    path = tmp_path / "table.csv"
    fields = {"type": "csv", "path": str(path), "inputs": "*", "targets": ["t"]}

    @tried(20 * count, odd_tables(), st.booleans(), st.sampled_from(['"', "'"]))
    def _(text, header, quote):
        path.write_bytes(("a,b\n" * header + text).encode())
        form = build("datasets", fields | {"header": header, "delimiter": ",", "quote": quote})
        expected = columns_of(path, form, "numbered")
        for way in ("rows", "fast"):
            assert agree(columns_of(path, form, way), expected), way


@pytest.mark.parametrize("end", ['1,"', '1,"\n', 'a",1\n1,"x""y""'])
def test_a_file_that_ends_within_quotes_is_refused(end, tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a,b\n" + "1,2\n" * 200 + end)
    form = build("datasets", {"type": "csv", "path": str(path), "inputs": ["a"], "targets": ["b"]})
    with pytest.raises(SpecnetError, match=r"table.csv:20\d: unexpected end of data"):
        TextTable(path, form)


def test_empty_lines_within_a_table_of_one_column_do_not_end_it(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a\n" + "1\n" * 90 + "\n" * 15 + "2\n" * 30 + "\n\n")
    form = build("datasets", {"type": "csv", "path": str(path), "inputs": ["a"], "targets": ["a"]})
    assert TextTable(path, form).rows == 135
