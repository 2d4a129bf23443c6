"""Mistakes in the class of a component are errors at the class, in words that say what to do."""

import pytest

import specnet
from specnet.errors import PluginError
from specnet.local import load_file

HEAD = """
from pydantic import PrivateAttr
import specnet

@specnet.register("{group}", "mine")
class Mine(specnet.{base}):
    {body}
"""
LAYER = ("layers", "Layer", "def forward(self, x, training): return x\n    def backward(self, dy): return dy\n    ")
LOSS = ("losses", "ElementwiseLoss", "def element(self, y, t): return y - t\n    def slope(self, y, t): return 1\n    ")
CALLBACK = ("callbacks", "Callback", "")
METRIC = ("metrics", "MeanMetric", "def values(self, prediction, target): return target\n    ")
POST_INIT = "def model_post_init(self, context): {}self.y = 1"


def load(tmp_path, kind, body):
    group, base, methods = kind
    path = tmp_path / "mine.py"
    path.write_text(HEAD.format(group=group, base=base, body=methods + body))
    return load_file(path)


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        (
            LAYER,
            "def __init__(self, factor=2): self.factor = factor",
            "Mine defines __init__: leave it out, as",
        ),
        (LAYER, "def __init__(self, **fields): super().__init__(**fields)", "Mine defines __init__"),
        (LAYER, "width: object = object()", "Mine.width has a default that is no JSON value, but object"),
        (CALLBACK, "def __init__(self): self.epochs = 0", "Mine defines __init__"),
        (LAYER, POST_INIT.format(""), r"Mine.model_post_init should begin with super\(\).model_post_init\(context\)"),
        (METRIC, POST_INIT.format(""), "Mine.model_post_init should begin with super"),
        (LAYER, "type: str = 'a'", 'Mine has a field "type": choose another name, as specs name components by'),
        (LAYER, "grad: float = 1.0", 'Mine has a field "grad": choose another name, as every instance has'),
        (LOSS, "task: str = 'a'", 'Mine has a field "task"'),
        (LOSS, "learns = 'regression'", r"Mine.learns is a string: write a tuple, \('regression',\)"),
        (METRIC, "tasks = 'binary'", "Mine.tasks is a string"),
        (LAYER, "axes = 'features'", "Mine.axes is a string"),
    ],
)
def test_a_class_that_cannot_work_is_refused_at_its_line(local, tmp_path, kind, body, words):
    with pytest.raises(PluginError, match=words) as caught:
        load(tmp_path, kind, body)
    assert caught.value.diagnostics[0].location.line in (5, 6)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (LAYER, POST_INIT.format("super().model_post_init(context); ")),
        (LAYER, "_calls: int = PrivateAttr(0)"),
        (LAYER, "_calls: int = PrivateAttr(0)\n    " + POST_INIT.format("super().model_post_init(context); ")),
        (CALLBACK, POST_INIT.format("")),
        (CALLBACK, "def __init__(self): super().__init__(); self.epochs = 0"),
        (LOSS, "learns = ('regression',)"),
    ],
)
def test_a_class_that_works_is_accepted(local, tmp_path, kind, body):
    (entry,) = load(tmp_path, kind, body)
    assert specnet.build(entry.group, "mine").model_dump() is not None
