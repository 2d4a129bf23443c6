import json

import pytest

from specnet.errors import SpecError
from specnet.spec.text import MAX_BYTES, MAX_DEPTH, Source, parse_json, read_json

# What is in the file, and how many bytes; then code, line, column and words of the first mistake.
WRONG = {
    "empty": (b"", "syntax", 1, 1, "expected a value, found the end"),
    "white space": (b" \n\n", "syntax", 1, 1, "found the end"),
    "trailing garbage": (b'{"a": 1} x', "syntax", 1, 10, "expected the end of the text"),
    "two values": (b'{"a": 1}\n{"a": 1}', "syntax", 2, 1, "expected the end of the text"),
    "trailing comma in an object": (b'{"a": 1,\n}', "syntax", 1, 8, "comma before a closing bracket"),
    "trailing comma in a list": (b"[1, 2 ,  ]", "syntax", 1, 7, "comma before a closing bracket"),
    "comment": (b'{"a": 1, // one\n "b": 2}', "syntax", 1, 10, "expected a key"),
    "hash": (b'# spec\n{"a": 1}', "syntax", 1, 1, "expected a value"),
    "single quotes": (b"{'a': 1}", "syntax", 1, 2, "expected a key in double quotes"),
    "no quotes": (b"{a: 1}", "syntax", 1, 2, "expected a key in double quotes"),
    "bare word": (b'{"a": relu}', "syntax", 1, 7, "expected a value"),
    "Python's None": (b'{"a": None}', "syntax", 1, 7, "expected a value"),
    "no colon": (b'{"a" 1}', "syntax", 1, 6, "expected a colon"),
    "equals": (b'{"a" = 1}', "syntax", 1, 6, "expected a colon"),
    "no comma": (b'{"a": 1\n "b": 2}', "syntax", 2, 2, "expected a comma"),
    "wrong bracket": (b'{"a": [1}', "syntax", 1, 9, "expected a comma or a closing bracket"),
    "cut off": (b'{"a": [1, ', "syntax", 1, 9, "found the end of the text"),
    "cut off in a string": (b'{"a": "x', "syntax", 1, 7, "does not end"),
    "leading zero": (b'{"a": 01}', "syntax", 1, 8, "expected a comma"),
    "hexadecimal": (b'{"a": 0x10}', "syntax", 1, 8, "expected a comma"),
    "plus": (b'{"a": +1}', "syntax", 1, 7, "expected a value"),
    "no digit before the point": (b'{"a": .5}', "syntax", 1, 7, "expected a value"),
    "no digit behind the point": (b'{"a": 5.}', "syntax", 1, 8, "expected a comma"),
    "line end in a string": (b'{"a": "\n"}', "syntax", 1, 8, "line break or control character"),
    "NUL in a string": (b'{"a": "\0"}', "syntax", 1, 8, "line break or control character"),
    "no escape": (rb'{"a": "\d"}', "syntax", 1, 8, "after a backslash"),
    "short escape": (rb'{"a": "\u12"}', "syntax", 1, 9, "four hexadecimal digits"),
    "NaN": (b'{"a": NaN}', "not-finite", 1, 7, "NaN is not a JSON number"),
    "minus infinity": (b'{"a": [-Infinity]}', "not-finite", 1, 8, "-Infinity is not a JSON number"),
    "too large a number": (b'{"a": 1e400}', "out-of-range", 1, 7, "the number 1e400 is too large"),
    "too small a number": (b'{"a": -1.5e-400}', "out-of-range", 1, 7, "the number -1.5e-400 is too small"),
    "too long a number": (b'{"a": ' + b"9" * 5000 + b"}", "out-of-range", 1, 7, "too large"),
    "duplicate key": (b'{"a": 1, "b": {"c": 1,\n"c": 1}}', "duplicate-key", 2, 1, 'the key "c" appears twice'),
    "duplicate key by escape": (rb'{"a": 1, "\u0061": 2}', "duplicate-key", 1, 10, 'the key "a" appears twice'),
    "half a surrogate pair": (rb'{"a": "\ud800"}', "encoding", 1, 7, "half of a surrogate pair"),
    "Latin-1": ('{"a": "é"}'.encode("latin-1"), "encoding", 1, 8, "not UTF-8: byte 0xe9"),
    "UTF-16": ('{"a": 1}'.encode("utf-16"), "encoding", 1, 1, "not UTF-8: byte 0xff"),
    "byte order mark": (b'\xef\xbb\xbf{"a": 1}', "encoding", 1, 1, "byte order mark"),
    "lists without end": (b"[" * 100_000, "too-deep", 1, MAX_DEPTH + 1, "nested more than"),
    "objects without end": (b'{"a":' * 100_000, "too-deep", 1, 5 * MAX_DEPTH + 1, "nested more than"),
    "deep lists": (b"[\n" * 500 + b"]" * 500, "too-deep", MAX_DEPTH + 1, 1, "nested more than"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_not_strict_json_is_told_with_its_place(tmp_path, case):
    content, code, line, column, words = WRONG[case]
    path = tmp_path / "spec.json"
    path.write_bytes(content)
    try:
        found = read_json(path).mistakes[0]
    except SpecError as error:
        found = error.diagnostics[0]
    assert (found.code, found.location.line, found.location.column) == (code, line, column)
    assert words in found.message
    assert found.location.file == str(path)


@pytest.mark.parametrize(
    ("text", "help"),
    [
        ("{'a': 1}", "double quotes"),
        ("[1, // one\n2]", "no comments"),
        ("[True]", "true, false and null"),
        ("[+1]", "begins with a digit"),
        ('{"a" = 1}', "colon between"),
        ("[01]", "without leading zeros"),
        ("[0x1F]", "decimal"),
        ("[1.]", "like 12, -0.5 or 1e-3"),
        ("[relu]", "text needs double quotes"),
        ("[1,]", "leave it out"),
        ("{} # note", "no comments"),
    ],
)
def test_what_people_type_instead_of_json_is_put_right(text, help):
    try:
        (found,) = parse_json(source(text)).mistakes
    except SpecError as error:
        (found,) = error.diagnostics
    assert help in found.help


@pytest.mark.parametrize(("name", "reason"), [("", "directory"), ("no.json", "no such file"), ("n" * 300, "long")])
def test_a_file_that_cannot_be_opened_is_named_with_the_reason(tmp_path, name, reason):
    with pytest.raises(SpecError, match=reason) as raised:
        read_json(tmp_path / name)
    assert str(tmp_path / name) in str(raised.value)


def test_a_file_is_no_larger_than_a_spec_can_be(tmp_path):
    path = tmp_path / "spec.json"
    path.write_bytes(b" " * (MAX_BYTES - 1) + b"1")
    assert read_json(path).value == 1
    path.write_bytes(b" " * MAX_BYTES + b"1")
    with pytest.raises(SpecError, match="1,000,000 bytes"):
        read_json(path)


def source(text, tmp_path=None):
    return Source("spec.json", text, tmp_path)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{}", {}),
        (' [1, -2.5e-3, true, null, "a"] ', [1, -0.0025, True, None, "a"]),
        ('{"b": {"a": "é\\u00e9\\ud83d\\ude00"}, "a": ""}', {"b": {"a": "éé😀"}, "a": ""}),
        ("9223372036854775808", 2**63),
        ("[0e-400, -0.0, 5e-324]", [0.0, -0.0, 5e-324]),
        ('"{[:,"', "{[:,"),
        (r'["\"", "\\", "a\\\"]"]', ['"', "\\", 'a\\"]']),
        ("[" * MAX_DEPTH + "]" * MAX_DEPTH, None),
    ],
)
def test_strict_json_is_read(text, value):
    parsed = parse_json(source(text))
    assert value is None or parsed.value == value
    assert parsed.mistakes == []
    assert type(parse_json(source("1")).value) is int
    assert type(parse_json(source("1.0")).value) is float


