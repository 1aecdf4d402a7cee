"""Alerts: rules on a line, what they fit, and how they are carried out."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from omnicore.errors import InvalidSetting, Unavailable
from omnicore.resilience.health import Alerts, HealthChange, HealthStatus, read_rule
from omnicore.resilience.retry import Retry

GONE = HealthChange("storage", HealthStatus.Healthy, HealthStatus.Unhealthy, "disk full")


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        ("storage Unhealthy -> call pager.page", True),
        ("storage * -> call pager.page", True),
        ("* Unhealthy -> event ops.alert", True),
        ("storage Degraded -> call pager.page", False),
        ("overall * -> call pager.page", False),
    ],
)
def test_a_rule_fits_a_part_and_a_status(rule: str, fits: bool) -> None:
    assert read_rule(rule).fits(GONE) is fits


def test_any_part_does_not_mean_the_whole() -> None:
    whole = HealthChange("overall", HealthStatus.Healthy, HealthStatus.Unhealthy)
    assert not read_rule("* * -> event ops.alert").fits(whole)


def test_words_of_the_change_are_filled_in_and_nothing_else_is_read() -> None:
    rule = read_rule('* * -> connector chat.send {"to": 7, "text": ["{component} is {new}: {reason} {0.x}"]}')
    assert rule.filled(GONE) == {"to": 7, "text": ["storage is Unhealthy: disk full {0.x}"]}
    assert read_rule("* * -> event a").filled(GONE)["reason"] == "disk full"


@pytest.mark.parametrize(
    "text", ["", "storage Unhealthy call x.y", "a Bad -> call x.y", "a * -> mail x.y", "a * -> call x.y {no}"]
)
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(InvalidSetting, match="is no alert"):
        read_rule(text)


def test_alerts_are_sent_tried_again_and_one_that_fails_stops_no_other() -> None:
    async def scene() -> None:
        sent: list[tuple[str, Any]] = []
        done = asyncio.Event()
        tries = 0

        async def call(target: str, given: Any) -> None:
            nonlocal tries
            tries += 1
            if tries == 1:
                raise Unavailable("busy")
            sent.append((target, given["component"]))

        async def event(target: str, given: Any) -> None:
            done.set()

        async def connector(target: str, given: Any) -> None:
            raise ValueError("no such connector")

        async def no_pause(seconds: float) -> None:
            pass

        rules = ["storage * -> connector x.y", "storage Unhealthy -> call pager.page", "* * -> event ops.alert"]
        acts = {"call": call, "event": event, "connector": connector}
        alerts = Alerts(map(read_rule, rules), acts, retry=Retry(sleep=no_pause))
        alerts.tell(GONE)
        running = asyncio.create_task(alerts.run())
        await asyncio.sleep(0)
        alerts.tell(GONE)
        async with asyncio.timeout(60):
            await done.wait()
            await asyncio.sleep(0)
        running.cancel()
        assert sent == [("pager.page", "storage")]
        assert (tries, alerts.sent, alerts.failed) == (2, 2, 1)

    asyncio.run(scene())
