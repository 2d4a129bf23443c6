"""Spec files that are no strict JSON. A mark ▸ stands before what each mistake is about; marks are no part of the text.

The categories are those of public JSON parsing suites (arrays, objects, numbers, strings, structure), in the shape
of specs. `\\udc80` to `\\udcff` stand for single bytes that are no UTF-8.
"""

import pytest
from helpers import assert_shown_well, assert_told, in_one_test, marked, told

from specnet.spec.text import MAX_BYTES, MAX_DEPTH

# The text, then a piece of what is told: of the message or of the help. The code is "syntax".
LISTS = [
    ('{"layers": ["relu" ▸"tanh"]}', "expected a comma"),
    ('{"layers": ["relu"\n  ▸{"type": "tanh"}]}', "expected a comma"),
    ('{"layers": ["type"▸: "tanh"]}', 'found ":"'),
    ('{"layers": [▸, "tanh"]}', 'expected a value, found ","'),
    ('{"layers": ["relu",▸, "tanh"]}', 'expected a value, found ","'),
    ('{"layers": ["relu"▸,]}', "leave it out"),
    ('{"layers": ["relu" ▸,\n\n  ]\n}', "leave it out"),
    ('{"layers": ["relu",▸,]}', 'expected a value, found ","'),
    ('{"layers": [▸,]}', 'expected a value, found ","'),
    ('{"layers": ["relu"]▸]}', 'expected a comma or a closing bracket, found "]"'),
    ('{"layers": ["relu"▸}', 'expected a comma or a closing bracket, found "}"'),
    ('{"layers": ["relu▸"', "found the end of the text"),
    ('{"layers": ["relu"▸,\n', "found the end of the text"),
    ('{"layers": ▸[\n\n', "found the end of the text"),
    ('{"layers": [▸relu', "text needs double quotes"),
    ('{"layers": ["relu", ▸*]}', 'expected a value, found "*"'),
    ('{"layers": ["relu"▸\v]}', "expected a comma"),
    ('{"layers": ["relu"▸\f]}', "expected a comma"),
    ('{"layers": ▸(1)}', 'found "("'),
    ('{"layers": ["relu"▸; "tanh"]}', "expected a comma"),
    ('{"layers": ▸]}', 'expected a value, found "]"'),
]

OBJECTS = [
    ('{"seed"▸, 1}', "expected a colon"),
    ('{"seed"▸; 1}', "expected a colon"),
    ('{"seed" ▸}', "expected a colon"),
    ('{"seed" ▸1}', "expected a colon"),
    ('{"seed" ▸"1"}', "expected a colon"),
    ('{"seed":▸: 1}', 'expected a value, found ":"'),
    ('{"seed" ▸= 1}', "a colon between key and value"),
    ('{"seed" ▸=> 1}', "a colon between key and value"),
    ('{"seed": ▸}', 'expected a value, found "}"'),
    ('{"seed▸"', "found the end of the text"),
    ('{"seed"▸:', "found the end of the text"),
    ('{"seed": ▸1', "found the end of the text"),
    ('{"seed": 1▸,', "found the end of the text"),
    ('{"seed": 1▸,}', "leave it out"),
    ('{"seed": 1,▸,}', "expected a key"),
    ('{"seed": 1,▸, "name": "x"}', "expected a key"),
    ('{▸, "seed": 1}', "expected a key"),
    ("{▸: 1}", "expected a key"),
    ("{▸seed: 1}", "text needs double quotes"),
    ("{▸'seed': 1}", "double quotes"),
    ("{▸1: 1}", "expected a key in double quotes"),
    ("{▸null: 1}", "expected a key in double quotes"),
    ('{▸["seed"]: 1}', "expected a key in double quotes"),
    ("{▸🏳: 1}", "expected a key in double quotes"),
    ('{"seed": 1 ▸2}', "expected a comma"),
    ('{"seed": 1\n ▸"name": "x"}', "expected a comma"),
    ('{"seed": 1▸]', 'found "]"'),
    ('["seed"▸: 1}', 'found ":"'),
    ('{"seed": 1, "name"▸}', "expected a colon"),
    ("▸{", "found the end of the text"),
    ("{▸{}}", "expected a key"),
    ('{"seed": 1, ▸// one\n "name": "x"}', "no comments"),
    ('{"seed": 1, ▸/* one */ "name": "x"}', "no comments"),
    ('{"seed": 1, ▸# one\n "name": "x"}', "no comments"),
    ('{"seed": ▸/* one */ 1}', "no comments"),
    ('▸// one\n{"seed": 1}', "no comments"),
    ('{"seed": 1 ▸<!-- one -->}', "expected a comma"),
]

