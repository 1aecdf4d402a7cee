"""A module is asked what it offers, in a sandbox that opens nothing."""

from __future__ import annotations

import json

import pytest
from tests.toolchains.texts import ECHO, PUT, module, saying

from omnicore.errors import BuildFailed
from omnicore.sandbox.capi.code import wat_to_wasm
from omnicore.sandbox.inspect import inspect
from omnicore.toolchains.build import described

FUNCTION = {"description": "Says it", "input": {"type": "string"}, "output": None}
DOOR = '(import "extism:host/user" "kv_get_v1" (func $kv (param i64) (result i64)))'
HOST = '(import "app" "do" (func $do (param i32 f64) (result f32)))'


def ask(text: str) -> dict[str, object]:
    wasm = wat_to_wasm(text.encode())
    return described(wasm, inspect(wasm), lambda _line: None)


def test_a_module_that_says_nothing_is_not_even_run():
    assert ask(module("(func $spin (loop (br 0)))", "(start $spin)")) == {}


def test_what_it_says_is_taken_without_what_is_null():
    said = json.dumps({"functions": {"echo": FUNCTION}, "version": None})
    found = ask(module(ECHO, PUT, saying("__omnicore_describe", said)))
    assert found == {"functions": {"echo": {"description": "Says it", "input": {"type": "string"}}}}


def test_several_exports_are_merged_in_the_order_of_their_names():
    def one(name: str, text: str, memory: str = "") -> str:
        said = json.dumps({"functions": {name: {"description": text}}})
        return saying(f"__omnicore_describe_{name}_{memory}", said)

    first = one("f", "first", "1")
    second = one("g", "second", "2").replace("(memory 1) ", "").replace("(i32.const 0) ", "(i32.const 500) ", 1)
    second = second.replace("i32.load8_u (local", "i32.load8_u offset=500 (local")
    assert ask(module(ECHO, PUT, first, second)) == {
        "functions": {"f": {"description": "first"}, "g": {"description": "second"}}
    }


def test_its_imports_are_there_and_refuse():
    text = module(ECHO, PUT, DOOR, HOST, saying("__omnicore_describe", "{}"))
    assert ask(text) == {}
    calling = '(func (export "__omnicore_describe") (result i32) (drop (call $kv (i64.const 0))) (i32.const 0))'
    with pytest.raises(BuildFailed, match="kv_get_v1 cannot be called here"):
        ask(module(DOOR, calling))


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("not json", "no JSON"),
        ("[]", "no object"),
        ('{"functions": []}', "no object"),
        ('{"functions": {"f": 1}}', "functions that are not objects"),
        ('{"limits": 5}', "`limits` that are not an object"),
        (r'{"description": "\ud800"}', "no JSON"),
        ('{"functions": ' + "[" * 900 + "]" * 900 + "}", "nested deeper"),
    ],
)
def test_what_is_no_manifest_is_told(said, words):
    with pytest.raises(BuildFailed, match=words):
        ask(module(ECHO, PUT, saying("__omnicore_describe", said)))


def test_a_failure_while_it_describes_is_told():
    with pytest.raises(BuildFailed, match="__omnicore_describe failed"):
        ask(module('(func (export "__omnicore_describe") (result i32) unreachable)'))
