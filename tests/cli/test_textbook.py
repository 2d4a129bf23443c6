"""Layers as a textbook has them, written in a plugin file, keep the whole contract."""

from pathlib import Path

import pytest

PLUGIN = Path(__file__).with_name("textbook.py")


@pytest.mark.parametrize(
    "layer",
    [
        "textbook_conv2d",
        pytest.param('{"type": "textbook_conv2d", "kernel_size": 1}', marks=pytest.mark.long),
        "textbook_batch_norm",
        "textbook_lstm",
        pytest.param("textbook_multi_head_attention", marks=pytest.mark.long),
        '{"type": "textbook_multi_head_attention", "num_heads": 3}',
    ],
)
def test_a_textbook_layer_in_a_plugin_file_passes_its_check(invoke, layer):
    result = invoke("check", "layers", layer, "--plugin", PLUGIN)
    assert result.exit_code == 0, result.output
    assert "gradient" in result.output
