"""jq as a plugin: what never ends is cut, and one filter leaves nothing behind for the next."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from omnicore import BlockingHost, Host
from omnicore.errors import DeadlineExceeded, GuestFailed, MemoryExceeded

JQ = Path(__file__).parents[2] / "plugins" / "jq"


@pytest.fixture(scope="module")
def host(tmp_path_factory) -> Iterator[BlockingHost]:
    with Host(plugins=JQ / "dist", data=tmp_path_factory.mktemp("data"), watch=False) as opened:
        yield opened


def run(host: BlockingHost, filter: str, input: object = None, **more: object) -> object:
    return host.call("jq.run", {"filter": filter, "input": input}, **more)["outputs"]


def test_a_filter_without_end_meets_the_deadline(host):
    with pytest.raises(DeadlineExceeded):
        run(host, "def f: f; f", timeout_s=0.1)
    assert run(host, "1 + 1") == [2]


def test_a_filter_that_collects_too_much_meets_the_memory_limit(host):
    with pytest.raises(MemoryExceeded):
        run(host, "[range(1e9)]", timeout_s=30)
    assert run(host, "1 + 1") == [2]


def test_the_same_filter_begins_anew_after_it_failed_or_halted(host):
    for _ in range(3):
        assert run(host, "if . then halt else 1, 2 end", input=False) == [1, 2]
        assert run(host, "if . then halt else 1, 2 end", input=True) == []
        with pytest.raises(GuestFailed, match="late"):
            run(host, '1, error("late")')


def test_many_filters_leave_no_memory_behind(host):
    for number in range(1000):
        assert run(host, f"[range(100)] | length + {number}") == [100 + number]


def test_filters_that_stay_compiled_are_told_apart(host):
    for _ in range(3):
        for number in (*range(40), *range(8)):
            assert run(host, f". + {number}", input=1) == [1 + number]
    with pytest.raises(GuestFailed, match="nosuch/0 is not defined"):
        run(host, "nosuch")
    assert run(host, ". + 39", input=1) == [40]


def test_a_variable_of_one_call_is_not_that_of_the_next(host):
    call = {"filter": "$word", "variables": {"word": "one"}}
    assert host.call("jq.run", call)["outputs"] == ["one"]
    assert host.call("jq.run", {**call, "variables": {"word": "two"}})["outputs"] == ["two"]
    with pytest.raises(GuestFailed, match="word is not defined"):
        host.call("jq.run", {"filter": "$word"})
