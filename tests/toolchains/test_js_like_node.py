"""What plugins find of Node and of browsers answers as Node does: the same source runs in both."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.toolchains.javascript import Running, build, built, running

from omnicore.errors import GuestFailed
from omnicore.sandbox.inspect import inspect

SOURCES = [Path(__file__).with_name(name) for name in ("like_node.js", "like_node_intl.js")]
NAMES = [(file, name) for file in SOURCES for name in re.findall(r"^exports\.(\w+)", file.read_text(), re.MULTILINE)]
ASKED = """
const found = require(process.argv[1]);
(async () => {
  const said = {};
  for (const name of Object.keys(found)) said[name] = await found[name]();
  console.log(JSON.stringify(said));
})();
"""


@pytest.fixture(scope="module")
def plugins() -> Iterator[dict[Path, Running]]:
    with ExitStack() as stack:
        yield {file: stack.enter_context(running(build(file).wasm)) for file in SOURCES}


@pytest.fixture(scope="module")
def of_node() -> dict[Path, dict[str, object]]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no Node here")
    how: dict[str, Any] = {"capture_output": True, "text": True, "check": True, "timeout": 60}
    return {file: json.loads(subprocess.run([node, "-e", ASKED, str(file)], **how).stdout) for file in SOURCES}


@pytest.mark.parametrize(("file", "name"), NAMES, ids=lambda value: getattr(value, "stem", value))
def test_a_plugin_answers_as_node_does(
    plugins: dict[Path, Running], of_node: dict[Path, dict[str, object]], file: Path, name: str
) -> None:
    assert plugins[file](name) == of_node[file][name]


CONSOLE = """
exports.counts = () => {
  console.count("a"); console.count("a"); console.countReset("a"); console.count("a");
  console.count(); console.countReset("none");
  console.group("outer"); console.log("in\\nside");
  console.group(); console.warn("deep"); console.groupEnd(); console.groupEnd();
  console.log("out"); console.groupEnd(); console.group("left open");
};
exports.times = () => {
  console.time("t"); console.time("t"); console.timeLog("t", "at", { n: 1 });
  console.timeEnd("t"); console.timeEnd("t");
};
exports.tables = () => {
  console.table([{ a: 1, b: "x" }, { a: 2, c: [1] }]);
  console.table([{ a: 1, b: 2 }], ["b"]);
  console.table([1, "two"]);
  console.table({ k: { n: null } });
  console.table("text");
};
"""


@pytest.fixture(scope="module")
def console() -> Iterator[Running]:
    with running(built(CONSOLE).wasm) as found:
        yield found


def test_console_counts_and_indents_until_the_call_ends(console: Running) -> None:
    for _ in range(2):
        console.lines.clear()
        instance = console.fresh
        instance.call("counts", b"")
        instance.call("counts", b"")
        instance.close()
        texts = [text for _, text in console.lines]
        half = len(texts) // 2
        assert texts[:5] == ["a: 1", "a: 2", "a: 1", "default: 1", "Count for 'none' does not exist"]
        assert texts[5:10] == ["outer", "  in\n  side", "    deep", "out", "left open"]
        assert texts[half + 5 :] == texts[5:half]


def test_console_times(console: Running) -> None:
    console.lines.clear()
    console.raw("times")
    shapes = [re.sub(r"\d+\.\d+", "N", text) for _, text in console.lines]
    assert shapes == [
        "Timer 't' already exists",
        "t: N ms at { n: 1 }",
        "t: N ms",
        "Timer 't' does not exist",
    ]


def test_console_draws_tables(console: Running) -> None:
    console.lines.clear()
    console.raw("tables")
    first, second, third, fourth, fifth = (text for _, text in console.lines)
    assert first.splitlines() == [
        "┌─────────┬───┬─────┬─────┐",
        "│ (index) │ a │ b   │ c   │",
        "├─────────┼───┼─────┼─────┤",
        '│ 0       │ 1 │ "x" │     │',
        "│ 1       │ 2 │     │ [1] │",
        "└─────────┴───┴─────┴─────┘",
    ]
    assert "│ 0       │ 2 │" in second
    assert '│ 1       │ "two"  │' in third
    assert "│ k       │ null │" in fourth
    assert fifth == "text"


def test_what_a_failed_call_left_queued_never_runs() -> None:
    text = """
let late = 0;
function fail() {
  queueMicrotask(() => { throw new TypeError("in a job"); });
  queueMicrotask(() => late++);
  Promise.resolve().then(() => late++);
  return new Promise(() => {});
}
module.exports = { fail, count: () => late };
"""
    with running(built(text).wasm) as js:
        instance = js.fresh
        for _ in range(2):
            with pytest.raises(GuestFailed, match="TypeError: in a job"):
                instance.call("fail", b"")
        assert instance.call("count", b"") == b"0"


def test_the_origin_of_times_is_that_of_the_instance(console: Running) -> None:
    text = """
