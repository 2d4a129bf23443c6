"""Whatever is in a table and in the spec of it, it is read or refused with a message: no crash, warning or hang.

`pytest -m long tests/datasets/test_table_fuzz.py` tries thirty times as many changes.
"""

import bz2
import gzip
import io
import lzma
import random
import warnings
import zipfile

import numpy as np
import pytest
from helpers import assert_shown_well, limited

from specnet import SpecnetError, build
from specnet.datasets import text_table

rounds = pytest.mark.parametrize(
    "rounds", [400, pytest.param(12_000, marks=pytest.mark.long)], ids=["few", "many"]
)  # fmt: skip
SECONDS = 5
"""Longest time for a table of a few lines, on a slow machine."""

TABLES = {
    "island,mass,sex,day,species\nA,3750,m,2024-01-02,x\nB,3800,f,2024-02-03,y\nA,,m,,x\nC,4100.5,NA,2024-03-04,x\n": {
        "targets": ["species"]
    },
    'a;b;c\n"1,5";x y;"two\nlines"\n-2,25;"with ""quotes""";b\n1.000,5;z;c\n': {
        "targets": ["c"], "decimal": ",", "thousands": "."
    },
    "1\t2\tx\n3\t4\ty\n5\t6\tx\n": {"header": False, "targets": [2]},
    "# made by hand\na,b\n1,$1.50\n2,3%\n3,?\n": {"comment": "#", "targets": ["a"]},
    "a,t\n" + "".join(f"{number / 7},{number % 2}\n" for number in range(120)): {"targets": ["t"]},
    "größe|name|t\n1e5|Ærø|yes\n.5|Øland|no\n-0|Åland|yes\n": {"targets": ["t"]},
}  # fmt: skip
PIECES = [
    b",", b";", b"\t", b"|", b'"', b"'", b"\n", b"\r", b"\r\n", b"\0", b" ", b"#", b"nan", b"inf", b"1e999", b"-", b".",
    b"1e-400", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\xff", b"\xc3", b"0x1p3", b"2024-02-30", b"9999-12-31",
    b"0001-01-01", b"2024-01-01T00:00:00+23:59", b"2024-01", b"1_0", "٣".encode(), b'""', b'","', b"%", "€".encode(),
    b"PK\x03\x04", b"\x1f\x8b", b"BZh9", b"\xfd7zXZ\x00", b"PAR1", b"9" * 400, b"a" * 200_000, b",\n", b"\x1a", b"yes",
]  # fmt: skip
FIELDS = {
    "delimiter": [None, ",", ";", "\t", "|", " ", "x", "1", "é", "\x1f", "."],
    "header": [True, False],
    "names": [None, ["a"], ["a", "b", "c"], ["a", "a", "b"], ["0", "1", "2"], ["", " ", "\n"]],
    "skip_rows": [0, 1, 3, 10**9, 10**30],
    "comment": [None, "#", '"', "1", ",", "\n"],
    "quote": ['"', "'", "a", "1", "\n", " ", "é"],
    "decimal": [".", ",", "'", "x", "٫"],
    "thousands": [None, ",", ".", " ", "'", "x", '"'],
    "encoding": ["utf-8", "utf-16", "utf-16-le", "utf-32", "ascii", "latin-1", "cp1252", "shift_jis", "gb18030"],
    "na_values": [[], ["1"], ["A", "x", "3750"], ["nan"], ["1e999", "-"]],
    "missing": ["error", "drop"],
    "exclude": [[], ["a"], ["island", "nothing"], [0]],
    "sample_weight": [None, "mass", "a", "1", "nothing"],
    "inputs": ["*", ["a"], ["a", "b"], [0, 1], ["island", "mass"], ["*", "a"], ["größe"]],
    "targets": [["species"], ["c"], ["t"], ["b"], [2], [0], ["t", "a"], ["nothing"]],
}
COLUMN = {
    "name": ["a", "b", "island", "mass", "day", "größe", 0, 1, "*"],
    "type": [None, "number", "category", "binary", "date", "text"],
    "categories": [None, ["A", "B"], ["1", "1.0"], ["x"], ["yes", "no"]],
    "missing": [None, "error", "drop", "category"],
    "encode": ["one_hot", "ordinal"],
    "handle_unknown": ["error", "ignore"],
    "format": [None, "%d.%m.%Y", "%Y", "%", "%Z%z", "%j%U", "%%"],
}


