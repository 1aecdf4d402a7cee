"""`omnicore new` makes a folder that works as it is."""

from __future__ import annotations

import json
import shutil
import tomllib
from importlib.resources import files

import pytest
from click.testing import CliRunner

from omnicore.cli import new as command
from omnicore.cli.new import TEMPLATES
from omnicore.toolchains.languages import kit_files

PLUGINS = [name for name, template in TEMPLATES.items() if template.language]


def test_an_app_has_settings_a_plugin_with_manifest_and_a_readme(omnicore, tmp_path):
    ran = omnicore("new", "demo")
    assert ran.code == 0
    made = {str(path.relative_to(tmp_path / "demo")) for path in (tmp_path / "demo").rglob("*") if path.is_file()}
    plugin = {"plugins/hello.toml", "plugins/hello.wat"}
    assert made == {"README.md", ".gitignore", "config.yaml", "main.py", *plugin}
    assert (tmp_path / "demo" / "README.md").read_text().startswith("# demo\n")
    assert "cd demo" in ran.out


def test_the_settings_of_an_app_are_valid(omnicore, tmp_path):
    omnicore("new", "demo")
    ran = omnicore("config", "show", "limits.timeout_s", "--origin", folder=tmp_path / "demo")
    assert ran.out.splitlines()[1] == "limits.timeout_s\t1.0\tconfig.yaml:10"


def test_json_names_the_files_and_the_next_commands(omnicore):
    document = json.loads(omnicore("new", "demo", "-o", "json").out)
    assert document["folder"] == "demo"
    assert "demo/plugins/hello.wat" in document["files"]
    assert document["next"][0] == "cd demo"


def test_a_folder_with_something_in_it_is_left_alone(omnicore, tmp_path):
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "mine.txt").write_text("mine")
    ran = omnicore("new", "demo")
    assert ran.code == 1
    assert "demo is there and not empty" in ran.err
    assert [path.name for path in (tmp_path / "demo").iterdir()] == ["mine.txt"]


def test_an_empty_folder_is_filled(omnicore, tmp_path):
    (tmp_path / "demo").mkdir()
    assert omnicore("new", "demo").code == 0


@pytest.mark.parametrize("name", ["Demo", "1st", "a_b", "..", "a b", "x" * 64])
def test_a_name_that_no_plugin_may_have_is_refused(omnicore, tmp_path, name):
    ran = omnicore("new", name)
    assert ran.code == 2
    assert "lower-case letters" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_told(omnicore, tmp_path):
    (tmp_path / "file").write_text("")
    ran = omnicore("new", "file/demo")
    assert ran.code == 1
    assert "Traceback" not in ran.err
    assert "file/demo" in ran.err


def test_the_list_names_every_template(omnicore):
    lines = omnicore("new", "--list").out.splitlines()
    assert [line.split("\t")[0] for line in lines[1:]] == list(TEMPLATES)
    assert json.loads(omnicore("new", "-o", "json", "--list").out).keys() == TEMPLATES.keys()


@pytest.mark.parametrize("template", PLUGINS)
def test_a_plugin_carries_its_name_its_kit_and_its_cases(omnicore, tmp_path, template):
    ran = omnicore("new", "loud", "-t", template)
    assert ran.code == 0, ran.err
    folder = tmp_path / "loud"
    assert tomllib.loads((folder / "plugin.toml").read_text())["name"] == "loud"
    cases = json.loads((folder / "expected.json").read_text())
    assert {"shout", "greet"} <= {case["function"] for case in cases}
    for path in kit_files(TEMPLATES[template].language):
        assert (folder / "sdk" / path).exists(), path
    assert not [path for path in folder.rglob("*") if "@name@" in path.name]
    assert "@name@" not in (folder / "README.md").read_text()
    assert "omnicore build ." in ran.out
    assert "omnicore plugins test ." in ran.out


def test_what_pip_compiles_beside_a_template_is_not_part_of_it(tmp_path, monkeypatch):
    installed = tmp_path / "installed" / "templates" / "plugin-python"
    shutil.copytree(str(files("omnicore.cli") / "templates" / "plugin-python"), installed)
    (installed / "__pycache__").mkdir(exist_ok=True)
    (installed / "__pycache__" / "plugin.cpython-311.pyc").write_bytes(b"\xa7\r\r\n")
    monkeypatch.setattr(command, "files", lambda _package: tmp_path / "installed")
    made = CliRunner().invoke(command.new, [str(tmp_path / "loud"), "-t", "plugin-python"])
    assert made.exit_code == 0, made.output
    assert (tmp_path / "loud" / "plugin.py").is_file()
    assert not list((tmp_path / "loud").rglob("__pycache__"))


def test_a_missing_compiler_is_told_at_once_with_the_command_that_installs_it(omnicore):
    ran = omnicore("new", "loud", "-t", "plugin-rust", PATH="/nowhere")
    assert ran.code == 0
    assert "Rust needs cargo, which is not on this machine; install it:\n  install Rust with rustup" in ran.err
    document = json.loads(omnicore("new", "as", "-t", "plugin-as", "-o", "json", PATH="/nowhere").out)
    assert document["missing"]["code"] == "tool-missing"
    assert "omnicore[js]" in omnicore("new", "ts", "-t", "plugin-ts", PATH="/nowhere").err
