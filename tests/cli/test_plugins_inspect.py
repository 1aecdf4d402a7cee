"""`omnicore plugins show` shows all there is to a plugin, installed or not."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from omnicore.cli.plugins import in_words
from omnicore.plugins.manifest import FunctionSpec

from .guests import ASKING_MANIFEST, ECHO, asking_app

SHIPPED = Path(__file__).parents[2] / "plugins"
COUNTER = SHIPPED / "counter" / "dist" / "counter.wasm"


def test_a_file_that_is_not_installed_shows_functions_schemas_doors_and_sections(omnicore):
    out = omnicore("plugins", "inspect", str(COUNTER)).out
    assert "plugin\tcounter\n" in out
    assert "function\tadd  {name: string, by?: integer} -> {value: integer}  Adds to a counter" in out
    schema = json.loads(out.partition("\n  input\t")[2].partition("\n")[0])
    assert (schema["type"], schema["required"]) == ("object", ["name"])
    assert "kind\tcore module, 25.0 KB\n" in out
    assert f"file sha256\t{hashlib.sha256(COUNTER.read_bytes()).hexdigest()}" in out
    assert "exports\tadd, get, reset, list\n" in out
    assert "door kv\tkv_list_v1, kv_get_v1, kv_delete_v1, kv_cas_v1\n" in out
    assert "section\tsize\t\ncode\t19.2 KB\t█" in out


@pytest.mark.parametrize(
    ("schema", "shown"),
    [
        ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, "integer or null"),
        ({"anyOf": [{"type": "string"}, {"type": "string", "maxLength": 3}]}, "string"),
        ({"type": ["integer", "null"]}, "integer or null"),
        ({}, "json"),
        (True, "json"),
    ],
)
def test_a_field_of_one_type_or_another_shows_both(schema, shown):
    values = {"type": "object", "properties": {"n": schema}, "required": []}
    function = FunctionSpec("f", input=values, input_media="application/json", output_media="text/plain")
    assert in_words(function.name, function.to_json()) == f"f  {{n?: {shown}}} -> text"


def test_json_of_a_file_has_the_module(omnicore):
    document = json.loads(omnicore("plugins", "inspect", str(COUNTER), "-o", "json").out)
    module = document["module"]
    assert document["name"] == "counter"
    assert (module["kind"], module["size_bytes"]) == ("core", COUNTER.stat().st_size)
    assert {"name": "add", "kind": "function", "type": "() -> (i32)"} in module["exports"]
    assert {"from": "extism:host/user", "name": "kv_get_v1", "kind": "function"} in module["imports"]
    assert sum(one["size_bytes"] for one in module["sections"]) == COUNTER.stat().st_size - 8
    assert module["doors"].keys() == {"kv"}


def test_an_installed_plugin_shows_its_state_and_its_file(omnicore, tmp_path):
    asking_app(tmp_path)
    omnicore("plugins", "grant", "store")
    out = omnicore("plugins", "inspect", "store").out
    assert "state\tenabled" in out
    assert "granted\tkv" in out
    assert "exports\techo, fail, spin" in out
    assert "guest ABI\tinput_offset, input_length, output_set" in out
    document = json.loads(omnicore("plugins", "inspect", "store", "-o", "json").out)
    assert document["module"]["sha256"] == document["hash"]


def test_a_text_file_and_the_manifest_beside_it_are_read(omnicore, tmp_path):
    (tmp_path / "store.wat").write_text(ECHO)
    (tmp_path / "store.toml").write_text(ASKING_MANIFEST)
    out = omnicore("plugins", "inspect", "./store.wat").out
    assert "manifest\tsidecar" in out
    assert "asks for\tkv" in out


def test_a_broken_file_is_told_and_a_broken_installed_one_still_shows_its_reason(omnicore, tmp_path):
    asking_app(tmp_path)
    broken = tmp_path / "plugins" / "broken.wasm"
    broken.write_bytes(b"\0asm\1\0\0\0\xff")
    assert omnicore("plugins", "inspect", str(broken)).code == 1
    assert omnicore("plugins", "inspect", "none.wasm").code == 5
    ran = omnicore("plugins", "inspect", "broken")
    assert ran.code == 0
    assert "state\trejected" in ran.out
    assert json.loads(omnicore("plugins", "inspect", "broken", "-o", "json").out)["module"] is None


def test_a_terminal_shows_the_sections_as_bars(on_terminal, tmp_path):
    _, shown = on_terminal("plugins", "inspect", str(COUNTER))
    assert "██".encode() in shown


def test_a_file_that_imports_what_nobody_provides_is_shown_as_unusable(omnicore, tmp_path):
    file = tmp_path / "orders.wat"
    imports = '(import "extism:host/user" "get_order" (func)) (import "extism:host/user" "kv_get_v1" (func))'
    file.write_text(f"(module {imports})")
    out = omnicore("plugins", "inspect", str(file)).out
    assert "unusable\tnobody provides extism:host/user::get_order, unless the embedding application does\n" in out
    assert "unusable" not in omnicore("plugins", "inspect", str(COUNTER)).out


FOREIGN = """(module
  (import "extism:host/env" "http_request" (func (param i64 i64) (result i64)))
  (import "extism:host/user" "kv_get_v1" (func (param i64) (result i64)))
  (memory (export "memory") 1) (func (export "run") (result i32) (i32.const 0)))"""
ANSWERS = (
    *("--reason", 'http=looks at "pages"', "--reason", "kv=keeps them"),
    *("--scope", "http.hosts=example.com, example.org"),
)


def test_a_module_of_another_host_shows_what_it_cannot_do_and_is_adopted(omnicore, tmp_path):
    file = tmp_path / "foreign.wat"
    file.write_text(FOREIGN)
    lacking = omnicore("plugins", "show", str(file)).out
    assert "not asked for\thttp, kv: every call is refused; ask for them in its manifest;" in lacking
    alone = omnicore("plugins", "adopt", str(file))
    assert alone.code == 2
    assert "--reason http=" in alone.err
    assert not file.with_suffix(".toml").exists()
    document = json.loads(omnicore("plugins", "adopt", str(file), *ANSWERS, "-o", "json").out)
    assert document["needs"] == ["http", "kv"]
    shown = omnicore("plugins", "show", str(file)).out
    assert 'asks for\thttp {"hosts": ["example.com", "example.org"]}  because: looks at "pages"\n' in shown
    assert "not asked for" not in shown
    again = omnicore("plugins", "adopt", str(file), *ANSWERS)
    assert (again.code, "has a manifest already" in again.err) == (1, True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--reason", "memory=x"), "it imports http, kv"),
        (("--reason", "http"), "it imports http, kv"),
        ((*ANSWERS[:4], "--scope", "http.hosts=http://no host"), "foreign.toml:"),
        ((*ANSWERS, "--scope", "kv.depth=1"), "foreign.toml:"),
    ],
)
def test_what_would_be_no_manifest_is_not_written(omnicore, tmp_path, words, told):
    file = tmp_path / "foreign.wat"
    file.write_text(FOREIGN)
    refused = omnicore("plugins", "adopt", str(file), *words)
    assert refused.code != 0
    assert told in refused.err
    assert not file.with_suffix(".toml").exists()


def test_a_module_that_needs_no_door_needs_no_manifest(omnicore, tmp_path):
    (tmp_path / "plain.wat").write_text(ECHO)
    told = omnicore("plugins", "adopt", str(tmp_path / "plain.wat"))
    assert told.code == 0
    assert "needs no manifest" in told.out + told.err
    assert not (tmp_path / "plain.toml").exists()
