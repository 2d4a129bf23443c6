import pytest

from specnet.errors import SpecError
from specnet.spec.text import parse_json, read_json

WRONG = {
    "empty": (b"", "syntax", "line 1"),
    "trailing garbage": (b'{"a": 1} x', "syntax", "line 1 column 10"),
    "trailing comma": (b'{"a": 1,\n}', "syntax", "line 2"),
    "comment": (b'{"a": 1} // one', "syntax", "line 1"),
    "single quotes": (b"{'a': 1}", "syntax", "line 1"),
    "cut off": (b'{"a": [1, ', "syntax", "line 1"),
    "leading zero": (b'{"a": 01}', "syntax", "line 1"),
    "line end in a string": (b'{"a": "\n"}', "syntax", "control character"),
    "NaN": (b'{"a": NaN}', "syntax", "NaN is not a JSON number"),
    "infinity": (b'{"a": Infinity}', "syntax", "Infinity is not a JSON number"),
    "minus infinity": (b'{"a": -Infinity}', "syntax", "-Infinity is not a JSON number"),
    "too large a number": (b'{"a": 1e400}', "out-of-range", "the number 1e400 is too large"),
    "too long a number": (b'{"a": ' + b"9" * 5000 + b"}", "syntax", "number out of range"),
    "duplicate key": (b'{"a": 1, "b": {"c": 1, "c": 1}}', "duplicate-key", '"c"'),
    "half a surrogate pair": (rb'{"a": "\ud800"}', "syntax", "hex escape"),
    "Latin-1": ('{"a": "é"}'.encode("latin-1"), "syntax", "not UTF-8: byte 7"),
    "UTF-16": ('{"a": 1}'.encode("utf-16"), "syntax", "not UTF-8: byte 0"),
    "byte order mark": (b'\xef\xbb\xbf{"a": 1}', "syntax", "byte order mark"),
    "lists without end": (b"[" * 100_000, "syntax", "recursion"),
    "objects without end": (b'{"a":' * 100_000, "syntax", "recursion"),
    "deep lists": (b"[" * 500 + b"]" * 500, "syntax", "recursion"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_not_strict_json_is_refused_with_the_file(tmp_path, case):
    content, code, reason = WRONG[case]
    path = tmp_path / "spec.json"
    path.write_bytes(content)
    with pytest.raises(SpecError) as raised:
        read_json(path)
    (found,) = raised.value.diagnostics
    assert found.code == code
    assert reason in found.message
    assert str(path) in str(raised.value)


@pytest.mark.parametrize(("name", "reason"), [("", "directory"), ("no.json", "no such file"), ("n" * 300, "long")])
def test_a_file_that_cannot_be_opened_is_named_with_the_reason(tmp_path, name, reason):
    with pytest.raises(SpecError, match=reason) as raised:
        read_json(tmp_path / name)
    assert str(tmp_path / name) in str(raised.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{}", {}),
        (' [1, -2.5e-3, true, null, "a"] ', [1, -0.0025, True, None, "a"]),
        ('{"b": {"a": "é\\u00e9\\ud83d\\ude00"}, "a": ""}', {"b": {"a": "éé😀"}, "a": ""}),
        ("9223372036854775808", 2**63),
        ("1e-400", 0.0),
        ("[" * 100 + "]" * 100, None),
    ],
)
def test_strict_json_is_read(text, value):
    assert value is None or parse_json(text) == value
    assert type(parse_json("1")) is int
    assert type(parse_json("1.0")) is float


def test_text_that_no_file_can_hold_is_refused():
    with pytest.raises(SpecError):
        parse_json('"\udcff"')
