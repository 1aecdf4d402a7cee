"""`omnicore plugins bench` measures what a function costs, away from what the plugin stores."""

from __future__ import annotations

import json
from pathlib import Path

from .guests import asking_app, echo_app

ROOT = Path(__file__).parents[2]
QUICK = ("--seconds", "50ms")


def test_it_shows_load_calls_fuel_and_memory(omnicore, tmp_path):
    echo_app(tmp_path)
    ran = omnicore("plugins", "bench", "echo.echo", "hello", *QUICK)
    assert ran.code == 0, ran.err
    rows = dict(line.split("\t")[:2] for line in ran.out.splitlines()[1:])
    assert list(rows) == [
        "compile",
        "load compiled code",
        "new instance and first call, p50",
        "warm call, p50",
        "warm call, p95",
        "warm call, p99",
        "call through the host, p50",
        "warm calls a second, one thread",
        "fuel of a call",
        "memory of an instance",
    ]
    assert rows["warm call, p50"].endswith("us")
    assert int(rows["fuel of a call"].replace(",", "")) > 0
    assert "5 bytes in, 5 bytes out" in ran.err


def test_json_has_the_figures_in_seconds(omnicore, tmp_path):
    echo_app(tmp_path)
    document = json.loads(omnicore("plugins", "bench", "echo.echo", "x", "-n", "25", "-o", "json").out)
    assert document["warm"]["count"] == 25
    assert 0 < document["warm"]["p50_s"] <= document["warm"]["p95_s"] <= document["warm"]["p99_s"] < 1
    assert document["calls_per_s"] > 0
    assert document["compile_s"] > 0


def test_a_terminal_shows_bars(on_terminal, tmp_path):
    echo_app(tmp_path)
    _, shown = on_terminal("plugins", "bench", "echo.echo", "x", *QUICK)
    assert "█".encode() in shown


def test_a_file_is_measured_with_its_function_after_a_colon(omnicore, tmp_path):
    asking_app(tmp_path)
    assert omnicore("plugins", "bench", "plugins/store.wat:echo", "x", *QUICK).code == 0
    assert "needs-grant" in omnicore("plugins", "ls").out


def test_a_plugin_with_several_capabilities_is_measured_with_all_of_them(omnicore, tmp_path):
    module = ROOT / "sdk" / "rust" / "conformance" / "dist" / "conformance.wasm"
    asked = json.dumps({"door": "kv", "verb": "get", "request": {"key": "a"}})
    ran = omnicore("plugins", "bench", f"{module}:door", asked, "-n", "5", "-o", "json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["warm"]["count"] == 5


def test_what_cannot_be_measured_says_what_there_is(omnicore, tmp_path):
    echo_app(tmp_path)
    unknown = omnicore("plugins", "bench", "echo.nothing", *QUICK)
    assert (unknown.code, "it has echo, fail, spin" in unknown.err) == (2, True)
    unnamed = omnicore("plugins", "bench", "echo", *QUICK)
    assert (unnamed.code, "name one of echo, fail, spin" in unnamed.err) == (2, True)
    assert omnicore("plugins", "bench", "nobody.echo", *QUICK).code == 5


def test_a_call_that_fails_is_told_and_not_measured(omnicore, tmp_path):
    echo_app(tmp_path)
    ran = omnicore("plugins", "bench", "echo.fail", *QUICK)
    assert ran.code == 1
    assert "7" in ran.err
