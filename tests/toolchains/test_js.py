"""JavaScript is found, run once while it is built, and gives the same module every time."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.toolchains.javascript import build, built, failure, running

from omnicore.errors import BuildFailed, ToolMissing
from omnicore.plugins.manifest import callable_exports
from omnicore.sandbox.abi import MIB
from omnicore.sandbox.extism.engine import ExtismEngine
from omnicore.sandbox.inspect import inspect
from omnicore.sandbox.snapshot import LanguageEngine
from omnicore.toolchains import js as bundle
from omnicore.toolchains import js as engine
from omnicore.toolchains import js as toolchain
from omnicore.toolchains.js import TOOLCHAIN, Bindings
from omnicore.toolchains.languages import Built

OMNIFLOW = """
module.exports = async (input) => {
    return { result: input.value * 2 };
};
"""


def functions(module: Built) -> tuple[str, ...]:
    return callable_exports(inspect(module.wasm))


def imports(module: Built) -> set[str]:
    """What it imports beside input, output and memory."""
    plain = {*("alloc", "free", "length", "load_u8", "load_u64", "store_u8", "store_u64", "output_set", "error_set")}
    plain |= {"input_length", "input_load_u8", "input_load_u64"}
    return {one.name for one in inspect(module.wasm).imports} - plain


def test_a_plugin_that_is_one_function_runs_as_written() -> None:
    module = built(OMNIFLOW)
    assert functions(module) == ("execute",)
    assert module.described == {
        "functions": {"execute": {"input_media": "application/json", "output_media": "application/json"}}
    }
    with running(module.wasm) as js:
        assert js("execute", {"value": 42}) == {"result": 84}
        assert js.raw("execute", b'{"value": 21}') == b'{"result":42}'


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("module.exports = function twice(n) { return n * 2 }", ("twice",)),
        ("module.exports = { a: (x) => x, b(x) {}, c: 1, D: class {} }", ("a", "b")),
        ("exports.one = (x) => x; exports.two = (x) => x", ("one", "two")),
        ("module.exports = (x) => x; module.exports.more = (x) => x", ("execute", "more")),
        ("export default (x) => x", ("execute",)),
        ("export default function shout(x) {}\nexport const z = 1", ("shout",)),
        ("const f = (x) => x; export { f as g }", ("g",)),
        ("exports.then = (x) => x", ("then",)),
        ("export default { b: (x) => x, a: (x) => x }", ("a", "b")),
        ("#!/usr/bin/env node\nexports.f = (x) => x", ("f",)),
        ("export const f = await (async () => (x) => x)()", ("f",)),
    ],
)
def test_functions_are_exported_from_either_kind_of_module(text: str, names: tuple[str, ...]) -> None:
    assert functions(built(text)) == names


def test_files_of_the_plugin_are_loaded_and_none_from_elsewhere() -> None:
    module = built(
        'import { x } from "./lib/x.mjs"; import data from "./data.json"; export const f = (_) => x + data.y;',
        **{
            "lib/x__mjs": 'import { n } from "../n.js"; export const x = n;',
            "data__json": '{"y": 1}',
            "n__js": "export const n = 1",
        },
    )
    assert functions(module) == ("f",)
    common = 'const a = require("./a"); const { y } = require("./data.json"); exports.f = (_) => a.x + y;'
    assert functions(built(common, a__js="exports.x = 1; require('./plugin')", data__json='{"y": 1}')) == ("f",)
    assert "outside of the plugin's folder" in failure('export * from "../../../etc/passwd"')
    assert "./gone, which is not there" in failure('require("./gone")')


def test_the_same_source_gives_the_same_bytes_anywhere(tmp_path: Path) -> None:
    text = "const r = Math.random(), t = Date.now(); export const f = (_) => [r, t, Math.random(), new Date()];"
    one = built(text, "plugin.js")
    assert built(text, "plugin.js").wasm == one.wasm
    assert str(Path.cwd()).encode() not in one.wasm
    with running(one.wasm) as js:
        first, second = js("f", 1), js("f", 1)
    assert first[:2] == second[:2]
    assert first[1] == 0  # the build has no clock
    assert first[2] != second[2]


def test_a_plugin_imports_only_what_its_source_mentions() -> None:
    assert imports(built(OMNIFLOW)) == set()
    assert imports(built("exports.f = (_) => new Date()")) == {"clock_now_v1"}
    assert imports(built("exports.f = (_) => Math.random()")) == {"random_fill_v1"}
    assert imports(built("exports.f = (_) => Config.get('a')")) == {"config_get"}
    kv = {f"kv_{verb}_v1" for verb in ("get", "put", "delete", "list", "cas")}
    for text in (
        'import { kv as k } from "omnicore"; export const f = (_) => [k.get("memory"), "log"];',
        'const o = require("omnicore"); exports.f = (_) => o.kv.get("memory");',
        'const { kv } = require("omnicore"); exports.f = (_) => kv.get("memory");',
        'import * as o from "omnicore"; export const f = (_) => o.kv.get("memory");',
    ):
        assert imports(built(text)) == kv, text


def test_what_was_not_mentioned_says_so_when_it_is_reached() -> None:
    text = 'const o = globalThis; exports.d = (_) => new o["Da" + "te"]().getTime();'
    text += 'exports.r = (_) => Math["ran" + "dom"]();'
    text += 'exports.c = (_) => o["Con" + "fig"].get("x");'
    with running(built(text).wasm) as js:
        for function, word in (("d", "mention Date"), ("r", "mention random"), ("c", "mention Config")):
            with pytest.raises(Exception, match=word):
                js(function, 1)


def test_nothing_imports_wasi() -> None:
    text = (Path(__file__).with_name("globals.js")).read_text()
    assert {one.module for one in inspect(built(text).wasm).imports} == {"extism:host/env", "extism:host/user"}


def test_lines_written_while_building_are_notes() -> None:
    assert built("console.log('hello', 1); console.warn('w'); exports.f = (_) => 1").notes == (
        "info: hello 1",
        "warn: w",
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("exports.f = (x) => {\n  return x +;\n}", "plugin.js:2:"),
        ("export const f = (x) => {\n\n  return x +;\n}", "plugin.js:3:"),
        ("\nthrow new TypeError('no')", "TypeError: no\n    at <anonymous> (plugin.js:2:"),
        ("await Promise.reject(new Error('later')); export {}", "Error: later"),
        ("await new Promise(() => {}); export {}", "a promise that nothing settles"),
        ("const f = (n) => f(n + 1) + 1; f(0)", "Maximum call stack size exceeded"),
        ("crypto.getRandomValues(new Uint8Array(1))", "not there while a plugin is built"),
        ("Config.get('a')", "not there while a plugin is built"),
        ("Host.inputString()", "no input or output while a plugin is built"),
        ("const { kv } = require('omnicore'); kv.get('a')", "not there while a plugin is built"),
        ("const { describe } = require('omnicore'); describe((x) => x, { inputs: 1 })", "inputs is none of"),
        ("const a = []; for (;;) a.push(new ArrayBuffer(1 << 20))", "oom"),
        ("export const x = 1", "exports no function"),
        ("exports['a b'] = (x) => x", "'a b', which cannot be called"),
        ("module.exports = 7", "exports no function"),
        ("", "exports no function"),
    ],
)
def test_what_does_not_run_fails_the_build_with_its_reason(text: str, says: str) -> None:
    assert says in failure(text)


def test_a_source_that_never_ends_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = replace(engine.LIMITS, timeout_s=0.3, memory_bytes=64 * MIB)
    wasm = engine.ENGINE.read_bytes()
    first = next(at for at, one in enumerate(inspect(wasm).imports) if one.module == "omnicore:slot")
    impatient = LanguageEngine(
        ExtismEngine(Path.home() / ".cache/omnicore/engines"), wasm, first_slot=first, limits=limits
    )
    monkeypatch.setattr(toolchain, "guest", lambda: impatient)
    assert "timeout" in failure("for (;;);")
    assert "timeout" in failure("setInterval(() => {}, 1); await new Promise(() => {}); export {}")
    assert "timeout" in failure("exports.f = (x) => x; (function wait() { Promise.resolve().then(wait) })()")
    assert functions(built(OMNIFLOW)) == ("execute",)


def test_the_manifest_says_how_input_reaches_a_function() -> None:
    manifest = '[functions.f]\ninput_media = "text/plain"\noutput_media = "text/plain"\n'
    with running(built("exports.f = (text) => text + typeof text", plugin__toml=manifest).wasm) as js:
        assert js.raw("f", b"1") == b"1string"


def test_packages_and_types_need_a_bundler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bundle.shutil, "which", lambda name: None)
    for name, text in (("plugin.ts", "export const f = (x: number) => x;"), ("plugin.js", 'import "left-pad"')):
        with pytest.raises(ToolMissing, match="npm install --save-dev esbuild") as caught:
            built(text, name)
        assert caught.value.details["tool"] == "esbuild"


def test_sources_are_recognised(tmp_path: Path) -> None:
    assert TOOLCHAIN.find(tmp_path) is None
    for name in ("a.js", "b.mjs", "c.cjs", "d.ts", "plugin.js"):
        (tmp_path / name).write_text("")
        found = TOOLCHAIN.find(tmp_path / name)
        assert found is not None
        assert (found.name, found.folder) == (name.partition(".")[0], tmp_path)
    (tmp_path / "e.d.ts").write_text("")
    assert TOOLCHAIN.find(tmp_path / "e.d.ts") is None
    folder = TOOLCHAIN.find(tmp_path)
    assert folder is not None
    assert (folder.name, folder.entry.name) == (tmp_path.name, "plugin.js")


@pytest.mark.skipif(shutil.which("id") is None, reason="needs a POSIX machine")
def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.js").write_text("export const s = 1")
    folder = tmp_path / "plugin"
    folder.mkdir()
    (folder / "s.js").symlink_to(tmp_path / "secret.js")
    (folder / "plugin.js").write_text('export { s } from "./s.js"')
    with pytest.raises(Exception, match="outside of the plugin's folder"):
        build(folder)


def test_a_data_file_that_nests_too_deeply_fails_the_build(tmp_path: Path) -> None:
    (tmp_path / "deep.json").write_text("[" * 5_000 + "]" * 5_000)
    (tmp_path / "plugin.js").write_text('import deep from "./deep.json"; export function f() {}')
    with pytest.raises(BuildFailed, match="nested deeper than 200"):
        build(tmp_path)


def test_long_words_in_a_source_take_no_time_to_look_at() -> None:
    bindings = Bindings(())
    started = time.monotonic()
    bindings.chosen([f'import {{ kv }} from "omnicore"; const data = "{"ab" * 500_000}";'], omnicore=True)
    assert time.monotonic() - started < 20  # by the square of the length it would be an hour
    assert {one.name for one in bindings.imports()} >= {"kv_get_v1"}
