"""From a host name to connections to addresses that were checked: what was resolved is what is reached."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import httpcore

from omnicore.errors import Unavailable

__all__ = ["CheckedBackend", "Resolver", "SystemResolver"]

Resolver = Callable[[str], Awaitable[Sequence[str]]]
"""Returns the addresses of a host name. Raises: OSError."""

_ADDRESSES = 16
_CONNECT_S = 5.0  # for one address, so that a dead first one leaves time for the next


class SystemResolver:
    """The operating system's resolver, on threads of its own: slow names hold up nobody else's threads."""

    def __init__(self, threads: int = 32) -> None:
        self._threads = threads
        self._executor: ThreadPoolExecutor | None = None

    async def __call__(self, host: str) -> list[str]:
        if self._executor is None:
            self._executor = ThreadPoolExecutor(self._threads, thread_name_prefix="omnicore-resolve")
        found = await asyncio.get_running_loop().run_in_executor(self._executor, _look_up, host)
        return list(dict.fromkeys(found))

    def close(self) -> None:
        """Lets the threads go; a look-up that is under way ends by itself."""
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)
            self._executor = None


def _look_up(host: str) -> list[str]:
    return [str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects to addresses that passed `check` and to nothing else; the name is looked up once.

    Args:
        check: called with every address before any connection; what it raises ends the request.
    """

    def __init__(self, host: str, resolve: Resolver, check: Callable[[str], None]) -> None:
        self._host = host
        self._resolve = resolve
        self._check = check
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await self._addresses(host)
        failure: Exception = httpcore.ConnectError("no address")
        for address in addresses:
            try:
                return await self._network.connect_tcp(address, port, _CONNECT_S, None, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def _addresses(self, host: str) -> Sequence[str]:
        """All of them are checked first: one forbidden address among many refuses the name."""
        try:
            addresses = (await self._resolve(host))[:_ADDRESSES]
        except (OSError, UnicodeError) as error:
            raise Unavailable(f"the name {self._host} cannot be resolved") from error
        for address in addresses:
            self._check(address)
        return addresses
