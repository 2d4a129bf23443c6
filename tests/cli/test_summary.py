import re

import numpy as np
import pytest


def table(output):
    """Return the rows of a summary by their first cell."""
    lines = [line for line in output.splitlines() if line and not line.startswith(" ")]
    return {line.split()[0]: line for line in lines if re.match(r"inputs|layers|optimizer|total", line)}


def test_summary_shows_each_layer_with_shape_parameters_and_operations(invoke, write):
    result = invoke("summary", write("arms.json"))
    assert result.exit_code == 0
    rows = table(result.output)
    assert list(rows) == ["inputs", "layers.0", "layers.1", "layers.2", "optimizer", "total"]
    assert rows["layers.0"].split()[1:4] == ["linear", "(4,)", "12"]
    assert rows["layers.1"].split()[1:4] == ["tanh", "(4,)", "0"]
    assert rows["inputs"].split()[1:4] == ["(2,)", "8", "B"]
    assert rows["total"].split()[1] == "17"
    memory = {name: int(found[1]) for name, row in rows.items() if (found := re.search(r"(\d+) B\b", row))}
    assert memory["layers.0"] >= 4 * 4  # its outputs, and perhaps more
    assert sum(memory.values()) - memory["total"] == memory["total"]
    shares = [int(share) for share in re.findall(r"(\d+)%", result.output)]
    assert shares[-1] == 100
    assert abs(sum(shares[:-1]) - 100) <= len(shares)
    assert "Training on batches of 32 takes" in result.output


def test_layers_inside_layers_are_shown_at_their_place(invoke, write):
    block = {"type": "repeat", "times": 3, "layers": [{"type": "residual", "layers": [{"type": "linear", "units": 2}]}]}
    rows = table(invoke("summary", write("deep.json", layers=[block, {"type": "linear", "units": 1}])).output)
    assert "linear x 3" in rows["layers.0.layers.0.layers.0"]
    assert rows["total"].split()[1] == str(3 * 6 + 3)


def test_the_input_shape_comes_from_the_data_where_nothing_else_tells_it(invoke, write):
    np.savez("rows.npz", inputs=np.array([[0], [1], [2], [2]]), targets=np.zeros(4))
    spec = write("hot.json", dataset={"type": "npz", "path": "rows.npz"}, transforms={"inputs": ["one_hot"]})
    output = invoke("summary", spec).output
    assert "(3,)" in table(output)["inputs"]
    assert "batches of 4 " in output


@pytest.mark.parametrize("budget", ["1kB", "1000", "0.5 KiB"])
def test_what_memory_cannot_hold_is_refused(invoke, write, budget):
    result = invoke("summary", write("arms.json"), "--memory-budget", budget)
    assert (result.exit_code, "error[memory]" in result.stderr) == (2, True)


@pytest.mark.parametrize("budget", ["much", "", "-1"])
def test_a_budget_is_a_number_of_bytes(invoke, write, budget):
    result = invoke("summary", write("arms.json"), f"--memory-budget={budget}")
    assert (result.exit_code, "expected bytes, as in 500MB" in result.stderr) == (2, True)


def test_a_network_that_is_too_large_to_be_tried_is_summarized_without_making_it(invoke, write, monkeypatch):
    def refused(self, *_, **__):
        pytest.fail("the network is made")

    monkeypatch.setattr("specnet.network.network.Network.__init__", refused)
    spec = write("wide.json", layers=[*({"type": "linear", "units": 9000} for _ in range(2)), "linear"])
    result = invoke("summary", spec)
    assert (result.exit_code, table(result.output)["total"].split()[1]) == (0, "81,045,001")
    assert "at least" in result.output
    assert "too large to measure" in result.output
    assert '"step_seconds": []' in invoke("summary", spec, "--format", "json").output
