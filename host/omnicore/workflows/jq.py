"""jq itself, in a sandbox without any door: no clock, no environment, no files, and an end to everything.

The module is the one of `plugins/jq`. A filter meets a count of instructions, a deadline and a limit on memory; a
sandbox that a filter broke, or left large, is given up for a new one, which takes 3 ms. 32 filters stay compiled in a
warm one: those take 0.05 ms, others 1.2 ms.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omnicore.errors import (
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
from omnicore.sandbox.engine import Instance, Template
from omnicore.sandbox.extism.engine import ExtismEngine

__all__ = ["SHARED", "Jq", "JqFailed", "JqLimits"]

_PACKAGE = Path(__file__).resolve().parents[1]
_MOST_INSTANCES = 16
_MOST_VARIABLES = 100
_GROWN = 48 * MIB
"""A sandbox's memory never shrinks: above this it is not kept for the next filter. Units: bytes."""
_UNDEFINED = re.compile(r"(?:^|\njq: error: )\$([A-Za-z_][A-Za-z0-9_]*) is not defined at")
_NOW = re.compile(r"\bnow\b")
_WHERE = re.compile(r" at <top-level>, line (\d+), column (\d+)")
_ERROR = re.compile(r"^jq: error: ")
_COUNTED = re.compile(r"\njq: \d+ compile errors?\s*$")
_SURROGATE = re.compile("[\ud800-\udfff]")


class JqFailed(Exception):
    """What jq says against a filter. `reading`: it cannot be compiled."""

    def __init__(self, message: str, *, reading: bool = False) -> None:
        super().__init__(message)
        self.reading = reading


@dataclass(frozen=True, slots=True)
class JqLimits:
    """What one evaluation may use, and how many go on at once; a further one waits for its turn.

    Units: `fuel` in Wasm instructions: what ends a filter in the same place on every machine; the deadline is for
    machines on which that takes too long.
    """

    timeout_s: float = 1.0
    fuel: int = 3_000_000_000
    memory_bytes: int = 192 * MIB
    value_bytes: int = 32 * MIB
    at_once: int = 2


