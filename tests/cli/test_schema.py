import json
from pathlib import Path

import pytest

from specnet import component
from specnet.errors import BrokenComponentError
from specnet.spec.schema import make_schema


def test_schema_prints_every_installed_component(invoke):
    assert json.loads(invoke("schema").stdout) == make_schema()


def test_schema_writes_a_file_without_plugins(invoke):
    result = invoke("schema", "--no-plugins", "-o", "specnet.schema.json")
    assert (result.exit_code, result.output) == (0, "written to specnet.schema.json\n")
    text = Path("specnet.schema.json").read_text(encoding="utf-8")
    assert text == json.dumps(make_schema(plugins=False), indent=2, ensure_ascii=False) + "\n"


def test_schema_warns_of_what_it_leaves_out(invoke, monkeypatch):
    def find_class(group, name):
        if name == "swish":
            raise BrokenComponentError("it cannot be imported", help="reinstall it")
        return component.find_class(group, name)

    monkeypatch.setattr("specnet.spec.schema.find_class", find_class)
    result = invoke("schema")
    assert result.exit_code == 0
    assert result.stderr == "warning[broken-component]: left out: it cannot be imported\n   = help: reinstall it\n"
    assert "swish" not in json.loads(result.stdout)["$defs"]["layers"]
    assert invoke("schema", "--no-plugins").stderr == ""


def test_an_older_schema_is_replaced(invoke):
    Path("old.json").write_text('{"$defs": {}}')
    assert invoke("schema", "-o", "old.json").exit_code == 0
    assert json.loads(Path("old.json").read_text()) == make_schema()


@pytest.mark.parametrize("content", [b'{"layers": []}', b"[]", b"{", b"", b"\xff", b"[" * 100_000])
def test_a_file_that_is_no_schema_is_never_overwritten(content, invoke):
    Path("mine.json").write_bytes(content)
    result = invoke("schema", "-o", "mine.json")
    assert (result.exit_code, result.stderr.partition("\n")[0]) == (
        2,
        "error[usage]: mine.json already exists and is not a JSON Schema",
    )
    assert Path("mine.json").read_bytes() == content
