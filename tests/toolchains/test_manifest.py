"""Manifests are merged, what the author wrote wins, and they are embedded once."""

from __future__ import annotations

import json

import pytest
from tests.toolchains.texts import echo

from omnicore.errors import BuildFailed, ModuleRejected
from omnicore.sandbox.capi.code import wat_to_wasm
from omnicore.sandbox.inspect import inspect
from omnicore.toolchains.manifest import embedded, merged, sections, toml_values, with_manifest

COMPONENT = b"\0asm\x0d\0\x01\0"


def test_a_later_manifest_wins_key_by_key_and_within_functions():
    described = {"description": "a", "functions": {"f": {"description": "old", "input": {"type": "string"}}, "g": {}}}
    toml = {"version": "1", "functions": {"f": {"description": "new"}}}
    assert merged(described, toml) == {
        "description": "a",
        "version": "1",
        "functions": {"f": {"description": "new", "input": {"type": "string"}}, "g": {}},
    }


def test_limits_are_merged_one_by_one():
    assert merged({"limits": {"compile_s": 60, "timeout_s": 1}}, {"limits": {"timeout_s": 5}}) == {
        "limits": {"compile_s": 60, "timeout_s": 5}
    }


def test_merging_leaves_what_it_was_given_as_it_is():
    first = {"functions": {"f": {"description": "old"}}}
    merged(first, {"functions": {"f": {"description": "new"}}})
    assert first == {"functions": {"f": {"description": "old"}}}


def test_a_manifest_without_functions_has_no_such_key():
    assert merged({"name": "a"}, {}) == {"name": "a"}


def test_a_manifest_is_embedded_once_and_replaced():
    wasm = wat_to_wasm(echo().encode())
    once = with_manifest(wasm, b'{"name": "one"}')
    twice = with_manifest(once, b'{"name": "two"}')
    assert bytes(inspect(twice).custom["omnicore:manifest"]) == b'{"name": "two"}'
    assert len(twice) == len(once)
    assert once.startswith(wasm)


def test_a_component_gets_its_manifest_too():
    made = with_manifest(COMPONENT, b"{}")
    assert made.startswith(COMPONENT)
    assert [one.name for one in sections(made)] == ["omnicore:manifest"]


def test_the_same_values_are_the_same_bytes_whatever_their_order():
    assert embedded({"b": 1, "a": {"d": "ü", "c": 2}}) == embedded({"a": {"c": 2, "d": "ü"}, "b": 1})
    assert json.loads(embedded({"a": "ü"})) == {"a": "ü"}


@pytest.mark.parametrize("data", [b"", b"MZ", b"\0asm\1\0\0\0\x00", b"\0asm\1\0\0\0\x01\x7f"])
def test_what_is_no_module_is_refused(data):
    with pytest.raises(ModuleRejected):
        with_manifest(data, b"{}")


def test_a_folder_without_a_manifest_says_nothing(tmp_path):
    assert toml_values(tmp_path) == (None, {})


def test_a_manifest_that_is_no_toml_is_left_to_whoever_checks_it(tmp_path):
    (tmp_path / "plugin.toml").write_text("name =")
    assert toml_values(tmp_path) == (b"name =", {})


def test_a_manifest_that_cannot_be_read_is_told(tmp_path):
    (tmp_path / "plugin.toml").mkdir()
    with pytest.raises(BuildFailed, match=r"plugin.toml cannot be read: Is a directory"):
        toml_values(tmp_path)
