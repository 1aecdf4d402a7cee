"""Sources written for Extism's own kit for JavaScript compile unchanged, and run on the reference engine as well."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from tests.toolchains.javascript import built, failure, running

from omnicore.errors import GuestFailed, OmniError
from omnicore.sandbox.abi import Doors, HostCall, HostFunction, Limits
from omnicore.sandbox.engine import SandboxEngine
from omnicore.sandbox.extism.engine import ExtismEngine
from omnicore.sandbox.inspect import inspect
from omnicore.sandbox.reference.engine import ReferenceEngine
from omnicore.toolchains.languages import Built

SOURCE = """
const VOWELS = ['a', 'e', 'i', 'o', 'u'];

function count_vowels() {
  const input = Host.inputString();
  const count = [...input.toLowerCase()].filter((one) => VOWELS.includes(one)).length;
  const total = Number(Var.getString("total") ?? 0) + count;
  Var.set("total", String(total));
  Host.outputString(JSON.stringify({ count, total, vowels: Config.get("vowels") || VOWELS.join("") }));
  return 0;
}

function echo_bytes() {
  Host.outputBytes(Host.inputBytes());
}

function fails() {
  Host.outputString("not seen");
  return 3;
}

function throws() {
  throw new Error("Some error!");
}

function greet() {
  const { shout, add, mix, note } = Host.getFunctions();
  const block = Memory.fromString("hello, " + Host.inputString());
  const loud = Memory.find(shout(block.offset)).readString();
  note(7);
  Host.outputString(JSON.stringify([loud, add(2, 3n), mix(1.5, 0.25)]));
}

module.exports = { count_vowels, echo_bytes, fails, throws, greet, internal: () => 1 };
"""
DECLARED = """
declare module "main" {
  export function count_vowels(): I32; // counts
  export function echo_bytes(): I32;
  export function fails(): I32;
  export function throws(): I32;
  export function greet(): I32;
}

declare module "extism:host" {
  interface user {
    shout(ptr: I64): PTR;
    /* adds */
    add(a: I32, b: I64): I64;
    mix(a: F64, b: F32): F64;
    note(code: I32): void;
  }
}
"""


@pytest.fixture(scope="module")
def plugin() -> Built:
    return built(SOURCE, plugin__d__ts=DECLARED)


@pytest.fixture(params=[ExtismEngine, ReferenceEngine], ids=["ours", "reference"], scope="module")
def engine(request: pytest.FixtureRequest) -> Iterator[SandboxEngine]:
    return request.param()


NOTES: list[int] = []
FUNCTIONS = (
    HostFunction("extism:host/user", "shout", ("i64",), ("i64",), lambda call, at: _shout(call, at)),
    HostFunction("extism:host/user", "add", ("i32", "i64"), ("i64",), lambda call, a, b: a + b),
    HostFunction("extism:host/user", "mix", ("f64", "f32"), ("f64",), lambda call, a, b: a + b),
    HostFunction("extism:host/user", "note", ("i32",), (), lambda call, code: NOTES.append(code)),
)


def _shout(call: HostCall, at: int) -> int:
    return call.write(call.read(at).upper())


def test_every_function_of_the_kit_works_on_both_engines(plugin: Built, engine: SandboxEngine) -> None:
    doors = Doors(functions=FUNCTIONS, config={"vowels": "aeiou"})
    template = engine.load([("main", plugin.wasm)], Limits(timeout_s=20), doors)
    instance = template.instance()
    NOTES.clear()
    wanted = [{"count": 3, "total": total, "vowels": "aeiou"} for total in (3, 6)]
    assert [json.loads(instance.call("count_vowels", b"Hello, World")) for _ in "ab"] == wanted
    assert instance.call("echo_bytes", b"\x00\xff") == b"\x00\xff"
    assert json.loads(instance.call("greet", b"Ada")) == ["HELLO, ADA", 5, 1.75]
    assert NOTES == [7]
    with pytest.raises(GuestFailed, match="3"):
        instance.call("fails", b"")
    with pytest.raises(OmniError, match=r"Error: Some error!\n    at throws \(plugin.js:23:"):
        instance.call("throws", b"")
    instance.close()
    template.close()


def test_only_what_is_declared_is_exported_and_imported(plugin: Built) -> None:
    info = inspect(plugin.wasm)
    names = {one.name for one in info.exports}
    assert names == {"count_vowels", "echo_bytes", "fails", "throws", "greet"}
    user = {one.name: (one.type.params, one.type.results) for one in info.imports if one.module == "extism:host/user"}
    assert user == {
        "shout": (("i64",), ("i64",)),
        "add": (("i32", "i64"), ("i64",)),
        "mix": (("f64", "f32"), ("f64",)),
        "note": (("i32",), ()),
    }


def test_declarations_that_do_not_fit_fail_the_build() -> None:
    assert "no function gone" in failure(
        "exports.f = () => 1", index__d__ts='declare module "main" { export function gone(): I32; }'
    )
    odd = 'declare module "extism:host" { interface user { f(a: string): I64; } }'
    assert "f has the type string" in failure("exports.f = () => 1", plugin__d__ts=odd)


def test_a_function_without_parameters_returns_a_code_or_a_value() -> None:
    text = """
export const value = () => ({ n: 1 });
export const number = () => 5;
export const words = () => "text";
export const bytes = () => new Uint8Array([0, 255]);
export const nothing = () => {};
export const code = () => { Host.outputString("said"); return 0; };
export const bad = () => { Host.inputString(); return 2; };
export const later = async () => { await null; Host.outputString(Host.inputString()); };
"""
    with running(built(text).wasm) as js:
        got = {name: js.raw(name, b"in") for name in ("value", "number", "words", "bytes", "nothing", "code", "later")}
        with pytest.raises(GuestFailed, match="2"):
            js.raw("bad", b"in")
    assert got == {
        **{"value": b'{"n":1}', "number": b"5", "words": b"text", "bytes": b"\x00\xff", "nothing": b""},
        **{"code": b"said", "later": b"in"},
    }


def test_plugins_that_use_no_door_answer_the_same_on_the_reference_engine() -> None:
    text = """
module.exports = {
  shout: (text) => text.toUpperCase(),
  url: (text) => new URL(text).host,
  sum: async ({ items }) => { await null; return items.reduce((a, b) => a + b, 0); },
  boom: (x) => { throw new TypeError(`no ${x}`); },
  loop: (n) => Array.from({ length: n }, (_, i) => i * i).at(-1),
};
"""
    wasm = built(text).wasm
    calls = [
        ("shout", b"h\xc3\xb6"),
        ("url", b"http://A.example/x"),
        ("sum", b'{"items":[1,2.5]}'),
        ("loop", b"100"),
        ("boom", b"x"),
    ]
    answers = [_answers(engine, wasm, calls) for engine in (ExtismEngine(), ReferenceEngine())]
    assert answers[0] == answers[1]
    assert answers[0][:4] == ['"HÖ"', '"a.example"', "3.5", "9801"]


def _answers(engine: SandboxEngine, wasm: bytes, calls: list[tuple[str, bytes]]) -> list[str]:
    template = engine.load([("main", wasm)], Limits(timeout_s=20), Doors())
    instance = template.instance()
    answers = []
    for function, data in calls:
        try:
            answers.append(instance.call(function, data).decode())
        except GuestFailed as error:
            answers.append(error.fact)
    instance.close()
    template.close()
    return answers
