"""The connectors of a host: made by operators, used by plugins, each use recorded.

Settings are in the database, credentials are references, and their values are in the vault. All connectors live on one
event loop with a thread of its own. Guests are called from many loops and threads, but a pool of connections belongs to
one loop; a hop to it costs 60 us, once, and pools, rates and limits hold for the whole process.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from omnicore.clock import Clock, SystemClock
from omnicore.connectors.http import base_url
from omnicore.connectors.kind import Action, CallLimits, Connector, Kind, Opening, ServiceClient, check_value
from omnicore.connectors.kinds import Kinds
from omnicore.connectors.line import Figures, Line, OtherHosts
from omnicore.connectors.master_key import MovedPlace, place_of
from omnicore.connectors.policy import Reserved
from omnicore.connectors.vault import Credentials, Vault, is_reference, vault_name
from omnicore.connectors.webhooks import Hooks
from omnicore.errors import Conflict, DeadlineExceeded, InvalidInput, LimitExceeded, OmniError, ToolMissing, Unavailable
from omnicore.ids import new_id
from omnicore.records import replace
from omnicore.storage.tables.connectors import (
    ConnectorRow,
    ConnectorsTable,
    KindsTable,
    SecretsTable,
    UseRow,
    WebhooksTable,
)
from omnicore.texts import is_whole

if TYPE_CHECKING:
    from pathlib import Path

    from omnicore.config.settings import ConnectorSettings
    from omnicore.connectors.redaction import Redactor
    from omnicore.storage.store import Store


_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_TAKEN = frozenset({"kinds"})  # a path of REST has this name
_CONFIG_BYTES = 64 * 1024
_OWN = "connector."
_KEPT_FOR_PARTS = (_OWN, "webhook.")
_PLACES = (
    "base_url",
    "token_url",
    "url",
    "endpoint_url",
    "host",
    "port",
    "user",
    "database",
    "path",
    "private_network",
    "socket",
    "sslmode",
    "tls",
)


class Register:
    """Adds, changes and removes connectors; every method blocks and may be called from any thread."""

    def __init__(
        self,
        table: ConnectorsTable,
        vault: Vault,
        credentials: Credentials,
        settings: ConnectorSettings,
        clock: Clock,
        kinds: Kinds,
    ) -> None:
        self.table, self.vault, self.kinds = table, vault, kinds
        self._credentials = credentials
        self._settings = settings
        self._clock = clock

    def get(self, name: str) -> ConnectorRow:
        """A connector. Raises: InvalidInput: there is none."""
        row = self.table.get(name)
        if row is None:
            raise InvalidInput(f"there is no connector {name[:80]!r}", remedy="see `omnicore connectors ls`")
        return row

    def all(self) -> tuple[ConnectorRow, ...]:
        """All connectors by name."""
        return self.table.all()

    def add(
        self,
        name: str,
        kind: str,
        config: Mapping[str, Any] | None = None,
        credentials: Mapping[str, str] | None = None,
        limits: Mapping[str, Any] | None = None,
    ) -> ConnectorRow:
        """Adds a connector. A credential is a value, which goes into the vault, or a reference to one.

        Raises: InvalidInput; Conflict: the name is taken; LimitExceeded; ToolMissing; StorageFailed.
        """
        if not _NAME.fullmatch(name) or name in _TAKEN:
            raise InvalidInput(
                f"{name[:80]!r} is not a name of a connector", remedy="use up to 63 of a-z 0-9 _ - and no `kinds`"
            )
        now, given = self._clock.now(), dict(credentials or {})
        row = ConnectorRow(name, kind, dict(config or {}), {}, dict(limits or {}), 1, now, now)
        row = self._checked(row, given)
        # The row comes first: it claims the name, so that nobody's secrets are written over.
        if not self.table.add(row, most=self._settings.most):
            if self.table.get(name) is None:
                most = self._settings.most
                raise LimitExceeded(f"there are {most} connectors", remedy="remove some", limit="most", allowed=most)
            raise Conflict(f"there is a connector {name} already", remedy="change it, or take another name")
        self._seal(row, given)
        return row

    def change(
        self,
        name: str,
        *,
        config: Mapping[str, Any] | None = None,
        credentials: Mapping[str, str] | None = None,
        limits: Mapping[str, Any] | None = None,
    ) -> ConnectorRow:
        """Replaces its settings or limits, where given, and those credentials that are given.

        Raises: as `add` does; Conflict: somebody else changed it meanwhile.
        """
        old = self.get(name)
        # A reference to what is sealed here, sent back as it was shown, is no credential that somebody knows.
        given = {
            field: one
            for field, one in (credentials or {}).items()
            if one != old.credentials.get(field) or not str(one).startswith(f"vault:{_OWN}")
        }
        row = replace(
            old,
            config=old.config if config is None else dict(config),
            limits=old.limits if limits is None else dict(limits),
            changed_at=self._clock.now(),
        )
        self._keep_at_home(old, row, given)
        row = self._checked(row, given)
        if not self.table.change(row):
            raise Conflict(f"{name} was changed by somebody else", remedy="look at it and try again")
        self._seal(row, given)
        self._drop_secrets(old, keep=row)
        return self.get(name)

    def remove(self, name: str) -> bool:
        """True if there was such a connector; its own secrets go with it."""
        row = self.table.get(name)
        if row is None or not self.table.remove(name):
            return False
        self._drop_secrets(row)
        return True

    def credentials_of(self, row: ConnectorRow) -> dict[str, str]:
        """The credentials themselves. Raises: Unavailable, InvalidInput, StorageFailed."""
        return {field: self._credentials.read(reference) for field, reference in row.credentials.items()}

    def secret_versions(self, row: ConnectorRow) -> dict[str, tuple[int, float]]:
        """The versions of its secrets in the vault."""
        names = [name for name in map(vault_name, row.credentials.values()) if name is not None]
        return self.vault.versions(names)

    def _checked(self, row: ConnectorRow, given: Mapping[str, str]) -> ConnectorRow:
        """The row with its references. Raises: InvalidInput for anything that does not fit its kind."""
        kind = self.kinds.find(row.kind)
        if len(json.dumps(row.config)) > _CONFIG_BYTES:
            raise InvalidInput(f"the settings of {row.name} are over {_CONFIG_BYTES} bytes", remedy="write less")
        check_value(kind.config, row.config, what=row.name, within="config")
        for place in row.config.keys() & {"base_url", "token_url"}:
            base_url(row.config[place])  # one with a password in it would be kept and shown in clear
        CallLimits.of(self._settings, row.limits)
        references = {**row.credentials, **self._references(row.name, kind, given)}
        missing = [field for field in kind.required if field not in references]
        if missing:
            raise InvalidInput(
                f"a connector of kind {kind.name} needs the credential {missing[0]}",
                remedy=f"give {missing[0]}: {kind.secrets[missing[0]]}",
                path=f"credentials.{missing[0]}",
            )
        kind.check(row.config, references)
        return replace(row, credentials=references)

    def _keep_at_home(self, old: ConnectorRow, new: ConnectorRow, given: Mapping[str, str]) -> None:
        """Credentials go nowhere else just because somebody changed an address: they must be known once more."""
        places = (*_PLACES, *self.kinds.find(old.kind).places)
        moved = [place for place in places if old.config.get(place) != new.config.get(place)]
        missing = sorted(old.credentials.keys() - given.keys())
        if moved and missing:
            raise InvalidInput(
                f"{moved[0]} of {old.name} says where its credentials are sent",
                remedy=f"give {', '.join(missing)} again along with the new {moved[0]}",
                path=f"config.{moved[0]}",
            )

    def _references(self, name: str, kind: Kind, given: Mapping[str, str]) -> dict[str, str]:
        found = {}
        for field, value in given.items():
            if field not in kind.secrets:
                raise InvalidInput(
                    f"{kind.name} has no credential {field[:80]!r}",
                    remedy=f"it has {', '.join(kind.secrets) or 'none'}",
                    path="credentials",
                )
            if not isinstance(value, str) or not value:
                raise InvalidInput(f"the credential {field} is not text", remedy="give a text", path="credentials")
            if is_reference(value):
                self._check_reference(value)
            found[field] = value if is_reference(value) else f"vault:{_secret(name, field)}"
        return found

    def _check_reference(self, reference: str) -> None:
        self._credentials.check(reference)
        secret = vault_name(reference) or ""
        if secret.startswith(_KEPT_FOR_PARTS):
            raise InvalidInput(
                f"{secret[:80]} belongs to another connector or webhook", remedy="give the credential itself"
            )

    def _seal(self, row: ConnectorRow, given: Mapping[str, str]) -> None:
        for field, value in given.items():
            if not is_reference(value):
                self.vault.set(_secret(row.name, field), value)

    def _drop_secrets(self, row: ConnectorRow, *, keep: ConnectorRow | None = None) -> None:
        """Removes the secrets that were made for this connector; others that it names belong to somebody else."""
        kept = set(keep.credentials.values()) if keep else set()
        for field, reference in row.credentials.items():
            own = _secret(row.name, field)
            if reference == f"vault:{own}" and reference not in kept:
                self.vault.remove(own)


def _secret(connector: str, field: str) -> str:
    return f"{_OWN}{connector}.{field}"


_T = TypeVar("_T")


class Lane:
    """Runs coroutines. The thread begins with the first one and ends with `stop`; it can begin again."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """True if the thread runs."""
        return self._loop is not None

    async def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Runs `work` there and waits; cancelling the wait cancels the work."""
        loop = self._begun(work)
        if loop is asyncio.get_running_loop():
            return await work
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, loop))

    def run_blocking(self, work: Coroutine[Any, Any, _T]) -> _T:
        """The same for a thread without a loop."""
        return asyncio.run_coroutine_threadsafe(work, self._begun(work)).result()

    def call_soon(self, work: Callable[..., None], *arguments: Any) -> None:
        """Calls `work` there soon, where the thread runs; it must not block."""
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # it ends just now
                loop.call_soon_threadsafe(work, *arguments)

    def stop(self) -> None:
        """Cancels what runs, and ends the thread; a second time does nothing."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None:
            return
        asyncio.run_coroutine_threadsafe(_cancel_all(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    def _begun(self, work: Coroutine[Any, Any, Any]) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name=self._name, daemon=True)
                try:
                    self._thread.start()
                except RuntimeError as error:  # the machine has no thread to give
                    work.close()
                    self._loop.close()
                    self._loop = None
                    raise Unavailable(f"no thread for {self._name}: {error}", remedy="try again later") from error
            return self._loop


async def _cancel_all() -> None:
    loop = asyncio.get_running_loop()
    rest = [task for task in asyncio.all_tasks(loop) if task is not asyncio.current_task()]
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
    await loop.shutdown_asyncgens()
    await loop.shutdown_default_executor()


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
    """The settings and secrets that an open client was made of; another stamp needs another client."""

    row: ConnectorRow
    secrets: tuple[tuple[str, tuple[int, float]], ...]
    kind: int

    @property
    def about(self) -> tuple[object, ...]:
        return (self.row.kind, self.kind, self.row.version, self.row.added_at, self.secrets)


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
        shared: Store | None = None,
        reserved: Reserved | None = None,
    ) -> None:
        self._reserved = reserved or Reserved(data=data)
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
        self._others = None if shared is None else OtherHosts(shared, self._lane.call_soon, self._open_line)
        self._figures: dict[str, Figures] = {}
        self._uses = 0

    async def start(self) -> None:
        """Ends what a killed process left half done, and deletes old records; not where `work` is False.

        Raises: WrongMasterKey: the database is shared, and this host cannot open its vault.
        """
        if self._work and self._others is not None:
            await asyncio.to_thread(self.vault.join)
            await self._others.start()
        if self._work:
            await asyncio.to_thread(self._begin)

    async def stop(self) -> None:
        """Closes every connection and ends the thread."""
        if self._others is not None:
            await self._others.stop()
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
                details = self.register.kinds.find(row.kind).actions
                found.append(Connector(row.name, row.kind, tuple(action.name for action in details), details))
        return found

    async def call(self, plugin: str, connector: str, action: str, input: Any, *, timeout_s: float) -> Any:
        """Calls an action for a plugin; see `omnicore.capabilities.services.ConnectorService.call`."""
        return await self.use(f"plugin:{plugin}", connector, action, input, timeout_s=timeout_s)

    # -- for people and for parts of the host

    async def use(
        self, who: str, connector: str, action: str, given: Any = None, *, timeout_s: float = 3600.0, key: str = ""
    ) -> Any:
        """The result of an action, a JSON value.

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
        """The outcome of a test of the service and the credentials: `{"ok", "took_s", "error"}`."""
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
            raise InvalidInput(f"{event[:80]!r} is not a name of an event", remedy="use up to 64 of A-Z a-z 0-9 _ -")
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
        await line.admit(who)
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
            kind = await asyncio.to_thread(self.register.kinds.find, stamp.row.kind)
        except ToolMissing as error:  # the operator's to install; a plugin is told that it does not work now
            raise Unavailable(error.fact, remedy=error.remedy) from error
        now = self._lines.get(name)
        if now is not known and now is not None:  # another call was faster
            return now[1]
        line = Line(
            name,
            kind,
            limits := CallLimits.of(self._settings, {**kind.limits, **stamp.row.limits}),
            opens=partial(self._opened, stamp.row, kind, limits),
            clock=self._clock,
            figures=self._figures.setdefault(name, Figures()),
            others=self._others,
        )
        self._lines[name] = (stamp, line)
        if known is not None:
            await known[1].leave()
        return line

    async def _opened(self, row: ConnectorRow, kind: Kind, limits: CallLimits, redactor: Redactor) -> ServiceClient:
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
                reserved=self._reserved,
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

    def _open_line(self, name: str) -> Line | None:
        found = self._lines.get(name)
        return None if found is None else found[1]

    def _stamp(self, name: str) -> _Stamp:
        row = self.register.get(name)
        secrets = tuple(sorted(self.register.secret_versions(row).items()))
        return _Stamp(row, secrets, self.register.kinds.version(row.kind))

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
        if self._others is not None:
            self._others.limits.prune()

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


