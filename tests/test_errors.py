import inspect
import pickle

import pytest

from specnet import errors
from specnet.errors import MAX_LINE, DataError, Diagnostic, Interrupted, SpecError, SpecnetError
from specnet.location import Location
from specnet.words import json_pointer, show_pointer

FAMILY = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, SpecnetError)]


def test_every_error_has_a_code_of_its_own_and_an_exit_code():
    assert len({kind.code for kind in FAMILY}) == len(FAMILY)
    exits = {kind.__name__: kind.exit_code for kind in FAMILY}
    assert [exits.pop(name) for name in ("RunError", "DivergenceError", "RequirementError")] == [3, 4, 5]
    assert set(exits.values()) == {2}


def test_an_error_is_shown_with_code_place_and_help():
    error = DataError("no such column", pointer=("inputs", 0), help="look again").at("dataset")
    error.file = "spec.json"
    assert str(error) == ("error[data]: no such column\n  --> spec.json at dataset.inputs.0\n   = help: look again")
    assert str(DataError("no such column")) == "error[data]: no such column"
    assert error.diagnostics == [Diagnostic("data", "no such column", ("dataset", "inputs", 0), "look again")]


def test_each_caller_puts_its_place_in_front_of_every_mistake():
    found = [Diagnostic("a", "one", ("x",)), Diagnostic("b", "two", ("y", 1), "three")]
    error = SpecError(found, file="spec.json").at("layers", 2).at("body")
    assert [diagnostic.pointer for diagnostic in error.diagnostics] == [
        ("body", "layers", 2, "x"),
        ("body", "layers", 2, "y", 1),
    ]
    assert str(error).count("spec.json at body.layers.2.") == 2
    assert error.message == "one"


@pytest.mark.parametrize("kind", FAMILY, ids=lambda kind: kind.__name__)
def test_every_error_can_be_pickled(kind):
    found = [Diagnostic("a", "one", (0,)), Diagnostic("b", "two", (1,))]
    error = kind(found) if kind is SpecError else kind("wrong in {place}", pointer=(0,), help="look again")
    if kind is DataError:
        error.name_row(3, "row 3")
    error.at("layers").add_note("noted")
    error.file = "spec.json"
    for locate in (None, lambda found: found._replace(location=Location("spec.json", found.pointer[-1] + 1, 1, "x"))):
        error.locate = locate
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), again.message, again.__notes__) == (kind, error.message, ["noted"])
        assert (again.diagnostics, str(again)) == (error.diagnostics, str(error))
        assert again.at("body").diagnostics[-1].pointer == ("body", *error.diagnostics[-1].pointer)


def test_an_interruption_can_be_pickled():
    again = pickle.loads(pickle.dumps(Interrupted("SIGTERM", 15)))
    assert (str(again), again.exit_code) == ("stopped by SIGTERM", 143)


@pytest.mark.parametrize(
    ("pointer", "shown", "standard"),
    [
        ((), "", ""),
        (("seed",), "seed", "/seed"),
        (("layers", 2, "units"), "layers.2.units", "/layers/2/units"),
        ((0, 1), "0.1", "/0/1"),
        (("a/b~",), "a/b~", "/a~1b~0"),
    ],
)
def test_pointers_are_shown_as_one_writes_them(pointer, shown, standard):
    assert (show_pointer(pointer), json_pointer(pointer)) == (shown, standard)


LONG = "x" * 120
UNDERLINED = [
    ("abc def", 5, 3, "abc def", "    ^^^"),
    ("abc", 1, 1, "abc", "^"),
    ("", 1, 1, "", "^"),
    ("a\tb", 3, 1, "a b", "  ^"),
    ("a\x1bb\u202ec", 2, 2, "a\ufffdb\ufffdc", " ^^"),
    ("漢字 x", 4, 1, "漢字 x", "     ^"),
    ("漢字 x", 1, 2, "漢字 x", "^^^^"),
    ("e\u0301 x", 4, 1, "e\u0301 x", "  ^"),
    (LONG, 120, 1, LONG, " " * 119 + "^"),
    (LONG, 121, 1, "…" + "x" * 50, " " * 51 + "^"),
    (LONG + "y", 1, 1, LONG + "…", "^"),
    (LONG + "yz" + LONG, 121, 2, "…" + "x" * 50 + "yz" + "x" * 67 + "…", " " * 51 + "^^"),
    ("y" + LONG + LONG, 1, 241, "y" + "x" * 119 + "…", "^" * 120),
]


@pytest.mark.parametrize(("text", "column", "width", "line", "carets"), UNDERLINED)
def test_the_place_in_a_line_is_marked(text, column, width, line, carets):
    assert Location("spec.json", 1, column, text, width).underline(MAX_LINE) == (line, carets)


def test_a_located_mistake_is_shown_with_its_line():
    location = Location("spec.json", 10, 5, '    "sigmod",', 8)
    found = Diagnostic("code", "what is wrong", ("layers", 1), "type this", location)
    assert found.render().splitlines() == [
        "error[code]: what is wrong",
        "  --> spec.json:10:5 at layers.1",
        "   |",
        '10 |     "sigmod",',
        "   |     ^^^^^^^^ type this",
    ]
    assert found._replace(help="long " * 30).render().splitlines()[-2:] == [
        "   |     ^^^^^^^^",
        f"   = help: {'long ' * 30}",
    ]
    assert found._replace(severity="warning").render().startswith("warning[code]")
    assert found.to_json() == {
        "file": "spec.json", "line": 10, "column": 5, "pointer": "/layers/1", "severity": "error", "code": "code",
        "message": "what is wrong", "help": "type this",
    }  # fmt: skip
    override = found._replace(location=Location("--set a=1", 1, 3, "a=1", from_file=False))
    assert override.render().splitlines()[1] == " --> --set a=1 at layers.1"


def test_of_very_many_mistakes_the_rest_is_counted():
    shown = str(SpecError([Diagnostic("code", f"mistake {number}.") for number in range(150)]))
    assert "mistake 99." in shown
    assert "mistake 100." not in shown
    assert shown.endswith("… and 50 more")


def test_nothing_is_shown_that_a_terminal_would_obey():
    text = Diagnostic("code", "a\x1b[31m\u202eb", ("k\x07",), "c\x9b", None).render("f\x00.json")
    assert text.replace("\n", " ").isprintable()
    assert "a\\u001b[31m\\u202eb" in text
