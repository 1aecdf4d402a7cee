"""The brokers of this folder's tests, each started once. What is not installed is skipped, but not in CI."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.coroutines import pytest_pyfunc_call
from tests.services.servers import MADE, Server, installed

__all__ = ["pytest_pyfunc_call"]


class Servers:
    """Brokers by kind, started when they are first asked for."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._made: dict[str, Server] = {}

    def __call__(self, kind: str) -> Server:
        program, package, make = MADE[kind]
        if not installed(program):
            message = f"{program} is not on this machine: apt install {package}"
            pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
        if kind not in self._made:
            memory = Path("/dev/shm")
            place = memory if os.access(memory, os.W_OK) else None
            folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="omnicore-", dir=place)))
            server = make(folder)
            self._stack.callback(server.stop)
            server.start()
            self._made[kind] = server
        return self._made[kind]


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Gives a started broker of a kind."""
    with ExitStack() as stack:
        yield Servers(stack)
