"""A guest that is run while something is built from it: it may read what the builder gives it, and log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from omnicore.errors import GuestFailed
from omnicore.sandbox.abi import Doors, HostCall, HostFunction, Limits, LogLevel, ValueType
from omnicore.sandbox.engine import Engine, Instance, Template
from omnicore.sandbox.inspect import FuncType
from omnicore.sandbox.snapshot.rewrite import Changes, HostImport, rewritten

__all__ = ["FIRST_DOOR", "Evaluation", "Guest"]

_BUILD = "omnicore:build"
_LEVELS: tuple[LogLevel, ...] = ("trace", "debug", "info", "warn", "error")
_READ, _DUMP, _CLOCK, _RANDOM, _LOG = range(5)
FIRST_DOOR = 16
"""The first slot that the engine's own C code leaves free."""

_HANDLE = FuncType(("i64",), ("i64",))
_OWN = (
    HostImport(_READ, _BUILD, "read", _HANDLE),
    HostImport(_DUMP, _BUILD, "dump", FuncType(("i64", "i64"), ())),
    *(HostImport(_LOG + at, _BUILD, f"log_{level}", FuncType(("i64",), ())) for at, level in enumerate(_LEVELS)),
)
_DISPATCH, _CALL = "omnicore_slot", "omnicore_call"


@dataclass(slots=True)
class Evaluation:
    """One run: what the guest may read, what it logged, and its memory once it is done.

    `read` is given what the guest asks for and returns the answer.
    """

    read: Callable[[bytes], bytes]
    lines: list[str] = field(default_factory=list)
    memory: bytes = b""


class Guest:
    """An engine for a language, compiled; safe to use from several threads.

    Its C side is `sdk/js/engine`: exports `omnicore_prelude`, `omnicore_begin`, `omnicore_finish` and
    `omnicore_call`, and imports whose module is `omnicore:slot` behind all others.

    Args:
        first_slot: how many imports it has that are no slots.
    """

    def __init__(self, engine: Engine, wasm: bytes, *, first_slot: int, limits: Limits) -> None:
        self._wasm = wasm
        self._first_slot = first_slot
        base = rewritten(wasm, Changes(first_slot=first_slot, imports=_OWN, dispatch=_DISPATCH))
        self._template: Template = engine.load([("main", base)], limits, Doors(functions=_functions(), log_level=None))

    def evaluate(
        self, evaluation: Evaluation, *, prelude: bytes, plugin: bytes, bind: Callable[[bytes], bytes]
    ) -> bytes:
        """Runs a plugin's source and keeps the memory in `evaluation`. Returns: what the guest says of the plugin.

        Args:
            bind: is given what the guest says and returns the input of its last step.

        Raises: GuestError: the source fails, or takes too much time or memory.
        """
        instance = self._template.instance()
        try:
            _run(instance, "omnicore_prelude", prelude, evaluation)
            said = _run(instance, "omnicore_begin", plugin, evaluation)
            _run(instance, "omnicore_finish", bind(said), evaluation)
        finally:
            instance.close()
        return said

    def module(self, evaluation: Evaluation, *, functions: list[str], imports: list[HostImport]) -> bytes:
        """The plugin: the engine with the memory of an evaluation and an export for each function."""
        changes = Changes(
            first_slot=self._first_slot,
            imports=imports,
            dispatch=_DISPATCH,
            call=_CALL,
            functions=functions,
            memory=evaluation.memory,
        )
        return rewritten(self._wasm, changes)


def _run(instance: Instance, export: str, data: bytes, evaluation: Evaluation) -> bytes:
    return instance.call(export, data, host_context=evaluation)


def _functions() -> tuple[HostFunction, ...]:
    runs: list[Callable[..., int | None]] = [_read, _dump, *map(_logger, _LEVELS)]
    return tuple(_function(one, run) for one, run in zip(_OWN, runs, strict=True))


def _function(one: HostImport, run: Callable[..., int | None]) -> HostFunction:
    params, results = (cast("tuple[ValueType, ...]", side) for side in (one.type.params, one.type.results))
    return HostFunction(one.module, one.name, params, results, run)


def _read(call: HostCall, handle: int) -> int:
    evaluation: Evaluation = call.host_context
    return call.write(evaluation.read(call.read(handle)))


def _dump(call: HostCall, length: int, stack_end: int) -> None:
    evaluation: Evaluation = call.host_context
    # What lies on the stack is nobody's any more; the guest begins anew at its upper end.
    evaluation.memory = bytes(stack_end) + call.load(stack_end, length - stack_end)


_MOST_LINES = 100


def _logger(level: LogLevel) -> Callable[[HostCall, int], None]:
    def log(call: HostCall, handle: int) -> None:
        evaluation: Evaluation = call.host_context
        try:
            text = call.read(handle).decode(errors="replace")
        except GuestFailed:
            return
        if len(evaluation.lines) < _MOST_LINES:
            evaluation.lines.append(f"{level}: {text[:1000]}")

    return log
