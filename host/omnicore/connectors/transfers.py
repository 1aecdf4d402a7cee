"""Transfers: bounded requests to a server that a person named, such as a registry of packages.

As requests of guests, they go to addresses that were checked and to nothing else, over TLS, with few redirects, without
cookies and without unpacking. Beyond that they may go through a proxy, end a download that broke off where it broke
off, also after this process was killed, and reach a private address that a person or the settings wrote out.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import re
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import certifi
import httpcore

from omnicore.clock import Clock
from omnicore.connectors.addresses import (
    CheckedBackend,
    Resolver,
    SystemResolver,
    Url,
    host_matches,
    is_private,
    join,
    literal_address,
    parse_url,
)
from omnicore.connectors.http import from_server, same_origin_only, wire_request
from omnicore.connectors.policy import Reserved, is_metadata, is_this_machine, parse_destination
from omnicore.errors import (
    DeadlineExceeded,
    InvalidInput,
    InvalidSetting,
    LimitExceeded,
    OmniError,
    PermissionDenied,
    Unavailable,
)
from omnicore.files import check_own, own_folder, own_opener

_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 5
_MOST_BREAKS = 5
_STALL_S = 30.0  # without a byte
_CONNECT_S = 10.0
_KEPT = 8  # downloads that broke off
_KEPT_S = 7 * 86400.0
_WRITTEN = 256 * 1024  # of a download at a time: what a killed process loses
_TIMEOUTS_S = {"connect": _CONNECT_S, "read": _STALL_S, "write": _STALL_S, "pool": _CONNECT_S}
_RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15}|\*)")


@dataclass(frozen=True, slots=True)
class TransferRules:
    """The bounds of transfers.

    Args:
        named: destinations, such as `127.0.0.1:5000`, that may be at a private address: a person wrote them out.
        plain: destinations that may be asked without TLS, beside those of this machine.
        ca_file: certificates of authorities that are trusted as those of the public internet are.
        proxy: the URL of one; "" for none.
        direct: hosts that are reached without it: names, `*.example.org` or `.example.org`.
        total_s: the longest time of one transfer, look-up and redirects counted.
        reserved: addresses that only a literal one in `named` reaches.
    """

    named: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    ca_file: Path | None = None
    proxy: str = ""
    direct: tuple[str, ...] = ()
    total_s: float = 300.0
    reserved: Reserved | None = None

    def names(self, url: Url, which: tuple[str, ...] | None = None) -> bool:
        """True when host and port of a URL are written out."""
        found = map(parse_destination, self.named if which is None else which)
        return any(one is not None and one.literal and one.names(url) for one in found)

    def check(self, url: Url) -> None:
        """Raises: PermissionDenied: the URL is without TLS, or the address in it is not allowed."""
        if url.scheme != "https" and not is_this_machine(url.host) and not self.names(url, self.plain):
            raise PermissionDenied(
                f"{url.host} would be asked without TLS",
                remedy=f"use https, or add {url.authority} to packages.insecure_hosts",
                resource=url.host,
            )
        literal = literal_address(url.host)
        if literal is not None:
            self.check_address(url, str(literal))

    def check_address(self, url: Url, address: str) -> None:
        """Raises: PermissionDenied: it is not an address of the public internet, and nobody wrote the host out."""
        named = self.names(url)
        if is_metadata(address) and not (named and literal_address(url.host) is not None):
            raise PermissionDenied(f"{url.host} is a metadata address of the machine", resource=url.host)
        if is_private(address) and not named:
            raise PermissionDenied(
                f"{url.host} leads to {address}, which is not an address of the public internet",
                remedy=f"if packages may come from there, add {url.host}:{url.port} to packages.private_hosts",
                resource=url.host,
            )

    def goes_direct(self, url: Url) -> bool:
        """True when a URL is reached without the proxy."""
        return not self.proxy or is_this_machine(url.host) or any(_covers(one, url) for one in self.direct)


def _covers(pattern: str, url: Url) -> bool:
    name, _, port = pattern.rpartition(":") if pattern.rpartition(":")[2].isdigit() else (pattern, "", "")
    if port and int(port) != url.port:
        return False
    return name == "*" or host_matches(f"*{name}" if name.startswith(".") else name, url.host)


def proxy_of(environ: Mapping[str, str], setting: str | None) -> tuple[str, tuple[str, ...]]:
    """The proxy for https, and the hosts that are reached without it, from a setting or the usual variables."""
    found = setting or environ.get("HTTPS_PROXY") or environ.get("https_proxy") or ""
    direct = environ.get("NO_PROXY") or environ.get("no_proxy") or ""
    if found and not found.startswith(("http://", "https://")):
        found = f"http://{found}"
    return found, tuple(one.strip() for one in direct.split(",") if one.strip())


@dataclass(frozen=True, slots=True)
class Transferred:
    """A whole answer; header names in lower case. `url` is where the last redirect led."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: Url


