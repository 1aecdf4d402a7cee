"""A real `omnicore run` for the tests in a browser: its process, its people and their sessions."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import httpx
from tests.cli.conftest import COMMAND, clean_environment

__all__ = ["ADMIN", "Account", "ConsoleHost"]

ROOT = Path(__file__).parents[2]
PLUGINS = ROOT / "plugins"
_SETUP = re.compile(r"(http://[\w.:]+)/console/setup#key=([\w.~-]+)")
_STOP_S = 60.0


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may sign in. `plugins` raises the role for single plugins."""

    name: str
    role: str
    password: str = "correct horse battery staple"
    plugins: tuple[tuple[str, str], ...] = ()


ADMIN = Account("ada", "admin")


class ConsoleHost:
    """`omnicore run` over a folder of its own. It can be stopped, killed and started again at the same address."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.plugins = folder / "plugins"
        self.log = folder / "host.log"
        self.url = ""
        self.setup_key: str | None = None
        self._environment = clean_environment(**environment)
        self._process: subprocess.Popen[str] | None = None
        self._sessions: dict[str, httpx.Client] = {}
        self.plugins.mkdir(parents=True, exist_ok=True)

    def add(self, *names: str) -> ConsoleHost:
        """Copies shipped plugins into the folder; what they ask for is in the file."""
        for name in names:
            shutil.copy(PLUGINS / name / "dist" / f"{name}.wasm", self.plugins)
        return self

    def start(self, *arguments: str) -> ConsoleHost:
        """Starts it, where it was before when it ran already, and waits until it serves."""
        line = self._run("-o", "json", *arguments).readline()
        assert line, f"omnicore run did not start:\n{self.log.read_text()}"
        self.url = json.loads(line)["url"]
        found = _SETUP.search(line)
        self.setup_key = found[2] if found else None
        return self

    def start_on_a_terminal(self) -> ConsoleHost:
        """Starts it as somebody does who reads what it prints, and takes the link from there."""
        found = next(filter(None, map(_SETUP.search, self._run())), None)
        assert found, f"omnicore run printed no link:\n{self.log.read_text()}"
        self.url, self.setup_key = found.groups()
        return self

    def _run(self, *arguments: str) -> IO[str]:
        port = self.url.rpartition(":")[2] or "0"
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                [*COMMAND, "run", "--port", port, *arguments],
                cwd=self.folder,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=self._environment,
            )
        assert self._process.stdout is not None
        return self._process.stdout

    @property
    def setup_link(self) -> str:
        """The link that it printed, which makes the first user."""
        return f"{self.url}/console/setup#key={self.setup_key}"

    @property
    def process(self) -> int:
        """The id of its process."""
        assert self._process is not None
        return self._process.pid

    @cached_property
    def owner(self) -> dict[str, str]:
        """The header by which REST knows the owner."""
        told = subprocess.run(
            [*COMMAND, "auth", "-o", "json"], cwd=self.folder, env=self._environment, capture_output=True, check=True
        )
        return dict(json.loads(told.stdout))

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Ends the process by a signal, and waits for its end."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.communicate(timeout=_STOP_S)
            self._process = None

    def restart(self, number: int = signal.SIGTERM) -> None:
        """Ends it and starts it again at the same address. `SIGKILL` is an end without a goodbye."""
        self.stop(number)
        self.start()

    def close(self) -> None:
        """Ends all there is."""
        for client in self._sessions.values():
            client.close()
        self.stop(signal.SIGKILL)

    def check_console(self) -> ConsoleHost:
        """Fails where the package that is tested came without its console."""
        page = httpx.get(f"{self.url}/console/", timeout=60)
        assert "console is not built" not in page.text, (
            "this omnicore has no console: `npm run build` in web/ tells why"
        )
        return self

    def set_up(self) -> ConsoleHost:
        """Makes the first administrator, as the page of the printed link does."""
        assert self.setup_key, "omnicore run printed no link to set the console up"
        client = httpx.Client(base_url=self.url, timeout=60)
        made = client.post(
            "/api/v1/setup", json={"key": self.setup_key, "name": ADMIN.name, "password": ADMIN.password}
        )
        assert made.is_success, made.text
        self._sessions[ADMIN.name] = _signed(client, made.json())
        return self

    def session(self, account: Account = ADMIN) -> httpx.Client:
        """A client with the cookies and the CSRF token of that person, who is made when not there yet."""
        if account.name not in self._sessions:
            self._make(account)
            client = httpx.Client(base_url=self.url, timeout=60)
            told = client.post("/api/v1/session", json={"name": account.name, "password": account.password})
            assert told.is_success, told.text
            self._sessions[account.name] = _signed(client, told.json())
        return self._sessions[account.name]

    def cookies(self, account: Account = ADMIN) -> list[dict[str, Any]]:
        """The cookies of that person's session, as a browser takes them."""
        jar = self.session(account).cookies.jar
        fixed = {"url": self.url, "httpOnly": True, "sameSite": "Strict"}
        return [{"name": cookie.name, "value": cookie.value, **fixed} for cookie in jar]

    def grant(self, plugin: str) -> None:
        """Gives a plugin all that it asks for."""
        answer = self.session().post(f"/api/v1/plugins/{plugin}/grants")
        assert answer.is_success, answer.text

    def _make(self, account: Account) -> None:
        if account == ADMIN:
            self.set_up()
            return
        wanted = {
            "name": account.name,
            "password": account.password,
            "role": account.role,
            "plugins": dict(account.plugins),
        }
        made = self.session().post("/api/v1/users", json=wanted)
        assert made.is_success, made.text


def _signed(client: httpx.Client, session: dict[str, Any]) -> httpx.Client:
    client.headers["x-csrf-token"] = session["csrf"]
    return client
