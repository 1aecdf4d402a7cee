"""The HTTP policy of a plugin, and the addresses that only an explicit grant opens. Pure.

A grant names hosts and ports, such as `api.example.org`, `*.example.org:8443` and `[::1]:8080`. Each hop is decided
before anything is sent. Addresses of the host itself and of cloud metadata stay closed even with `private`: a guest
that reaches the host's own interface speaks as a program of this machine, one that reaches the database reads every
grant, and metadata services hand out the credentials of the machine. Host and port must be written out; a name that
somebody else's name server answers for never counts as written out.
"""

from __future__ import annotations

import json
import re
import socket
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from omnicore.connectors.addresses import (
    IPAddress,
    Resolver,
    SystemResolver,
    Url,
    embedded,
    glob_covers,
    host_matches,
    is_glob,
    is_private,
    literal_address,
    parse_host,
)
from omnicore.errors import PermissionDenied, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


ANY_PORT = 0
"""The port of a destination that was written with `:*`."""

SAYS = (
    "a list of 1 to 100 hosts such as `api.example.org`, `*.example.org:8443` or `localhost:11434`; without a port it"
    " is 80 for http and 443 for https, `:*` is any port"
)
_PORTED = re.compile(r"(?P<host>.+):(?P<port>\*|[1-9][0-9]{0,4})", re.DOTALL)
_SET = re.compile(r"\[[^\]]*\]")
_NEVER = re.compile(r"[\x00-\x20/\\@#\x7f:]")


@dataclass(frozen=True, slots=True)
class Destination:
    """One entry of a grant.

    Args:
        host: a glob; an IPv6 address stands in brackets.
        port: None for the usual one of the scheme, `ANY_PORT` for every one.
    """

    host: str
    port: int | None = None

    @property
    def literal(self) -> bool:
        """True when it names one host without wildcards."""
        return not is_glob(self.host) or _ipv6(self.host) is not None

    def names_host(self, host: str) -> bool:
        """True when the host of a URL fits; brackets around an IPv6 address are no set of characters."""
        return self.host == host if self.literal else host_matches(self.host, host)

    def names(self, url: Url) -> bool:
        """True when host and port of the URL fit."""
        fits = url.has_usual_port if self.port is None else self.port in (ANY_PORT, url.port)
        return fits and self.names_host(url.host)

    def covers(self, other: Destination) -> bool:
        """True when all that the other one names is surely named by this one too."""
        if self.port not in (ANY_PORT, other.port):
            return False
        return self.names_host(other.host) if other.literal else glob_covers(self.host, other.host)

    def __str__(self) -> str:
        return self.host if self.port is None else f"{self.host}:{'*' if self.port == ANY_PORT else self.port}"


@lru_cache(maxsize=4096)
def parse_destination(text: str) -> Destination | None:
    """The destination that a text names, or None for what is none, such as a URL.

    >>> parse_destination("localhost:11434")
    Destination(host='localhost', port=11434)
    >>> parse_destination("::1"), parse_destination("http://a.example")
    (Destination(host='[::1]', port=None), None)
    """
    alone = _ipv6(text)
    if alone is not None:
        return Destination(alone)
    found = _PORTED.fullmatch(text)
    host, port = (found["host"], found["port"]) if found else (text, None)
    number = ANY_PORT if port == "*" else None if port is None else int(port)
    if number is not None and number > 65535:
        return None
    address = _ipv6(host) if host.startswith("[") else None
    if address is not None:
        return Destination(address, number)
    return None if not host or _NEVER.search(_SET.sub("", host)) else Destination(host, number)


def is_destination(text: str) -> bool:
    """True for a text that `parse_destination` understands."""
    return parse_destination(text) is not None


def destination_covers(wide: str, narrow: str) -> bool:
    """True when every host and port that `narrow` names is surely named by `wide` too; False when in doubt.

    >>> destination_covers("*.example.org:8443", "api.example.org:8443"), destination_covers("a.example:*", "a.example")
    (True, True)
    """
    one, other = parse_destination(wide), parse_destination(narrow)
    return one is not None and other is not None and one.covers(other)


def spells(hosts: Iterable[str], host: str, port: int) -> bool:
    """True when an entry is this very host with this very port, both written out."""
    return any(
        one is not None and one.literal and one.port == port and one.host == host
        for one in map(parse_destination, hosts)
    )


def _ipv6(text: str) -> str | None:
    """The address in brackets, as URLs are read, when the text is one, with or without them."""
    try:
        inner = text[1:-1] if text.startswith("[") and text.endswith("]") else text
        return parse_host(f"[{inner}]") if isinstance(ip_address(inner), IPv6Address) else None
    except ValueError:
        return None


METADATA = "a metadata address of the machine"

NOTE = "server.json"
"""The note in the data folder that says where its server listens."""