NUMBERS = [
    *((f'{{"seed": ▸{number}}}', "expected a value") for number in ("+1", "++12", "+Inf", ".5", ".2e-3", ".-1")),
    *((f'{{"seed": ▸{number}}}', "expected a value") for number in ("-", "-x", "- 1", "-.5", "--1", "-foo", "-NaN")),
    *((f'{{"seed": ▸{number}}}', "expected a value") for number in ("Inf", "nan", "inf", "１２", "¼", "∞")),
    *((f'{{"seed": 0▸{rest}}}', "without leading zeros") for rest in ("1", "12", "x1F", "o17", "b11", "X0")),
    ('{"seed": -0▸1}', "without leading zeros"),
    *((f'{{"seed": 1▸{rest}}}', "like 12, -0.5 or 1e-3") for rest in (".", ".e3", "e", "e+", "E-", "eE2", "e+-1")),
    *((f'{{"seed": 1▸{rest}}}', "like 12, -0.5 or 1e-3") for rest in ("_000", "f", "k", "L", "d", "j", "..2")),
    *((f'{{"seed": 1.5▸{rest}}}', "like 12, -0.5 or 1e-3") for rest in (".3", "e", "e+", "e-", "m")),
    *((f'{{"seed": 1▸{rest}}}', "expected a comma") for rest in ("+2", "*2", "/2", "%", "-2", "'000")),
    ('{"seed": 1 ▸000}', "expected a comma"),
    ('{"seed": 0.1▸\0}', "expected a comma"),
]

INVISIBLE = "\x7f\x9b\xa0\xad\u2028\u202e\u2060"
WORDS = [
    *((f'{{"seed": ▸{char}1}}', "expected a value") for char in INVISIBLE),
    *((f'{{"seed": ▸{word}}}', "true, false and null") for word in ("True", "False", "None", "undefined", "nil")),
    *((f'{{"seed": ▸{word}}}', "expected a value") for word in ("nul", "tru", "fals", "TRUE", "yes", "é", "ünits")),
    ('{"seed": true▸x}', "expected a comma"),
    ('{"seed": ▸<null>}', 'found "<"'),
    ('{"seed": ▸`x`}', 'found "`"'),
    ('{"seed": ▸“x”}', 'found "“"'),
    ('{"seed": ▸$SEED}', 'found "$"'),
    ('{"seed": ▸@x}', 'found "@"'),
    ('{"seed": ▸\\u0031}', "expected a value"),
]

STRINGS = [
    ('{"name": ▸"x}', "closing quote"),
    ('{"name": ▸"', "closing quote"),
    ('{"name": ▸"x\\', "closing quote"),
    ('{"name": ▸"x\\"}', "closing quote"),
    ('{"name": ▸"\\\\\\"}', "closing quote"),
    ('{▸"name: 1}', "closing quote"),
    ("{\"name\": ▸'x'}", "double quotes"),
    ('{"name": "x" ▸"y"}', "expected a comma"),
    ('{"name": "x▸\n"}', "line break"),
    ('{"name": "x▸\r\n"}', "line break"),
    ('{"name": "x▸\ty"}', "control character"),
    ('{"name": "x▸\0y"}', "control character"),
    ('{"name": "x▸\x1fy"}', "control character"),
    ('{"na▸\tme": "x"}', "control character"),
    *((f'{{"name": "x▸\\{char}"}}', "after a backslash") for char in ("x00", "a", "'", "0", "U0041", "é", "🌀", "\0")),
    *((f'{{"name": "\\▸u{digits}"}}', "four hexadecimal digits") for digits in ("", "1", "00A", "qqqq", "１２３４")),
    ('{"name": "\\ud83d\\▸u1"}', "four hexadecimal digits"),
    ('{"name": "\\▸u', "four hexadecimal digits"),
]  # fmt: skip

STRUCTURE = [
    ("▸", "found the end of the text"),
    ("▸ ", "found the end of the text"),
    ("▸\n\n", "found the end of the text"),
    ("▸\r\n\t ", "found the end of the text"),
    ("▸relu", "expected a value"),
    ("▸*", "expected a value"),
    ("▸}", "expected a value"),
    ("▸]", "expected a value"),
    ("▸:", "expected a value"),
    ("▸<.>", "expected a value"),
    ("▸---\nseed: 1\n", "expected a value"),
    ("▸\\u007b}", "expected a value"),
    ("▸\f{}", "expected a value"),
    *((f"▸{char}{{}}", "expected a value") for char in INVISIBLE),
]

