"""A whole host with users, as somebody hostile meets it, and those who attack it."""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from tests.api.conftest import ECHO
from tests.api.hosting import Served
from tests.coroutines import pytest_pyfunc_call
from websockets.typing import Subprotocol

from omnicore.config.settings import AccessSettings

__all__ = ["NAME", "PASSWORD", "Start", "proof", "pytest_pyfunc_call", "signed_in", "spoken"]

NAME, PASSWORD = "ada", "correct horse battery staple"
CHEAP = AccessSettings(hash_passes=1, hash_memory_kib=8)
"""Passwords that cost no time: how dear they are is tested in tests/access."""

Start = Callable[..., Served]


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A host whose administrator is `NAME`; nobody is signed in on its client."""
    with ExitStack() as stack:
        yield _started(stack, tmp_path_factory.mktemp("target"))


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts further ones with settings of their own: `start(body_bytes=100)`."""
    with ExitStack() as stack:
        yield lambda **changes: _started(stack, tmp_path / f"host-{len(list(tmp_path.iterdir()))}", **changes)


@pytest.fixture
def admin(target: Served) -> Iterator[httpx.Client]:
    """The administrator's browser: cookie and CSRF token."""
    with signed_in(target) as client:
        yield client


@contextmanager
def signed_in(host: Served) -> Iterator[httpx.Client]:
    """A new session of the administrator."""
    with httpx.Client(base_url=host.url, timeout=60) as client:
        told = client.post("/api/v1/session", json={"name": NAME, "password": PASSWORD})
        assert told.status_code == 200, told.text
        client.headers["x-csrf-token"] = told.json()["csrf"]
        yield client


def proof(client: httpx.Client) -> list[Subprotocol]:
    """The protocols by which a page of ours opens a WebSocket in its session."""
    return [Subprotocol("omnicore"), Subprotocol(f"omnicore.csrf.{client.headers['x-csrf-token']}")]


def spoken(host: Served, head: str, body: bytes = b"") -> bytes:
    """What comes back, until the host closes, for bytes that no client would send. `~` stands for CR LF."""
    address = host.url.removeprefix("http://")
    text = head.replace("~", "\r\n").replace("HOST", address)
    name, _, port = address.rpartition(":")
    with socket.create_connection((name, int(port)), timeout=60) as connection:
        connection.sendall(text.encode("latin-1") + body)
        connection.shutdown(socket.SHUT_WR)
        chunks = []
        while chunk := connection.recv(65536):
            chunks.append(chunk)
    return b"".join(chunks)


def _started(stack: ExitStack, folder: Path, **changes: object) -> Served:
    access = dataclasses.replace(CHEAP, **changes.pop("access", {}))  # type: ignore[arg-type]
    host = stack.enter_context(Served(folder, {"echo.wat": ECHO}, access=access, **changes))
    key = host.host.access.make_setup_key()
    made = httpx.post(f"{host.url}/api/v1/setup", json={"key": key, "name": NAME, "password": PASSWORD}, timeout=60)
    assert made.status_code == 201, made.text
    del host.client.headers["authorization"]
    return host
