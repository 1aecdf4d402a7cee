"""Host names, URLs and addresses: what was checked is what is connected to.

URLs are read as browsers read them (the WHATWG URL standard, for absolute http and https URLs). A name is resolved, all
its addresses are checked, and connections go to the checked addresses only.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, TypeVar
from urllib.parse import quote, unquote_to_bytes, urljoin

import httpcore

from omnicore.errors import InvalidInput, Unavailable

_PARTS = re.compile(r"(?P<scheme>https?):[/\\]*(?P<authority>[^/\\?#]*)(?P<target>[^#]*)", re.IGNORECASE)
_PORTS = {"http": 80, "https": 443}
_URL_CHARACTERS = 8192
# Forbidden in a host, plus `%`, which has been decoded by then.
_FORBIDDEN = re.compile(r"[\x00-\x20#/:<>?@\[\\\]^|%\x7f]")
# Old and new IDNA map these four to different names: whoever means one of them writes the xn-- form.
_AMBIGUOUS = re.compile("[\u00df\u03c2\u200c\u200d]")
_CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_TARGET_SAFE = "!$&'()*+,-./:;=?@[]_~%"


@dataclass(frozen=True, slots=True)
class Url:
    """An http or https URL. `host` is what a name server is asked; an IPv6 address stands in brackets."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: what credentials belong to."""
        return (self.scheme, self.host, self.port)

    @property
    def has_usual_port(self) -> bool:
        """True for 80 of http and 443 of https."""
        return self.port == _PORTS[self.scheme]

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        return self.host if self.has_usual_port else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"


def parse_url(text: str) -> Url:
    """Reads an absolute URL.

    Raises:
        InvalidInput: no http or https URL, or one with characters that could mean something else on the way.
    """
    shown = repr(text[:200])
    if len(text) > _URL_CHARACTERS:
        raise InvalidInput(f"the URL {shown}... is over {_URL_CHARACTERS} characters")
    text = text.strip(" ")
    if _CONTROL.search(text):
        raise InvalidInput(f"the URL {shown} holds control characters", remedy="percent-encode them")
    parts = _PARTS.fullmatch(text.split("#", 1)[0])
    if parts is None:
        raise InvalidInput(f"{shown} is not an http or https URL", remedy="write http:// or https:// and a host")
    scheme = parts["scheme"].lower()
    host, port = _split_port(parts["authority"].rpartition("@")[2], shown)
    target = parts["target"].replace("\\", "/") if "?" not in parts["target"] else _slashes(parts["target"])
    if not target.startswith("/"):
        target = "/" + target
    return Url(scheme, parse_host(host), port or _PORTS[scheme], quote(target, safe=_TARGET_SAFE))


def join(base: Url, location: str) -> Url:
    """The URL a redirect from `base` to `location` leads to. Raises: InvalidInput."""
    if _CONTROL.search(location):
        raise InvalidInput(f"the redirect to {location[:200]!r} holds control characters")
    try:
        return parse_url(urljoin(str(base), location.strip().replace("\\", "/")))
    except ValueError as error:  # urljoin on broken brackets
        raise InvalidInput(f"the redirect to {location[:200]!r} leads nowhere") from error


def parse_host(text: str) -> str:
    """A host as browsers write it: lower case, ASCII, every form of an IPv4 address as four decimal numbers.

    Raises: InvalidInput.

    >>> parse_host("EXAMPLE.com"), parse_host("0x7f.1"), parse_host("[::FFFF:127.0.0.1]")
    ('example.com', '127.0.0.1', '[::ffff:7f00:1]')
    """
    shown = repr(text[:200])
    if text.startswith("["):
        return _parse_ipv6(text, shown)
    try:
        name = unquote_to_bytes(text.encode()).decode()
        if _AMBIGUOUS.search(name):
            raise InvalidInput(f"the host {shown} reads differently in old and new IDNA", remedy="write its xn-- form")
        name = _to_ascii(name)
    except UnicodeError as error:
        raise InvalidInput(f"the host {shown} is no host name") from error
    if not name or len(name) > 254 or name.startswith(".") or ".." in name or _FORBIDDEN.search(name):
        raise InvalidInput(f"the host {shown} is no host name")
    return _parse_ipv4(name, shown) or name


def _to_ascii(name: str) -> str:
    """Lower case and punycode, with full-width letters, digits and dots as their plain twins."""
    if name.isascii():
        return name.lower()
    return name.encode("idna").decode().lower()


def _split_port(authority: str, shown: str) -> tuple[str, int | None]:
    found = re.fullmatch(r"(\[[^\]]*\]|[^:]*)(?::([0-9]*))?", authority)
    if found is None or not found[1] or len(found[2] or "") > 5 or int(found[2] or 0) > 65535:
        raise InvalidInput(f"the URL {shown} has no host and port that can be read")
    return found[1], int(found[2]) if found[2] else None


