from __future__ import annotations

import asyncio

import pytest

from omnicore.errors import LimitExceeded, LinkFailed, MemoryExceeded
from omnicore.sandbox.capi.code import wat_to_wasm

HELPER = '(func (export "helper") (result i64) (i64.const 7)) (func (export "f") (call $emit (i64.const 1)))'
FROM_MAIN = '(import "main" "helper" (func (result i64)))'
USE = '(import "lib" "use" (func $use))'
GREEDY = """(module (memory (export "memory") 1) (func (export "_start"))
 (func (export "use") (drop (memory.grow (i32.const 50)))))"""


def library(text: str) -> list[tuple[str, bytes]]:
    return [("lib", wat_to_wasm(text.encode()))]


def test_main_is_called_also_when_a_library_imports_from_it_and_comes_after_it(load):
    template = load(HELPER, others=library(f"(module {FROM_MAIN})"))
    assert template.instance().call("f", b"")[0] == 1


def test_a_library_cannot_stand_in_for_main_with_a_function_of_another_type(load):
    # A call with the type of main's function would write 900 results over the host's memory.
    wide = " i64" * 900, " (i64.const 0x4141414141414141)" * 900
    text = f'(module {FROM_MAIN} (func (export "f") (result{wide[0]}) {wide[1]}))'
    assert load(HELPER, others=library(text)).instance().call("f", b"")[0] == 1


@pytest.mark.parametrize(("kind", "what"), [("(memory 1)", "(memory 1)"), ("(table 1 funcref)", "(table 1 funcref)")])
def test_memories_and_tables_of_a_command_cannot_be_imported(load, kind, what):
    export = kind.replace(" ", ' (export "own") ', 1)
    with pytest.raises(LinkFailed, match="of a command"):
        load("", f'(import "lib" "own" {what})', others=library(f'(module {export} (func (export "_start")))'))


@pytest.mark.parametrize(
    ("name", "what"), [("memory", "(memory 1)"), ("start", "(func)"), ("table:0", "(table 1 funcref)")]
)
def test_what_the_host_made_visible_in_one_module_is_hidden_from_the_others(load, name, what):
    text = "(module (memory 1) (table 1 funcref) (func $s) (start $s))"
    with pytest.raises(LinkFailed, match="has not been defined"):
        load("", f'(import "lib" "omnicore:{name}" {what})', others=library(text))


def test_memory_of_commands_counts_for_as_long_as_it_is_held(load):
    call = '(func (export "f") (loop $l (call $use) (br $l)))'
    template = load(call, USE, others=library(GREEDY), memory_bytes=1 << 23, timeout_s=20.0)
    with pytest.raises(MemoryExceeded):
        template.instance().call("f", b"")


def test_running_a_command_is_a_host_call(load):
    call = '(func (export "f") (loop $l (call $use) (br $l)))'
    template = load(call, USE, others=library(GREEDY), host_calls=1, timeout_s=20.0)
    with pytest.raises(LimitExceeded) as refusal:
        template.instance().call("f", b"")
    assert refusal.value.details["limit"] == "host_calls"


def test_commands_work_for_callers_on_an_event_loop(load):
    template = load('(func (export "f") (call $use) (call $emit (i64.const 3)))', USE, others=library(GREEDY))
    assert asyncio.run(template.instance(on_loop=True).call_async("f", b""))[0] == 3
