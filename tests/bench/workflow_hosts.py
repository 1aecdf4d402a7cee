"""Hosts for the figures of workflows: in this process, or `python -m tests.bench.workflow_hosts KIND FOLDER STORAGE`.

KIND is `server` (prints its URL and serves), `worker` (claims what is queued), `engine` or `bare` (a host that runs
workflows and one that leaves them to others, both with nothing to do). STORAGE is the section of the settings as JSON.
A process says that it is ready in one line and stops when its standard input ends.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from tests.bench.guests import ECHO, ROOT

from omnicore import Host
from omnicore.api.server import serve
from omnicore.cli.run import settle
from omnicore.config.settings import ConnectorSettings, Settings, StorageSettings, WorkflowSettings

__all__ = ["INPUT", "SECRET", "Child", "child", "definition", "opened"]

INPUT = {"to": "Ada", "number": 7}
SECRET = "a-secret-of-the-bench"
_MANIFEST = """warm = 16

[functions.echo]
input_media = "application/json"
output_media = "application/json"
"""
_SETTLED_S, _IDLE_S = 6.0, 2.0
Storage = Mapping[str, Any]


def definition(name: str, steps: int = 3, host: str = "") -> str:
    """A workflow of so many steps, one plugin call each, that hand their input on."""
    head = f"document: {{dsl: 1.0.3, namespace: default, name: {name}, version: 1.0.0}}\n"
    more = f"host: {host}\n" if host else ""
    return head + more + "do:\n" + "".join(f"- step{number}: {{call: steps.echo}}\n" for number in range(steps))


@asynccontextmanager
async def opened(folder: Path, storage: Storage, *, workers: int | None = None) -> AsyncIterator[Host]:
    """A host with the plugin; `workers` 0 leaves runs to other processes."""
    plugins = folder / "plugins"
    if not plugins.is_dir():
        plugins.mkdir(parents=True)
        (plugins / "steps.toml").write_text(_MANIFEST)
        (plugins / "steps.wasm").write_bytes(ECHO)
    workflows = WorkflowSettings() if workers is None else WorkflowSettings(workers=workers)
    settings = Settings(
        plugins,
        folder / "data",
        port=0,
        storage=StorageSettings(**storage),
        workflows=workflows,
        connectors=ConnectorSettings(hook_rate=1e6),
    )
    async with Host(settings=settings) as host:
        settle()  # as `omnicore run` does
        yield host


class Child:
    """A host in a process of its own, and the line it said."""

    def __init__(self, process: subprocess.Popen[str], said: str) -> None:
        self.process, self.said = process, said

    @property
    def facts(self) -> dict[str, Any]:
        """What it said, as JSON."""
        found: dict[str, Any] = json.loads(self.said)
        return found


@contextmanager
def child(kind: str, folder: Path, storage: Storage) -> Iterator[Child]:
    """A process of this module, ready; it stops at the end of the block."""
    command = [sys.executable, "-m", "tests.bench.workflow_hosts", kind, str(folder), json.dumps(dict(storage))]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            said = process.stdout.readline().strip()
            if not said:
                raise RuntimeError(f"the {kind} did not start")
            yield Child(process, said)
        finally:
            process.stdin.close()
            process.wait(30)


async def _server(folder: Path, storage: Storage) -> None:
    async with opened(folder, storage) as host:
        host.connectors.hooks.add("in", "token", SECRET)
        path = host.connectors.hooks.named("in").to_json()["path"]
        await host.workflows.apply(definition("hooked", host="{triggers: [{webhook: in, respond: result}]}"))
        await host.workflows.run("hooked", INPUT)
        await serve(host.asgi(), host.settings, stop=_input_ended(), announce=lambda url: _say(f"{url}{path}"))


async def _worker(folder: Path, storage: Storage) -> None:
    async with opened(folder, storage) as host:
        await host.workflows.run("three", INPUT)
        _say("ready")
        await _input_ended().wait()


async def _still(folder: Path, storage: Storage, workers: int | None) -> None:
    """What a host holds and spends while nothing happens."""
    async with opened(folder, storage, workers=workers):
        await asyncio.sleep(_SETTLED_S)
        began, spent = time.perf_counter(), time.process_time()
        await asyncio.sleep(_IDLE_S)
        busy = (time.process_time() - spent) / (time.perf_counter() - began)
        status = Path("/proc/self/status").read_text()
        rss_kb = int(status.partition("VmRSS:")[2].split()[0])
        _say(json.dumps({"rss_mb": rss_kb / 1024, "threads": threading.active_count(), "cpu_ms_per_s": busy * 1e3}))
        await _input_ended().wait()


def _say(line: str) -> None:
    print(line, flush=True)


def _input_ended() -> asyncio.Event:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, stop.set)
    return stop


async def _main(kind: str, folder: Path, storage: Storage) -> None:
    if kind in ("engine", "bare"):
        await _still(folder, storage, None if kind == "engine" else 0)
    else:
        await {"server": _server, "worker": _worker}[kind](folder, storage)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3])))
