"""Which hosts a pattern names, and which addresses are not the public internet. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeVar

__all__ = ["IPAddress", "embedded", "glob_covers", "host_matches", "is_glob", "is_private", "literal_address"]

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
