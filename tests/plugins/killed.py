"""Runs a change to a plugin in processes that are killed in the middle of it, each a little later than the last."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any

from tests.plugins.conftest import Rig

from omnicore.sandbox.extism.engine import ExtismEngine

__all__ = ["after_each_kill"]

Act = Callable[[Rig], object]
Look = Callable[[Rig], Any]


def after_each_kill(folder: Path, act: Act, look: Look, *, times: int) -> list[Any]:
    """What is found by a host that starts after `act` was killed, at `times` places from its first line to its last.

    Both functions stand on a module's top level. `folder` holds `plugins` and `data` as they are before.
    """
    mine, theirs = get_context("spawn").Pipe(duplex=False)
    process = get_context("spawn").Process(target=_all, args=(folder, act, look, times, theirs))
    process.start()
    theirs.close()
    try:
        return [mine.recv() for _ in range(times)]
    finally:
        process.join()


def _all(folder: Path, act: Act, look: Look, times: int, answers: Connection) -> None:
    # This process starts no thread, so that it can fork.
    lines = _forked(folder / "0", folder, lambda rig, write: os.write(write, b"%d" % _traced(act, rig, None)))
    for number in range(times):
        copy = folder / str(number + 1)
        place = (int(lines) - 1) * number // (times - 1) + 1
        _forked(copy, folder, lambda rig, write, place=place: _traced(act, rig, place))
        found = _forked(copy, None, lambda rig, write: os.write(write, repr(look(rig)).encode()))
        answers.send(eval(found))


def _forked(copy: Path, source: Path | None, work: Callable[[Rig, int], object]) -> bytes:
    """What a process of its own writes, in a copy of the folder."""
    if source is not None:
        for part in ("plugins", "data"):
            shutil.copytree(source / part, copy / part)
    reading, writing = os.pipe()
    if not os.fork():
        code = 1
        try:
            rig = Rig(copy, ExtismEngine(copy.parent / "code"))
            rig.host.scan()
            work(rig, writing)
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as answers:
        said = answers.read()
    _, status = os.wait()
    assert os.WIFSIGNALED(status) or os.waitstatus_to_exitcode(status) == 0
    return said


def _traced(act: Act, rig: Rig, place: int | None) -> int:
    """Runs it, killed at a line of the host's code; how many lines there are."""
    count = 0

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal count
        if "/omnicore/" not in frame.f_code.co_filename:
            return None
        count += event == "line"
        if count == place:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)
    try:
        act(rig)
    finally:
        sys.settrace(None)
    return count