def _slashes(target: str) -> str:
    path, mark, query = target.partition("?")
    return path.replace("\\", "/") + mark + query


def _parse_ipv6(text: str, shown: str) -> str:
    try:
        if not text.endswith("]") or "%" in text:  # a zone names an interface of this machine
            raise AddressValueError(text)
        return f"[{_compressed(IPv6Address(text[1:-1]))}]"
    except AddressValueError as error:
        raise InvalidInput(f"the host {shown} is no IPv6 address") from error


def _compressed(address: IPv6Address) -> str:
    """Hexadecimal to the last group, whatever notation the Python version prefers for mapped addresses."""
    plain = address.compressed
    if "." not in plain:
        return plain
    low = int(address) & 0xFFFFFFFF
    return plain[: plain.rindex(":") + 1] + f"{low >> 16:x}:{low & 0xFFFF:x}"


def _parse_ipv4(name: str, shown: str) -> str | None:
    """The dotted form, or None for a name. A name whose last part is a number must be an address."""
    parts = name.removesuffix(".").split(".")
    if not re.fullmatch(r"[0-9]+|0x[0-9a-f]*", parts[-1]):
        return None
    numbers = [_number(part) for part in parts]
    if len(parts) > 4 or None in numbers:
        raise InvalidInput(f"the host {shown} is no IPv4 address")
    *high, low = [number or 0 for number in numbers]
    if any(number > 255 for number in high) or low >= 256 ** (4 - len(high)):
        raise InvalidInput(f"the host {shown} is no IPv4 address")
    return str(IPv4Address(low + sum(number << 8 * (3 - place) for place, number in enumerate(high))))


def _number(part: str) -> int | None:
    """Decimal, 0x hexadecimal or 0 octal; None for anything else."""
    for form, base in ((r"0x([0-9a-f]{0,40})", 16), (r"0([0-7]{1,40})", 8), (r"(0|[1-9][0-9]{0,40})", 10)):
        found = re.fullmatch(form, part)
        if found:
            return int(found[1] or "0", base)
    return None


IPAddress = IPv4Address | IPv6Address

