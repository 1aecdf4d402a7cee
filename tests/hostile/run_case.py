"""Runs hostile cases on the default engines and prints what came of each as a line of JSON.

`python -m tests.hostile.run_case NAME...`, or without names: reads them from standard input, one a line. A
name with `@loop` behind it is called on an event loop. After every case a plugin that behaves must answer.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tests.hostile import guests
from tests.hostile.cases import BY_NAME, Case

from omnicore.errors import (
    DeadlineExceeded,
    GuestFailed,
    GuestTrapped,
    InvalidInput,
    LimitExceeded,
    LinkFailed,
    ModuleRejected,
    NotFound,
    OmniError,
)
from omnicore.sandbox.abi import MIB, Doors, HostCall, HostFunction, Limits, WasiGrant
from omnicore.sandbox.component.engine import ComponentEngine
from omnicore.sandbox.engine import EngineByKind, SandboxEngine, Template
from omnicore.sandbox.extism.engine import ExtismEngine

LIMITS = Limits(timeout_s=1.0, compile_s=1.0)
DISK_BYTES = 1 * MIB
_LETTERS: tuple[tuple[type[OmniError] | tuple[type[OmniError], ...], str], ...] = (
    (DeadlineExceeded, "T"),
    (LimitExceeded, "L"),
    ((ModuleRejected, LinkFailed), "R"),
    ((GuestTrapped, GuestFailed), "X"),
    ((NotFound, InvalidInput), "N"),
)


def _echo(call: HostCall, handle: int) -> int:
    return call.write(call.read(handle))


def _peek(call: HostCall, address: int, length: int) -> int:
    return int.from_bytes(call.load(address, length)[:1])


def _block(call: HostCall, handle: int) -> int:
    time.sleep(1.5)
    return handle


FUNCTIONS = (
    HostFunction("extism:host/user", "echo", ("i64",), ("i64",), _echo),
    HostFunction("extism:host/user", "peek", ("i32", "i32"), ("i32",), _peek),
    HostFunction("extism:host/user", "block", ("i64",), ("i64",), _block),
)


@contextmanager
def _playground() -> Iterator[Path]:
    """A folder to preopen, with a FIFO, a link to the outside and a secret beside it."""
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "secret").write_text("secret")
        root = Path(name) / "root"
        root.mkdir()
        os.mkfifo(root / "pipe")
        (root / "link").symlink_to("../secret")
        yield root


def _letter(error: OmniError) -> str:
    return next((letter for kinds, letter in _LETTERS if isinstance(error, kinds)), type(error).__name__)


def _call(template: Template, *, once: bool) -> None:
    """Twice on one instance with different inputs, then on a fresh one."""
    with closing(template.instance()) as instance:
        instance.call("run", b"\xff" * 60_000)
        if instance.healthy and not once:
            instance.call("run", b"abc")
    with closing(template.instance()) as instance:
        instance.call("run", b"")


async def _call_on_loop(template: Template, *, once: bool) -> None:
    """The same on an event loop, beside a task that must get its turns."""
    turns = asyncio.create_task(_turns())
    with closing(template.instance(on_loop=True)) as instance:
        await instance.call_async("run", b"\xff" * 60_000)
        if instance.healthy and not once:
            await instance.call_async("run", b"abc")
    with closing(template.instance(on_loop=True)) as instance:
        await instance.call_async("run", b"")
    turns.cancel()


async def _turns() -> None:
    while True:
        await asyncio.sleep(0.01)


def _outcome(engine: SandboxEngine, case: Case, data: bytes, doors: Doors, *, on_loop: bool) -> dict[str, Any]:
    before = _processor_s()
    loading = None
    started = time.monotonic()
    try:
        template = engine.load([("main", data)], LIMITS, doors)
        loading, started = _processor_s() - before, time.monotonic()
        with closing(template):
            if on_loop:
                asyncio.run(_call_on_loop(template, once=case.once))
            else:
                _call(template, once=case.once)
    except OmniError as error:
        found = {"outcome": _letter(error), "message": str(error)[:400]}
    else:
        found = {"outcome": "ok", "message": ""}
    if loading is None:  # refused before there was anything to call
        return {**found, "load_processor_s": _processor_s() - before, "call_s": 0.0}
    return {**found, "load_processor_s": loading, "call_s": time.monotonic() - started}


def _processor_s() -> float:
    """Processor time of this process and of the compilers it has waited for: the same beside any other work."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _memory(field: str) -> int:
    """A field of this process's memory status. Units: bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    return 0


def _disk(root: Path) -> dict[str, Any]:
    """What the guest left in its folder."""
    files = [path for path in root.iterdir() if path.is_file() and not path.is_symlink()]
    planted = root / "g"
    escapes = planted.is_symlink() and not planted.resolve().is_relative_to(root.resolve())
    return {"disk_bytes": sum(path.stat().st_size for path in files), "planted": escapes}


def run(engine: SandboxEngine, neighbour: Template, case: Case, *, on_loop: bool) -> dict[str, Any]:
    """One case and what it left behind. Units: bytes and seconds."""
    data = case.build()
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # starts the peak of resident memory anew
    before = _memory("VmRSS")
    with _playground() as root:
        preopens = ((str(root), "/", True),) if case.preopen else ()
        wasi = WasiGrant(preopens=preopens, max_disk_bytes=DISK_BYTES)
        found = _outcome(engine, case, data, Doors(functions=FUNCTIONS, wasi=wasi), on_loop=on_loop)
        found |= _disk(root)
    found["rss_growth"] = _memory("VmHWM") - before
    found["child_rss"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    found["open_files"] = len(os.listdir("/proc/self/fd"))
    with closing(neighbour.instance()) as instance:
        found["neighbour"] = instance.call("run", b"still here") == b"still here"
    return {"case": case.name, **found}


def main() -> None:
    """The command."""
    with tempfile.TemporaryDirectory() as cache:
        folder = Path(cache)
        engine = EngineByKind(ExtismEngine(folder), ComponentEngine(folder))
        neighbour = engine.load([("main", guests.echo())], LIMITS, Doors())
        for name in sys.argv[1:] or sys.stdin:
            case, _, where = name.strip().partition("@")
            found = run(engine, neighbour, BY_NAME[case], on_loop=where == "loop")
            print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
