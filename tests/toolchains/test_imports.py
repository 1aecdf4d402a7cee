"""Imports are checked against what this host has, and say what a plugin should ask for."""

from __future__ import annotations

import pytest
from tests.toolchains.texts import echo, module

from omnicore.capabilities.doors import DOORS
from omnicore.errors import LinkFailed
from omnicore.plugins.manifest import read_toml
from omnicore.sandbox.capi.code import wat_to_wasm
from omnicore.sandbox.inspect import inspect
from omnicore.toolchains.build import check_imports, door_verbs, lines_to_ask

WASI = '(import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))'
HTTP = '(import "extism:host/env" "http_request" (func (param i64 i64) (result i64)))'


def door(name: str, kind: str = "(param i64) (result i64)") -> str:
    return f'(import "extism:host/user" "{name}" (func {kind}))'


def check(text: str, *allowed: str):
    return check_imports(inspect(wat_to_wasm(text.encode())), allowed)


def test_imports_are_sorted_by_who_provides_them():
    found = check(echo(door("kv_get_v1"), door("kv_put_v1"), WASI))
    assert found.doors == {"kv": ("kv_get_v1", "kv_put_v1")}
    assert found.env == ("input_offset", "input_length", "output_set")
    assert found.wasi == ("fd_write",)
    assert found.used == {"kv"}


def test_a_request_of_the_guest_abi_uses_the_http_door():
    assert check(module(HTTP)).used == {"http"}


@pytest.mark.parametrize(
    ("line", "fact", "remedy"),
    [
        (door("kv_gett_v1"), "no provider for the import extism:host/user::kv_gett_v1", "did you mean kv_get_v1?"),
        (door("zzz"), "no provider", "see specs/abi.md"),
        (door("kv_get_v1", "(param i32)"), "another type than the door gives it", "takes an i64"),
        (
            '(import "extism:host/env" "inputlength" (func (result i64)))',
            "not a function of the guest ABI",
            "input_length",
        ),
        ('(import "extism:host/env" "input_length" (func (result i32)))', "another type", "kit of version 1"),
        ('(import "env" "abort" (func))', "no provider for the import env::abort", "--allow-import abort"),
        ('(import "env" "memory" (memory 1))', "no provider for the import env::memory", "remove what needs it"),
    ],
)
def test_an_import_that_nobody_provides_is_told_with_the_nearest_that_is(line, fact, remedy):
    with pytest.raises(LinkFailed) as caught:
        check(module(line))
    assert fact in caught.value.fact
    assert remedy in caught.value.remedy


@pytest.mark.parametrize("allowed", ["do", "extism:host/user::do"])
def test_what_a_host_application_provides_is_allowed_by_name(allowed):
    assert check(module(door("do")), allowed).others == (("extism:host/user", "do"),)


def test_the_clock_and_random_numbers_are_open_to_all():
    found = check(module(door("clock_now_v1", "(param i32) (result i64)"), door("random_fill_v1")))
    assert found.env == ("clock_now_v1", "random_fill_v1")
    assert not found.used


def test_every_function_of_every_door_is_known():
    assert {"log_write_v1", "config_get_v1", "kv_get_v1", "http_fetch_v1", "events_publish_v1"} <= set(door_verbs())


@pytest.mark.parametrize("name", [door.name for door in DOORS])
def test_the_lines_that_ask_for_a_door_are_a_valid_manifest(name):
    document = read_toml(lines_to_ask(name).encode(), "plugin.toml")
    assert document.values["capabilities"][0]["name"] == name
