"""A host for one test: isolated, granted, measured."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.plugins.guests import ECHO
from tests.testing.guests import PLUGINS, ask, asker, written

from omnicore.errors import Conflict, GuestFailed, InvalidSetting, ManifestInvalid, NotFound, Unavailable
from omnicore.testing import IsolatedHost, assert_capabilities, assert_fuel

Make = Callable[..., IsolatedHost]


def test_a_plugin_is_called_with_all_it_asks_for(host: Make) -> None:
    opened = host(PLUGINS / "counter")
    assert [opened.call("counter.add", {"name": "a", "by": by}) for by in (1, 2)] == [{"value": 1}, {"value": 3}]
    assert [call.ref for call in opened.door_calls] == ["kv.get", "kv.cas"] * 2
    assert opened.asked("kv.get") == [{"key": "count:a"}] * 2


def test_hosts_share_nothing(host: Make) -> None:
    for _ in range(2):
        assert host(PLUGINS / "counter").call("counter.add", {"name": "a"}) == {"value": 1}


def test_a_denied_capability_is_a_refusal_that_the_plugin_reads(host: Make, tmp_path: Path) -> None:
    opened = host(asker(tmp_path, "kv_get_v1"), deny=["kv"])
    error = ask(opened, {"key": "count"})["error"]
    assert (error["code"], error["resource"]) == ("permission-denied", "count")
    assert opened.door_calls[0].reply["error"] == error
    with pytest.raises(GuestFailed, match=r"no grant for kv\.get"):
        host(PLUGINS / "counter", deny=["kv"]).call("counter.add", {"name": "a"})


def test_a_denied_request_by_the_environment_ends_the_call(host: Make, tmp_path: Path) -> None:
    opened = host(asker(tmp_path, "http_request"), deny=["http"])
    with pytest.raises(Exception, match="no grant for http_request"):
        ask(opened, {"url": "http://127.0.0.1/"})
    assert opened.door_calls[0].reply["error"]["code"] == "permission-denied"


def test_a_plugin_reads_the_settings_of_the_test(host: Make, tmp_path: Path) -> None:
    path = asker(tmp_path, "config_get_v1")
    assert ask(host(path, settings={"greeting": "Hi"}), {"key": "greeting"}) == {"value": "Hi"}
    assert ask(host(path), {"key": "greeting"}) == {"value": None}


def test_several_plugins_have_their_settings_by_name(host: Make, tmp_path: Path) -> None:
    path = asker(tmp_path, "config_get_v1")
    opened = host(path, PLUGINS / "text", settings={"asker": {"greeting": "Hi"}})
    assert ask(opened, {"key": "greeting"}) == {"value": "Hi"}
    assert opened.call("text.count_vowels", "hello") == {"count": 2}
    with pytest.raises(InvalidSetting, match="'greeting' has no settings of its own among asker, text"):
        host(path, PLUGINS / "text", settings={"greeting": "Hi"})


def test_what_a_plugin_logs_can_be_read(host: Make, tmp_path: Path) -> None:
    opened = host(asker(tmp_path, "log_write_v1"))
    ask(opened, {"level": "info", "message": "hello"})
    assert opened.logs("asker") == ["hello"]


def test_events_reach_the_bus(host: Make, tmp_path: Path) -> None:
    opened = host(asker(tmp_path, "events_publish_v1"))
    with opened.bus.subscribe("case.*") as events:
        ask(opened, {"topic": "case.made", "data": 1})
        assert [event.data for event in events.drain()] == [1]


def test_variables_of_the_environment_are_not_looked_at(
    host: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMNICORE_ENGINE", "none")
    assert host(written(tmp_path, "echo", ECHO)).call("echo.echo", b"x") == b"x"


def test_any_setting_of_a_host_can_be_given(host: Make, tmp_path: Path) -> None:
    opened = host(written(tmp_path, "echo", ECHO), engine="extism")
    assert opened.call("echo.echo", b"x") == b"x"


@pytest.mark.parametrize("layout", ["plugins/echo.wat", "echo.wat", "echo/dist/echo.wat"])
def test_plugins_are_found_in_the_folders_they_are_built_into(host: Make, tmp_path: Path, layout: str) -> None:
    path = tmp_path / layout
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(ECHO)
    assert host(tmp_path).call("echo.echo", b"x") == b"x"
    assert host(path).call("echo.echo", b"x") == b"x"


def test_where_there_is_no_plugin_the_remedy_is_to_build_it(host: Make, tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "none.wasm"):
        with pytest.raises(NotFound, match=r"build it first: `omnicore build`"):
            host(place)
    with pytest.raises(NotFound, match="no plugin is named"):
        host()


def test_a_plugin_that_no_host_would_take_is_told_at_once(host: Make, tmp_path: Path) -> None:
    with pytest.raises(ManifestInvalid):
        host(written(tmp_path, "echo", ECHO, "colour = 1"))


def test_two_plugins_of_one_name_are_a_conflict(host: Make, tmp_path: Path) -> None:
    for name in ("a", "b"):
        written(tmp_path, name, ECHO, 'name = "echo"')
    with pytest.raises(Conflict, match="have one name"):
        host(tmp_path)


def test_a_closed_host_takes_no_calls_and_leaves_nothing_behind(host: Make, tmp_path: Path) -> None:
    with host(written(tmp_path, "echo", ECHO)) as opened:
        opened.call("echo.echo", b"x")
        place = opened.plugins.get("echo")
    assert place.state == "enabled"
    with pytest.raises(Unavailable, match="the host is closed"):
        opened.call("echo.echo", b"x")


def test_fuel_is_counted_and_over_the_bound_an_assertion(host: Make) -> None:
    opened = host(PLUGINS / "text")
    used = assert_fuel(opened, "text.count_vowels", "hello", most=10_000_000)
    assert used > 1000
    assert abs(assert_fuel(opened, "text.count_vowels", "hello", most=used + 100) - used) < 100
    with pytest.raises(AssertionError, match="instructions where 1,000 are allowed"):
        assert_fuel(opened, "text.count_vowels", "hello", most=1000)
    assert opened.measure("text.count_vowels", "hello " * 1000).fuel > 10 * used


def test_capabilities_are_just_those_that_are_expected(tmp_path: Path) -> None:
    assert_capabilities(PLUGINS / "counter", {"kv"})
    assert_capabilities(PLUGINS / "text" / "dist" / "text.wasm", ())
    shutil.copy(PLUGINS / "fetch" / "dist" / "fetch.wasm", tmp_path)
    with pytest.raises(AssertionError, match=r"fetch asks for http as well \(Reads.*\), and does not ask for kv"):
        assert_capabilities(tmp_path / "fetch.wasm", ["kv"])
