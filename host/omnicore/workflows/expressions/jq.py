"""jq in a sandbox without capabilities: no clock, no environment, no files, and a limit on time.

An evaluation goes through attempts in sandboxes, each with its own turn and its own time limit. A fixed number of turns
is shared fairly among the owners that wait.
"""

from __future__ import annotations

import asyncio
import heapq
import json
import logging
import re
import threading
import time
from collections import deque
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from os import cpu_count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from omnicore.errors import (
    CapacityReached,
    DeadlineExceeded,
    EngineFailed,
    FuelExhausted,
    GuestError,
    GuestFailed,
    InvalidInput,
    LimitExceeded,
    MemoryExceeded,
    NotFound,
)
from omnicore.sandbox.abi import MIB, Doors, HostCall, HostFunction, Limits
from omnicore.sandbox.extism.engine import ExtismEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from omnicore.sandbox.engine import Instance, Template


Work = TypeVar("Work")

_REMEMBERED = 1024
"""Owners whose use is remembered before those that nobody is behind of are forgotten."""


class Shares(Generic[Work]):
    """Hands out what waits: by what its owner has used, and of one owner in the order in which it came."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Work]] = {}
        self._used: dict[str, float] = {}
        self._order: list[tuple[float, int, str]] = []
        self._now = 0.0
        self._count = 0

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, owner: str, work: Work) -> None:
        """Lines a piece of work up."""
        queue = self._waiting.get(owner)
        if queue is None:
            queue = self._waiting[owner] = deque()
            self._line_up(owner)
        queue.append(work)

    def next(self) -> tuple[str, Work] | None:
        """The next one and its owner, taken out; None: nothing waits."""
        while self._order:
            start, _, owner = heapq.heappop(self._order)
            queue = self._waiting[owner]
            if self._used.get(owner, 0.0) > start:  # it was charged for earlier work since it lined up
                self._line_up(owner)
                continue
            self._now = max(self._now, start)
            work = queue.popleft()
            if queue:
                self._line_up(owner)
            else:
                del self._waiting[owner]
            return owner, work
        return None

    def charge(self, owner: str, cost: float) -> None:
        """Counts what an owner has used."""
        self._used[owner] = max(self._now, self._used.get(owner, 0.0)) + cost
        if len(self._used) > _REMEMBERED:
            self._used = {one: used for one, used in self._used.items() if used > self._now or one in self._waiting}

    def rest(self) -> None:
        """Forgets what was used: nobody waits and nothing goes on, so nobody was kept waiting by it."""
        self._used.clear()

    def _line_up(self, owner: str) -> None:
        self._count += 1
        heapq.heappush(self._order, (max(self._now, self._used.get(owner, 0.0)), self._count, owner))


class JqTurns:
    """Hands out turns; used from any thread. Each taken is given back with `over`, with what was used in it."""

    def __init__(self, most: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._lock = threading.Lock()
        self._shares: Shares[Future[None]] = Shares()
        self._under_way = 0

    def at_once(self) -> bool:
        """Takes a turn, if one is free and nobody waits."""
        with self._lock:
            free = self._under_way < self._most and not self._shares
            self._under_way += free
            return free

    @contextmanager
    def taken(self, owner: str) -> Iterator[None]:
        """A turn for a block, once it comes; the thread waits."""
        self._lined_up(owner).result()
        began = self._clock()
        try:
            yield
        finally:
            self.over(owner, self._clock() - began)

    async def come(self, owner: str) -> None:
        """Returns once a turn is taken; whoever is cancelled before leaves the line."""
        turn = self._lined_up(owner)
        try:
            await asyncio.wrap_future(turn)
        except asyncio.CancelledError:
            if not turn.cancel():  # it came all the same
                self.over(owner, 0.0)
            raise

    def over(self, owner: str, used_s: float) -> None:
        """Gives a turn back. Units: `used_s` seconds, waiting not among them."""
        with self._lock:
            self._under_way -= 1
            self._shares.charge(owner, used_s)
            if not self._shares and not self._under_way:
                self._shares.rest()
            self._let_in()

    def charge(self, owner: str, used_s: float) -> None:
        """Counts what an owner has used elsewhere."""
        with self._lock:
            if self._shares or self._under_way:
                self._shares.charge(owner, used_s)

    def _lined_up(self, owner: str) -> Future[None]:
        turn: Future[None] = Future()
        with self._lock:
            self._shares.add(owner, turn)
            self._let_in()
        return turn

    def _let_in(self) -> None:
        while self._under_way < self._most and (found := self._shares.next()) is not None:
            if found[1].set_running_or_notify_cancel():  # else whoever waited has gone
                self._under_way += 1
                found[1].set_result(None)


_log = logging.getLogger("omnicore.workflows")
_RESTS_S = (0.0, 0.2, 1.0)
"""Before each attempt that the clock may end."""
_CUT_AGAIN_S = 0.02
_WHERE = re.compile(r" at <top-level>, line (\d+), column (\d+)")
_ERROR = re.compile(r"^jq: error: ")
_SAID: tuple[tuple[type[Exception], str], ...] = (
    (FuelExhausted, "the filter takes too many steps: let it do less"),
    (MemoryExceeded, "the filter needs too much memory: let it collect less"),
    (LimitExceeded, "the filter gives too much: {error}"),
    (GuestError, "jq broke off: the filter or its data are too deep or too large"),
    (InvalidInput, "the data are too large for an expression: {error}"),
    (RecursionError, "the value is too deep"),
)
_COUNTED = re.compile(r"\njq: \d+ compile errors?\s*$")


class JqFailed(Exception):
    """An error of jq about a filter. `reading`: it cannot be compiled."""

    def __init__(self, message: str, *, reading: bool = False) -> None:
        super().__init__(message)
        self.reading = reading


class HostBusy(Exception):
    """So many attempts were ended by the clock, though the filter had steps left."""

    def __init__(self, tries: int, timeout_s: float) -> None:
        super().__init__(f"the host was too busy in {tries} attempts of {timeout_s:g} s")
        self.tries, self.timeout_s = tries, timeout_s


class JqPool(Protocol):
    """The sandboxes, as `omnicore.workflows.expressions.jq.Jq` has them."""

    def warm_one(self) -> Instance: ...

    def give_back(self, instance: Instance) -> None: ...

    def new_one(self) -> Instance: ...


@dataclass(slots=True)
class JqFigures:
    """Counts of the host's own timeouts. `again`: repeated attempts; `given_up`: abandoned evaluations."""

    again: int = 0
    given_up: int = 0


