"""A process that has imported every command and forks a child for each command line it is given.

A child takes 50 ms where a fresh interpreter takes a second. It is a process of its own: code of a stranger that runs
in it ends with it, and what it prints is seen whole.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from omnicore.cli.main import COMMANDS, main
from omnicore.connectors.kind import KINDS, find_kind
from omnicore.errors import ToolMissing

__all__ = ["Ended", "WarmCommands"]

_IMPORTED = (
    *("omnicore.assembly", "omnicore.storage.database", "omnicore.api.server", "omnicore.plugins.version"),
    *("omnicore.sandbox.compiler", "omnicore.mcp", "numpy", "sqlite_utils", "watchfiles"),
)
_LONGEST_S = 60.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: its exit code, negative for a signal, and what it printed."""

    code: int
    out: str
    err: str


class WarmCommands:
    """Runs command lines and programs in forks of one process. A line that goes on for a minute is killed."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(Path(__file__))], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.communicate(timeout=_LONGEST_S)

    def run(
        self,
        arguments: Sequence[str] = (),
        *,
        folder: Path,
        environ: Mapping[str, str],
        stdin: str = "",
        program: str = "",
        served: bool = False,
    ) -> Ended:
        """Runs `omnicore ARGUMENTS`, or a Python program, in a folder.

        Args:
            served: it goes on until it is told to stop; that happens once it has printed its first line.
        """
        self.begin(arguments, folder=folder, environ=environ, stdin=stdin, program=program, served=served)
        ended = self.ended()
        # Its first line may come before it listens to signals: being stopped is its end all the same.
        return replace(ended, code=0) if served and ended.code == -signal.SIGTERM else ended

    def begin(
        self, arguments: Sequence[str], *, folder: Path, environ: Mapping[str, str], terminal: str = "", **more: Any
    ) -> None:
        """Begins a command; `ended` waits for it. `terminal`: the path of one that is all its streams."""
        order = {"arguments": list(arguments), "folder": str(folder), "environ": dict(environ), "terminal": terminal}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"stdin": "", "program": "", "served": False, **order, **more}) + "\n")
        self._process.stdin.flush()

    def ended(self) -> Ended:
        """How the command ended that was begun."""
        assert self._process.stdout is not None
        return Ended(**json.loads(self._process.stdout.readline()))


def _main() -> None:
    for name in (*(place.module for place in COMMANDS.values()), *_IMPORTED):
        importlib.import_module(name)
    os.umask(0o022)  # as people have it
    _warm_up()
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        print(json.dumps(_ended(json.loads(line))), flush=True)


def _warm_up() -> None:
    """Imports the libraries of every connector."""
    for name in KINDS:
        with contextlib.suppress(ToolMissing):
            find_kind(name)
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
        main(["connectors", "--help"])


def _ended(order: Mapping[str, Any]) -> dict[str, object]:
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as said:
        given.write(order["stdin"].encode())
        given.seek(0)
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            _become(order, given.fileno(), writer, said.fileno())
        os.close(writer)
        out = _read(reader, child, served=order["served"])
        _, status = os.waitpid(child, 0)
        _end_group(child)
        said.seek(0)
        return {"code": os.waitstatus_to_exitcode(status), "out": out, "err": said.read().decode("utf-8", "replace")}


def _become(order: Mapping[str, Any], *streams: int) -> None:
    """Makes this fork the command; never returns."""
    code: object = 99
    try:
        os.setsid()
        for number, stream in enumerate(streams):
            os.dup2(os.open(order["terminal"], os.O_RDWR) if order["terminal"] else stream, number)
        sys.stdin = open(0, encoding="utf-8")  # noqa: SIM115 -- it ends with the process
        os.chdir(order["folder"])
        os.environ.clear()
        os.environ.update(order["environ"])
        _run(order)
    except SystemExit as ended:
        code = ended.code or 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code if isinstance(code, int) else 1)


def _run(order: Mapping[str, Any]) -> None:
    if order["program"]:
        exec(compile(order["program"], "program.py", "exec"), {"__name__": "__main__"})
        sys.exit(0)
    main(order["arguments"])


def _read(reader: int, child: int, *, served: bool) -> str:
    """What the child prints until it ends."""
    ends_at, out, stopped = time.monotonic() + _LONGEST_S, b"", False
    with open(reader, "rb", buffering=0) as pipe, selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            if not selector.select(max(0.0, ends_at - time.monotonic())):
                os.kill(child, signal.SIGKILL)
                return out.decode("utf-8", "replace") + "\nkilled: it did not end"
            chunk = pipe.read(65_536)
            if not chunk:
                return out.decode("utf-8", "replace")
            out += chunk
            if served and not stopped and b"\n" in out:
                os.kill(child, signal.SIGTERM)
                stopped = True


def _end_group(child: int) -> None:
    """Ends what the command has left running."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)


if __name__ == "__main__":
    _main()
