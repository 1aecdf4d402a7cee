"""A source becomes a plugin that a host would take, or the author is told what keeps it from that."""

from __future__ import annotations

import json

import pytest
from tests.toolchains.texts import ECHO, ECHO_BODY, PUT, echo, module, saying

from omnicore.capabilities.doors import DOORS
from omnicore.errors import BuildFailed, InvalidSetting, LinkFailed, ManifestInvalid
from omnicore.sandbox.inspect import inspect
from omnicore.toolchains.build import BuiltPlugin, build, target, write
from omnicore.toolchains.languages import find_source

KV = '(import "extism:host/user" "kv_get_v1" (func $kv (param i64) (result i64)))'
WASI = '(import "wasi_snapshot_preview1" "sched_yield" (func (result i32)))'
DESCRIBED = {"functions": {"echo": {"description": "Says it again", "input": {"type": "string"}}}}
TOML = """\
name = "loud"
version = "1.2.0"

[functions.echo]
description = "Says it as it was"
output_media = "text/plain"
"""


def made(folder, **options) -> BuiltPlugin:
    return build(*find_source(folder), report=lambda _line: None, **options)


def test_a_source_without_a_manifest_is_named_after_its_folder_and_offers_its_exports(source):
    plugin = made(source)
    assert (plugin.manifest.name, plugin.manifest.source) == ("demo", "embedded")
    assert [function.name for function in plugin.manifest.functions] == ["echo"]
    assert plugin.warnings == ()
    assert (plugin.language, plugin.kind) == ("text", "core")


def test_a_name_is_what_the_command_says_else_the_manifest_else_the_folder(source):
    (source / "plugin.toml").write_text(TOML)
    assert made(source).manifest.name == "loud"
    assert made(source, name="other").manifest.name == "other"
    renamed = source.rename(source.with_name("My_Plugin"))
    (renamed / "plugin.toml").unlink()
    assert made(renamed).manifest.name == "my-plugin"


def test_what_the_module_says_goes_in_and_the_authors_manifest_wins(source):
    (source / "plugin.wat").write_text(
        module(ECHO, PUT, saying("__omnicore_describe", json.dumps(DESCRIBED)), ECHO_BODY)
    )
    (source / "plugin.toml").write_text(TOML)
    plugin = made(source)
    document = json.loads(bytes(inspect(plugin.wasm).custom["omnicore:manifest"]))
    assert document == {
        "name": "loud",
        "version": "1.2.0",
        "functions": {
            "echo": {"description": "Says it as it was", "input": {"type": "string"}, "output_media": "text/plain"}
        },
    }
    assert plugin.manifest.functions[0].input_media == "application/json"


def test_the_same_source_gives_the_same_bytes(source):
    (source / "plugin.toml").write_text(TOML)
    assert made(source).wasm == made(source).wasm


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("name = ", "plugin.toml:1: no valid TOML"),
        ('name = "demo"\nversoin = "1"', "plugin.toml:2: versoin: is no known key; did you mean 'version'?"),
        ('name = "demo"\n\n[functions.shout]', "plugin.toml:3: functions.shout: the module has no such function"),
        ('[[capabilities]]\nname = "kv"', "plugin.toml:1: capabilities[0]: lacks reason"),
    ],
)
def test_a_mistake_in_the_manifest_is_told_with_its_line(source, toml, words):
    (source / "plugin.toml").write_text(toml)
    with pytest.raises(ManifestInvalid) as caught:
        made(source)
    assert words in caught.value.fact
    assert caught.value.details["path"] == str(source / "plugin.toml")


def test_a_manifest_that_is_no_toml_is_told_before_anything_is_compiled(source):
    (source / "plugin.wat").write_text("(")
    (source / "plugin.toml").write_text("name =")
    with pytest.raises(ManifestInvalid):
        made(source)


def test_what_the_compiler_says_is_passed_on(source):
    (source / "plugin.wat").write_text("(module (func (export")
    with pytest.raises(BuildFailed, match="the text is not a module"):
        made(source)


def test_an_import_that_nobody_provides_ends_the_build_unless_it_is_allowed(source):
    (source / "plugin.wat").write_text(echo('(import "app" "do" (func (param i32)))'))
    with pytest.raises(LinkFailed, match="--allow-import do"):
        made(source)
    plugin = made(source, allowed=["do"])
    assert "only a host application that provides app::do can run it" in plugin.notes


def test_a_door_that_is_used_and_not_asked_for_is_told_with_the_lines_to_add(source):
    (source / "plugin.wat").write_text(echo(KV))
    (warning,) = made(source).warnings
    assert "uses kv and does not ask for it" in warning
    lines = warning.partition("plugin.toml:\n")[2]
    (source / "plugin.toml").write_text(lines)
    assert made(source).warnings == ()


def test_a_door_that_is_asked_for_and_never_used_is_noted(source):
    (source / "plugin.toml").write_text('[[capabilities]]\nname = "kv"\nreason = "x"')
    assert any("asks for kv and never uses it" in note for note in made(source).notes)


def component(*doors: str) -> str:
    """A component that imports the interfaces of doors, and calls none of them."""
    imports = (f'(import "omnicore:plugin/{door}@1.0.0" (instance (export "f" (func))))' for door in doors)
    return f"(component {' '.join(imports)})"


def test_a_component_that_imports_some_doors_should_ask_for_them(source):
    (source / "plugin.wat").write_text(component("kv", "log"))
    (warning,) = made(source).warnings
    assert "uses kv and does not ask for it" in warning


def test_a_component_that_imports_the_whole_world_says_nothing_of_what_it_uses(source):
    (source / "plugin.wat").write_text(component(*(door.name for door in DOORS if door.verbs)))
    assert made(source).warnings == ()


def test_wasi_and_hidden_exports_are_noted(source):
    (source / "plugin.wat").write_text(echo(WASI, '(func (export "other") (result i32) (i32.const 0))'))
    (source / "plugin.toml").write_text("[functions.echo]")
    notes = made(source).notes
    assert any("1 WASI functions" in note and "no files" in note for note in notes)
    hidden = "exported, but not in the manifest, so not callable: other"
    assert f"{hidden}; add [functions.other] to plugin.toml" in notes


def test_a_module_without_a_function_is_warned_about(source):
    (source / "plugin.wat").write_text(module('(func (export "add") (param i32) (result i32) (local.get 0))'))
    assert any("no function to call" in warning for warning in made(source).warnings)


def test_a_plugin_goes_where_a_host_in_that_folder_finds_it(source, tmp_path):
    plugin = made(source)
    assert target(source, plugin, None) == source / "plugins" / "demo.wasm"
    assert target(source / "plugin.wat", plugin, None) == source / "demo.wasm"
    assert target(source, plugin, tmp_path / "x.wasm") == tmp_path / "x.wasm"
    with pytest.raises(InvalidSetting, match="is the source itself"):
        target(source / "plugin.wat", plugin, source / ".." / source.name / "plugin.wat")


def test_a_plugin_is_written_whole(source):
    plugin = made(source)
    file = source / "plugins" / "demo.wasm"
    write(file, plugin)
    assert file.read_bytes() == plugin.wasm
    assert [path.name for path in file.parent.iterdir()] == ["demo.wasm"]


def test_the_document_has_all_that_is_known(source):
    (source / "plugin.wat").write_text(echo(KV))
    document = made(source).to_json()
    assert document["doors"] == {"kv": ["kv_get_v1"]}
    assert document["functions"].keys() == {"echo"}
    assert document["size_bytes"] > 0
    assert len(document["sha256"]) == 64
    json.dumps(document)