class Jq:
    """Runs filters. Safe to use from any thread: each call has a sandbox of its own for as long as it lasts.

    Args: cache: a folder of this user for compiled code; None compiles once for each process, in about a second.
    Owns: its sandboxes, until `close`.
    """

    def __init__(self, limits: JqLimits | None = None, *, cache: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._template: Template | None = None
        self._idle: list[Instance] = []
        self._limits, self._cache = limits or JqLimits(), cache
        self._turns = self._as_many()

    def configure(self, limits: JqLimits, *, cache: Path | None) -> None:
        """Changes limits and folder; calls under way end as they began, and what is compiled stays if it can."""
        if limits != self._limits:
            self.close()
        with self._lock:
            self._cache = cache
            if limits != self._limits:
                self._limits = limits
                self._turns = self._as_many()

    def warm(self) -> None:
        """Makes the first sandbox, so that nobody waits for it. Raises: EngineFailed, NotFound."""
        self.evaluate(".", None, {})

    def variables(self, filter: str) -> frozenset[str]:
        """Names without `$` of what a filter needs to be given. Raises: JqFailed: it cannot be compiled."""
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
        try:
            self._call("check", {"filter": filter, "variables": dict.fromkeys(known)})
        except JqFailed as error:
            raise JqFailed(str(error), reading=True) from error

    def evaluate(self, filter: str, data: Any, variables: Mapping[str, Any], *, now: float = 0.0) -> Any:
        """The first value that a filter gives; None when it gives none.

        The filter is one that `variables` has read: it is whole alone, so nothing in it reaches what is put around it.

        Raises: JqFailed: it failed, or met a limit. EngineFailed, NotFound: the installation is damaged.
        """
        names = sorted(variables)
        bound = {f"v{number}": variables[name] for number, name in enumerate(names)}
        request = {"filter": _whole(filter, names), "input": {"d": data, "n": now, **bound}}
        outputs = self._call("run", request)["outputs"]
        return outputs[0] if outputs else None

    def _as_many(self) -> threading.BoundedSemaphore:
        return threading.BoundedSemaphore(max(1, min(self._limits.at_once, _MOST_INSTANCES)))

    def close(self) -> None:
        """Frees the sandboxes; the next call makes a new one."""
        with self._lock:
            idle, self._idle, self._template = self._idle, [], None
        for instance in idle:
            instance.close()

    def _call(self, export: str, request: Mapping[str, Any]) -> Any:
        with _failures(), self._instance() as instance:
            return json.loads(instance.call(export, _encoded(request)))

    @contextmanager
    def _instance(self) -> Iterator[Instance]:
        turns = self._turns
        with turns:
            with self._lock:
                template, instance = self._loaded(), self._idle.pop() if self._idle else None
            instance = instance or template.instance()
            try:
                yield instance
            finally:
                self._back(template, instance)

    def _back(self, template: Template, instance: Instance) -> None:
        fit = instance.healthy and instance.usage().memory_bytes <= _GROWN
        with self._lock:
            if fit and template is self._template:
                self._idle.append(instance)
                return
        instance.close()

    def _loaded(self) -> Template:
        if self._template is None:
            most = self._limits
            limits = Limits(
                timeout_s=most.timeout_s,
                fuel=most.fuel,
                memory_bytes=most.memory_bytes,
                input_bytes=most.value_bytes,
                output_bytes=most.value_bytes,
            )
            doors = Doors(functions=(_CLOCK,), log_level=None)
            self._template = _compiled(self._cache, lambda engine: engine.load([("main", _module())], limits, doors))
        return self._template


def _whole(filter: str, names: Sequence[str]) -> str:
    """The filter with its variables bound: as part of the input they change without compiling anew.

    A comment at the filter's end takes one line more when its last character is a backslash.
    """
    before = ""
    if names:
        before = ". as {" + ", ".join(f"v{number}: ${name}" for number, name in enumerate(names)) + "} | "
    if _NOW.search(filter):
        before = f".n as $__now | {before}def now: $__now; "
    return f"{before}.d | first(({filter}\n\n))"


def _stopped(call: HostCall, _clock: int, _precision: int, out: int) -> int:
    """The clock that jq sees: nothing of the host's time is in a result."""
    call.store(out, bytes(8))
    return 0


_CLOCK = HostFunction("wasi_snapshot_preview1", "clock_time_get", ("i32", "i64", "i32"), ("i32",), _stopped)


def _compiled(cache: Path | None, load: Callable[[ExtismEngine], Template]) -> Template:
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


@contextmanager
def _failures() -> Iterator[None]:
    """Turns what the sandbox raises into jq's word or the limit that was met."""
    try:
        yield
    except GuestFailed as error:
        raise JqFailed(_readable(error.fact)) from error
    except FuelExhausted as error:
        raise JqFailed("the filter takes too many steps: let it do less") from error
    except DeadlineExceeded as error:
        raise JqFailed("the filter takes too long: let it do less") from error
    except MemoryExceeded as error:
        raise JqFailed("the filter needs too much memory: let it collect less") from error
    except LimitExceeded as error:
        raise JqFailed(f"the filter gives too much: {error.fact}") from error
    except GuestError as error:
        raise JqFailed("jq broke off: the filter or its data are too deep or too large") from error
    except RecursionError as error:
        raise JqFailed("the value is too deep") from error
    except ValueError as error:  # a number of thousands of digits, which jq hands on as it was written
        raise JqFailed(f"the filter gives what is no JSON here: {error}") from error
    except InvalidInput as error:
        raise JqFailed(f"the data are too large for an expression: {error.fact}") from error


def _readable(message: str) -> str:
    """jq's message without what it says about itself."""
    plain = _COUNTED.sub("", _ERROR.sub("", message))
    return _WHERE.sub(r" at line \1, column \2", plain).strip()


SHARED = Jq()
"""The one that expressions use. The host hands it its settings and its folder for compiled code."""
