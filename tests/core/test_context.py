"""Identity and uptime of an application."""

from __future__ import annotations

from omnicore.clock import ManualClock
from omnicore.core.lifecycle import RuntimeContext


def test_every_instance_has_an_identity_of_its_own():
    assert len({RuntimeContext().instance_id for _ in range(100)}) == 100


def test_uptime_counts_from_start_to_stop_whatever_the_clock_on_the_wall_does():
    clock = ManualClock()
    runtime = RuntimeContext(clock)
    assert (runtime.uptime(), runtime.started_at, runtime.stopped_at) == (0.0, None, None)
    runtime.mark_start()
    clock.advance(5)
    clock.at -= 3600
    assert runtime.uptime() == 5
    runtime.mark_stop()
    clock.advance(7)
    assert runtime.uptime() == 5
    assert (runtime.started_at, runtime.stopped_at) == (1_700_000_000.0, 1_700_000_005.0 - 3600)


def test_a_stop_without_a_start_and_a_second_stop_change_nothing():
    clock = ManualClock()
    runtime = RuntimeContext(clock)
    runtime.mark_stop()
    assert runtime.stopped_at is None
    runtime.mark_start()
    runtime.mark_stop()
    clock.advance(1)
    runtime.mark_stop()
    assert runtime.stopped_at == runtime.started_at
