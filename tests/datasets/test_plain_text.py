"""Plain text is read by operations on arrays exactly as the csv module and `float` read it."""

import io

import numpy as np
import pytest

from specnet.datasets import plain_text
from specnet.datasets.plain_text import NotPlainError, read_plain


def columns(text, numbers=(0,), texts=(1,), delimiter=",", quote='"', width=2):
    values, wrong, found = read_plain(io.StringIO(text), delimiter, quote, width, numbers, texts)
    return values, wrong, {column: [*cells] for column, cells in found.items()}


ODD = ["0", "-0", "-0.0", "+3", "1.", ".5", "-.5", "00012", "1e5", "1E-300", "123456789012345", "0.1234567890123456789",
       "9007199254740993", "1.7976931348623157e308", "5e-324", "0.000000000000001", " 7", "7 "]  # fmt: skip


def test_numbers_are_those_of_float_to_the_last_bit():
    rng = np.random.default_rng(0)
    random = rng.standard_normal(4000) * 10.0 ** rng.integers(-6, 7, 4000)
    cells = ODD + [f"{value:.{digits}f}" for value, digits in zip(random, rng.integers(0, 12, 4000), strict=True)]
    cells += [repr(value) for value in random.tolist()]
    values, wrong, _ = columns("".join(f"{cell},x\n" for cell in cells))
    assert not wrong
    assert values.tobytes() == np.array([*map(float, cells)]).tobytes()


@pytest.mark.parametrize(
    "cell", ["", "-", ".", "+.", "1.2.3", "1-2", "--1", "1_000", "nan", "inf", "1e999", "٣", "0x1", "a"]
)
def test_a_cell_that_is_no_finite_number_makes_its_column_wrong(cell):
    values, wrong, texts = columns(f"1,x\n{cell},y\n2,x\n")
    assert (wrong, len(values), texts[1]) == ({0}, 3, ["x", "y", "x"])


@pytest.mark.parametrize("bits", [1, 18])
def test_texts_are_told_apart_whatever_their_hashes_are(bits, monkeypatch):
    monkeypatch.setattr(plain_text, "_BITS", bits)
    rng = np.random.default_rng(1)
    cells = ["".join(rng.choice([*"abé "], rng.integers(0, 4))) for _ in range(500)] + ["x" * 100]
    _, _, texts = columns("".join(f"1,{cell}\n" for cell in cells))
    assert texts[1] == cells


@pytest.mark.parametrize("size", [1, 7, 2**21])
def test_rows_do_not_depend_on_the_parts_that_are_read(size, monkeypatch):
    monkeypatch.setattr(plain_text, "_CHUNK", size)
    values, _, texts = columns('1,"a, b"\r\n\r\n2,"c\nd"\r\n3,é\r\n\r\n4,""'.replace("c\nd", "c d"))
    assert values[:, 0].tolist() == [1, 2, 3, 4]
    assert texts[1] == ["a, b", "c d", "é", ""]


def test_a_line_may_end_in_quotes():
    assert columns('1,"c\nd"\n2,x\n')[2] == {1: ["c\nd", "x"]}


@pytest.mark.parametrize(
    "text",
    [
        "1,x\n2\n",
        "1,x\n2,y,z\n",
        "1,x\0\n",
        '1,x"y\n',
        '1,"x""y"\n',
        '1,"x"y\n',
        '1, "x"\n',
        '1,"x\n',
        "1,x\r2,y\n",
    ],
    ids=repr,
)
def test_what_is_not_plain_is_left_to_another_reader(text):
    with pytest.raises(NotPlainError):
        columns(text)


def test_columns_are_read_in_any_order_and_only_those_that_are_wanted():
    values, _, texts = columns("1,x,3\n4,y,6\n", numbers=(2, 0), texts=(), width=3)
    assert (values.tolist(), texts) == ([[3, 1], [6, 4]], {})