def open_connectors(
    store: Store,
    settings: ConnectorSettings,
    *,
    data: Path,
    environ: Mapping[str, str],
    publish: Publish,
    clock: Clock | None = None,
    work: bool = True,
    reserved: Reserved | None = None,
) -> Connectors:
    """The connectors of a host. Nothing is read or connected to before it is needed.

    Args:
        data: the data folder, where the master key is unless the settings say otherwise.
        environ: for the master key and for credentials that are variables.
        work: whether this process takes up what a killed one left.
        reserved: addresses that only a connector which spells them reaches.

    Raises: ToolMissing: the settings name the keyring, and its library is not installed.
    """
    clock = clock or SystemClock()
    vault = open_vault(store, settings, data=data, environ=environ, clock=clock)
    credentials = Credentials(vault, environ, variables=settings.secret_variables, folders=settings.secret_folders)
    kinds = Kinds(KindsTable(store), clock)
    register = Register(ConnectorsTable(store), vault, credentials, settings, clock, kinds)
    hooks = Hooks(WebhooksTable(store), vault, credentials, settings, publish=publish, clock=clock)
    return Connectors(
        register,
        settings,
        data=data,
        hooks=hooks,
        publish=publish,
        clock=clock,
        work=work,
        shared=store if store.dialect == "postgresql" else None,
        reserved=reserved,
    )


def open_vault(
    store: Store,
    settings: ConnectorSettings,
    *,
    data: Path,
    environ: Mapping[str, str],
    clock: Clock | None = None,
    moved_from: str = "",
) -> Vault:
    """The vault of a database, with its master key where the settings say.

    Args: moved_from: where the master key was before, as the setting writes it; the next rotation moves it.
    """
    clock, table = clock or SystemClock(), SecretsTable(store)
    places = [
        place_of(name, data=data, environ=environ, table=table, clock=clock)
        for name in (moved_from, settings.master_key)
        if name
    ]
    return Vault(table, places[0] if len(places) == 1 else MovedPlace(*places), clock)
