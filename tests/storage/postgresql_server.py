"""A private PostgreSQL server for tests and campaigns: a temporary folder, a Unix socket, no TCP.

`python3 -m tests.storage.postgresql_server` starts one, asks it something and stops it: what CI does first.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.frozen import freeze

__all__ = ["PostgresServer", "find_binaries", "private_server", "unprivileged"]

_USER = "omnicore"
_START_S = 60.0
# The server ends with the run of tests, even one that is killed: then nobody holds the other end of the pipe.
_WATCHED = (
    '"$@" & p=$!; exec 3<&0; (read -r _ <&3; kill -INT $p) > /dev/null 2>&1 & w=$!; wait $p; kill $w || rm -rf "$0"'
)
_ROOM = 2 * 1024**3  # containers often have 64 MB there
# Tests kill the server's processes, never the machine: what the system's cache holds is not lost.
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "autovacuum": "off",
    "max_wal_size": "256MB",
}


def find_binaries() -> Path | None:
    """The folder of `postgres` and `initdb`, Debian's newest among others; None when there is none."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    for name in ("postgres", "initdb"):
        found = shutil.which(name)
        folders += [Path(found).resolve().parent] if found else []
    return next((folder for folder in folders if {"postgres", "initdb"} <= {p.name for p in folder.iterdir()}), None)


class PostgresServer:
    """A server whose processes belong to nobody important: PostgreSQL refuses to run as root."""

    def __init__(
        self,
        binaries: Path,
        folder: Path,
        settings: Mapping[str, str] | None = None,
        *,
        new: bool = True,
    ) -> None:
        self._binaries, self.folder = binaries, folder
        self._settings = _SETTINGS if settings is None else {"listen_addresses": "", **settings}
        self._as = unprivileged()
        self._process: subprocess.Popen[bytes] | None = None
        if self._as:
            os.chown(folder, self._as["user"], self._as["group"])
        if new:
            self._make()

    def _make(self) -> None:
        folder = self.folder
        self._run("initdb", "-D", str(folder / "data"), "-U", _USER, "-A", "trust", "-E", "UTF8", "-N", "--locale=C")
        rules = folder / "data" / "pg_hba.conf"
        rules.write_text(f"local all guarded scram-sha-256\n{rules.read_text()}")

    def url(self, database: str = "postgres") -> str:
        """A URL of one of its databases."""
        return f"postgresql://{_USER}:never-shown@/{database}?host={self.folder}"

    def start(self) -> None:
        """Starts it and waits until it answers. Raises: RuntimeError with its log."""
        settings = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        command = [self._binaries / "postgres", "-D", self.folder / "data", "-k", self.folder, *settings]
        with (self.folder / "log").open("ab") as log:
            watched = ["sh", "-c", _WATCHED, str(self.folder), *map(str, command)]
            self._process = subprocess.Popen(watched, stdin=subprocess.PIPE, stdout=log, stderr=log, **self._as)
        end = time.monotonic() + _START_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"PostgreSQL does not start:\n{(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Ends it in order (SIGINT: connections are cut)."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Ends it as a crash would: SIGQUIT, no checkpoint, no goodbye; the next start recovers from its log."""
        self._end(signal.SIGQUIT)

    def freeze(self) -> None:
        """Stops every process where it is: the system goes on accepting connections, and nobody answers."""
        self._each(freeze)

    def thaw(self) -> None:
        """Lets them go on."""
        self._each(_thaw)

    def follow(self, primary: PostgresServer) -> None:
        """Begins as the standby of another server; every commit there waits for it from then on."""
        self._copy(primary)
        self.start()
        primary.sql("ALTER SYSTEM SET synchronous_standby_names = '*'")
        primary.sql("SELECT pg_reload_conf()")

    def promote(self) -> None:
        """Makes a standby the primary, and waits until it takes writes."""
        self.sql("SELECT pg_promote()")

    def sql(self, text: str, database: str = "postgres") -> str:
        """What `psql` answers."""
        return self._run("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", text, self.url(database))

    def _answers(self) -> bool:
        command = [self._binaries / "pg_isready", "-q", "-h", self.folder]
        return subprocess.run(command, check=False).returncode == 0

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            self._each(_thaw)
            os.kill(self._pid(), number)
            process.wait(_START_S)
        if process is not None and process.stdin is not None:
            process.stdin.close()

    def _copy(self, primary: PostgresServer) -> None:
        shutil.rmtree(self.folder / "data", ignore_errors=True)
        self._run("pg_basebackup", "-D", str(self.folder / "data"), "-R", "-c", "fast", "-d", primary.url())

    def _pid(self) -> int:
        return int((self.folder / "data" / "postmaster.pid").read_text().split("\n", 1)[0])

    def _each(self, act: Callable[[int], None]) -> None:
        """To the first process before its children, so that it starts no more."""
        first = self._pid()
        act(first)
        for child in Path(f"/proc/{first}/task/{first}/children").read_text().split():
            with suppress(ProcessLookupError, FileNotFoundError):
                act(int(child))

    def _run(self, name: str, *arguments: str) -> str:
        command = [self._binaries / name, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=self.folder, **self._as)
        if done.returncode:
            raise RuntimeError(f"{name} fails:\n{done.stdout}{done.stderr}")
        return done.stdout.strip()


def _thaw(pid: int) -> None:
    os.kill(pid, signal.SIGCONT)


@contextmanager
def private_server(
    binaries: Path,
    *,
    memory: bool = True,
    settings: Mapping[str, str] | None = None,
    primary: PostgresServer | None = None,
) -> Iterator[PostgresServer]:
    """A started server, in memory where the machine has such a folder; gone with the block.

    Args:
        memory: False puts it on the disk.
        primary: the server whose standby it becomes; every commit there waits for it from then on.
        settings: on top of those it is installed with, in place of those for tests.
    """
    shared = Path("/dev/shm")
    roomy = memory and os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > _ROOM
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir=shared if roomy else None))
    try:
        server = PostgresServer(binaries, folder, settings, new=primary is None)
        try:
            if primary is None:
                server.start()
            else:
                server.follow(primary)
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def unprivileged() -> dict[str, int | list[int]]:
    """For root: another user to run as, Debian's `postgres` or `nobody`."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = names.get("postgres") or names["nobody"]
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _main() -> int:
    binaries = find_binaries()
    if binaries is None:
        print("PostgreSQL is not on this machine", file=sys.stderr)
        return 3
    with private_server(binaries) as server:
        name = f"try_{secrets.token_hex(4)}"
        server.sql(f"CREATE DATABASE {name}")
        print(server.sql("SELECT version()", name))
    return 0


if __name__ == "__main__":
    sys.exit(_main())
