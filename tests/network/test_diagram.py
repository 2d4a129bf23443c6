"""Pictures of networks: each layer has a box of its own, and long lines end where outputs are taken."""

import itertools

import pytest

import specnet
from specnet.errors import PlotError
from specnet.network.diagram import TALL, draw_network

CONV = {"type": "conv2d", "filters": 4, "kernel_size": 3, "padding": "same"}
U_SHAPED = [
    {**CONV, "name": "a"}, "max_pool2d", {**CONV, "name": "b"}, "max_pool2d", CONV,
    {"type": "upsample2d", "name": "c"}, {"type": "concat", "from": ["c", "b"]}, CONV,
    {"type": "upsample2d", "name": "d"}, {"type": "concat", "from": ["input", "d", "a"]},
]  # fmt: skip
LINEAR = {"type": "linear", "units": 4}
NESTED = [
    {"type": "repeat", "times": 5, "layers": [{"type": "residual", "layers": [LINEAR, "tanh"]}]},
    {"type": "parallel", "branches": [[LINEAR], [], ["tanh", "tanh"]], "merge": "multiply"},
    {"type": "rnn", "units": 2, "bidirectional": True},
]
SIXTY = [LINEAR, {"type": "relu", "name": "early"}, *[LINEAR, "relu"] * 28, LINEAR, {"type": "relu", "name": "late"}]
SIXTY = [*SIXTY, {"type": "add", "from": ["late", "early"]}]


def draw(layers, shape):
    network = specnet.build_network(layers, shape)
    return draw_network(network.layers, shape)


@pytest.mark.parametrize(("layers", "shape"), [(U_SHAPED, (8, 8, 1)), (NESTED, (3, 4)), (SIXTY, (4,))])
def test_boxes_stand_apart_inside_the_picture(layers, shape):
    picture = draw(layers, shape)
    for box in picture.boxes:
        assert box.x >= 0 and box.x + box.width <= picture.width and box.y >= 0 and box.y + box.height <= picture.height
    frames = [box for box in picture.boxes if box.kind == "frame"]
    boxes = [box for box in picture.boxes if box.kind != "frame"]
    for one, other in itertools.combinations(boxes, 2):
        beside = one.x + one.width <= other.x or other.x + other.width <= one.x
        assert beside or one.y + one.height <= other.y or other.y + other.height <= one.y
    for frame, box in itertools.product(frames, boxes):
        inside = frame.x <= box.x and box.x + box.width <= frame.x + frame.width
        assert inside or box.x >= frame.x + frame.width or box.y >= frame.y + frame.height or box.y < frame.y
    assert all(0 <= x <= picture.width and 0 <= y <= picture.height for line in picture.lines for x, y in line.points)


def test_long_lines_lead_from_names_to_where_they_are_taken():
    picture = draw(U_SHAPED, (8, 8, 1))
    boxes = {box.title: box for box in picture.boxes}
    long = [line.points for line in picture.lines if len(line.points) == 4]

    def beside(box, x, y):
        return x == box.x + box.width and box.y < y < box.y + box.height

    ends = {
        (start, end)
        for points in long
        for start in boxes
        for end in boxes
        if beside(boxes[start], *points[0]) and beside(boxes[end], *points[-1])
    }
    merged = 'concat of "input", "d", "a"'
    assert ends == {('conv2d "b"', 'concat of "c", "b"'), ("input", merged), ('conv2d "a"', merged)}
    assert len({points[1][0] for points in long}) == 3, "they are beside each other"
    assert boxes['conv2d "a"'].detail == "8 × 8 × 4; 40 parameters"


def test_of_repeated_layers_one_copy_is_shown():
    titles = [box.title for box in draw(NESTED, (3, 4)).boxes if box.title]
    assert titles == ["input", "repeat, 5 times", "residual", "linear", "tanh", "add", "parallel", "linear", "tanh",
                      "tanh", "multiply", "rnn"]  # fmt: skip


def test_many_layers_stand_in_columns():
    picture = draw(SIXTY, (4,))
    assert picture.height < 1.3 * TALL and len({round(box.x + box.width / 2) for box in picture.boxes}) == 4
    assert [line.label for line in picture.lines if line.label] == ["early"]
    with pytest.raises(PlotError, match="a picture shows at most 500 layers, but this network has 501"):
        draw(["tanh"] * 501, (1,))
