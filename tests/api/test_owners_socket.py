"""The Unix socket of a host: whoever runs the host asks by it, and nobody else is heard there."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.api.hosting import Served

from omnicore.api import server as module
from omnicore.api.server import owners_socket, serve, socket_file
from omnicore.assembly import Host

SESSION = b"GET /api/v1/session HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"


class Beside(Served):
    """A host that serves its Unix socket beside TCP, as `omnicore run` does."""

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with Host(settings=self.settings) as self.host:
            with owners_socket(self.settings.data, {}) as owners:
                self.file = Path(owners.getsockname()) if owners is not None else None
                await serve(self.host.asgi(), self.settings, stop=self._stop, announce=self._announce, owners=owners)


def asked(file: Path, request: bytes = SESSION) -> bytes:
    """All that comes back; empty where the connection was closed at once."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(60)
        connection.connect(str(file))
        chunks = []
        try:
            connection.sendall(request)
            while chunk := connection.recv(65536):
                chunks.append(chunk)
        except (ConnectionResetError, BrokenPipeError):
            pass
    return b"".join(chunks)


def test_the_same_user_is_the_owner_without_a_key(short: Path) -> None:
    with Beside(short, {}) as served:
        assert served.file == short / "data" / "host.sock"
        about = served.file.stat()
        assert (stat.S_ISSOCK(about.st_mode), about.st_mode & 0o777) == (True, 0o600)
        told = asked(served.file)
        assert b" 200 " in told
        assert b'"via":"owner"' in told
        assert b" 401 " in asked_by_tcp(served)
    assert not served.file.exists()


def asked_by_tcp(served: Served) -> bytes:
    address = served.url.removeprefix("http://").rpartition(":")
    request = (
        b"GET /api/v1/plugins HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nomnicore.principal: owner\r\n\r\n"
    )
    with socket.create_connection((address[0], int(address[2])), timeout=60) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_a_connection_of_another_user_is_closed_unheard(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Beside(short, {}) as served:
        assert served.file is not None
        monkeypatch.setattr(module.os, "geteuid", lambda: os.getuid() + 1)
        assert asked(served.file) == b""
        monkeypatch.undo()
        assert b" 200 " in asked(served.file)


def test_a_file_that_a_killed_host_left_is_replaced(short: Path) -> None:
    text = (
        "import signal, sys; from pathlib import Path; from omnicore.api.server import owners_socket\n"
        f"with owners_socket(Path({str(short)!r}), {{}}): print('there', flush=True); signal.pause()"
    )
    with subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == b"there\n"
        with owners_socket(short, {}) as second:
            assert second is None  # it lives
        killed.send_signal(signal.SIGKILL)
    left = short / "host.sock"
    assert left.is_socket()
    with owners_socket(short, {}) as third:
        assert third is not None
        with closing(socket.socket(socket.AF_UNIX)) as connection:
            connection.connect(str(left))


def test_what_is_no_socket_is_left_alone(short: Path) -> None:
    (short / "host.sock").write_text("somebody's")
    with owners_socket(short, {}) as none:
        assert none is None
    assert (short / "host.sock").read_text() == "somebody's"


@pytest.fixture
def long(tmp_path: Path) -> Path:
    folder = tmp_path / ("a" * 60) / ("b" * 60)
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose name leaves room for that of a socket, as pytest's own do not."""
    with TemporaryDirectory(dir="/tmp") as name:
        yield Path(name)


def test_a_path_that_is_too_long_gives_way_to_the_users_runtime_folder(long: Path, short: Path) -> None:
    with owners_socket(long, {"XDG_RUNTIME_DIR": str(short)}) as owners:
        assert owners is not None
        file = Path(owners.getsockname())
        assert file.parent == short / "omnicore"
        assert file.parent.stat().st_mode & 0o777 == 0o700
    other = socket_file(long.parent / ("c" * 60), {"XDG_RUNTIME_DIR": str(short)})
    assert other not in (None, file)  # each data folder has its own


def test_a_runtime_folder_that_others_can_enter_is_not_used(
    long: Path, short: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.tempfile, "gettempdir", lambda: str(tmp_path / "none"))
    (short / "omnicore").mkdir()
    (short / "omnicore").chmod(0o755)
    assert socket_file(long, {"XDG_RUNTIME_DIR": str(short)}) is None
    (short / "omnicore").rmdir()
    (short / "omnicore").symlink_to(tmp_path)
    assert socket_file(long, {"XDG_RUNTIME_DIR": str(short)}) is None
