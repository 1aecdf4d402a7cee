"""URLs the way browsers read them, so that what is checked is what is connected to. Pure.

Source: the WHATWG URL standard, the parts that matter for absolute http and https URLs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import quote, unquote_to_bytes, urljoin

from omnicore.errors import InvalidInput

__all__ = ["Url", "join", "parse_host", "parse_url"]

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
    def authority(self) -> str:
        """The value of the Host header."""
        return self.host if self.port == _PORTS[self.scheme] else f"{self.host}:{self.port}"

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
        raise InvalidInput(f"{shown} is no http or https URL", remedy="write http:// or https:// and a host")
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