_LOCAL_NAMES = ("localhost", "localhost.")
_METADATA_NETS = tuple(
    ip_network(one)
    for one in (
        "169.254.0.0/16",  # link-local: AWS, Azure, Google, Oracle, DigitalOcean, Scaleway, credentials of containers
        "100.100.100.200/32",  # Alibaba
        "168.63.129.16/32",  # the platform of Azure
        "192.0.0.192/32",  # Oracle
        "fd00:ec2::/32",  # AWS
        "fd20:ce::254/128",  # Google
        "fd00:42::42/128",  # Scaleway
    )
)


@dataclass(frozen=True, slots=True)
class _Service:
    """A listener or a server that the host stands on. `host` is empty for every address of this machine."""

    what: str
    host: str
    port: int

    @property
    def here(self) -> bool:
        """True for the host's own listener."""
        return not self.host


class Reserved:
    """The set of these addresses. Usable from several loops and threads at once.

    Args:
        data: the data folder, where a server of another process notes its address.
        resolve: looks names up; the operating system by default.
    """

    def __init__(self, *, data: Path | None = None, resolve: Resolver | None = None) -> None:
        self._note = data / NOTE if data is not None else None
        self._system = SystemResolver(threads=2)
        self._resolve = resolve or self._system
        self._services: frozenset[_Service] = frozenset()

    def close(self) -> None:
        """Lets the threads that look names up go; a second time does nothing."""
        self._system.close()

    def listens(self, port: int) -> None:
        """Adds a port that the host listens on, at whichever address of this machine; 0 is none."""
        if port:
            self._services |= {_Service("the host's own interface", "", port)}

    def stands_on(self, what: str, url: str, *, port: int) -> None:
        """Adds the server that a URL names, such as the database.

        Args:
            what: it is, for the text of a refusal.
            port: the usual one, where the URL has none.
        """
        self._services |= {_Service(what, host, number) for host, number in _servers(url, port)}

    async def check(self, address: str, port: int, *, host: str, spelled: bool) -> None:
        """Lets every other address pass.

        Args:
            address: about to be connected to.
            host: as the URL or the settings write it.
            spelled: whether a grant, or the settings of a connector, have this host and this port written out.

        Raises: PermissionDenied: the address is reserved, and was not written out.
        """
        ip = _plain(address)
        literal = spelled and literal_address(host) is not None
        if _serves_metadata(ip):
            if not literal:
                raise _refused(METADATA, host, ip, port)
            return
        here = is_local(ip)
        for service in self._services | (self._noted() if here else frozenset()):
            if service.port != port or not await self._is_at(service, ip, here):
                continue
            if not literal and not (spelled and host in (*_LOCAL_NAMES, service.host)):
                raise _refused(service.what, host, ip, port)

    async def addresses(self, host: str, port: int, *, spelled: bool) -> list[str]:
        """The addresses of a host, each of them checked; what a connector may connect to.

        Raises: PermissionDenied; Unavailable: the name cannot be resolved.
        """
        literal = literal_address(host)
        try:
            found = [str(literal)] if literal is not None else list(await self._resolve(host))
        except (OSError, UnicodeError) as error:
            raise Unavailable(f"the name {host} cannot be resolved", remedy="correct the host") from error
        for one in found:
            await self.check(one, port, host=host, spelled=spelled)
        return found

    def concerns(self, text: str) -> str:
        """A warning for reviewers that an entry of a grant reaches one of these addresses; "" if it reaches none."""
        found = parse_destination(text)
        if found is None or not found.literal or found.port in (None, ANY_PORT):
            return ""
        if is_metadata(found.host):
            return METADATA
        here = is_this_machine(found.host)
        for service in self._services | (self._noted() if here else frozenset()):
            same = (here and (service.here or is_this_machine(service.host))) or service.host == found.host
            if service.port == found.port and same:
                return service.what
        return ""

    async def _is_at(self, service: _Service, ip: IPAddress, here: bool) -> bool:
        if service.here:
            return here
        literal = literal_address(service.host)
        try:
            found = [str(literal)] if literal is not None else await self._resolve(service.host)
        except (OSError, UnicodeError):  # its server cannot be reached by this name now, by anybody
            return False
        places = [_plain(one) for one in found]
        return ip in places or (here and any(map(is_local, places)))

    def _noted(self) -> frozenset[_Service]:
        """The listener of a server on the same data, which another process may have begun since."""
        try:
            url = json.loads(self._note.read_text("utf-8"))["url"] if self._note is not None else ""
            port = urlsplit(url).port
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return frozenset()
        return frozenset({_Service("the host's own interface", "", port)}) if port else frozenset()


def is_metadata(host: str) -> bool:
    """True for a literal address at which clouds tell machines their credentials."""
    ip = literal_address(host)
    return ip is not None and _serves_metadata(_plain(str(ip)))


def is_this_machine(host: str) -> bool:
    """True for `localhost` and for a literal address of this machine."""
    ip = literal_address(host)
    return host in _LOCAL_NAMES or (ip is not None and is_local(_plain(str(ip))))


