"""Whole hosts that share a database and no disk: each `omnicore run` has its own folders, cache and identity."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx

__all__ = ["PLUGINS", "Cluster", "Member", "until"]

PLUGINS = Path(__file__).parents[2] / "plugins"
"""The shipped plugins: `PLUGINS / NAME / "dist" / "NAME.wasm"`."""

_TOKEN = "a-token-that-all-hosts-of-a-test-know"
_STOP_S = 60.0
_LOOK_S = 0.02


def until(holds: Callable[[], Any], about: str, *, within_s: float = 10.0) -> float:
    """Waits until something holds. Returns: seconds it took. Raises: AssertionError: it does not hold in time."""
    begun = time.monotonic()
    while not holds():
        if time.monotonic() - begun > within_s:
            raise AssertionError(f"not within {within_s:g} s: {about}")
        time.sleep(_LOOK_S)
    return time.monotonic() - begun


@dataclass
class Member:
    """One host of a cluster: its folder, its process and a client that speaks to it."""

    name: str
    folder: Path
    command: Sequence[str]
    environment: dict[str, str]
    url: str = ""
    _process: subprocess.Popen[str] | None = field(default=None, repr=False)

    @property
    def plugins(self) -> Path:
        """The folder that it watches."""
        return self.folder / "plugins"

    @property
    def log(self) -> str:
        """Everything it has written to standard error."""
        return (self.folder / "log").read_text()

    @property
    def pid(self) -> int:
        """The id of its process."""
        assert self._process is not None, f"{self.name} is not running"
        return self._process.pid

    @property
    def running(self) -> bool:
        """True until its process has ended."""
        return self._process is not None and self._process.poll() is None

    @cached_property
    def http(self) -> httpx.Client:
        """A client with the owner's token."""
        return httpx.Client(base_url=self.url, headers={"authorization": f"Bearer {_TOKEN}"}, timeout=60)

    def drop(self, *names: str) -> None:
        """Puts shipped plugins into its folder."""
        for name in names:
            self.drop_file(PLUGINS / name / "dist" / f"{name}.wasm")

    def drop_file(self, source: Path, name: str | None = None) -> None:
        """Puts a file into its folder, whole at once."""
        partial = self.plugins / f".{name or source.name}.partial"
        shutil.copy(source, partial)
        partial.rename(self.plugins / (name or source.name))

    def start(self) -> Member:
        """Starts it and waits until it serves. Raises: RuntimeError with its log when it ends instead."""
        with (self.folder / "log").open("a") as log:
            self._process = subprocess.Popen(
                [*self.command, "run", "--port", self.url.rpartition(":")[2] or "0", "-o", "json"],
                **{"cwd": self.folder, "env": self.environment, "text": True},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait(_STOP_S)
            raise RuntimeError(f"host {self.name} ended with {code}:\n{self.log[-4000:]}")
        self.url = json.loads(line)["url"]
        return self

    def send_signal(self, number: int) -> None:
        """Sends its process a signal: `SIGSTOP` freezes it, `SIGCONT` lets it go on."""
        os.kill(self.pid, number)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Ends its process and waits for the end; `SIGKILL` is an end without a goodbye."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(number)
            process.send_signal(signal.SIGCONT)
            process.communicate(timeout=_STOP_S)

    def get(self, path: str) -> Any:
        """The answer of `GET /api/v1/...`. Raises: httpx.HTTPStatusError."""
        return self._answer(self.http.get(f"/api/v1{path}"))

    def send(self, method: str, path: str, **request: Any) -> Any:
        """The answer of any other operation, None where it has no body. Raises: httpx.HTTPStatusError."""
        return self._answer(self.http.request(method, f"/api/v1{path}", **request))

    def call(self, plugin: str, function: str, text: str = "") -> httpx.Response:
        """The answer to a call of a plugin, whatever it is."""
        return self.http.post(f"/api/v1/plugins/{plugin}/functions/{function}", content=text)

    def states(self) -> dict[str, str]:
        """The state of each plugin by name."""
        return {one["name"]: one["state"] for one in self.get("/plugins?limit=500")["items"]}

    def ready(self) -> bool:
        """True when a balancer would send requests there."""
        try:
            return self.http.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def metric(self, pattern: str) -> float:
        """The sum of the metrics whose line begins with a regular expression."""
        lines = re.findall(rf"^(?:{pattern})\S* (\S+)$", self.http.get("/metrics").text, re.MULTILINE)
        return sum(map(float, lines))

    @staticmethod
    def _answer(response: httpx.Response) -> Any:
        if response.is_error:
            raise httpx.HTTPStatusError(response.text, request=response.request, response=response)
        return response.json() if response.content else None


class Cluster:
    """Hosts over one database.

    Args:
        folder: holds a folder for each host.
        database: URL of the shared database.
        settings: variables `OMNICORE_*` of every host.
        command: starts the command line of OmniCore, another version's for example.
    """

    def __init__(
        self, folder: Path, database: str, *, settings: dict[str, str] | None = None, command: Sequence[str] = ()
    ) -> None:
        self._folder = folder
        self._settings = {
            "OMNICORE_STORAGE__URL": database,
            "OMNICORE_TOKEN": _TOKEN,
            "OMNICORE_MASTER_KEY": "00" * 32,
            "OMNICORE_RUNTIME__ENVIRONMENT": "local",
            **(settings or {}),
        }
        self._command = command or [sys.executable, "-m", "omnicore.cli.main"]
        self.members: list[Member] = []

    def add(
        self, name: str, *plugins: str, command: Sequence[str] = (), python: Path | None = None, **settings: str
    ) -> Member:
        """A host that is not started yet, with shipped plugins in its folder.

        Args:
            python: a folder of modules before all others, an older version's `host/` for example.
            settings: variables of this host alone, without `OMNICORE_`: `server__port="0"`.
        """
        folder = self._folder / name
        (folder / "plugins").mkdir(parents=True)
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("OMNICORE_", "_OMNICORE"))}
        own = {f"OMNICORE_{key.upper()}": value for key, value in settings.items()}
        places = {"HOME": folder, "XDG_STATE_HOME": folder / "state", "XDG_CACHE_HOME": folder / "cache"}
        environment = kept | self._settings | own | {key: str(value) for key, value in places.items()}
        if python is not None:
            environment["PYTHONPATH"] = str(python)
        member = Member(name, folder, command or self._command, environment)
        member.drop(*plugins)
        self.members.append(member)
        return member

    def start(self, name: str, *plugins: str, **settings: str) -> Member:
        """A host that serves."""
        return self.add(name, *plugins, **settings).start()

    def close(self) -> None:
        """Ends every host at once."""
        for member in self.members:
            if "http" in vars(member):
                member.http.close()
            member.stop(signal.SIGKILL)
