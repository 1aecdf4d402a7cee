"""What becomes of files in the folder, and calls into them."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from tests.plugins.conftest import Rig
from tests.plugins.guests import COUNTS, ECHO, MOODY, door, module, says, with_manifest

from omnicore.clock import ManualClock
from omnicore.errors import (
    CapacityReached,
    Conflict,
    DeadlineExceeded,
    EngineFailed,
    GuestFailed,
    GuestTrapped,
    InvalidInput,
    LimitExceeded,
    ManifestInvalid,
    ModuleRejected,
    NotFound,
    PermissionDenied,
    StorageFailed,
    Unavailable,
)
from omnicore.sandbox.abi import HostFunction, Limits
from omnicore.sandbox.capi.code import wat_to_wasm
from omnicore.sandbox.extism.engine import ExtismEngine
from omnicore.sandbox.inspect import inspect

KV = '[[capabilities]]\nname = "kv"\nreason = "Stores the count"\n'
HTTP = '[[capabilities]]\nname = "http"\nreason = "Asks the weather"\nscope = { hosts = ["api.test"] }\n'


# -- arriving


def test_a_file_that_asks_for_nothing_is_enabled_at_once(rig: Rig) -> None:
    rig.drop("echo.wasm", wat_to_wasm(ECHO.encode()))
    rig.drop("text.wat", ECHO)
    assert rig.scan() == {"echo": "enabled", "text": "enabled"}
    assert rig.host.call_blocking("echo.echo", b"hi") == b"hi"
    assert rig.host.call_blocking("text", "hé") == "hé".encode()


def test_a_view_shows_what_the_plugin_is(rig: Rig) -> None:
    rig.drop("echo.wat", ECHO)
    rig.drop(
        "echo.toml",
        'version = "1.2"\ndescription = "Gives back"\nauthor = "Ann"\n[limits]\ntimeout_s = 99.0\n',
    )
    rig.scan()
    view = rig.host.get("echo")
    assert (view.version, view.description, view.author, view.path) == (
        "1.2",
        "Gives back",
        "Ann",
        "echo.wat",
    )
    assert (view.state, view.serving) == ("needs-grant", None)
    assert view.limits["timeout_s"] == rig.settings.limits.timeout_s
    view = rig.host.grant("echo", "limits", who="ann")
    assert view.hash == view.serving
    assert view.limits["timeout_s"] == rig.settings.max_limits.timeout_s
    assert view.to_json()["functions"]["echo"]["input_media"] == "application/octet-stream"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("bad.wasm", b"\0asm\1\0\0\0\x01\x7f", "announces"),
        ("bad.wasm", b"", "the file is empty"),
        ("bad.wasm", b"\x7fELF", "native"),
        ("bad.wat", b"(module", "expected"),
        ("bad.cwasm", b"\x7fELF", "precompiled code is never loaded"),
        ("bad.wat", b'(module (import "nobody" "knows" (func)) (func (export "f")))', "nobody"),
        ("bad.wasm", b"x" * (65 * 1024 * 1024), "are allowed"),
    ],
    ids=range(7),
)
def test_a_file_that_cannot_be_used_stays_in_the_list_with_the_reason(
    rig: Rig, name: str, content: bytes, reason: str
) -> None:
    rig.drop("echo.wat", ECHO)
    rig.drop(name, content)
    assert rig.scan() == {"bad": "rejected", "echo": "enabled"}
    assert reason in rig.host.get("bad").reason
    with pytest.raises(Unavailable, match="bad cannot be used"):
        rig.host.call_blocking("bad.f")
    assert rig.host.call_blocking("echo", b"on") == b"on"


def test_a_bad_manifest_rejects_with_file_and_line(rig: Rig) -> None:
    rig.drop("echo.wat", ECHO)
    rig.drop("echo.toml", "\n\nwarm = -1")
    assert rig.scan() == {"echo": "rejected"}
    assert rig.host.get("echo").reason.startswith("echo.toml:3: warm: -1 is less than")


def test_pipes_and_links_are_listed_and_hold_nothing_up(rig: Rig, tmp_path: Path) -> None:
    os.mkfifo(rig.settings.plugins / "pipe.wasm")
    (rig.settings.plugins / "link.wasm").symlink_to(tmp_path / "elsewhere")
    rig.drop("echo.wat", ECHO)
    assert rig.scan() == {"echo": "enabled", "link": "rejected", "pipe": "rejected"}


def test_the_second_file_of_a_name_is_rejected_until_the_first_goes(rig: Rig) -> None:
    first = rig.drop("a.wat", says("a"))
    rig.drop("b.wat", says("b"))
    rig.drop("b.toml", 'name = "a"')
    assert rig.scan() == {"a": "enabled", "b.wat": "rejected"}
    assert rig.host.get("b.wat").reason == "its name a is taken by a.wat; rename one of the two"
    first.unlink()
    assert rig.scan() == {"a": "enabled"}
    assert rig.host.call_blocking("a") == b"b"


def test_a_useless_file_makes_way_for_a_plugin_of_its_name(rig: Rig) -> None:
    rig.drop("echo.cwasm", b"\x7fELF")
    assert rig.scan() == {"echo": "rejected"}
    rig.drop("echo.wat", ECHO)
    assert rig.scan() == {"echo": "enabled", "echo.cwasm": "rejected"}


def test_a_plugin_with_its_source_is_found_where_it_is_built(rig: Rig) -> None:
    rig.drop("tool/dist/tool.wasm", wat_to_wasm(ECHO.encode()))
    rig.drop("tool/plugin.toml", 'version = "3"')
    assert rig.scan() == {"tool": "enabled"}
    assert rig.host.get("tool").version == "3"


def test_an_embedded_manifest_is_read(rig: Rig) -> None:
    rig.drop(
        "file.wasm",
        with_manifest(ECHO, {"name": "inside", "functions": {"echo": {"input": {"type": "integer"}}}}),
    )
    assert rig.scan() == {"inside": "enabled"}
    with pytest.raises(InvalidInput, match="is not of type 'integer'"):
        rig.host.call_blocking("inside.echo", "no number")


# -- changing


def test_a_changed_file_is_called_from_then_on(rig: Rig) -> None:
    rig.drop("a.wat", says("1"))
    rig.scan()
    assert rig.host.call_blocking("a") == b"1"
    rig.drop("a.wat", says("2"))
    rig.scan()
    assert rig.host.call_blocking("a") == b"2"


def test_a_changed_sidecar_counts_as_a_change(rig: Rig) -> None:
    rig.drop("a.wat", says("1"))
    rig.scan()
    rig.drop("a.toml", 'version = "9"')
    rig.scan()
    assert rig.host.get("a").version == "9"


def test_a_plugin_renamed_by_its_manifest_leaves_its_old_name(rig: Rig) -> None:
    rig.drop("a.wat", says("1"))
    rig.scan()
    rig.host.call_blocking("a")
    rig.drop("a.toml", 'name = "b"')
    assert rig.scan() == {"b": "enabled"}
    with pytest.raises(NotFound):
        rig.host.call_blocking("a")


def test_a_removed_file_stops_serving_and_comes_back_with_its_grants(rig: Rig) -> None:
    content = with_manifest(says("1"), {"capabilities": [{"name": "kv", "reason": "r"}]})
    file = rig.drop("a.wasm", content)
    rig.scan()
    rig.host.grant("a", who="ann")
    assert rig.host.call_blocking("a") == b"1"
    file.unlink()
    assert rig.scan() == {}
    with pytest.raises(NotFound, match=r"there is no plugin 'a'; see `omnicore plugins ls`"):
        rig.host.call_blocking("a")
    rig.drop("a.wasm", content)
    assert rig.scan() == {"a": "enabled"}


def test_a_change_to_something_useless_keeps_the_old_version_in_service(rig: Rig) -> None:
    rig.drop("a.wat", says("1"))
    rig.scan()
    rig.drop("a.wat", "(module")
    assert rig.scan() == {"a": "rejected"}
    view = rig.host.get("a")
    assert view.serving
    assert f"version {view.serving[:8]} serves until then" in view.reason
    assert rig.host.call_blocking("a") == b"1"
    rig.drop("a.wat", says("3"))
    assert rig.scan() == {"a": "enabled"}
    assert rig.host.call_blocking("a") == b"3"


def test_a_change_that_does_not_link_keeps_the_old_version_in_service(rig: Rig) -> None:
    rig.drop("a.wat", says("1"))
    rig.scan()
    rig.drop("a.wat", '(module (import "nobody" "knows" (func)) (func (export "say")))')
    assert rig.scan() == {"a": "rejected"}
    assert rig.host.call_blocking("a") == b"1"


def test_calls_in_flight_finish_on_the_old_version(rig_at: Callable[..., Rig], tmp_path: Path) -> None:
    slow = module(
        """(func (export "say") (result i32)
          (drop (call $door (call $input))) (call $say (i32.const 49)) (i32.const 0))""",
        imports='(import "extism:host/user" "log_write_v1" (func $door (param i64) (result i64)))',
    )
    rig = rig_at(tmp_path)
    entered, leave = threading.Event(), threading.Event()
    sink = rig.host._logs.sink("a")

    def block(level: str, text: str) -> None:
        entered.set()
        assert leave.wait(60)

    rig.host._logs.sink = lambda name: block if name == "a" else sink  # type: ignore[method-assign]
    rig.drop("a.wat", slow)
    rig.scan()
    answers: list[bytes] = []
    call = threading.Thread(
        target=lambda: answers.append(rig.host.call_blocking("a", b'{"level": "info", "message": "m"}', timeout_s=30))
    )
    call.start()
    assert entered.wait(60)
    rig.drop("a.wat", says("2"))
    rig.scan()
    assert rig.host.call_blocking("a") == b"2"
    leave.set()
    call.join()
    assert answers == [b"1"]


# -- grants


def test_a_plugin_that_asks_waits_for_its_grant(rig: Rig) -> None:
    rig.drop("store.wat", door("kv_put_v1"))
    rig.drop("store.toml", KV)
    assert rig.scan() == {"store": "needs-grant"}
    with pytest.raises(
        PermissionDenied, match=r"store has no grant for kv; run `omnicore plugins grant store kv`"
    ) as no:
        rig.host.call_blocking("store.ask")
    assert no.value.details["capability"] == "kv"
    view = rig.host.grant("store", "kv", who="ann")
    assert view.state == "enabled"
    assert [(one.capability, one.granted_by) for one in view.granted] == [("kv", "ann")]
    assert json.loads(rig.host.call_blocking("store.ask", b'{"key": "k", "value": "v"}')) == {"version": 1}
    assert rig.kv.get("store", "k") == (b"v", 1)


def test_a_door_nobody_asked_for_answers_with_a_refusal(rig: Rig) -> None:
    rig.drop("sly.wat", door("kv_put_v1"))
    assert rig.scan() == {"sly": "enabled"}
    reply = json.loads(rig.host.call_blocking("sly.ask", b'{"key": "k", "value": "v"}'))
    assert reply["error"]["code"] == "permission-denied"
    assert rig.kv.totals("sly").keys == 0


def test_granting_what_is_not_asked_for_is_refused(rig: Rig) -> None:
    rig.drop("store.wat", ECHO)
    rig.drop("store.toml", KV)
    rig.scan()
    with pytest.raises(Conflict, match="store does not ask for http, only for kv; a grant needs both sides"):
        rig.host.grant("store", "http", who="ann")
    assert rig.host.get("store").granted == ()


def test_every_grant_is_needed_and_one_word_gives_all(rig: Rig) -> None:
    rig.drop("store.wat", ECHO)
    rig.drop("store.toml", KV + HTTP)
    rig.scan()
    assert rig.host.grant("store", "kv", who="ann").state == "needs-grant"
    assert rig.host.grant("store", who="bob").state == "enabled"


def test_a_revoked_grant_stops_the_plugin_at_once(rig: Rig) -> None:
    rig.drop("store.wat", ECHO)
    rig.drop("store.toml", KV)
    rig.scan()
    rig.host.grant("store", who="ann")
    rig.host.call_blocking("store")
    assert rig.host.revoke("store", "kv", who="bob").state == "needs-grant"
    with pytest.raises(PermissionDenied):
        rig.host.call_blocking("store")
    with pytest.raises(NotFound, match="has no grant for kv"):
        rig.host.revoke("store", "kv", who="bob")


def test_an_upgrade_that_asks_for_more_waits_while_the_old_version_serves(rig: Rig) -> None:
    rig.drop("a.wat", says("1"))
    rig.drop("a.toml", KV)
    rig.scan()
    rig.host.grant("a", who="ann")
    rig.drop("a.wat", says("2"))
    rig.drop("a.toml", KV + HTTP)
    assert rig.scan() == {"a": "needs-review"}
    assert rig.host.call_blocking("a") == b"1"
    with pytest.raises(NotFound, match=r"the newest version is new code that asks for http; .*plugins upgrade a`"):
        rig.host.call_blocking("a.newer")
    (change,) = rig.host.diff("a")
    assert (change.capability, change.change, change.granted) == ("http", "new", None)
    assert change.reason == "Asks the weather"
    assert change.command == "omnicore plugins upgrade a --approve"
    assert rig.host.grant("a", "http", who="ann").state == "needs-review"  # the grant is for the code that serves
    assert rig.host.approve("a", who="ann").state == "enabled"
    assert rig.host.call_blocking("a") == b"2"
    assert rig.host.diff("a") == []


def test_an_upgrade_that_asks_for_a_wider_scope_waits_too(rig: Rig) -> None:
    rig.drop("a.wat", says("1"))
    rig.drop("a.toml", HTTP)
    rig.scan()
    rig.host.grant("a", who="ann")
    rig.drop("a.wat", says("2"))
    rig.drop("a.toml", HTTP.replace('"api.test"', '"api.test", "more.test"'))
    assert rig.scan() == {"a": "needs-review"}
    (change,) = rig.host.diff("a")
    assert change.change == "wider"
    assert change.to_json()["granted"] == {"hosts": ["api.test"]}
    assert rig.host.call_blocking("a") == b"1"
    rig.host.approve("a", who="ann")
    assert rig.host.call_blocking("a") == b"2"


def test_an_upgrade_of_a_plugin_with_grants_waits_even_if_it_asks_for_less(rig: Rig) -> None:
    rig.drop("a.wat", says("1"))
    rig.drop("a.toml", KV + HTTP)
    rig.scan()
    rig.host.grant("a", who="ann")
    rig.drop("a.wat", says("2"))
    rig.drop("a.toml", KV)
    assert rig.scan() == {"a": "needs-review"}
    assert rig.host.call_blocking("a") == b"1"
    assert rig.host.approve("a", who="ann").state == "enabled"
    assert rig.host.call_blocking("a") == b"2"


# -- switching, removing, installing


def test_a_disabled_plugin_refuses_until_it_is_enabled(rig: Rig) -> None:
    rig.drop("echo.wat", ECHO)
    rig.scan()
    rig.host.call_blocking("echo")
    assert rig.host.disable("echo").state == "disabled"
    with pytest.raises(Unavailable, match=r"echo is disabled; run `omnicore plugins enable echo`"):
        rig.host.call_blocking("echo")
    rig.drop("echo.wat", says("2"))
    assert rig.scan() == {"echo": "disabled"}
    assert rig.host.enable("echo").state == "enabled"
    assert rig.host.call_blocking("echo") == b"2"


def test_remove_takes_the_file_the_grants_and_all_it_stored(rig: Rig) -> None:
    rig.drop("store.wat", ECHO)
    rig.drop("store.toml", KV)
    rig.scan()
    rig.host.grant("store", who="ann")
    rig.kv.put("store", "k", b"v")
    rig.host.remove("store")
    assert list(rig.settings.plugins.iterdir()) == []
    assert list((rig.settings.data / "modules").iterdir()) == []
    assert rig.kv.get("store", "k") is None
    rig.drop("store.wat", ECHO)
    rig.drop("store.toml", KV)
    assert rig.scan() == {"store": "needs-grant"}


def test_install_puts_a_file_in_place_and_takes_it_in(rig: Rig) -> None:
    view = rig.host.install("Echo_It.wasm", wat_to_wasm(ECHO.encode()), manifest=b'version = "1"')
    assert (view.name, view.state, view.version) == ("echo-it", "enabled", "1")
    assert rig.host.call_blocking("echo-it", b"x") == b"x"
    view = rig.host.install("Echo_It.wasm", wat_to_wasm(says("2").encode()), manifest=b'version = "2"')
    assert (view.version, rig.host.call_blocking("echo-it")) == ("2", b"2")


@pytest.mark.parametrize("name", ["../evil.wasm", "a/b.wasm", "x.cwasm", ".x.wasm", "x.wasm\n", "", "1.wasm", "x.toml"])
def test_install_takes_plain_file_names_only(rig: Rig, name: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be the name of a plugin's file"):
        rig.host.install(name, wat_to_wasm(ECHO.encode()))
    assert list(rig.settings.plugins.iterdir()) == []


def test_install_writes_nothing_that_cannot_be_a_plugin(rig: Rig) -> None:
    with pytest.raises(ModuleRejected):
        rig.host.install("x.wasm", b"nothing")
    with pytest.raises(ManifestInvalid):
        rig.host.install("x.wasm", wat_to_wasm(ECHO.encode()), manifest=b"warm = -1")
    assert list(rig.settings.plugins.iterdir()) == []


def test_install_does_not_take_the_name_of_another_file(rig: Rig) -> None:
    rig.drop("a.wat", says("1"))
    rig.scan()
    with pytest.raises(Conflict, match=r"the name a is taken by a.wat"):
        rig.host.install("b.wasm", wat_to_wasm(says("2").encode()), manifest=b'name = "a"')
    assert rig.host.call_blocking("a") == b"1"


def test_everything_asked_of_a_plugin_that_is_not_there_says_so(rig: Rig) -> None:
    for ask in (
        rig.host.get,
        rig.host.enable,
        rig.host.disable,
        rig.host.remove,
        rig.host.diff,
        rig.host.logs,
    ):
        with pytest.raises(NotFound, match="there is no plugin 'no'"):
            ask("no")


# -- calling


def test_a_reference_needs_its_function_where_there_are_several(rig: Rig) -> None:
    rig.drop("moody.wat", MOODY)
    rig.scan()
    assert rig.host.call_blocking("moody.well") == b"w"
    with pytest.raises(InvalidInput, match=r"moody has 5 functions; name one: moody\.trap, spin"):
        rig.host.call_blocking("moody")
    with pytest.raises(NotFound, match="moody has no function 'nope'; it has trap, spin"):
        rig.host.call_blocking("moody.nope")


def test_values_travel_by_media_and_bytes_as_they_are(rig: Rig) -> None:
    rig.drop("echo.wat", ECHO)
    rig.drop("echo.toml", '[functions.echo]\ninput = { type = "object" }\noutput = { type = "object" }')
    rig.scan()
    assert rig.host.call_blocking("echo", {"a": 1}) == {"a": 1}
    assert rig.host.call_blocking("echo", b'{"a": 1}', raw=True) == b'{"a": 1}'
    for call in (rig.host.call_blocking, partial(rig.host.call_blocking, raw=True)):
        with pytest.raises(InvalidInput, match="is not of type 'object'"):
            call("echo", b"[]")


def test_an_output_that_breaks_its_schema_is_the_plugins_failure(rig: Rig) -> None:
    rig.drop("echo.wat", ECHO)
    rig.drop("echo.toml", '[functions.echo]\ninput_media = "text/plain"\noutput = { type = "object" }')
    rig.scan()
    for call in (rig.host.call_blocking, partial(rig.host.call_blocking, raw=True)):
        with pytest.raises(GuestFailed, match="is not what it promises"):
            call("echo", b"[]")
    assert rig.host.get("echo").last_error["code"] == "guest-failed"


def test_a_fresh_instance_forgets_and_a_warm_one_remembers(rig: Rig) -> None:
    rig.drop("fresh.wat", COUNTS)
    rig.drop("warm.wat", COUNTS)
    rig.drop("warm.toml", "warm = 1")
    rig.scan()
    assert [rig.host.call_blocking("fresh") for _ in range(3)] == [b"1"] * 3
    assert [rig.host.call_blocking("warm") for _ in range(3)] == [b"1", b"2", b"3"]


def test_after_a_trap_a_warm_instance_is_a_new_one(rig: Rig) -> None:
    rig.drop("moody.wat", MOODY)
    rig.drop("moody.toml", "warm = 1")
    rig.scan()
    for _ in range(3):
        with pytest.raises(GuestTrapped):
            rig.host.call_blocking("moody.trap")
        assert rig.host.call_blocking("moody.well") == b"w"


def test_limits_of_the_manifest_hold_below_those_of_the_host(rig_at: Callable[..., Rig], tmp_path: Path) -> None:
    rig = rig_at(tmp_path, max_limits=Limits(input_bytes=10, timeout_s=0.05))
    rig.drop("a.wat", ECHO)
    rig.drop("a.toml", "[limits]\ninput_bytes = 5")
    rig.drop("b.wat", ECHO)
    rig.drop("b.toml", "[limits]\ninput_bytes = 500")
    rig.drop("moody.wat", MOODY)
    rig.scan()
    for name, most in (("a", 5), ("b", 10)):
        assert len(rig.host.call_blocking(name, b"x" * most)) == most
        with pytest.raises(InvalidInput):
            rig.host.call_blocking(name, b"x" * (most + 1))
    with pytest.raises(DeadlineExceeded):
        rig.host.call_blocking("moody.spin")


def test_settings_reach_the_plugin_with_their_defaults(rig_at: Callable[..., Rig], tmp_path: Path) -> None:
    rig = rig_at(tmp_path, plugin_settings={"a": {"given": 1}, "b": {"given": "x"}})
    schema = (
        "[config]\ntype = 'object'\nadditionalProperties = false\n"
        "[config.properties]\ngiven = { type = 'integer' }\n"
        "more = { default = 'd' }\nnested = { properties = { deep = { default = 5 } } }\n"
    )
    for name in ("a", "b"):
        rig.drop(f"{name}.wat", door("config_get_v1"))
        rig.drop(f"{name}.toml", schema)
    assert rig.scan() == {"a": "enabled", "b": "rejected"}
    reply = json.loads(rig.host.call_blocking("a.ask", b"{}"))
    assert reply == {"values": {"given": 1, "more": "d", "nested": {"deep": 5}}}
    assert "the settings of b are not valid: given: 'x' is not of type 'integer'" in rig.host.get("b").reason


def test_a_plugin_rejected_for_its_settings_is_tried_again_under_new_ones(
    rig_at: Callable[..., Rig], tmp_path: Path
) -> None:
    first = rig_at(tmp_path, plugin_settings={"a": {"n": "x"}})
    first.drop("a.wat", ECHO)
    first.drop("a.toml", "[config.properties]\nn = { type = 'integer' }\n")
    assert first.scan() == {"a": "rejected"}
    assert rig_at(tmp_path, plugin_settings={"a": {"n": 1}}).scan() == {"a": "enabled"}


def test_logs_of_a_plugin_are_kept_for_it(rig: Rig) -> None:
    rig.drop("talk.wat", door("log_write_v1"))
    rig.scan()
    rig.host.call_blocking("talk.ask", b'{"level": "warn", "message": "careful"}')
    assert [(line.level, line.message) for line in rig.host.logs("talk", 10)] == [("warn", "careful")]


def test_calls_are_counted_by_function_and_outcome(rig: Rig) -> None:
    rig.drop("moody.wat", MOODY)
    rig.scan()
    rig.host.call_blocking("moody.well")
    with pytest.raises(GuestTrapped):
        rig.host.call_blocking("moody.trap")
    text = rig.metrics.render().decode()
    assert 'omnicore_calls_total{function="well",outcome="ok",plugin="moody"} 1.0' in text
    assert 'omnicore_calls_total{function="trap",outcome="guest-trapped",plugin="moody"} 1.0' in text
    assert 'omnicore_plugins{state="enabled"} 1.0' in text


def test_what_happens_to_plugins_is_told_on_the_bus(rig: Rig) -> None:
    seen = rig.events.subscribe("plugin.*")
    file = rig.drop("a.wat", says("1"))
    rig.drop("a.toml", KV)
    rig.scan()
    rig.host.grant("a", who="ann")
    rig.host.disable("a")
    rig.host.enable("a")
    rig.host.revoke("a", "kv", who="ann")
    file.unlink()
    rig.scan()
    topics = [event.topic for event in seen.drain()]
    assert topics == [
        "plugin.added",
        "plugin.granted",
        "plugin.disabled",
        "plugin.enabled",
        "plugin.revoked",
        "plugin.changed",
        "plugin.removed",
    ]


def test_many_threads_call_while_the_file_changes(rig: Rig) -> None:
    rig.drop("a.wat", says("0"))
    rig.drop("a.toml", "warm = 2")
    rig.scan()
    stop, wrong = threading.Event(), []

    def work() -> None:
        while not stop.is_set():
            try:
                answer = rig.host.call_blocking("a", timeout_s=10)
                if answer not in (b"0", b"1", b"2", b"3", b"4"):
                    wrong.append(answer)
            except Exception as error:
                wrong.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for letter in "1234":
        rig.drop("a.wat", says(letter))
        rig.scan()
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert rig.host.call_blocking("a") == b"4"


# -- quarantine


def _fail(rig: Rig, ref: str = "moody.trap", times: int = 5) -> None:
    for _ in range(times):
        with pytest.raises(LimitExceeded if ref.endswith("spin") else GuestTrapped):
            rig.host.call_blocking(ref)


def test_five_failures_in_a_row_put_a_plugin_in_quarantine(rig_at: Callable[..., Rig], tmp_path: Path) -> None:
    clock = ManualClock()
    rig = rig_at(tmp_path, clock=clock)
    rig.drop("moody.wat", MOODY)
    rig.drop("echo.wat", ECHO)
    rig.scan()
    _fail(rig, times=4)
    rig.host.call_blocking("moody.well")
    _fail(rig)
    assert rig.host.get("moody").state == "quarantined"
    with pytest.raises(Unavailable, match=r"tried again in 60 s; `omnicore plugins enable moody` tries at once") as no:
        rig.host.call_blocking("moody.well")
    assert no.value.details["retry_after_s"] == 60
    assert rig.host.call_blocking("echo", b"x") == b"x"
    clock.advance(60)
    assert rig.host.call_blocking("moody.well") == b"w"
    assert rig.host.get("moody").state == "enabled"


def test_a_failed_trial_prolongs_the_quarantine(rig_at: Callable[..., Rig], tmp_path: Path) -> None:
    clock = ManualClock()
    rig = rig_at(tmp_path, clock=clock)
    rig.drop("moody.wat", MOODY)
    rig.scan()
    _fail(rig)
    clock.advance(60)
    _fail(rig, times=1)
    with pytest.raises(Unavailable):
        rig.host.call_blocking("moody.well")
    assert rig.host.get("moody").state == "quarantined"


def test_an_operator_ends_a_quarantine(rig: Rig) -> None:
    rig.drop("moody.wat", MOODY)
    rig.scan()
    _fail(rig)
    assert rig.host.enable("moody").state == "enabled"
    assert rig.host.call_blocking("moody.well") == b"w"


def test_a_changed_file_ends_a_quarantine(rig: Rig) -> None:
    rig.drop("moody.wat", MOODY)
    rig.scan()
    _fail(rig)
    rig.drop("moody.wat", says("2", "well"))
    assert rig.scan() == {"moody": "enabled"}
    assert rig.host.call_blocking("moody.well") == b"2"


def test_failures_of_callers_do_not_count(rig: Rig) -> None:
    rig.drop("moody.wat", MOODY)
    rig.scan()
    for _ in range(6):
        with pytest.raises(InvalidInput):
            rig.host.call_blocking("moody.well", b"x" * 2_000_000)
        with pytest.raises(GuestFailed):
            rig.host.call_blocking("moody.fail")
        with pytest.raises(DeadlineExceeded):  # the caller's own short time, not the plugin's
            rig.host.call_blocking("moody.spin", timeout_s=0.01)
    assert rig.host.get("moody").state == "enabled"


def test_a_quarantine_survives_a_restart(rig_at: Callable[..., Rig], tmp_path: Path) -> None:
    first = rig_at(tmp_path)
    first.drop("moody.wat", MOODY)
    first.scan()
    _fail(first)
    clock = ManualClock()
    second = rig_at(tmp_path, clock=clock)
    assert second.scan() == {"moody": "quarantined"}
    with pytest.raises(Unavailable):
        second.host.call_blocking("moody.well")
    clock.advance(60)
    assert second.host.call_blocking("moody.well") == b"w"


# -- remembering


def test_the_catalogue_survives_a_restart(rig_at: Callable[..., Rig], tmp_path: Path) -> None:
    first = rig_at(tmp_path)
    first.drop("a.wat", says("1"))
    first.drop("a.toml", KV)
    first.drop("off.wat", ECHO)
    first.drop("moody.wat", MOODY)
    first.scan()
    first.host.grant("a", who="ann")
    first.host.disable("off")
    _fail(first, times=1)
    first.drop("a.wat", says("2"))
    first.drop("a.toml", KV + HTTP)
    first.scan()
    first.close()
    second = rig_at(tmp_path)
    assert second.scan() == {"a": "needs-review", "moody": "enabled", "off": "disabled"}
    assert second.host.call_blocking("a") == b"1"  # the bytes of the old version were kept
    assert second.host.get("moody").last_error["code"] == "guest-trapped"


def test_an_unchanged_plugin_is_not_read_again(rig_at: Callable[..., Rig], tmp_path: Path) -> None:
    first = rig_at(tmp_path)
    file = first.drop("a.wat", says("1"))
    first.scan()
    second = rig_at(tmp_path)
    reads: list[object] = []
    second.host._folder.read = lambda *_: reads.append(1)  # type: ignore[method-assign]
    assert second.scan() == {"a": "enabled"}
    assert reads == []
    assert file.exists()


def test_what_another_process_decides_takes_effect(rig_at: Callable[..., Rig], tmp_path: Path) -> None:
    running, command = rig_at(tmp_path), rig_at(tmp_path)
    running.drop("a.wat", says("1"))
    running.scan()
    assert running.host.call_blocking("a") == b"1"
    command.host.disable("a")
    running.host._folder.tick(False)
    with pytest.raises(Unavailable, match="is disabled"):
        running.host.call_blocking("a")
    command.host.enable("a")
    running.host._folder.tick(False)
    assert running.host.call_blocking("a") == b"1"


def test_bytes_of_versions_nobody_needs_are_deleted(rig_at: Callable[..., Rig], tmp_path: Path) -> None:
    rig = rig_at(tmp_path, kept_versions=0)
    kept = rig.settings.data / "modules"
    for letter in "123":
        rig.drop("a.wat", says(letter))
        rig.scan()
        assert sorted(path.suffix for path in kept.iterdir()) == [".wasm", ".wat"]
    rig.drop("a.toml", KV)
    rig.drop("a.wat", says("4"))
    rig.scan()
    assert len(list(kept.iterdir())) == 4


def test_a_failure_is_written_at_most_once_a_second(rig: Rig) -> None:
    rig.drop("moody.wat", MOODY)
    rig.scan()
    with closing(sqlite3.connect(rig.database.path)) as other, other:
        seen = set()
        for _ in range(50):
            with pytest.raises(GuestFailed):
                rig.host.call_blocking("moody.fail")
            seen.add(other.execute("SELECT last_error_at FROM plugins").fetchone()[0])
    other.close()
    assert len(seen) <= 3
    assert rig.host.get("moody").last_error["code"] == "guest-failed"


def test_a_closed_host_takes_no_calls(rig: Rig) -> None:
    rig.drop("echo.wat", ECHO)
    rig.scan()
    rig.host.call_blocking("echo")
    rig.host.close()
    rig.host.close()
    with pytest.raises(Unavailable, match="shutting down"):
        rig.host.call_blocking("echo")


def test_too_many_calls_at_once_are_refused_and_idle_instances_make_room(
    rig_at: Callable[..., Rig], tmp_path: Path
) -> None:
    rig = rig_at(tmp_path, max_instances=1)
    rig.drop("a.wat", says("1"))
    rig.scan()
    rig.host.call_blocking("a")
    pool = rig.host._versions.current("a").blocking
    lent = pool.take()
    with pytest.raises(CapacityReached, match="1 calls of this plugin run already"):
        rig.host.call_blocking("a")
    pool.give(lent)
    assert rig.host.call_blocking("a") == b"1"


def test_a_deleted_copy_of_a_module_is_made_again(rig_at: Callable[..., Rig], tmp_path: Path) -> None:
    first = rig_at(tmp_path)
    first.drop("a.wat", says("1"))
    first.scan()
    for copy in (first.settings.data / "modules").iterdir():
        copy.unlink()
    second = rig_at(tmp_path)
    assert second.scan() == {"a": "enabled"}
    assert second.host.call_blocking("a") == b"1"


def test_a_file_that_breaks_its_reader_does_not_keep_the_others_out(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(data: bytes) -> None:
        if data.startswith(b"BREAK"):
            raise IndexError("out of range")
        return inspect(data)

    monkeypatch.setattr("omnicore.plugins.inventory.inspect", broken)
    rig.drop("a.wasm", b"BREAK")
    rig.drop("b.wat", says("1"))
    assert rig.scan() == {"a": "rejected", "b": "enabled"}


def test_a_failure_of_the_machine_does_not_reject_the_plugin(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: ExtismEngine, *_: object) -> None:
        raise EngineFailed("no room for the compiled code", remedy="free space")

    rig.drop("a.wat", says("1"))
    with monkeypatch.context() as patched:
        patched.setattr(ExtismEngine, "load", full)
        assert rig.scan() == {"a": "enabled"}
        with pytest.raises(EngineFailed):
            rig.host.call_blocking("a")
    assert rig.host.call_blocking("a") == b"1"


def test_enabling_tries_a_rejected_file_once_more(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(self: ExtismEngine, *_: object) -> None:
        raise LimitExceeded("compiling took too long")

    rig.drop("a.wat", says("1"))
    with monkeypatch.context() as patched:
        patched.setattr(ExtismEngine, "load", slow)
        assert rig.scan() == {"a": "rejected"}
        assert rig.host.enable("a").state == "rejected"
    assert rig.scan() == {"a": "rejected"}
    assert rig.host.enable("a").state == "enabled"
    assert rig.host.call_blocking("a") == b"1"


def test_a_plugin_folder_that_cannot_be_one_says_so(rig: Rig) -> None:
    rig.settings.plugins.rmdir()
    rig.settings.plugins.write_text("")
    with pytest.raises(StorageFailed, match=r"plugins cannot be used: .*; check that the folder exists"):
        rig.host.scan()


def test_calls_keep_no_depth_behind_whatever_becomes_of_them(rig_at: Callable[..., Rig], tmp_path: Path) -> None:
    rig = rig_at(tmp_path, functions=(HostFunction("extism:host/user", "x", (), (), lambda call: None),))
    rig.drop("moody.wat", MOODY)
    for letter in "123456789ab":
        rig.drop("a.wat", says(letter))
        rig.scan()
        assert rig.host.call_blocking("a") == letter.encode()
        with pytest.raises(GuestFailed):
            rig.host.call_blocking("moody.fail")


def test_a_removal_that_broke_off_is_done_again_and_leaves_nothing_to_a_later_plugin(rig):
    rig.drop("echo.wat", ECHO)
    rig.scan()
    assert rig.host.call_blocking("echo.echo", b"x") == b"x"

    def breaks(name):
        with pytest.raises(Unavailable):  # nothing it calls could be written after it was forgotten
            rig.host.call_blocking("echo.echo", b"x")
        rig.host.forgetting.remove(breaks)
        raise StorageFailed("the disk is full")

    rig.kv.put("echo", "key", b"secret")
    seen = []
    rig.host.forgetting += [breaks, seen.append]
    with pytest.raises(StorageFailed):
        rig.host.remove("echo")
    rig.kv.put("echo", "key", b"secret")
    rig.scan()
    rig.host.remove("echo")
    assert seen == ["echo"]
    assert rig.kv.get("echo", "key") is None
    rig.drop("echo.wat", ECHO)
    assert rig.scan() == {"echo": "enabled"}
