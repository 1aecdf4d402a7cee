"""Alerts: what is to happen when a part's health changes, as rules that fit on a line.

overall Unhealthy -> call pager.page
storage * -> event ops.storage
* Unhealthy -> connector chat.send {"text": "{component} is {new}: {reason}"}
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from omnicore.errors import InvalidSetting
from omnicore.resilience.health import OVERALL, Change
from omnicore.resilience.retry import Retry
from omnicore.resilience.status import HealthStatus

__all__ = ["ACTIONS", "AlertRule", "Alerts", "read_rule"]

ACTIONS = ("call", "connector", "event")
"""What an alert may do: call a function of a plugin, an action of a connector, or publish an event."""

_RULE = re.compile(r"\s*(\S+)\s+(\S+)\s*->\s*(\S+)\s+(\S+)\s*(\{.*\})?\s*", re.DOTALL)
_QUEUE = 256
_log = logging.getLogger("omnicore.alerts")

Act = Callable[[str, Any], Awaitable[Any]]
"""Does what an alert wants with its target and its input."""


@dataclass(frozen=True, slots=True)
class AlertRule:
    """When `component` (`*` for any part) comes into `status` (None for any), `action` is done to `target`."""

    component: str
    status: HealthStatus | None
    action: str
    target: str
    input: Mapping[str, Any] | None = None

    def fits(self, change: Change) -> bool:
        """Whether the rule speaks of this change; `*` means each part, not the whole, which is told besides."""
        named = change.component == self.component or (self.component == "*" and change.component != OVERALL)
        return named and self.status in (None, change.new)

    def filled(self, change: Change) -> Any:
        """The input: the change itself, or the rule's own with the change's words in the place of their names."""
        words = {"component": change.component, "old": str(change.old), "new": str(change.new), "reason": change.reason}
        return words if self.input is None else _fill(dict(self.input), words)


def read_rule(text: str) -> AlertRule:
    """A rule from its line. Raises: InvalidSetting."""
    found = _RULE.fullmatch(text)
    if found is None:
        raise _wrong(text, "write `PART STATUS -> call|connector|event TARGET`")
    component, status, action, target, given = found.groups()
    if action not in ACTIONS:
        raise _wrong(text, f"after the arrow comes one of {', '.join(ACTIONS)}")
    if status != "*" and status not in tuple(HealthStatus):
        raise _wrong(text, f"the status is one of {', '.join(HealthStatus)} or *")
    try:
        values = json.loads(given) if given else None
    except ValueError as error:
        raise _wrong(text, f"its input is no JSON object: {error}") from error
    return AlertRule(component, None if status == "*" else HealthStatus(status), action, target, values)


class Alerts:
    """Carries out rules, one alert after the other, for as long as `run` does.

    Args:
        acts: how each action is done.
        retry: failures that may pass are tried again.
        act_s: how long one try may take, so that no alert holds up the next for ever.
    """

    def __init__(
        self, rules: Iterable[AlertRule], acts: Mapping[str, Act], *, retry: Retry | None = None, act_s: float = 30.0
    ) -> None:
        self._rules = tuple(rules)
        self._acts = acts
        self._retry = retry or Retry()
        self._act_s = act_s
        self._queue: asyncio.Queue[tuple[AlertRule, Change]] = asyncio.Queue(_QUEUE)
        self._loop: asyncio.AbstractEventLoop | None = None
        self.sent = self.failed = 0

    def tell(self, change: Change) -> None:
        """Queues what the change leads to, from any thread. Without a running `run` nothing is sent."""
        fitting = [rule for rule in self._rules if rule.fits(change)]
        if fitting and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._enqueue, fitting, change)

    async def run(self) -> None:
        """Goes on without end."""
        self._loop = asyncio.get_running_loop()
        while True:
            rule, change = await self._queue.get()
            await self._send(rule, change)

    async def _within_time(self, act: Act, target: str, given: Any) -> None:
        async with asyncio.timeout(self._act_s):
            await act(target, given)

    def _enqueue(self, rules: list[AlertRule], change: Change) -> None:
        for rule in rules:
            try:
                self._queue.put_nowait((rule, change))
            except asyncio.QueueFull:
                self.failed += 1
                _log.error("an alert on %s is lost: %d wait already", change.component, _QUEUE)

    async def _send(self, rule: AlertRule, change: Change) -> None:
        act, given = self._acts[rule.action], rule.filled(change)
        try:
            await self._retry.run(lambda: self._within_time(act, rule.target, given))
        except Exception as error:  # an alert that cannot be sent must not end those that can
            self.failed += 1
            _log.error("the alert on %s did not reach %s %s: %s", change.component, rule.action, rule.target, error)
        else:
            self.sent += 1


def _fill(value: Any, words: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return re.sub(r"\{(component|old|new|reason)\}", lambda found: words[found[1]], value)
    if isinstance(value, dict):
        return {key: _fill(one, words) for key, one in value.items()}
    if isinstance(value, list):
        return [_fill(one, words) for one in value]
    return value


def _wrong(text: str, remedy: str) -> InvalidSetting:
    return InvalidSetting(f"{text[:120]!r} is no alert", remedy=remedy, path="health.alerts")