def is_local(ip: IPAddress) -> bool:
    """True for an address of this machine. The system answers: it binds sockets to no other."""
    if ip.is_loopback or ip.is_unspecified or (ip.version == 4 and int(ip) >> 24 == 0):
        return True
    if ip.version == 6 and ip.is_link_local:  # to bind one takes its interface, which is not known here
        return True
    family = socket.AF_INET if ip.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(ip), 0))
    except OSError:
        return False
    return True


def _serves_metadata(ip: IPAddress) -> bool:
    return any(ip.version == net.version and ip in net for net in _METADATA_NETS)


def _servers(url: str, usual: int) -> Iterator[tuple[str, int]]:
    """Hosts and ports that a URL names, in its query too, as libpq reads it; a socket is a server of this machine."""
    parts = urlsplit(url)
    asked = dict(parse_qsl(parts.query))
    ports = [int(one) for one in asked.get("port", "").split(",") if one.isdecimal()]
    hosts = (unquote(parts.netloc.rpartition("@")[2]), asked.get("host", ""), asked.get("hostaddr", ""))
    for text in [one for one in ",".join(hosts).split(",") if one] or ["localhost"]:
        found = parse_destination(f"localhost{text}" if text.startswith(":") else text) or Destination("localhost")
        for port in ports or [found.port or usual]:
            yield found.host.lower(), port


def _plain(address: str) -> IPAddress:
    """The address without its zone, and the IPv4 address that an IPv6 one carries."""
    ip: IPv4Address | IPv6Address = ip_address(address.strip("[]").partition("%")[0])
    return (embedded(ip) or ip) if isinstance(ip, IPv6Address) else ip


def _refused(what: str, host: str, ip: IPAddress, port: int) -> PermissionDenied:
    plain = f"[{ip}]" if ip.version == 6 else str(ip)
    where = f"{plain}:{port}" if host.strip("[]") == str(ip) else f"{host} ({plain}:{port})"
    return PermissionDenied(
        f"{where} is {what}, which `private` does not open",
        remedy=f"if this must be reached, write {plain}:{port} out as host and port in what is granted",
        capability="http",
        resource=host,
    )


_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class HttpPolicy:
    """The hosts, methods and addresses of a grant.

    Args:
        hosts: destinations, see `omnicore.connectors.policy`; none match when empty.
        methods: upper case; None for all.
        private: addresses that are not of the public internet are refused ("deny"), allowed for a host that
            an entry names without wildcards ("named"), or not looked at ("allow", as other Extism hosts do).
        plugin: whose policy it is, for the text of a denial.
        follow: whether redirects are followed; else they are answers like others.
    """

    hosts: tuple[str, ...]
    methods: tuple[str, ...] | None = None
    private: Literal["deny", "named", "allow"] = "deny"
    plugin: str = ""
    max_request_bytes: int = 1 * _MIB
    max_redirects: int = 10
    follow: bool = True

    def check_hop(self, method: str, url: Url) -> None:
        """Raises: PermissionDenied for a host, a port or a method that is not granted."""
        if not any(one.names(url) for one in self.destinations()):
            if any(one.names_host(url.host) for one in self.destinations()):
                fact = f"port {url.port} of {url.host} is not granted"
                raise self._denied(fact, url.host, f"write {url.host}:{url.port} in its manifest")
            raise self._denied(f"no granted host matches {url.host}", url.host, "name the host in its manifest")
        if self.methods is not None and method not in self.methods:
            raise self._denied(f"{method} is not granted for {url.host}", url.host, "name the method in its manifest")

    def check_address(self, url: Url, address: str) -> None:
        """Raises: PermissionDenied for an address that `private` refuses.

        Args:
            url: about to be asked for.
            address: one of those its host resolved to.
        """
        if self.private == "allow" or not is_private(ip_address(address.partition("%")[0])):
            return
        if self.private == "named" and any(one.literal and one.names(url) for one in self.destinations()):
            return
        where = address if url.host.strip("[]") == address else f"{url.host} ({address})"
        hint = "name the host without wildcards and set `private = true` in the scope of its manifest"
        raise self._denied(f"{where} is not an address of the public internet", url.host, hint)

    def spells(self, url: Url) -> bool:
        """True when host and port of the URL are written out in the grant."""
        return spells(self.hosts, url.host, url.port)

    def destinations(self) -> list[Destination]:
        """The hosts as they are read; what cannot be read names nothing."""
        return [one for one in map(parse_destination, self.hosts) if one is not None]

    def _denied(self, fact: str, resource: str, hint: str) -> PermissionDenied:
        name = self.plugin or "PLUGIN"
        who = f"{self.plugin} may not send this request: " if self.plugin else ""
        return PermissionDenied(
            who + fact,
            remedy=f"{hint}, then run `omnicore plugins grant {name} http`",
            capability="http",
            resource=resource,
        )
