import json

import pytest

from specnet.spec.layout import WIDTH, tidy

JSON = [
    {},
    [],
    None,
    1.5,
    'a "quoted"\nline \\ with é and </script>',
    {"name": "a", "layers": ["tanh"]},
    {"empty": {}, "list": [], "long": "x" * 200},
    {"layers": [{"type": "linear", "units": number, "weight_init": "he_normal"} for number in range(9)]},
    [[["deep"] * 40] * 2] * 2,
]


@pytest.mark.parametrize("value", JSON, ids=range(len(JSON)))
def test_tidy_json_says_the_same(value):
    assert json.loads(tidy(value)) == value


def test_what_fits_on_a_line_is_on_one():
    layer = {"type": "linear", "units": 64}
    assert tidy({"layers": [layer] * 4, "loss": "mse"}).split("\n") == [
        "{",
        '  "layers": [',
        *['    {"type": "linear", "units": 64},'] * 3,
        '    {"type": "linear", "units": 64}',
        "  ],",
        '  "loss": "mse"',
        "}",
    ]
    assert all(len(line) <= WIDTH for line in tidy(JSON[-2]).split("\n"))


def test_a_key_counts_among_what_a_line_takes():
    lines = tidy({"description of the layers": [number * 1000 for number in range(14)]}).split("\n")
    assert all(len(line) <= WIDTH for line in lines)
