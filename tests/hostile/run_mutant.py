"""Loads and calls modules named on standard input, one path a line; answers with a line of JSON for each.

An answer is an outcome or, for anything but an `OmniError`, the traceback. A neighbour answers after each.
"""

from __future__ import annotations

import asyncio
import json
import sys
import traceback
from contextlib import closing
from pathlib import Path

from tests.hostile.mutate import seeds
from tests.hostile.run_case import FUNCTIONS

from omnicore.errors import OmniError
from omnicore.sandbox.abi import MIB, Doors, Limits, WasiGrant
from omnicore.sandbox.engine import Instance, SandboxEngine, Template
from omnicore.sandbox.extism.engine import ExtismEngine

LIMITS = Limits(timeout_s=0.1, memory_bytes=16 * MIB, compile_s=3.0, log_bytes=4_000)


def _call(instance: Instance, export: str, *, on_loop: bool) -> bytes:
    if on_loop:
        return asyncio.run(instance.call_async(export, b"abcdef"))
    return instance.call(export, b"abcdef")


def _run(engine: SandboxEngine, data: bytes) -> str:
    on_loop = len(data) % 2 == 1
    template = engine.load([("main", data)], LIMITS, Doors(functions=FUNCTIONS[:2], wasi=WasiGrant()))
    with closing(template):
        for export in template.exports[:4]:
            with closing(template.instance(on_loop=on_loop)) as instance:
                try:
                    _call(instance, export, on_loop=on_loop)
                except OmniError as error:
                    outcome = error.code
                else:
                    outcome = "ok"
    return outcome if template.exports else "no exports"


def answer(engine: SandboxEngine, neighbour: Template, data: bytes) -> dict[str, str]:
    """What came of a module."""
    try:
        found = {"outcome": _run(engine, data)}
    except OmniError as error:
        found = {"outcome": error.code}
    except Exception:
        found = {"failure": traceback.format_exc()}
    with closing(neighbour.instance()) as instance:
        if instance.call("run", b"\1\2\3\4") != b"\2\1\4\5":
            found["failure"] = "the neighbour gave a wrong answer"
    return found


def main() -> None:
    """The command."""
    engine = ExtismEngine(None)
    neighbour = engine.load([("main", seeds()[0])], Limits(), Doors())
    for line in sys.stdin:
        print(json.dumps(answer(engine, neighbour, Path(line.strip()).read_bytes())), flush=True)


if __name__ == "__main__":
    main()
