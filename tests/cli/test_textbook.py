"""Layers as a textbook has them, written in a plugin file, keep the whole contract."""

from pathlib import Path

import pytest

PLUGIN = Path(__file__).with_name("textbook.py")


@pytest.mark.parametrize(
    "layer",
    [
        "conv2d",
        pytest.param('{"type": "conv2d", "kernel_size": 1}', marks=pytest.mark.long),
        "batch_norm",
        "lstm",
        pytest.param("multi_head_attention", marks=pytest.mark.long),
        '{"type": "multi_head_attention", "num_heads": 3}',
    ],
)
def test_a_textbook_layer_in_a_plugin_file_passes_its_check(invoke, layer):
    result = invoke("check", "layers", layer, "--plugin", PLUGIN)
    assert result.exit_code == 0, result.output
    assert "gradient" in result.output
