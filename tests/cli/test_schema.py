import json
from pathlib import Path

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
