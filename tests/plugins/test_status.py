"""How one plugin fares."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from tests.plugins.conftest import Rig
from tests.plugins.guests import MOODY, says

from omnicore.clock import ManualClock
from omnicore.errors import GuestTrapped, NotFound
from omnicore.plugins.view import call_status
from omnicore.telemetry.metrics import CallRecorder


def test_a_plugin_that_was_not_called_has_nothing_to_tell(rig: Rig) -> None:
    rig.drop("a.wat", says("1"))
    rig.scan()
    status = rig.host.status("a").to_json()
    assert status["breaker"] == {"state": "closed", "failures": 0, "threshold": 5, "refused": 0, "open_until": None}
    assert [status[name] for name in ("in_flight", "calls", "errors", "p95_ms")] == [0, 0, 0, None]
    with pytest.raises(NotFound):
        rig.host.status("nobody")


def test_calls_errors_and_warm_sandboxes_are_counted(rig: Rig) -> None:
    rig.drop("a.wat", MOODY)
    rig.drop("a.toml", "warm = 2\n")
    rig.scan()
    for function in ("well", "well", "trap", "well"):
        with suppress(GuestTrapped):
            rig.host.call_blocking(f"a.{function}")
    status = rig.host.status("a")
    assert (status.calls.calls, status.calls.errors) == (4, 1)
    assert status.calls.p95_ms is not None
    assert status.warm == 1
    assert status.warm_bytes > 0


def test_an_open_breaker_says_until_when(rig_at: Callable[..., Rig], tmp_path: Path) -> None:
    clock = ManualClock()
    rig = rig_at(tmp_path, clock=clock, breaker_failures=2, breaker_reset_s=30.0)
    rig.drop("a.wat", MOODY)
    rig.scan()
    for failures in (1, 2):
        with suppress(GuestTrapped):
            rig.host.call_blocking("a.trap")
        assert rig.host.status("a").breaker.failures == failures
    breaker = rig.host.status("a").breaker
    assert (breaker.state, breaker.threshold, breaker.open_until) == ("open", 2, clock.now() + 30.0)


def test_each_limit_says_who_set_it(rig: Rig) -> None:
    rig.drop("a.wat", says("1"))
    rig.drop("a.toml", "[limits]\ntimeout_s = 2.0\nhttp_requests = 1000\n")
    rig.scan()
    rig.host.grant("a", "limits", who="ann")
    limits = rig.host.status("a").to_json()["limits"]
    assert limits["timeout_s"] == {"value": 2.0, "origin": "manifest"}
    assert limits["http_requests"] == {"value": rig.settings.max_limits.http_requests, "origin": "most"}
    assert limits["memory_bytes"] == {"value": rig.settings.limits.memory_bytes, "origin": "settings"}
    view = rig.host.get("a")
    assert {name: one["value"] for name, one in limits.items()} == view.limits


def test_the_percentile_is_in_the_bucket_of_the_calls_it_leaves_behind() -> None:
    recorder = CallRecorder("a", "f")
    for _ in range(19):
        recorder.record(0.002)
    for _ in range(2):
        recorder.record(3.0, "guest-failed")
    status = call_status([recorder])
    assert (status.calls, status.errors) == (21, 2)
    assert status.p95_ms is not None
    assert 2500 <= status.p95_ms <= 5000
    slow = CallRecorder("a", "g")
    slow.record(100.0)
    assert call_status([slow]).p95_ms == 30_000
