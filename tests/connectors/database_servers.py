"""Private Redis and MariaDB servers for tests: temporary folders, loopback or a Unix socket."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["mariadb_server", "redis_server"]

_START_S = 60.0
# A server ends when its standard input does: at the end of its block, and with a run of tests that is killed.
_WATCHED = 'exec 3<&0; "$@" 3<&- & p=$!; (read -r _ <&3; kill $p) > /dev/null 2>&1 & wait $p; rm -rf "$0"'


@contextmanager
def redis_server(password: str) -> Iterator[int]:
    """A started Redis; gives its port."""
    with _folder() as folder:
        port = _free_port()
        options = {"port": port, "bind": "127.0.0.1", "requirepass": password, "save": "", "dir": folder}
        command = ["redis-server", *(str(part) for name, value in options.items() for part in (f"--{name}", value))]
        with _running(command, folder, lambda: _listens(port)):
            yield port


@contextmanager
def mariadb_server() -> Iterator[Path]:
    """A started MariaDB with an open `root`; gives its socket."""
    with _folder() as folder:
        data, place = folder / "data", folder / "socket"
        shared = ["--no-defaults", f"--datadir={data}", f"--user={_user()}"]
        install = ["mariadb-install-db", *shared, "--skip-test-db", "--auth-root-authentication-method=normal"]
        subprocess.run(install, check=True, capture_output=True)
        quick = ["--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M"]
        command = [
            "mariadbd",
            *shared,
            f"--socket={place}",
            "--skip-networking",
            f"--pid-file={folder / 'pid'}",
            *quick,
        ]
        with _running(command, folder, lambda: _socket_answers(place)):
            yield place


@contextmanager
def _folder() -> Iterator[Path]:
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="omnicore-", dir=memory if os.access(memory, os.W_OK) else None))
    try:
        shutil.chown(folder, _user())
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _running(command: list[str], folder: Path, answers: Callable[[], bool]) -> Iterator[None]:
    with (folder / "log").open("ab") as log:
        watched = ["sh", "-c", _WATCHED, str(folder), *command]
        process = subprocess.Popen(watched, stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=folder)
    try:
        end = time.monotonic() + _START_S
        while not answers():
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{command[0]} does not start:\n{(folder / 'log').read_text()[-2000:]}")
            time.sleep(0.02)
        yield
    finally:
        process.communicate(timeout=_START_S)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _socket_answers(place: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return place.exists() and probe.connect_ex(str(place)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _user() -> str:
    """Who the servers run as: for root, Debian's `mysql` or `nobody`."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid()).pw_name
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "mysql" if "mysql" in names else "nobody"