# Bytes and characters.
ENCODING = [
    ("▸{\0}\0", "UTF-16"),
    ("▸\0{\0}", "UTF-16"),
    ("▸\udcef\udcbb", "not UTF-8: byte 0xef"),
    ("▸\udcff\udcfe{\0}\0", "not UTF-8: byte 0xff"),
    ("▸\udcfe\udcff\0{\0}", "not UTF-8: byte 0xfe"),
    ("▸\udce9", "byte 0xe9"),
    ('{"seed": 1▸\udce5}', "byte 0xe5"),
    ('{"name": "é▸\udce2\udc82', "byte 0xe2"),
    ('{"name": "\\▸\udce5"}', "byte 0xe5"),
]

DEPTH = [
    ("[" * MAX_DEPTH + "▸" + "[" * 100_000, "nested more than"),
    ('{"a":' * MAX_DEPTH + "▸" + '{"a":' * 100_000, "nested more than"),
    ("[" * MAX_DEPTH + "▸" + "[" * 20 + "]" * 120, "nested more than"),
    ('{"a":[' * (MAX_DEPTH // 2) + "▸" + '{"a":[' * 50_000, "nested more than"),
    ('{"layers": [' + '{"type": "residual", "layers": [' * 49 + '▸{"type": "residual", "layers": [' * 1
     + '{"type": "residual", "layers": [' * 151 + '"tanh"' + "]}" * 201 + "]}", "nested more than"),
]  # fmt: skip

TABLES = {
    "syntax": LISTS + OBJECTS + NUMBERS + WORDS + STRINGS + STRUCTURE,
    "encoding": ENCODING,
    "too-deep": DEPTH,
}
ROWS = [(text, code, words) for code, table in TABLES.items() for text, words in table]
ROWS += [(f'{{"seed": ▸{char}1}}', "syntax", f'found "\\u{ord(char):04x}"') for char in INVISIBLE]


@in_one_test
@pytest.mark.parametrize(("text", "code", "words"), ROWS, ids=lambda value: repr(value)[:60])
def test_what_cannot_be_read_is_told_once_and_where(tmp_path, text, code, words):
    (found,) = assert_told(tmp_path / "spec.json", text, [code])
    assert words in f"{found.message} {found.help}"
    assert (found.location.file, found.severity) == (str(tmp_path / "spec.json"), "error")


# What is wrong with the text although it can be read: the rest of the spec is checked all the same.
SPEC = """{
  "dataset": "spiral",
  "layers": [{"type": "linear", "units": 1}, "sigmoid"],
  "loss": "bce"HERE
}BEHIND"""
BEHIND = [
    (" ▸x", "text needs double quotes"),
    ("▸}", "a spec is a single JSON value"),
    ("▸]", "a spec is a single JSON value"),
    ("▸,", "expected the end of the text"),
    ("▸;", "expected the end of the text"),
    ("▸\0", "expected the end of the text"),
    ("\n▸{}", "a spec is a single JSON value"),
    ("\n▸[1, 2]", "a spec is a single JSON value"),
    ("\n▸// one", "no comments"),
    ("\n▸# one", "no comments"),
]
# A character of Latin-1, a lone continuation, longer than need be, half a pair, beyond the last character, cut off.
NO_UTF8 = [
    "\udce9", "\udc80", "\udcc0\udcaf", "\udce0\udc80\udcaf", "\udcf8\udc88\udc80\udc80\udc80", "\udced\udca0\udc80",
    "\udcf4\udc90\udc80\udc80", "\udce2\udc82", "\udcff", "\udce9t\udce9",
]  # fmt: skip
HERE = [
    (', "seed": ▸NaN', "not-finite /seed", "NaN is not a JSON number"),
    (', "seed": ▸Infinity', "not-finite /seed", "Infinity is not a JSON number"),
    (', "split": {"test": ▸-Infinity}', "not-finite /split/test", "-Infinity is not a JSON number"),
    (', "split": {"test": ▸1e400}', "out-of-range /split/test", "1e400 is too large"),
    (', "split": {"test": ▸-1e400}', "out-of-range /split/test", "-1e400 is too large"),
    (', "split": {"test": ▸1e-400}', "out-of-range /split/test", "would become 0"),
    (', "split": {"test": ▸-0.0001E-400}', "out-of-range /split/test", "would become 0"),
    (', "split": {"test": ▸0.4e00669999999999999999999999}', "out-of-range /split/test", "too large"),
    (', "seed": ▸' + "9" * 5000, "out-of-range /seed", "of 5000 characters is too large"),
    (', "seed": ▸-' + "9" * 5000, "out-of-range /seed", "of 5001 characters is too large"),
    (', "seed": ▸1' + "0" * 350, "out-of-range /seed", "too large"),
    (', "seed": ▸123123123123123123123123123123', "out-of-range /seed", "less than 9223372036854775808"),
    (', "seed": 1, ▸"seed": 1', "duplicate-key /seed", "line 4"),
    (', "seed": 1,\n "name": "x",\n ▸"seed": 2', "duplicate-key /seed", "line 4"),
    (', ▸"loss": "bce"', "duplicate-key /loss", "line 4"),
    (', "seed": 1, ▸"\\u0073eed": 1', "duplicate-key /seed", 'the key "seed" appears twice'),
    (', "training": {"epochs": 1,\n ▸"epochs": 2}', "duplicate-key /training/epochs", "line 4"),
    (', "training": {"early_stopping": {"monitor": "train/loss", "patience": 1, ▸"patience": 2}}',
     "duplicate-key /training/early_stopping/patience", "appears twice"),
    (', "plots": [{"type": "curves", ▸"type": "curves"}]', "duplicate-key /plots/0/type", "appears twice"),
    (', "optimizer": {"type": "sgd", "learning_rate": {"type": "constant", "value": 1, ▸"value": 2}}',
     "duplicate-key /optimizer/learning_rate/value", "appears twice"),
    *((f', "description": "café ▸{content}"', "encoding /description", "part of a character") for content in NO_UTF8),
    (', "name": ▸"\\ud800"', "encoding /name", "surrogate"),
    (', "name": ▸"\\udc00x"', "encoding /name", "surrogate"),
    (', "name": ▸"\\ud800\\ud800"', "encoding /name", "surrogate"),
    (', "name": ▸"\\udc00\\ud800"', "encoding /name", "surrogate"),
    (', ▸"\\udfff": 1', "encoding /\ufffd", "surrogate"),
    # What a decoder puts in place of a wrong byte is no mistake of its own.
    (', "name": "caf▸\udce9"', "encoding /name", "byte 0xe9"),
]  # fmt: skip


@pytest.mark.parametrize(("behind", "words"), BEHIND, ids=repr)
def test_nothing_stands_behind_a_spec(tmp_path, behind, words):
    (found,) = assert_told(tmp_path / "spec.json", SPEC.replace("HERE", "").replace("BEHIND", behind), ["syntax"])
    assert words in f"{found.message} {found.help}"
    text = SPEC.replace("HERE", ', "seed": ▸-1').replace("BEHIND", behind)
    assert_told(tmp_path / "spec.json", text, ["out-of-range /seed", "syntax"])


@in_one_test
@pytest.mark.parametrize(("here", "expected", "words"), HERE, ids=lambda value: repr(value)[:60])
def test_what_a_parser_forgives_is_told_once_and_the_rest_is_checked(tmp_path, here, expected, words):
    (found,) = assert_told(tmp_path / "spec.json", SPEC.replace("HERE", here).replace("BEHIND", ""), [expected])
    assert words in f"{found.message} {found.help}"
    text = SPEC.replace("HERE", here + ',\n  "dtype": ▸"int8"').replace("BEHIND", "")
    assert_told(tmp_path / "spec.json", text, [expected, "wrong-value /dtype"])


def test_a_byte_order_mark_is_told_and_the_rest_is_checked(tmp_path):
    text = "▸\ufeff" + SPEC.replace("HERE", ', "seed": ▸-1').replace("BEHIND", "")
    assert_told(tmp_path / "spec.json", text, ["encoding", "out-of-range /seed"])


def test_the_place_in_a_long_line_is_shown_and_only_that(tmp_path):
    layers = ", ".join(['"tanh"'] * 20_000)
    assert_told(tmp_path / "spec.json", f'{{"layers": [{layers} ▸"relu"]}}', ["syntax"])


def test_a_file_of_more_than_a_megabyte_is_told_without_reading_on(tmp_path):
    path = tmp_path / "spec.json"
    path.write_bytes(b'{"description": "' + b"x" * MAX_BYTES)
    (found,) = told(path)
    assert (found.code, found.location, found.pointer) == ("file", None, ())
    assert f"{MAX_BYTES:,} bytes" in found.message


def test_nothing_is_shown_that_a_terminal_would_obey(tmp_path):
    path = tmp_path / "spec.json"
    for text, *_ in ROWS + [(SPEC.replace("HERE", here).replace("BEHIND", ""),) for here, *_ in HERE]:
        path.write_bytes(marked(text)[0])
        assert_shown_well(told(path), str(path))
