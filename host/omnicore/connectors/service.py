"""The connectors of a host: made by operators, used by plugins, never without a record of it."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from omnicore.clock import Clock, SystemClock
from omnicore.config.sections.connectors import ConnectorSettings
from omnicore.connectors.checking import check_value
from omnicore.connectors.connector import Connector
from omnicore.connectors.hooks.service import Hooks
from omnicore.connectors.kind import Action, Client, Opening
from omnicore.connectors.kinds import find_kind
from omnicore.connectors.lane import Lane
from omnicore.connectors.limits import CallLimits
from omnicore.connectors.line import Figures, Line
from omnicore.connectors.register import Register
from omnicore.connectors.vault.redact import Redactor
from omnicore.errors import DeadlineExceeded, InvalidInput, OmniError, ToolMissing, Unavailable
from omnicore.ids import new_id
from omnicore.storage.tables.connectors import ConnectorRow, UseRow
from omnicore.texts import is_whole

__all__ = ["Connectors", "Publish"]

_log = logging.getLogger("omnicore.connectors")
_PRUNE_EVERY = 1000
_EVENT = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DAY_S = 86_400.0
_PATIENT_S, _LATER_S = 1.0, 0.1
_UNFIT = "the input of an action is a JSON object"


class Publish(Protocol):
    """Hands an event to whoever subscribed."""

    def __call__(self, topic: str, data: Any = None, source: str = "host") -> str: ...


@dataclass(frozen=True, slots=True)
class _Stamp:
    """What an open client was made of; another stamp is another client."""

    row: ConnectorRow
    secrets: tuple[tuple[str, tuple[int, float]], ...]

    @property
    def about(self) -> tuple[object, ...]:
        return (self.row.kind, self.row.version, self.row.added_at, self.secrets)


class Connectors:
    """Opens connectors when they are first used and calls their actions.

    `call` and `use` may be awaited on any loop; `register` is for people's decisions and blocks.

    Owns: the thread on which connectors live, from the first call until `stop`.
    """

    def __init__(
        self,
        register: Register,
        settings: ConnectorSettings,
        *,
        data: Path,
        hooks: Hooks,
        publish: Publish,
        clock: Clock | None = None,
        work: bool = True,
    ) -> None:
        self.register = register
        self.hooks = hooks
        self.vault = register.vault
        self._work = work
        self._settings = settings
        self._data = data
        self._publish = publish
        self._clock = clock or SystemClock()
        self._lane = Lane("omnicore-connectors")
        self._lines: dict[str, tuple[_Stamp, Line]] = {}
        self._figures: dict[str, Figures] = {}
        self._uses = 0

    async def start(self) -> None:
        """Ends what a killed process left half done, and deletes old records; not where `work` is False."""
        if self._work:
            await asyncio.to_thread(self._begin)

    async def stop(self) -> None:
        """Closes every connection and ends the thread."""
        await asyncio.to_thread(self.close)

    def close(self) -> None:
        """The same for a thread without a loop; a second time does nothing."""
        if self._lane.running:
            self._lane.run_blocking(self._close_lines())
            self._lane.stop()

    # -- for the door

    def list(self) -> Sequence[Connector]:
        """All connectors that this host can use, by name: not those whose driver is missing."""
        found = []
        for row in self.register.all():
            with suppress(InvalidInput, ToolMissing):
                actions = tuple(action.name for action in find_kind(row.kind).actions)
                found.append(Connector(row.name, row.kind, actions))
        return found

    async def call(self, plugin: str, connector: str, action: str, input: Any, *, timeout_s: float) -> Any:
        """Calls an action for a plugin; see `omnicore.capabilities.services.ConnectorService.call`."""
        return await self.use(f"plugin:{plugin}", connector, action, input, timeout_s=timeout_s)

    # -- for people and for parts of the host

    async def use(
        self, who: str, connector: str, action: str, given: Any = None, *, timeout_s: float = 3600.0, key: str = ""
    ) -> Any:
        """What came of an action, a JSON value.

        Args:
            who: for the record, such as `rest` or `cli:anna`.
            key: the idempotency key of an action that takes one, where the input has none.

        Raises: InvalidInput, ServiceRefused, Unavailable, CapacityReached, LimitExceeded, DeadlineExceeded.
        """
        return await self._lane.run(self._use(who, connector, action, {} if given is None else given, timeout_s, key))

    def use_blocking(
        self, who: str, connector: str, action: str, given: Any = None, *, timeout_s: float = 3600.0
    ) -> Any:
        """`use` for a thread without a loop."""
        given = {} if given is None else given
        return self._lane.run_blocking(self._use(who, connector, action, given, timeout_s))

    async def test(self, connector: str) -> dict[str, Any]:
        """Whether the other side answers and takes the credentials: `{"ok", "took_s", "error"}`."""
        return await self._lane.run(self._test(connector))

    def test_blocking(self, connector: str) -> dict[str, Any]:
        """`test` for a thread without a loop."""
        return self._lane.run_blocking(self._test(connector))

    def trigger(self, connector: str, event: str, payload: Any) -> str:
        """Publishes an event of a connector, as a delivery to its webhook would; the event's id.

        Raises: InvalidInput: no such connector, no name of an event, no JSON value; LimitExceeded.
        """
        self.register.get(connector)
        if not _EVENT.fullmatch(event):
            raise InvalidInput(f"{event[:80]!r} is no name of an event", remedy="use up to 64 of A-Z a-z 0-9 _ -")
        data = {"delivery": None, "webhook": None, "connector": connector, "event": event, "payload": payload}
        return self._publish(f"connector.{connector}.{event}", data, f"connector:{connector}")

    async def remove(self, connector: str) -> bool:
        """Removes a connector, its secrets and its connections; whether there was one."""
        removed = await asyncio.to_thread(self.register.remove, connector)
        if self._lane.running:
            await self._lane.run(self._forget(connector))
        return removed

    def states(self) -> dict[str, dict[str, Any]]:
        """The connectors that were used since the host began: breaker and figures by name."""
        lines = {name: line for name, (_, line) in list(self._lines.items())}
        return {
            name: {"breaker": lines[name].breaker.state if name in lines else "closed", **figures.to_json()}
            for name, figures in list(self._figures.items())
        }

    def ailing(self) -> tuple[str, ...]:
        """The connectors whose breaker does not let calls pass freely."""
        return tuple(name for name, (_, line) in list(self._lines.items()) if line.breaker.state != "closed")

    # -- on the lane

    async def _use(self, who: str, name: str, wanted: str, given: Any, timeout_s: float, key: str = "") -> Any:
        line, action = await self._admitted(who, name, wanted, given)
        if key and "idempotency_key" in action.input.get("properties", {}):
            given = {"idempotency_key": key, **given}
        use = UseRow(new_id("use"), name, wanted, who, self._clock.now(), None, 0, "begun")
        await asyncio.to_thread(self.register.table.begin_use, use)
        figures, begun = line.figures, self._clock.monotonic()
        attempts = figures.attempts
        figures.calls += 1
        figures.running += 1
        outcome, failure = "cancelled", None
        try:
            output = await self._within(line, action, given, min(timeout_s, line.limits.timeout_s))
            outcome = "ok"
            return output
        except OmniError as error:
            outcome, failure = error.code, error
            raise
        finally:
            figures.running -= 1
            took_s = self._clock.monotonic() - begun
            figures.took_s += took_s
            self._tell(line, use, took_s=took_s, outcome=outcome, failure=failure)
            end = partial(
                self.register.table.end_use,
                use.id,
                took_s=took_s,
                attempts=figures.attempts - attempts,
                outcome=outcome,
            )
            await self._kept(end)

    async def _admitted(self, who: str, name: str, wanted: str, given: Any) -> tuple[Line, Action]:
        line = await self._line(name)
        action = line.kind.action(wanted)
        if action is None:
            known = ", ".join(one.name for one in line.kind.actions)
            raise InvalidInput(f"{name} cannot {wanted[:80]!r}", remedy=f"it can {known}")
        if not isinstance(given, Mapping):
            raise InvalidInput(_UNFIT, remedy="send {} for none")
        check_value(action.input, given, what=f"{name}.{wanted}", within="input")
        if not is_whole(given):
            raise InvalidInput("the input holds half of a character", remedy="send whole texts")
        line.admit(who)
        return line, action

    async def _within(self, line: Line, action: Action, given: Mapping[str, Any], timeout_s: float) -> Any:
        """The deadline over all: the wait for a turn, the tries and the pauses between them.

        Who was patient lets the line notice first that nobody answers, which counts against the other side; a caller
        with no time to give says nothing about it, or any plugin could open the breaker for all.
        """
        patient = timeout_s >= min(line.limits.timeout_s, _PATIENT_S)
        try:
            async with asyncio.timeout(timeout_s + (_LATER_S if patient else 0.0)):
                return await line.call(action, given, timeout_s=timeout_s)
        except TimeoutError:
            raise DeadlineExceeded(
                f"{line.name}.{action.name} took longer than {timeout_s:g} s",
                remedy="give it more time, or ask for less",
                limit="timeout_s",
                allowed=timeout_s,
            ) from None

    async def _test(self, name: str) -> dict[str, Any]:
        line, begun = await self._line(name), self._clock.monotonic()
        problem: dict[str, Any] | None = None
        try:
            await line.probe(line.limits.timeout_s)
        except OmniError as error:
            problem = error.to_json()
        return {"ok": problem is None, "took_s": round(self._clock.monotonic() - begun, 6), "error": problem}

    async def _line(self, name: str) -> Line:
        """The open connector, made anew when its settings or its secrets are others than when it was made."""
        try:
            stamp = await asyncio.to_thread(self._stamp, name)
        except InvalidInput:
            await self._forget(name)
            raise
        known = self._lines.get(name)
        if known is not None and known[0].about == stamp.about:
            return known[1]
        try:
            kind = await asyncio.to_thread(find_kind, stamp.row.kind)
        except ToolMissing as error:  # the operator's to install; a plugin is told that it does not work now
            raise Unavailable(error.fact, remedy=error.remedy) from error
        now = self._lines.get(name)
        if now is not known and now is not None:  # another call was faster
            return now[1]
        line = Line(
            name,
            kind,
            CallLimits.of(self._settings, stamp.row.limits),
            opens=partial(self._opened, stamp.row),
            clock=self._clock,
            figures=self._figures.setdefault(name, Figures()),
        )
        self._lines[name] = (stamp, line)
        if known is not None:
            await known[1].leave()
        return line

    async def _opened(self, row: ConnectorRow, redactor: Redactor) -> Client:
        kind, limits = find_kind(row.kind), CallLimits.of(self._settings, row.limits)
        credentials = await asyncio.to_thread(self.register.credentials_of, row)
        redactor.hide(*credentials.values())
        return await kind.open(
            Opening(
                row.name,
                row.config,
                credentials,
                output_bytes=limits.output_bytes,
                concurrency=limits.concurrency,
                data=self._data,
                clock=self._clock,
                emit=partial(self._emit, row.name, redactor),
                hide=redactor.hide,
            )
        )

    async def _forget(self, name: str) -> None:
        known = self._lines.pop(name, None)
        self._figures.pop(name, None)
        if known is not None:
            await known[1].leave()

    async def _close_lines(self) -> None:
        lines, self._lines = self._lines, {}
        await asyncio.gather(*(line.close() for _, line in lines.values()), return_exceptions=True)

    # -- on threads

    def _stamp(self, name: str) -> _Stamp:
        row = self.register.get(name)
        return _Stamp(row, tuple(sorted(self.register.secret_versions(row).items())))

    def _begin(self) -> None:
        try:
            self.vault.recover()
            self._prune()
            self.hooks.recover()
        except OmniError as error:  # a vault that cannot be opened fails the connectors, not the host
            _log.warning("connectors: %s", error)

    def _prune(self) -> None:
        before = self._clock.now() - self._settings.uses_days * _DAY_S
        while self.register.table.prune_uses(before=before):
            pass

    async def _kept(self, write: partial[None]) -> None:
        """The record of what has happened already: a database in trouble does not make it unhappen."""
        try:
            await asyncio.shield(asyncio.to_thread(write))
            self._uses += 1
            if self._uses % _PRUNE_EVERY == 0:
                await asyncio.to_thread(self._prune)
        except OmniError as error:
            _log.warning("the use of a connector could not be recorded: %s", error)

    def _tell(self, line: Line, use: UseRow, *, took_s: float, outcome: str, failure: OmniError | None) -> None:
        """An event without input and output, which may be private."""
        data = {"connector": line.name, "kind": line.kind.name, "action": use.action, "who": use.who}
        if outcome == "ok":
            self._publish("connector.called", {**data, "took_s": round(took_s, 6)}, "connectors")
            return
        figures = line.figures
        figures.failures[outcome] = figures.failures.get(outcome, 0) + 1
        if failure is not None:
            figures.last_error, figures.last_error_at = failure.fact, self._clock.now()
        self._publish("connector.failed", {**data, "took_s": round(took_s, 6), "code": outcome}, "connectors")

    def _emit(self, name: str, redactor: Redactor, event: str, data: Any) -> None:
        with suppress(OmniError):  # too large for the bus: the caller still gets the whole of it
            self._publish(f"connector.{name}.{event}", redactor.value(data), f"connector:{name}")
