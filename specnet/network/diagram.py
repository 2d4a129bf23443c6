"""A network as boxes and lines: where each layer stands in a picture, and what leads to it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from specnet.errors import PlotError
from specnet.layers.base import INPUT, Layer, walk
from specnet.layers.merging import Merge
from specnet.layers.stack import Stack
from specnet.network.summary import describe_layer
from specnet.task import Shape

MOST = 500
"""Boxes of a picture at most."""
TALL = 900.0
"""Height from which a list of layers is broken into columns side by side."""
TEXT_WIDTH, DETAIL_WIDTH = 6.6, 5.4
"""Width of a letter of both lines of a box, about."""
BOX, STRIP, GAP, LANE, MARGIN = 36.0, 18.0, 18.0, 12.0, 12.0
"""Height of a box, of the last line of a frame, distances between boxes, between long lines, and around all."""

Corner = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A box at x, y, its upper left corner, with a title and a line below it; a frame is around other boxes."""

    x: float
    y: float
    width: float
    height: float
    title: str = ""
    detail: str = ""
    kind: Literal["layer", "trained", "frame", "merge"] = "layer"


@dataclass(frozen=True)
class Line:
    """A line through points, which may end in an arrow; `label` stands where it begins."""

    points: tuple[Corner, ...]
    label: str = ""
    arrow: bool = False


@dataclass
class Diagram:
    """Boxes and lines, y downwards, in 72nds of an inch; `axis` is where lines enter above and leave below."""

    width: float = 0.0
    height: float = 0.0
    axis: float = 0.0
    boxes: list[Box] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)

    def place(self, part: Diagram, x: float, y: float) -> None:
        """Add a part whose upper left corner is at x, y."""
        self.boxes += [replace(box, x=box.x + x, y=box.y + y) for box in part.boxes]
        for line in part.lines:
            self.lines.append(replace(line, points=tuple((a + x, b + y) for a, b in line.points)))

    def connect(self, *points: Corner, label: str = "", arrow: bool = True) -> None:
        """Add a line."""
        self.lines.append(Line(points, label, arrow))


def draw_network(layers: Sequence[Layer], input_shape: Shape) -> Diagram:
    """Return the picture of built layers, one after the other; lists that are too tall become several columns.

    Of a repeated layer one copy is shown.

    Raises:
        PlotError: if there are too many layers.
    """
    count = sum(1 for layer in layers for _ in _shown(layer))
    if count > MOST:
        raise PlotError(f"a picture shows at most {MOST} layers, but this network has {count:,}")
    given = _box("input", show_sizes(input_shape))
    diagram = _columns([given, *map(_draw_layer, layers)], [None, *layers])
    framed = Diagram(diagram.width + 2 * MARGIN, diagram.height + 2 * MARGIN, diagram.axis + MARGIN)
    framed.place(diagram, MARGIN, MARGIN)
    return framed


def show_sizes(shape: Shape) -> str:
    """Return the shape of a sample for pictures, such as "28 × 28 × 1"."""
    return " × ".join(map(str, shape)) or "1"


def _shown(layer: Layer) -> Iterator[Layer]:
    yield layer
    for stack in _stacks(layer):
        for inner in stack.layers[: len(stack.places)]:
            yield from _shown(inner)


def _stacks(layer: Layer) -> list[Stack]:
    """Return the stacks of layers that the spec has inside a layer."""
    fields = type(layer).model_fields
    return [stack for stack in layer.stacks if stack.place[len(layer.place)] in fields]


def _box(title: str, detail: str, kind: Literal["layer", "trained", "merge"] = "layer") -> Diagram:
    width = max(100.0, TEXT_WIDTH * len(title) + 16, DETAIL_WIDTH * len(detail) + 16)
    return Diagram(width, BOX, width / 2, [Box(0, 0, width, BOX, title, detail, kind)])


def _draw_layer(layer: Layer) -> Diagram:
    size = sum(math.prod(each.shape) for _, inner in walk(layer, "") for each in inner.parameters)
    detail = show_sizes(layer.output_shape) + (f"; {size:,} parameter{'s' * (size != 1)}" if size else "")
    title, stacks = describe_layer(layer), _stacks(layer)
    if not stacks:
        return _box(title, detail, "merge" if isinstance(layer, Merge) else "trained" if size else "layer")
    if stacks[0].times:
        title += f", {stacks[0].times} times"
    return _frame(title, detail, [_draw_stack(stack) for stack in stacks], str(getattr(layer, "merge", "add")))


def _draw_stack(stack: Stack) -> Diagram:
    layers = stack.layers[: len(stack.places)]
    return _column([None, *map(_draw_layer, layers)], [None, *layers])


