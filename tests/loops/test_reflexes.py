"""Rules on events, and the way a lane's name is read."""

from __future__ import annotations

import pytest

from omnicore.errors import NotFound
from omnicore.events.bus import Event
from omnicore.loops.engine import Reflexes
from omnicore.loops.lane import LoopType, lane_named, next_due


def _event(topic: str, hops: int = 0, **data: str) -> Event:
    return Event("evt", topic, data, "host", 0.0, 0, hops)


def test_handlers_of_a_plugin_rest_while_it_is_in_quarantine() -> None:
    rules = Reflexes()
    assert rules.apply([_event("plugin.quarantined", name="text")]) == [{"rule": "rest-handlers", "subject": "text"}]
    assert rules.resting == {"text"}
    assert rules.apply([_event("plugin.recovered", name="text")]) == [{"rule": "wake-handlers", "subject": "text"}]
    assert rules.resting == set()
    assert rules.apply([_event("plugin.added", name="text")]) == []


def test_degraded_lanes_leave_the_essential_ones_until_they_are_well() -> None:
    rules = Reflexes()
    assert rules.apply([_event("health.changed", component="agentdb", new="Unhealthy")]) == []
    assert rules.apply([_event("health.changed", component="loops", new="Degraded")])
    assert rules.apply([_event("health.changed", component="loops", new="Unhealthy")]) == []
    assert rules.essential_only
    assert rules.apply([_event("health.changed", component="loops", new="Healthy")])
    assert not rules.essential_only


def test_a_plugin_that_publishes_on_the_hosts_topics_moves_no_rule() -> None:
    rules = Reflexes()
    rules.apply(
        [
            _event("health.changed", 1, component="loops", new="Unhealthy"),
            _event("plugin.quarantined", 1, name="rival"),
        ]
    )
    assert not rules.essential_only
    assert not rules.resting


def test_lanes_are_named_as_manifests_name_them() -> None:
    assert lane_named("Adaptive") is LoopType.Adaptive
    with pytest.raises(NotFound, match="the lanes are reflexive"):
        lane_named("cosmic")


@pytest.mark.parametrize(
    ("since", "last", "now", "due"),
    [(0, None, 5, 10), (0, 95, 100, 105), (0, 50, 100, 60), (0, 500, 100, 110), (500, None, 100, 110)],
)
def test_a_lane_is_due_an_interval_after_its_last_run(since: float, last: float | None, now: float, due: float) -> None:
    assert next_due(10, since=since, last_run_at=last, now=now) == due