exports.origin = () => [performance.timeOrigin, performance.now(), self === globalThis, typeof performance.toJSON()];
"""
    with running(built(text).wasm) as js:
        origin, now, same, kind = js("origin")
    assert origin > 1_577_836_800_000  # 2020
    assert now >= 0
    assert (same, kind) == (True, "object")


def test_sources_that_speak_through_host_run_microtasks_at_once() -> None:
    text = """
function order() {
  const seen = ["a"];
  queueMicrotask(() => seen.push("b"));
  seen.push("c");
  try { crypto.subtle.digest("MD5", new ArrayBuffer(0)); } catch (error) { seen.push(error.name); }
  Host.outputString(JSON.stringify(seen));
}
module.exports = { order };
"""
    with running(built(text).wasm) as js:
        assert js("order") == ["a", "b", "c", "NotSupportedError"]
    with running(built(text.replace("Host.outputString(JSON.stringify(seen))", "return seen")).wasm) as js:
        assert js("order") == ["a", "c", "b"]


def test_an_error_of_a_listener_fails_the_call_once_the_others_have_heard_the_event() -> None:
    text = """
function tell() {
  const target = new EventTarget();
  target.addEventListener("e", () => { throw new TypeError("first"); });
  target.addEventListener("e", () => { console.log("second"); throw new RangeError("second"); });
  target.dispatchEvent(new Event("e"));
  console.log("after");
  SAID
}
module.exports = { tell, well: () => 1 };
"""
    for said in ("return 1;", 'Host.outputString("1");'):
        with running(built(text.replace("SAID", said)).wasm) as js:
            instance = js.fresh
            with pytest.raises(GuestFailed, match="TypeError: first"):
                instance.call("tell", b"")
            said = [line.splitlines()[0] for _, line in js.lines]
            assert said == ["second", "RangeError: second", "after"]
            assert instance.call("well", b"") == b"1", "an error of a call is none of the next one"
            instance.close()


def test_globals_that_no_source_mentions_are_left_out() -> None:
    small = built("exports.f = () => typeof globalThis['Buf' + 'fer']")
    large = built("exports.f = () => typeof Buffer")
    with running(small.wasm) as js:
        assert js.raw("f") == b"undefined"
    with running(large.wasm) as js:
        assert js.raw("f") == b"function"
    assert len(large.wasm) > len(small.wasm) + 10_000


def test_globals_are_there_while_a_plugin_is_built_and_in_files_that_it_imports() -> None:
    text = """
import { kept } from "./other.js";
class Mine extends EventTarget {}
export const f = () => [kept, new Mine() instanceof EventTarget];
"""
    with running(
        built(text, "plugin.mjs", other__js='export const kept = Buffer.from("hi").toString("hex");').wasm
    ) as js:
        assert js("f") == ["6869", True]


def test_a_digest_needs_no_door() -> None:
    wasm = built(
        'exports.f = async () => (await globalThis["crypto"].subtle.digest("SHA-1", new Uint8Array())).byteLength'
    ).wasm
    assert {one.name for one in inspect(wasm).imports if one.module == "extism:host/user"} == {"random_fill_v1"}


def test_dates_know_offsets_from_utc_and_refuse_other_zones() -> None:
    text = """
const at = Date.UTC(2026, 0, 4, 22, 5);
const shown = (timeZone, options) => new Intl.DateTimeFormat("de", { timeZone, ...options }).format(at);
exports.f = () => [shown("+05:30", { dateStyle: "short", timeStyle: "long" }), shown("-0200", { timeStyle: "short" })];
exports.zone = (name) => shown(name, {});
exports.odd = (options) => new Intl.NumberFormat("de", options).format(1);
"""
    with running(built(text).wasm) as js:
        assert js("f") == ["05.01.26, 03:35:00 GMT+5:30", "20:05"]
        for name in ("Europe/Berlin", "+25:00", ""):
            with pytest.raises(GuestFailed, match="RangeError: Invalid time zone"):
                js("zone", name)
        for options in ({"notation": "compact"}, {"style": "unit", "unit": "litre"}):
            with pytest.raises(GuestFailed, match="RangeError"):
                js("odd", options)


def test_a_locale_that_is_not_known_gets_english_and_says_so() -> None:
    text = """
const made = new Intl.NumberFormat("tlh");
exports.f = () => [made.resolvedOptions().locale, made.format(1234.5)];
"""
    with running(built(text).wasm) as js:
        assert js("f") == ["en-US", "1,234.5"]