@dataclass(frozen=True, slots=True)
class JqHost:
    """The sandboxes, turns and threads that calls share.

    Args:
        short, long: the turns for attempts of each kind.
        short_s, long_s: the most time of an attempt of each kind.
    """

    pool: JqPool
    short: JqTurns
    long: JqTurns
    short_s: float
    long_s: float
    threads: Callable[[], Executor]
    figures: JqFigures


class JqCall:
    """A call of an export. One of `wait`, `at_once` and `in_turn` at a time; then `result`.

    Args:
        encoded: makes the input, on the thread of the attempt. Raises: JqFailed.
        owner: who the turns are counted for.
    """

    def __init__(self, host: JqHost, export: str, encoded: Callable[[], bytes], owner: str) -> None:
        self._host, self._export, self._encoded, self._owner = host, export, encoded, owner
        self._instance: Instance | None = None
        self._tried = self._cut = self._decided = False
        self._value: Any = None
        self._failure: JqFailed | HostBusy | None = None

    def result(self) -> Any:
        """The result of the export. Raises: JqFailed: the filter failed. HostBusy."""
        if self._failure is not None:
            raise self._failure
        return self._value

    def wait(self) -> JqCall:
        """Makes attempts until it is decided; the thread waits for its turns."""
        if not self._tried:
            with self._host.short.taken(self._owner):
                self._attempt_short()
        for rest_s in _RESTS_S:
            if self._decided:
                return self
            time.sleep(rest_s)
            with self._host.long.taken(self._owner):
                self._attempt_long()
        return self._over()

    def at_once(self) -> bool:
        """Makes the short attempt on this thread, if a turn is free. Returns: whether it is decided."""
        if not self._tried and self._host.short.at_once():
            self._in_turn(self._host.short, self._attempt_short)
        return self._decided

    async def in_turn(self) -> JqCall:
        """Makes attempts until it is decided, on other threads. Cancelling it cuts the sandbox."""
        if not self._tried:
            await self._host.short.come(self._owner)
            await self._elsewhere(self._host.short, self._attempt_short)
        for rest_s in _RESTS_S:
            if self._decided:
                return self
            if rest_s:
                await asyncio.sleep(rest_s)
            await self._host.long.come(self._owner)
            await self._elsewhere(self._host.long, self._attempt_long)
        return self._over()

    def _over(self) -> JqCall:
        if not self._decided:
            self._host.figures.given_up += 1
            self._decided, self._failure = True, HostBusy(len(_RESTS_S), self._host.long_s)
        return self

    async def _elsewhere(self, turns: JqTurns, attempt: Callable[[], None]) -> None:
        """On another thread, which gives the turn back itself: a cancelled task must not do it while it runs."""
        loop, ended = asyncio.get_running_loop(), threading.Event()

        def work() -> None:
            try:
                self._in_turn(turns, attempt)
            finally:
                ended.set()

        try:
            future = loop.run_in_executor(self._host.threads(), work)
        except RuntimeError:  # closed meanwhile
            turns.over(self._owner, 0.0)
            raise
        try:
            await asyncio.shield(future)
        except asyncio.CancelledError:
            future.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._cut_until(ended, loop)
            raise

    def _cut_until(self, ended: threading.Event, loop: asyncio.AbstractEventLoop) -> None:
        # Repeated, because a cut that comes just before the guest starts finds nothing to cut.
        self._cut = True
        instance = self._instance
        if not ended.is_set() and not loop.is_closed():
            if instance is not None:
                instance.cancel()
            loop.call_later(_CUT_AGAIN_S, self._cut_until, ended, loop)

    def _in_turn(self, turns: JqTurns, attempt: Callable[[], None]) -> None:
        began = time.monotonic()
        try:
            attempt()
        finally:
            used_s = time.monotonic() - began
            turns.over(self._owner, used_s)
            if turns is self._host.long:
                self._host.short.charge(self._owner, used_s)

    # -- attempts

    def _attempt_short(self) -> None:
        self._tried = True
        if self._cut:
            return
        data = self._data()
        if data is None:
            return
        instance = self._instance = self._host.pool.warm_one()
        try:
            self._value = json.loads(instance.call(self._export, data, timeout_s=self._host.short_s))
            self._decided = True
        except GuestFailed as error:
            if "exit_code" not in error.details:
                self._fail(JqFailed(_readable(error.fact)))
        except InvalidInput as error:
            self._fail(_failed(error))
        except (GuestError, CapacityReached, ValueError, RecursionError):
            pass  # the long attempt says what is wrong, and whether anything is
        finally:
            self._instance = None
            self._host.pool.give_back(instance)

    def _attempt_long(self) -> None:
        if self._cut:
            return
        data = self._data()
        if data is None:
            return
        try:
            instance = self._instance = self._host.pool.new_one()
        except CapacityReached as error:
            self._again(error)
            return
        try:
            self._value = json.loads(instance.call(self._export, data, timeout_s=self._host.long_s))
            self._decided = True
        except (DeadlineExceeded, CapacityReached) as error:
            self._again(error)
        except (GuestError, InvalidInput, ValueError, RecursionError) as error:
            self._fail(_failed(error))
        finally:
            self._instance = None
            instance.close()

    def _data(self) -> bytes | None:
        try:
            return self._encoded()
        except JqFailed as error:
            self._fail(error)
            return None

    def _again(self, error: Exception) -> None:
        self._host.figures.again += 1
        _log.warning("an expression of %s was not evaluated in time, and is tried again: %s", self._owner, error)

    def _fail(self, failure: JqFailed) -> None:
        self._decided, self._failure = True, failure