def test_every_value_knows_where_it_stands():
    text = '{"a": [1, {"b/~": "x, {y}"}],\r\n\t"é": {"c": null, "d": [[], {}, -1.5e3]}}'
    spans = parse_json(source(text)).spans
    shown = {pointer: text[span.start : span.end] for pointer, span in spans.items()}
    value = json.loads(text)
    assert shown[()] == text
    for pointer, part in shown.items():
        found = value
        for key in pointer:
            found = found[key]
        assert json.loads(part) == found
    assert len(shown) == 11
    assert {text[slice(*span.key)] for span in spans.values() if span.key} == {'"a"', '"b/~"', '"é"', '"c"', '"d"'}
    location = source(text).location(*spans["é", "d", 2][1:3])
    assert (location.line, location.column, location.width) == (2, 33, 6)
    assert location.text == '\t"é": {"c": null, "d": [[], {}, -1.5e3]}}'


def test_half_a_pair_changes_no_other_text():
    parsed = parse_json(source(r'{"\ud83d\ude00": "\\ud800", "b": "\ud800x", "c": "\ud83d\ude00"}'))
    assert parsed.value == {"😀": r"\ud800", "b": "\ufffdx", "c": "😀"}
    assert [found.pointer for found in parsed.mistakes] == [("b",)]


def test_of_a_value_over_several_lines_the_first_character_is_marked():
    location = source('{"a": [\n1]}').location(6, 10)
    assert (location.line, location.column, location.width) == (1, 7, 1)


def test_a_million_characters_are_read_in_a_moment():
    # A string that never ends, in the form that makes a careless pattern take the square of its length.
    with pytest.raises(SpecError, match="does not end"):
        parse_json(source('["' + r"\"" * 400_000))