def zipped(content):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("table.csv", content)
    return stream.getvalue()


COMPRESSIONS = [gzip.compress, bz2.compress, lzma.compress, zipped]


def change_bytes(content, rng):
    """Return content with a change of bytes or of structure."""
    start, end = sorted(rng.randrange(len(content) + 1) for _ in range(2))
    lines = content.splitlines(keepends=True) or [b""]
    return rng.choice(
        [
            lambda: content[:start] + rng.choice(PIECES) + content[start:],
            lambda: content[:start] + rng.choice(PIECES) + content[end:],
            lambda: content[:start] + bytes([rng.randrange(256)]) + content[start + 1 :],
            lambda: content[:start] + content[end:],
            lambda: content[:start],
            lambda: content + content[start:end] * rng.randrange(1, 200),
            lambda: b"".join(rng.sample(lines, len(lines))),
            lambda: content.replace(rng.choice(PIECES), rng.choice(PIECES)),
        ]
    )()


def any_file(text, rng):
    """Return the bytes of a file with this text, encoded, changed and compressed in any way."""
    content = text.encode(rng.choice(["utf-8"] * 9 + ["utf-16", "utf-32", "latin-1"]), "replace")
    for _ in range(rng.randrange(4)):
        content = change_bytes(content, rng)
    if rng.random() < 0.2:
        content = rng.choice(COMPRESSIONS)(content)
        if rng.random() < 0.6:
            content = change_bytes(content, rng)
    return content[:2_000_000]


def any_fields(fields, rng):
    """Return fields of a dataset, of which a few are changed."""
    fields = {"inputs": "*"} | fields
    for name in rng.sample([*FIELDS], rng.choice([0, 0, 0, 1, 2])):
        fields[name] = rng.choice(FIELDS[name])
    if rng.random() < 0.3:
        keys = {"name", *rng.sample([*COLUMN], rng.randrange(3))}
        column = {key: rng.choice(COLUMN[key]) for key in sorted(keys)}
        fields[rng.choice(["inputs", "targets"])] = [column]
    return fields


def use(path, fields):
    """Read a table in all ways that a run and a prediction do."""
    dataset = build("datasets", {"type": "csv", "path": str(path)} | fields)
    dataset.outline()
    resolved, _ = dataset.resolve(classes=False, reserved=(), early=True)
    data = resolved.load(np.random.default_rng(0))
    assert len(data.train.inputs) == len(data.train.targets)
    if len(data.train.inputs):
        assert data.place("train", len(data.train.inputs) - 1)
    for with_targets in (False, True):
        resolved.read(path, targets=with_targets, classes=data.classes)
    again = build("datasets", resolved.to_spec())
    assert again.outline().inputs == data.train.inputs.shape[1:]
    assert np.array_equal(again.load(np.random.default_rng(0)).train.inputs, data.train.inputs, equal_nan=True)


@rounds
@pytest.mark.parametrize("sample", [2, 100], ids=["the fast way", "short tables"])
def test_any_table_is_read_or_refused(rounds, sample, tmp_path, monkeypatch):
    monkeypatch.setattr(text_table, "_SAMPLE", sample)
    path = tmp_path / "table.csv"
    read = 0
    for seed in range(rounds):
        rng = random.Random(seed)
        text, fields = rng.choice([*TABLES.items()])
        path.write_bytes(any_file(text, rng))
        fields = any_fields(fields, rng)
        try:
            with limited(SECONDS), warnings.catch_warnings():
                warnings.simplefilter("error")
                use(path, fields)
                read += 1
        except SpecnetError as error:
            assert_shown_well(error.diagnostics, "spec.json")
        except Exception as error:
            error.add_note(f"seed {seed}: {fields}, {path.read_bytes()[:500]}")
            raise
    assert read > rounds / 10