def _frame(title: str, detail: str, parts: list[Diagram], merge: str) -> Diagram:
    """Return parts side by side below a head, which is where they begin, and above a foot if there are several."""
    head = _box(title, detail)
    inner = sum(part.width for part in parts) + GAP * (len(parts) + 1)
    tall, several = max(part.height for part in parts), len(parts) > 1
    width, height = max(head.width, inner), BOX + tall + (STRIP if several else 0)
    frame = Diagram(width, height, width / 2, [Box(0, 0, width, height, kind="frame")])
    x = (width - inner) / 2 + GAP
    if not several:
        x = width / 2 - parts[0].axis if head.width > inner else x
        frame.axis = x + parts[0].axis
    frame.boxes.append(Box(0, 0, width, BOX, title, detail))
    for part in parts:
        frame.place(part, x, BOX)
        if part.height < tall:
            frame.connect((x + part.axis, BOX + part.height), (x + part.axis, BOX + tall), arrow=False)
        x += part.width + GAP
    if several:
        frame.boxes.append(Box(0, BOX + tall, width, STRIP, merge, kind="merge"))
    return frame


def _column(parts: list[Diagram | None], layers: Sequence[Layer | None], arrow: bool = False) -> Diagram:
    """Return parts below each other, with lines on the right for outputs with names; None is the line from above.

    The line that leaves the last part ends in an arrow if that is asked for.
    """
    left = max((part.axis for part in parts if part), default=0.0)
    right = max((part.width - part.axis for part in parts if part), default=0.0)
    column = Diagram(left + right, 0.0, left)
    exits, lanes, y = {INPUT: (left, 0.0)}, _Lanes(left + right), 0.0
    labelled = 0.0
    for number, (part, layer) in enumerate(zip(parts, layers, strict=True)):
        if part is None:
            y += GAP
            continue
        before = layers[number - 1] if number else None
        if number and _follows(before, layer):
            column.connect((left, y - GAP), (left, y))
        column.place(part, left - part.axis, y)
        edge = left - part.axis + part.width
        sources = dict.fromkeys(layer.from_) if isinstance(layer, Merge) else ()
        taken = [name for name in sources if name != _name(before)]
        for place, name in enumerate(taken):
            into = (edge, y + BOX * (place + 1) / (len(taken) + 1))
            if name in exits:
                lanes.add(exits[name], into)
            else:
                column.connect((edge + LANE, into[1]), into, label=name)
                labelled = max(labelled, edge + LANE + DETAIL_WIDTH * len(name))
        y += part.height + GAP
        if (own := _name(layer)) is not None:
            exits[own] = (edge, y - GAP - BOX / 4)
    column.connect((left, y - GAP), (left, y), arrow=arrow)
    column.height = y
    column.width = max(lanes.draw(column), labelled)
    return column


def _name(layer: Layer | None) -> str | None:
    """Return the name of the outputs of a layer, or of the input if the layer is None."""
    return layer.name if layer else INPUT


def _follows(before: Layer | None, layer: Layer | None) -> bool:
    """Return whether a layer takes the outputs of the one before it."""
    return not isinstance(layer, Merge) or _name(before) in layer.from_


class _Lanes:
    """Long lines on the right of a column, those that overlap beside each other, shorter ones further inside."""

    def __init__(self, left: float) -> None:
        self.left, self.pairs = left, list[tuple[Corner, Corner]]()

    def add(self, start: Corner, end: Corner) -> None:
        """Add a line from a box to one below it."""
        self.pairs.append((start, end))

    def draw(self, column: Diagram) -> float:
        """Add all lines, and return the width of what there is now."""
        lanes: list[list[tuple[float, float]]] = []
        for start, end in sorted(self.pairs, key=lambda pair: pair[1][1] - pair[0][1]):
            span = start[1], end[1]
            free = (n for n, lane in enumerate(lanes) if all(span[1] <= a or b <= span[0] for a, b in lane))
            number = next(free, len(lanes))
            if number == len(lanes):
                lanes.append([])
            lanes[number].append(span)
            x = self.left + LANE * (number + 1)
            first = (x, start[1]) if start[1] == 0 else start
            column.connect(first, (x, start[1]), (x, end[1]), end)
        return self.left + LANE * len(lanes)


def _columns(parts: list[Diagram], layers: list[Layer | None]) -> Diagram:
    """Return parts below each other, in several columns of about the same height if one would be too tall."""
    total = sum(part.height + GAP for part in parts)
    most = total / max(1, round(total / TALL)) if total > 1.5 * TALL else math.inf
    groups: list[list[int]] = [[]]
    for number, part in enumerate(parts):
        if groups[-1] and sum(parts[each].height + GAP for each in groups[-1]) + part.height / 2 > most:
            groups.append([])
        groups[-1].append(number)
    diagram, x = Diagram(), 0.0
    last: Corner | None = None
    for group in groups:
        above: list[Diagram | None] = [None] if last else []
        before = layers[group[0] - 1 : group[0]] if last else []
        ends = group is groups[-1]
        column = _column([*above, *(parts[n] for n in group)], [*before, *(layers[n] for n in group)], arrow=ends)
        if last and _follows(before[0], layers[group[0]]):
            a, b, gap = *last, x - 1.5 * GAP
            diagram.connect(last, (a, b + GAP), (gap, b + GAP), (gap, 0), (x + column.axis, 0), arrow=False)
        diagram.place(column, x, 0)
        last = (x + column.axis, column.height)
        x += column.width + 3 * GAP
        diagram.height = max(diagram.height, column.height + (GAP if len(groups) > 1 else 0))
    diagram.width, diagram.axis = x - 3 * GAP, 0.0
    return diagram