def _failed(error: Exception) -> JqFailed:
    """The error of jq or the exceeded limit behind an exception of the sandbox."""
    if isinstance(error, GuestFailed):
        return JqFailed(_readable(error.fact))
    for kind, said in _SAID:
        if isinstance(error, kind):
            return JqFailed(said.format(error=getattr(error, "fact", error)))
    return JqFailed(f"the filter gives what is no JSON here: {error}")  # such as a number of thousands of digits


def _readable(message: str) -> str:
    """jq's message without what it says about itself."""
    plain = _COUNTED.sub("", _ERROR.sub("", message))
    return _WHERE.sub(r" at line \1, column \2", plain).strip()


_PACKAGE = Path(__file__).resolve().parents[2]
_MOST_INSTANCES = 16
_MOST_VARIABLES = 100
_GROWN = 48 * MIB
"""A sandbox's memory never shrinks: above this it is not kept for the next filter. Units: bytes."""
_SHORT = 16
"""The short attempt has so manyth part of the fuel: 30 ms. Nobody waits longer than that behind another one's."""
_LEAST_FUEL = 20_000_000
"""Enough for a new sandbox and the largest usual filter."""
_SHORT_S = 0.25
_UNDEFINED = re.compile(r"(?:^|\njq: error: )\$([A-Za-z_][A-Za-z0-9_]*) is not defined at")
_NOW = re.compile(r"\bnow\b")
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class JqLimits:
    """Limits of one evaluation, and the number of evaluations at once; a further one waits for its turn.

    Units: `fuel` in Wasm instructions, about six for each nanosecond: what ends a filter in the same place on every
    machine, however busy. `timeout_s` is the most time of one attempt: on a machine that needs more, the filter is
    tried again. `at_once` attempts that are short, and `long_at_once` others.
    """

    timeout_s: float = 10.0
    fuel: int = 3_000_000_000
    memory_bytes: int = 192 * MIB
    value_bytes: int = 32 * MIB
    at_once: int = 2
    long_at_once: int = max(1, min(4, (cpu_count() or 1) // 2))


ASKER: ContextVar[str] = ContextVar("asker", default="host")


@contextmanager
def asking_as(owner: str) -> Iterator[None]:
    """Has what is evaluated in the block count for an owner's share."""
    before = ASKER.set(owner)
    try:
        yield
    finally:
        ASKER.reset(before)


class Jq:
    """Runs filters. Safe to use from any thread: each call has a sandbox of its own for as long as it lasts.

    Args: cache: a folder of this user for compiled code; None compiles once for each process, in about a second.
    Owns: its sandboxes and threads, until `close`.
    """

    def __init__(self, limits: JqLimits | None = None, *, cache: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._templates: tuple[Template, Template] | None = None
        self._idle: list[Instance] = []
        self._threads: ThreadPoolExecutor | None = None
        self._limits, self._cache = limits or JqLimits(), cache
        self.figures = JqFigures()
        self._line_up()

    def configure(self, limits: JqLimits, *, cache: Path | None) -> None:
        """Changes limits and folder; calls under way end as they began, and what is compiled stays if it can."""
        if limits != self._limits:
            self.close()
        with self._lock:
            self._cache = cache
            if limits != self._limits:
                self._limits = limits
                self._line_up()

    def _line_up(self) -> None:
        most = self._limits
        short, long = (JqTurns(max(1, min(one, _MOST_INSTANCES))) for one in (most.at_once, most.long_at_once))
        short_s, long_s = min(_SHORT_S, most.timeout_s), most.timeout_s
        self._host = JqHost(self, short, long, short_s, long_s, self._executor, self.figures)

    def warm(self) -> None:
        """Makes the first sandbox, so that nobody waits for it. Raises: EngineFailed, NotFound."""
        self.evaluate(".", None, {})

    def variables(self, filter: str) -> frozenset[str]:
        """Names without `$` of what a filter needs to be given. Raises: JqFailed: it cannot be compiled. HostBusy."""
        known: set[str] = set()
        while missing := self._missing(filter, known):
            known |= missing
            if len(known) > _MOST_VARIABLES:
                raise JqFailed(f"the filter uses more than {_MOST_VARIABLES} variables", reading=True)
        self._check(_whole(filter, sorted(known)), ())
        return frozenset(known)

    def _missing(self, filter: str, known: set[str]) -> set[str]:
        try:
            self._check(filter, known)
        except JqFailed as error:
            missing = set(_UNDEFINED.findall(str(error))) - known
            if missing:
                return missing
            raise
        return set()

    def _check(self, filter: str, known: Iterable[str]) -> None:
        request = {"filter": filter, "variables": dict.fromkeys(known)}
        try:
            self._call("check", lambda: _encoded(request)).wait().result()
        except JqFailed as error:
            raise JqFailed(str(error), reading=True) from error

    def evaluate(self, filter: str, data: Any, variables: Mapping[str, Any], *, now: float = 0.0) -> Any:
        """The first value that a filter gives; None when it gives none. The thread waits for its turns.

        The filter is one that `variables` has read: it is whole alone, so nothing in it reaches what is put around it.

        Raises: JqFailed: it failed, or met a limit. HostBusy: there was no time for it. EngineFailed, NotFound: the
            installation is damaged.
        """
        return first_of(self.call(filter, data, variables, now=now).wait())

    def call(
        self, filter: str, data: Any, variables: Mapping[str, Any], *, now: float = 0.0, owner: str | None = None
    ) -> JqCall:
        """The same, to be made as the caller likes; `first_of` takes the value out of what it gives.

        Args: owner: whose share of the turns it counts for; as `asking_as` says where it is left out.
        """
        names = sorted(variables)
        bound = {f"v{number}": variables[name] for number, name in enumerate(names)}
        request = {"filter": _whole(filter, names), "input": {"d": data, "n": now, **bound}}
        return self._call("run", lambda: _encoded(request), owner)

    def _call(self, export: str, encoded: Callable[[], bytes], owner: str | None = None) -> JqCall:
        return JqCall(self._host, export, encoded, ASKER.get() if owner is None else owner)

    def close(self) -> None:
        """Frees the sandboxes and threads; the next call makes new ones."""
        with self._lock:
            idle, self._idle, self._templates = self._idle, [], None
            threads, self._threads = self._threads, None
        for instance in idle:
            instance.close()
        if threads is not None:
            threads.shutdown(wait=False)

    # -- sandboxes, see `omnicore.workflows.expressions.jq.JqPool`

    def warm_one(self) -> Instance:
        """A sandbox for a short attempt, which remembers filters. Raises: EngineFailed, NotFound, CapacityReached."""
        with self._lock:
            template = self._made()[0]
            return self._idle.pop() if self._idle else template.instance()

    def give_back(self, instance: Instance) -> None:
        """Takes a warm one back; one that a filter broke or left large is freed."""
        fit = instance.healthy and instance.usage().memory_bytes <= _GROWN
        with self._lock:
            if fit and self._templates is not None:
                self._idle.append(instance)
                return
        instance.close()

    def new_one(self) -> Instance:
        """A sandbox that nobody has used, with all the fuel; whoever asked closes it."""
        with self._lock:
            return self._made()[1].instance()

    def _made(self) -> tuple[Template, Template]:
        if self._templates is None:
            self._templates = _compiled(self._cache, lambda engine: _loaded(engine, self._limits))
        return self._templates

    def _executor(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._threads is None:
                most = self._limits.at_once + self._limits.long_at_once
                self._threads = ThreadPoolExecutor(max(2, most), thread_name_prefix="omnicore-jq")
            return self._threads


def first_of(call: JqCall) -> Any:
    """The first value that the filter of a call gave. Raises: JqFailed, HostBusy."""
    outputs = call.result()["outputs"]
    return outputs[0] if outputs else None


def _loaded(engine: ExtismEngine, most: JqLimits) -> tuple[Template, Template]:
    limits = Limits(
        timeout_s=most.timeout_s,
        fuel=most.fuel,
        memory_bytes=most.memory_bytes,
        input_bytes=most.value_bytes,
        output_bytes=most.value_bytes,
    )
    long = engine.load([("main", _module())], limits, Doors(functions=(_CLOCK,), log_level=None))
    return long.with_fuel(min(most.fuel, max(_LEAST_FUEL, most.fuel // _SHORT))), long


def _whole(filter: str, names: Sequence[str]) -> str:
    """The filter with its variables bound: as part of the input they change without compiling anew.

    A comment at the filter's end takes one line more when its last character is a backslash. `halt` ends it after its
    first value; `first` would do so by an error, which `?//` in the filter catches, as jq 1.8 does.
    """
    before = ""
    if names:
        before = ". as {" + ", ".join(f"v{number}: ${name}" for number, name in enumerate(names)) + "} | "
    if _NOW.search(filter):
        before = f".n as $__now | {before}def now: $__now; "
    return f"{before}.d | ({filter}\n\n) | (., halt)"


def _stopped(call: HostCall, _clock: int, _precision: int, out: int) -> int:
    """The clock that jq sees: nothing of the host's time is in a result."""
    call.store(out, bytes(8))
    return 0


_CLOCK = HostFunction("wasi_snapshot_preview1", "clock_time_get", ("i32", "i64", "i32"), ("i32",), _stopped)


def _compiled(
    cache: Path | None, load: Callable[[ExtismEngine], tuple[Template, Template]]
) -> tuple[Template, Template]:
    try:
        return load(ExtismEngine(cache, instances=_MOST_INSTANCES))
    except (EngineFailed, OSError):
        if cache is None:
            raise
        return load(ExtismEngine(instances=_MOST_INSTANCES))  # a folder that cannot be used costs time only


def _module() -> bytes:
    for folder in (_PACKAGE / "workflows" / "jq_dist", _PACKAGE.parents[1] / "plugins" / "jq" / "dist"):
        file = folder / "jq.wasm"
        if file.is_file():
            return file.read_bytes()
    raise NotFound("jq.wasm is not installed", remedy="install omnicore again")


def _encoded(request: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(request, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except UnicodeEncodeError:  # half a surrogate pair is no text: jq, as all else, reads it as unknown
        return _SURROGATE.sub("\ufffd", json.dumps(request, ensure_ascii=False, allow_nan=False)).encode()
    except (ValueError, TypeError, RecursionError) as error:
        raise JqFailed(f"the value is not JSON: {error}") from error


SHARED = Jq()
"""The one that expressions use. The host hands it its settings and its folder for compiled code."""
