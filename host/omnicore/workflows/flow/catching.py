"""`try`: errors that are caught, retried and mended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from omnicore.workflows.entries import Fault
from omnicore.workflows.flow.blocks import run_block
from omnicore.workflows.flow.frames import Frame, Tries
from omnicore.workflows.flow.machine import Open, Steps
from omnicore.workflows.flow.retrying import next_delay, pause
from omnicore.workflows.flow.truth import fits, holds
from omnicore.workflows.graph import Catch, Try

__all__ = ["attempt"]


def attempt(frame: Frame) -> Steps:
    """The block's output; once an error is caught and no retry is left, what the catch's block makes of the input.

    An error that was retried in vain is not swallowed: without a block that mends it, it goes on.
    """
    node = cast(Try, frame.node)
    catch, retry, since, number = node.catch, node.catch.retry, frame.machine.at, 0
    if retry is not None:
        frame.tries = Tries(frame.tries)
    while True:
        limit = _limited(frame, retry.attempt_s if retry is not None else None)
        try:
            return (yield run_block(frame, frame.strand, node.block, frame.input, frame.place, frame.names))
        except Fault as fault:
            error = fault
        if limit is not None:
            frame.machine.drop(limit)
        caught = {catch.as_: error.to_json()}
        if not _catches(frame, catch, error, caught):
            raise error
        if retry is None:
            break
        number += 1
        delay = next_delay(frame, retry, number, since, frame.scope.with_(caught))
        if delay is None:
            if not catch.block:
                raise error
            break
        frame.machine.row(frame, "retried", fault=error)
        frame.tries.again()
        yield pause(frame, delay)
    if not catch.block:
        return frame.input
    return (yield run_block(frame, frame.strand, catch.block, frame.input, frame.place, {**frame.names, **caught}))


def _limited(frame: Frame, limit_s: float | None) -> Open | None:
    """A guard over one attempt; it interrupts the work inside of `attempt`, a level above the task itself."""
    if limit_s is None:
        return None
    machine = frame.machine
    due_at = machine.at + limit_s
    place = f"{frame.place}/attempt"
    return machine.ask(frame, "timer", place=place, due_at=due_at, use="guard", level=frame.level + 1)


def _catches(frame: Frame, catch: Catch, error: Fault, caught: Mapping[str, Any]) -> bool:
    scope = frame.scope.with_(caught)
    if not fits(error.to_json(), catch.with_, frame.input, scope):
        return False
    if catch.when is not None and not holds(catch.when, frame.input, scope):
        return False
    return catch.except_when is None or not holds(catch.except_when, frame.input, scope)
