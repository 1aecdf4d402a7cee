"""Host globs as Rust's glob crate reads them, and the addresses that are not the public internet."""

from __future__ import annotations

import time

import pytest

from omnicore.connectors.addresses import host_matches, is_glob, is_private, literal_address


@pytest.mark.parametrize(
    ("pattern", "host", "matches"),
    [
        ("*", "a.b.c", True),
        ("**", "a.b.c", True),
        ("***", "a.b.c", False),
        ("", "a", False),
        ("*.example.com", "api.example.com", True),
        ("*.example.com", "a.b.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "api.example.com.evil.net", False),
        ("api.*", "api.anything.at.all", True),
        ("127.*", "127.0.0.1", True),
        ("127**", "127.0.0.1", False),
        ("127**", "127**", True),
        ("127.0.0.?", "127.0.0.1", True),
        ("127.0.0.?", "127.0.0.10", False),
        ("127.0.0.[0-4]", "127.0.0.1", True),
        ("127.0.0.[!0-4]", "127.0.0.1", False),
        ("127.0.0.[!0-4]", "127.0.0.9", True),
        ("h[abc-]", "h-", True),
        ("h[]a]", "ha", True),
        ("h[!]a]", "ha", False),
        ("h[!]a]", "hb", True),
        ("h[", "h[", True),
        ("h[", "ha", False),
        ("h[]", "h[]", True),
        ("h[!]", "h[!]", True),
        ("LOCALHOST", "localhost", False),
        ("localhost:80", "localhost", False),
        ("http://localhost", "localhost", False),
        ("{a,b}.com", "a.com", False),
        ("[::1]", "[::1]", False),
        ("a*b*c", "a-b-b-c", True),
        ("a*b*c", "a-b-b-d", False),
        ("example.com", "example.com.", False),
    ],
)
def test_globs_name_hosts_as_the_glob_crate_does(pattern: str, host: str, matches: bool) -> None:
    assert host_matches(pattern, host) is matches


def test_a_pattern_of_many_stars_costs_no_time() -> None:
    began = time.perf_counter()
    assert not host_matches("*a" * 100 + "b", "a" * 253)
    assert time.perf_counter() - began < 20


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.0.1"),
        *("169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1"),
        *("192.168.0.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1"),
        *("255.255.255.255", "100.100.100.200", "168.63.129.16"),
        *("::", "::1", "::7f00:1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:0:10.0.0.1"),
        *(
            "64:ff9b::7f00:1",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::8.8.8.8",
            "2002:7f00:1::",
            "2002:a00:1::1",
        ),
        *("2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1", "fc00::1", "fd00:ec2::254"),
        *("fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "100::1", "3fff::1", "5f00::1"),
    ],
)
def test_an_address_a_stranger_should_not_reach_is_private(address: str) -> None:
    assert is_private(address)


@pytest.mark.parametrize(
    "address",
    [
        *("8.8.8.8", "1.1.1.1", "172.15.0.1", "172.32.0.1", "100.63.255.255", "100.128.0.1", "169.253.0.1"),
        *("2606:4700::1111", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::"),
    ],
)
def test_an_address_of_the_internet_is_not_private(address: str) -> None:
    assert not is_private(address)


def test_a_literal_address_is_told_from_a_name() -> None:
    assert str(literal_address("127.0.0.1")) == "127.0.0.1"
    assert str(literal_address("[::1]")) == "::1"
    assert literal_address("localhost") is None


def test_wildcards_make_a_glob() -> None:
    assert [is_glob(one) for one in ("*.a", "a?", "[ab]", "a.b")] == [True, True, True, False]