# What is_global of Python's ipaddress leaves open, or answers differently from version to version.
_SPECIAL = tuple(
    ip_network(one)
    for one in (
        "0.0.0.0/8",  # this network; Linux connects 0.0.0.0 to itself
        "100.64.0.0/10",  # carrier-grade NAT, and the metadata service of one cloud
        "168.63.129.16/32",  # the platform service of one cloud
        "169.254.0.0/16",  # link-local, and the metadata service of most clouds
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # 6to4 relays
        "198.18.0.0/15",  # benchmarks
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
        "::/96",  # unspecified, loopback, IPv4-compatible
        "64:ff9b:1::/48",  # NAT64 of local use
        "100::/64",  # discard
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "3fff::/20",  # documentation
        "5f00::/16",  # segment routing
        "fc00::/7",  # unique local
        "fe80::/10",  # link-local
        "fec0::/10",  # site-local of old
        "ff00::/8",  # multicast
    )
)
_MAPPED = IPv6Network("::ffff:0:0/96")
_TRANSLATED = IPv6Network("::ffff:0:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_SIX_TO_FOUR = IPv6Network("2002::/16")


def is_private(address: IPAddress | str) -> bool:
    """True for every address a stranger should not make this machine talk to.

    Private, loopback, link-local, multicast, reserved, unspecified, carrier-grade NAT, documentation, cloud
    metadata, and IPv6 forms that carry such an IPv4 address (mapped, 6to4, NAT64) or hide one (Teredo).
    """
    ip = ip_address(address.partition("%")[0]) if isinstance(address, str) else address
    if isinstance(ip, IPv6Address):
        inner = embedded(ip)
        if inner is not None:
            return is_private(inner)
    return not ip.is_global or any(ip.version == net.version and ip in net for net in _SPECIAL)


def embedded(ip: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that a mapped, translated, NAT64 or 6to4 address leads to."""
    number = int(ip)
    if ip in _MAPPED or ip in _TRANSLATED or ip in _NAT64:
        return IPv4Address(number & 0xFFFFFFFF)
    if ip in _SIX_TO_FOUR:
        return IPv4Address(number >> 80 & 0xFFFFFFFF)
    return None


def literal_address(host: str) -> IPAddress | None:
    """The address a URL's host is, or None when it is a name."""
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None


def is_glob(pattern: str) -> bool:
    """True when the pattern may name more than one host."""
    return any(mark in pattern for mark in "*?[")


def host_matches(pattern: str, host: str) -> bool:
    """True when the pattern names the host, as the `glob` crate of Rust decides.

    `*` any characters, dots too; `?` one; `[a-z]`, `[!x]` one in or not in the set; `**` only alone. A
    pattern that is not valid matches the host that is written exactly like it. Case counts.

    >>> host_matches("*.example.com", "api.example.com"), host_matches("LOCALHOST", "localhost")
    (True, False)
    """
    tokens = _compile(pattern)
    if tokens is None:
        return pattern == host
    return _match(tokens, host, _one)


_Ranges = tuple[tuple[str, str], ...]
_Token = str | tuple[bool, _Ranges]  # "*", "?", "=c" for a character, or (wanted, ranges) for a set


@lru_cache(maxsize=1024)
def _compile(pattern: str) -> tuple[_Token, ...] | None:
    tokens: list[_Token] = []
    at = 0
    while at < len(pattern):
        mark = pattern[at]
        if mark == "*":
            if pattern[at + 1 : at + 2] == "*":
                return ("*",) if pattern == "**" else None
            tokens.append("*")
        elif mark == "?":
            tokens.append("?")
        elif mark == "[":
            found = _set(pattern, at)
            if found is None:
                return None
            token, at = found
            tokens.append(token)
            continue
        else:
            tokens.append("=" + mark)
        at += 1
    return tuple(tokens)


def _set(pattern: str, at: int) -> tuple[_Token, int] | None:
    """The set that begins at `[` and the place after it; a `]` right after the bracket is a member."""
    wanted = pattern[at + 1 : at + 2] != "!"
    start = at + 1 if wanted else at + 2
    end = pattern.find("]", start + 1)
    if end < 0:
        return None
    members = pattern[start:end]
    ranges: list[tuple[str, str]] = []
    place = 0
    while place < len(members):
        if members[place + 1 : place + 2] == "-" and place + 2 < len(members):
            ranges.append((members[place], members[place + 2]))
            place += 3
        else:
            ranges.append((members[place], members[place]))
            place += 1
    return (wanted, tuple(ranges)), end + 1


def glob_covers(wide: str, narrow: str) -> bool:
    """True when every host that `narrow` names is surely named by `wide` too; False when in doubt.

    >>> glob_covers("*.example.com", "*.eu.example.com"), glob_covers("a?.com", "a*.com")
    (True, False)
    """
    tokens, items = _compile(wide), _compile(narrow)
    if tokens is None or items is None:
        return wide == narrow or host_matches(wide, narrow)
    return _match(tokens, items, _one_covers)


_Item = TypeVar("_Item")


def _match(tokens: tuple[_Token, ...], text: Sequence[_Item], one: Callable[[_Token, _Item], bool]) -> bool:
    """Greedy with one place to go back to, so a pattern of many stars costs its length times the text's."""
    at = place = 0
    star, resume = -1, 0
    while place < len(text):
        if at < len(tokens) and tokens[at] == "*":
            star, resume = at, place
            at += 1
        elif at < len(tokens) and one(tokens[at], text[place]):
            at, place = at + 1, place + 1
        elif star >= 0:
            resume += 1
            at, place = star + 1, resume
        else:
            return False
    return all(rest == "*" for rest in tokens[at:])


def _one(token: _Token, character: str) -> bool:
    if isinstance(token, str):
        return token in ("?", "=" + character)
    wanted, ranges = token
    return wanted == any(low <= character <= high for low, high in ranges)


def _one_covers(token: _Token, item: _Token) -> bool:
    if item == "*":
        return False
    if token in ("?", item):
        return True
    return isinstance(item, str) and item != "?" and not isinstance(token, str) and _one(token, item[1])


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
        check: awaited with every address before any connection; what it raises ends the request.
    """

    def __init__(self, host: str, resolve: Resolver, check: Callable[[str], Awaitable[None]]) -> None:
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
                stream = await self._network.connect_tcp(address, port, _CONNECT_S, None, socket_options)
                return _closed_if_cancelled(stream)
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
            await self._check(address)
        return addresses


def _closed_if_cancelled(stream: httpcore.AsyncNetworkStream) -> httpcore.AsyncNetworkStream:
    """The stream, which does not stay open when its handshake is cancelled; the library closes it for errors alone."""
    start_tls = stream.start_tls

    async def started(*given: Any, **named: Any) -> httpcore.AsyncNetworkStream:
        try:
            return await start_tls(*given, **named)
        except asyncio.CancelledError:
            await stream.aclose()
            raise

    stream.start_tls = started  # type: ignore[method-assign]
    return stream
