"""The logs of plugins: bounded, and harmless to print."""

from __future__ import annotations

import json
import logging
import threading
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.clock import ManualClock
from omnicore.errors import CapacityReached
from omnicore.telemetry.logs import MOST_FOLLOWERS, TRACE, JsonLines, PluginLogs, Trace, harmless


def test_the_tail_is_the_newest_lines_oldest_first() -> None:
    clock = ManualClock()
    logs = PluginLogs(clock=clock)
    sink = logs.sink("p")
    for number in range(5):
        sink("info", f"line {number}")
        clock.advance(1)
    tail = logs.tail("p", 2)
    assert [line.message for line in tail] == ["line 3", "line 4"]
    assert tail[1].at - tail[0].at == 1


def test_a_level_hides_the_quieter_lines() -> None:
    logs = PluginLogs()
    for level in ("trace", "debug", "info", "warn", "error"):
        logs.sink("p")(level, level)
    assert [line.level for line in logs.tail("p", 10, "warn")] == ["warn", "error"]


def test_the_ring_lets_the_oldest_go_and_counts_them() -> None:
    logs = PluginLogs(per_plugin=3)
    for number in range(5):
        logs.sink("p")("info", str(number))
    assert [line.message for line in logs.tail("p")] == ["2", "3", "4"]
    assert logs.dropped("p") == 2


def test_bytes_bound_the_ring_too() -> None:
    logs = PluginLogs(per_plugin=1000, bytes_per_plugin=10_000)
    for _ in range(100):
        logs.sink("p")("info", "x" * 1000)
    assert 5 <= len(logs.tail("p", 1000)) <= 10


def test_empty_lines_cost_something() -> None:
    logs = PluginLogs(per_plugin=10**9, bytes_per_plugin=10_000)
    for _ in range(1000):
        logs.sink("p")("info", "")
    assert len(logs.tail("p", 1000)) <= 100


def test_a_long_line_is_cut_at_8_kib_and_says_so() -> None:
    logs = PluginLogs()
    logs.sink("p")("info", "ä" * 8192)
    message = logs.tail("p")[0].message
    assert message == "ä" * 4096 + " [cut]"


def test_one_plugin_does_not_push_out_the_lines_of_another() -> None:
    logs = PluginLogs(per_plugin=2)
    logs.sink("quiet")("info", "still here")
    for _ in range(10):
        logs.sink("loud")("info", "noise")
    assert [line.message for line in logs.tail("quiet")] == ["still here"]


def test_terminal_escapes_and_line_breaks_come_out_as_text() -> None:
    logs = PluginLogs()
    logs.sink("p")("info", "\x1b[2Jgone\r\nINFO forged \x9b31m \u202egnp.exe")
    assert logs.tail("p")[0].message == "\\x1b[2Jgone\\r\\nINFO forged \\x9b31m \\u202egnp.exe"


@given(st.text(alphabet=st.characters()))
def test_no_text_leaves_with_a_control_character(text: str) -> None:
    shown = harmless(text)
    assert all(mark == "\t" or (ord(mark) >= 32 and not 127 <= ord(mark) < 160) for mark in shown)
    shown.encode()


def test_lines_reach_python_logging_when_asked(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "omnicore.plugin")
    PluginLogs(forward=True).sink("text")("warn", "50% \x1b[0m")
    PluginLogs().sink("text")("warn", "not this")
    assert [(one.name, one.levelno, one.getMessage()) for one in caplog.records] == [
        ("omnicore.plugin.text", logging.WARNING, "50% \\x1b[0m")
    ]


def test_a_plugin_without_lines_and_a_forgotten_one_have_an_empty_tail() -> None:
    logs = PluginLogs()
    logs.sink("p")("info", "x")
    logs.forget("p")
    assert logs.tail("p") == []
    assert logs.tail("nobody") == []
    assert logs.dropped("nobody") == 0


def test_threads_may_log_at_once() -> None:
    logs = PluginLogs(per_plugin=500)

    def work() -> None:
        for _ in range(1000):
            logs.sink("p")("info", "x")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(logs.tail("p", 1000)) == 500
    assert logs.dropped("p") == 3500


def test_who_follows_hears_each_line_once_from_the_last_ones_on() -> None:
    logs, woken = PluginLogs(), []
    logs.sink("a")("info", "before")
    with logs.follow("a", 10, "info", most=100, wake=lambda: woken.append(1)) as (before, follower):
        assert [line.message for line in before] == ["before"]
        logs.sink("a")("info", "one")
        logs.sink("a")("debug", "too quiet")
        logs.sink("b")("info", "another plugin")
        logs.sink("a")("error", "two")
        assert woken == [1]
        assert [heard.line.message for heard in follower.take(10)] == ["one", "two"]
        logs.sink("a")("info", "three")
        assert woken == [1, 1]
    logs.sink("a")("info", "after")
    assert [heard.line.message for heard in follower.take(10)] == ["three"]
    assert logs.followers == ()


def test_a_follower_that_does_not_read_keeps_the_newest_lines_and_the_count() -> None:
    logs = PluginLogs()
    with logs.follow(None, 0, most=3, wake=lambda: None) as (before, follower):
        for number in range(10):
            logs.sink("a")("info", str(number))
        assert before == []
        first, second = follower.take(2)
        assert (first.line.message, first.dropped, second.line.message, second.dropped) == ("7", 7, "8", 0)
        assert [(one.plugin, one.line.message, one.dropped) for one in follower.take(2)] == [("a", "9", 0)]
        assert follower.take(2) == []


def test_no_more_clients_follow_than_writers_have_patience_for() -> None:
    logs = PluginLogs()
    with ExitStack() as stack:
        for _ in range(MOST_FOLLOWERS):
            stack.enter_context(logs.follow("a", 0, most=1, wake=lambda: None))
        with pytest.raises(CapacityReached, match="read logs along"):
            stack.enter_context(logs.follow("a", 0, most=1, wake=lambda: None))
    assert logs.followers == ()


def test_lines_since_a_number_are_those_that_came_later() -> None:
    logs = PluginLogs(3)
    assert logs.since("a", 0) == ([], 0, 0)
    for number in range(5):
        logs.sink("a")("info", str(number))

    def said(after: int, n: int = 10) -> tuple[list[str], int, int]:
        lines, following, dropped = logs.since("a", after, n)
        return [line.message for line in lines], following, dropped

    assert said(0) == (["2", "3", "4"], 5, 2)
    assert said(4) == (["4"], 5, 0)
    assert said(5) == ([], 5, 0)
    assert said(2, 1) == (["4"], 5, 2)
    assert said(99) == (["2", "3", "4"], 5, 2)  # of an earlier run


def test_a_json_line_names_the_trace_of_its_request() -> None:
    record = logging.LogRecord("omnicore", logging.INFO, "", 0, "well", None, None)
    assert "trace_id" not in json.loads(JsonLines().format(record))
    token = TRACE.set(Trace(255))
    try:
        assert json.loads(JsonLines().format(record))["trace_id"] == f"{'ff':0>32}"
    finally:
        TRACE.reset(token)