@dataclass(frozen=True, slots=True)
class _Ask:
    method: str
    url: Url
    headers: Mapping[str, str]
    body: bytes
    most: int
    download: _Download | None = None

    @property
    def start(self) -> int:
        """Bytes that are here already."""
        return len(self.download.body) if self.download is not None else 0


class PartialDownloads:
    """A folder of downloads that broke off, of this user alone: a file for each address and digest.

    Nothing in it is believed: who goes on with one compares the digest of the whole. At most 8 are kept, for a week.
    Usable from any process; two never write the same file.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder, self._clock = folder, clock

    def open(self, url: str, digest: str, most: int) -> _Download:
        """A download with what is there of it; without a file where another one has it, or the disk fails."""
        name = hashlib.sha256(f"{url}\n{digest}".encode()).hexdigest()
        file = self._folder / name
        try:
            own_folder(self._folder)
            check_own(file)
            handle = own_opener(os.fspath(file), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
        except (OSError, OmniError):
            return _Download()
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            size = os.fstat(handle).st_size
            begun = os.pread(handle, size, 0) if size <= most else b""
        except OSError:
            os.close(handle)
            return _Download()
        self._sweep(name)
        return _Download(bytearray(begun), file, handle, len(begun), kept=bool(begun))

    def _sweep(self, own: str) -> None:
        """Removes files that are old, and the oldest of too many."""
        oldest = self._clock.now() - _KEPT_S
        with suppress(OSError), os.scandir(self._folder) as entries:
            found = sorted((one.stat(follow_symlinks=False).st_mtime, one.path) for one in entries if one.name != own)
            surplus = len(found) - (_KEPT - 1)
            for at, (changed, path) in enumerate(found):
                if changed < oldest or at < surplus:
                    with suppress(OSError):
                        os.unlink(path)


@dataclass(slots=True)
class _Download:
    """A download as far as it has come. `written` bytes of the body are in the file, if there is one.

    Owns: `handle`, which `close` closes. `kept`: an earlier download left the beginning of the body.
    """

    body: bytearray = field(default_factory=bytearray)
    file: Path | None = None
    handle: int = -1
    written: int = 0
    kept: bool = False

    def begin(self, start: int) -> None:
        """Sets the byte at which the next chunk begins: 0 where the server gives the whole again."""
        del self.body[start:]
        self.written, self.kept = min(self.written, start), self.kept and start > 0

    def add(self, chunk: bytes) -> None:
        """Takes in the next chunk; now and then the file is brought up to it."""
        self.body += chunk
        if len(self.body) - self.written >= _WRITTEN:
            self._write()

    def close(self, *, keep: bool) -> None:
        """Keeps what is here for the next time, or removes it."""
        if keep:
            self._write()
        file, self.file = self.file, None
        if file is None:
            return
        if not keep or not self.written:
            file.unlink(missing_ok=True)
        os.close(self.handle)

    def _write(self) -> None:
        """Brings the file to the body; the page cache takes that at once. A disk that fails costs the file alone."""
        if self.file is None:
            return
        try:
            os.ftruncate(self.handle, self.written)
            while self.written < len(self.body):
                self.written += os.pwrite(self.handle, bytes(self.body[self.written :]), self.written)
        except OSError:
            self.close(keep=False)


class _BrokenOffError(Exception):
    """An answer that ended in the middle. `came` bytes of it came before."""

    def __init__(self, came: int, cause: str) -> None:
        super().__init__(cause)
        self.came = came


class Transfers:
    """Sends requests within rules. Used on one event loop, in `async with`.

    Args:
        resolve: looks names up; the operating system by default.
        partial: keeps downloads that broke off for another process.
    """

    def __init__(
        self, rules: TransferRules, *, resolve: Resolver | None = None, partial: PartialDownloads | None = None
    ) -> None:
        self.rules, self._partial = rules, partial
        self._system = SystemResolver(threads=2)
        self._resolve = resolve or self._system
        self._pools: dict[tuple[str, str, int], httpcore.AsyncConnectionPool] = {}
        self._ssl: ssl.SSLContext | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pools, self._pools = self._pools, {}
        for pool in pools.values():
            await pool.aclose()
        self._system.close()

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        most_bytes: int = 1024 * 1024,
        resumes: bool = False,
        digest: str = "",
    ) -> Transferred:
        """Sends a request, follows redirects and returns the bounded answer, whatever its status.

        Args:
            resumes: a GET whose answer breaks off goes on from there, up to five times.
            digest: what the answer of such a GET is to have, as the caller checks; the next call goes on from there.

        Raises:
            InvalidInput: no URL. PermissionDenied: the rules refuse a host or an address on the way.
            LimitExceeded: over `most_bytes`, or too many redirects. DeadlineExceeded: over `total_s`.
            Unavailable: the server cannot be reached or breaks the protocol.
        """
        ask = _Ask(method, parse_url(url), dict(headers or {}), body, most_bytes)
        try:
            async with asyncio.timeout(self.rules.total_s):
                return await (self._resumed(ask, digest) if resumes else self._followed(ask))
        except TimeoutError as error:
            raise DeadlineExceeded(
                f"timeout: {ask.url.host} took longer than {self.rules.total_s:g} s",
                remedy="try again, or raise packages.timeout_s",
                limit="timeout_s",
                allowed=self.rules.total_s,
            ) from error
        except _BrokenOffError as error:
            raise Unavailable(f"{ask.url.host} broke off its answer: {error}", remedy="try again") from error

    async def _resumed(self, ask: _Ask, digest: str) -> Transferred:
        download = await self._begun(ask, digest)
        whole = False
        try:
            answer = await self._continued(replace(ask, download=download))
            if answer.status == 200 and download.kept and not await asyncio.to_thread(_has, answer.body, digest):
                download.begin(0)  # the earlier part was another file's
                answer = await self._continued(replace(ask, download=download))
            whole = answer.status == 200
            return answer
        finally:
            download.close(keep=not whole)

    async def _begun(self, ask: _Ask, digest: str) -> _Download:
        """The download with what an earlier one left of it; small ones leave nothing."""
        if self._partial is None or not digest or ask.most <= _WRITTEN:
            return _Download()
        opening = asyncio.ensure_future(asyncio.to_thread(self._partial.open, str(ask.url), digest, ask.most))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(lambda one: one.result().close(keep=True))
            raise

    async def _continued(self, ask: _Ask) -> Transferred:
        download, breaks = ask.download or _Download(), 0
        while True:
            ranged = {**ask.headers, "range": f"bytes={ask.start}-"} if ask.start else ask.headers
            try:
                answer = await self._followed(replace(ask, headers=ranged))
            except _BrokenOffError as error:
                if not error.came or breaks == _MOST_BREAKS:
                    raise
                breaks += 1
                continue
            if answer.status == 416 and ask.start:
                download.begin(0)  # longer than the file is
                continue
            if answer.status in (200, 206):
                return Transferred(200, answer.headers, bytes(download.body), answer.url)
            return answer

    async def _followed(self, ask: _Ask) -> Transferred:
        for _ in range(_MOST_REDIRECTS + 1):
            self.rules.check(ask.url)
            answer = await self._exchange(ask)
            location = answer.headers.get("location")
            if answer.status not in _REDIRECTS or location is None or ask.method not in ("GET", "HEAD"):
                return answer
            url = join(ask.url, location)
            if ask.url.scheme == "https" and url.scheme != "https":
                raise PermissionDenied(f"{ask.url.host} redirects from https to http", resource=url.host)
            headers = ask.headers if url.origin == ask.url.origin else same_origin_only(ask.headers)
            ask = _Ask(ask.method, url, headers, b"", ask.most, ask.download)
        raise LimitExceeded(
            f"{ask.url.host} redirects more than {_MOST_REDIRECTS} times", limit="redirects", allowed=_MOST_REDIRECTS
        )

    async def _exchange(self, ask: _Ask) -> Transferred:
        host = ask.url.host
        try:
            async with self._opened(ask) as response:
                headers = from_server(response.headers)
                if response.status in _REDIRECTS and "location" in headers:
                    return Transferred(response.status, headers, b"", ask.url)
                start = _checked_start(ask, response.status, headers)
                body = await _bounded(response, headers, ask, start)
                return Transferred(response.status, headers, body, ask.url)
        except httpcore.LocalProtocolError as error:
            raise InvalidInput(f"the request to {host} cannot be sent: {error}") from error
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, ssl.SSLError) as error:
            raise Unavailable(
                f"{host} cannot be reached: {error or type(error).__name__}",
                remedy="check the host and its port",
            ) from error

    @asynccontextmanager
    async def _opened(self, ask: _Ask) -> AsyncIterator[httpcore.Response]:
        headers = {name.lower(): value for name, value in ask.headers.items()}
        request = wire_request(ask.method, ask.url, headers, ask.body, timeouts_s=_TIMEOUTS_S)
        response = await self._pool(ask.url).handle_async_request(request)
        try:
            yield response
        finally:
            await response.aclose()

    def _pool(self, url: Url) -> httpcore.AsyncConnectionPool:
        pool = self._pools.get(url.origin)
        if pool is None:
            pool = self._pools[url.origin] = self._made_pool(url)
        return pool

    def _made_pool(self, url: Url) -> httpcore.AsyncConnectionPool:
        most: dict[str, Any] = {"max_connections": 4, "max_keepalive_connections": 2, "keepalive_expiry": 10.0}
        if not self.rules.goes_direct(url):
            return _proxied(self.rules.proxy, self._context(), most)

        async def check(address: str) -> None:
            self.rules.check_address(url, address)
            if self.rules.reserved is not None:
                await self.rules.reserved.check(address, url.port, host=url.host, spelled=self.rules.names(url))

        resolve = _itself if literal_address(url.host) is not None else self._resolve
        return httpcore.AsyncConnectionPool(
            ssl_context=self._context() if url.scheme == "https" else None,
            network_backend=CheckedBackend(url.host, resolve, check),
            **most,
        )

    def _context(self) -> ssl.SSLContext:
        if self._ssl is None:
            self._ssl = ssl.create_default_context(cafile=certifi.where())
            if self.rules.ca_file is not None:
                try:
                    self._ssl.load_verify_locations(self.rules.ca_file)
                except (OSError, ssl.SSLError) as error:
                    raise InvalidSetting(
                        f"packages.ca_file {os.fspath(self.rules.ca_file)} cannot be used: {error}",
                        remedy="name a file of certificates in PEM",
                    ) from error
        return self._ssl


def _proxied(proxy: str, context: ssl.SSLContext, most: Mapping[str, Any]) -> httpcore.AsyncConnectionPool:
    """Requests through a proxy, which looks names up itself; a user and a password stand in its URL."""
    try:
        text, credentials = proxy, None
        scheme, _, rest = proxy.partition("://")
        user, at, host = rest.rpartition("@")
        if at:
            name, _, password = user.partition(":")
            text, credentials = f"{scheme}://{host}", (name.encode(), password.encode())
        return httpcore.AsyncHTTPProxy(text, proxy_auth=credentials, ssl_context=context, **most)
    except (ValueError, TypeError, httpcore.UnsupportedProtocol) as error:
        raise InvalidSetting("the proxy cannot be used", remedy="write it as http://HOST:PORT") from error


async def _itself(host: str) -> list[str]:
    return [host.strip("[]")]


def _checked_start(ask: _Ask, status: int, headers: Mapping[str, str]) -> int:
    """Bytes that are here already. Raises: Unavailable: a part of the file that was not asked for."""
    if status != 206:
        return 0
    found = _RANGE.fullmatch(headers.get("content-range", ""))
    if not ask.start or found is None or int(found[1]) != ask.start:
        if ask.download is not None:
            ask.download.begin(0)  # such a server is asked for the whole next time
        raise Unavailable(f"{ask.url.host} answered another part of the file than was asked for", remedy="try again")
    return ask.start


async def _bounded(response: httpcore.Response, headers: Mapping[str, str], ask: _Ask, start: int) -> bytes:
    """The body; that of a download is in the download instead."""
    length = headers.get("content-length", "")
    if ask.method == "HEAD":
        return b""
    download = ask.download if ask.download is not None and response.status in (200, 206) else _Download()
    download.begin(start)
    try:
        if length.isascii() and length.isdigit():
            _bound(start + int(length[:20]), ask)
        async for chunk in response.aiter_stream():
            _bound(len(download.body) + len(chunk), ask)
            download.add(chunk)
    except LimitExceeded:
        download.begin(0)
        raise
    except (httpcore.NetworkError, httpcore.ReadTimeout, httpcore.RemoteProtocolError) as error:
        if response.status not in (200, 206):
            raise
        raise _BrokenOffError(len(download.body) - start, str(error) or type(error).__name__) from error
    return b"" if download is ask.download else bytes(download.body)


def _has(body: bytes, digest: str) -> bool:
    return f"sha256:{hashlib.sha256(body).hexdigest()}" == digest


def _bound(size: int, ask: _Ask) -> None:
    if size > ask.most:
        raise LimitExceeded(
            f"{ask.url.host} answered with more than the {ask.most} bytes that are allowed",
            limit="transfer_bytes",
            allowed=ask.most,
        )
