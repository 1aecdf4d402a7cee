"""Addresses that are reached only by a grant that writes them out, and what a grant names."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import closing
from pathlib import Path

import pytest
from tests.connectors.local_server import redirect, reply, serve

from omnicore.assembly import _reserved_addresses
from omnicore.config.settings import Settings, StorageSettings
from omnicore.connectors.addresses import parse_url
from omnicore.connectors.http import HttpClient
from omnicore.connectors.policy import HttpPolicy, Reserved, destination_covers, is_destination, parse_destination
from omnicore.errors import PermissionDenied
from omnicore.sandbox.abi import HttpRequest


def request(url: str) -> HttpRequest:
    return HttpRequest("GET", url, {}, b"", timeout_s=20.0, max_bytes=1024)


def sent(url: str, reserved: Reserved, *hosts: str, names: dict[str, list[str]] | None = None) -> int:
    async def resolve(host: str) -> list[str]:
        return (names or {})[host]

    client = HttpClient(resolve=resolve if names else None, reserved=reserved)
    try:
        return asyncio.run(client.send(request(url), HttpPolicy(hosts=hosts, private="allow"))).status
    finally:
        client.close()


def test_a_name_that_is_rebound_to_the_hosts_own_interface_is_refused_when_it_is_connected_to() -> None:
    reserved = Reserved()
    reserved.listens(8080)
    with pytest.raises(PermissionDenied, match=r"evil\.example \(127\.0\.0\.1:8080\) is the host's own interface"):
        sent("http://evil.example:8080/", reserved, "evil.example:8080", names={"evil.example": ["127.0.0.1"]})


@pytest.mark.parametrize("service", ["postgresql://u:p@db.example/omnicore", "nats://db.example:5432"])
def test_the_hosts_database_and_brokers_are_refused_by_address_and_by_other_names(service: str) -> None:
    async def resolve(host: str) -> list[str]:
        return {"db.example": ["10.1.2.3"]}[host]

    reserved = Reserved(resolve=resolve)
    reserved.stands_on("the host's own database", service, port=5432)
    with pytest.raises(PermissionDenied, match="the host's own database"):
        sent("http://other.example:5432/", reserved, "*:*", names={"other.example": ["10.1.2.3"]})
    with pytest.raises(PermissionDenied, match="the host's own database"):
        sent("http://10.1.2.3:5432/", reserved, "*:*")


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("postgresql:///omnicore?host=10.1.2.3", "10.1.2.3:5432"),
        ("postgresql://u@/omnicore?host=10.1.2.3&port=5433", "10.1.2.3:5433"),
        ("postgresql://u@db.example/omnicore?hostaddr=10.1.2.3", "10.1.2.3:5432"),
        ("postgresql://10.9.9.9,10.1.2.3:6000/omnicore", "10.1.2.3:6000"),
        ("postgresql:///omnicore", "127.0.0.1:5432"),
        ("postgresql://:5433/omnicore", "127.0.0.1:5433"),
        ("postgresql:///omnicore?host=/run/postgresql&port=5433", "127.0.0.1:5433"),
        ("postgresql://u:p@%2Frun%2Fpostgresql/omnicore", "[::1]:5432"),
    ],
)
def test_the_hosts_database_is_refused_wherever_its_url_has_the_address(url: str, address: str) -> None:
    reserved = Reserved()
    reserved.stands_on("the host's own database", url, port=5432)
    with pytest.raises(PermissionDenied, match="the host's own database"):
        sent(f"http://{address}/", reserved, "*:*")


def test_the_database_past_a_pooler_is_refused_as_well(tmp_path: Path) -> None:
    storage = StorageSettings(url="postgresql://pooler/o", pooler=True, direct_url="postgresql://10.1.2.3/o")
    with closing(_reserved_addresses(Settings(data=tmp_path, storage=storage))) as reserved:
        assert reserved.concerns("10.1.2.3:5432") == "the host's own database"


def test_a_server_of_another_process_on_the_same_data_is_refused_as_well(tmp_path: Path) -> None:
    (tmp_path / "server.json").write_text(json.dumps({"url": "http://127.0.0.1:45678", "pid": 1, "key": ""}))
    with pytest.raises(PermissionDenied, match="own interface"):
        sent("http://localhost:45678/", Reserved(data=tmp_path), "*:*")


def test_what_a_grant_writes_out_is_reached() -> None:
    async def scene(spelled: str) -> int:
        async with serve(lambda seen: reply()) as server:
            reserved = Reserved()
            reserved.listens(server.port)
            policy = HttpPolicy(hosts=(spelled.format(port=server.port),), private="allow")
            client = HttpClient(reserved=reserved)
            return (await client.send(request(server.url()), policy)).status

    assert asyncio.run(scene("127.0.0.1:{port}")) == 200
    for wide in ("127.0.0.1:*", "127.0.0.?:{port}", "*:{port}", "*:*"):
        with pytest.raises(PermissionDenied):
            asyncio.run(scene(wide))


def test_the_addresses_of_the_machines_interfaces_are_its_own() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing; the system chooses the address it would send from
        own = probe.getsockname()[0]
    reserved = Reserved()
    reserved.listens(8080)
    with pytest.raises(PermissionDenied, match="own interface"):
        sent(f"http://{own}:8080/", reserved, "*:*")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("127.0.0.1:8080", "the host's own interface"),
        ("localhost:8080", "the host's own interface"),
        ("[::1]:8080", "the host's own interface"),
        ("db.example:5432", "the host's own database"),
        ("169.254.169.254:80", "a metadata address of the machine"),
        ("localhost:11434", ""),
        ("localhost", ""),
        ("*:8080", ""),
        ("api.example:443", ""),
    ],
)
def test_whoever_reviews_a_grant_is_told_what_it_writes_out(text: str, what: str) -> None:
    reserved = Reserved()
    reserved.listens(8080)
    reserved.stands_on("the host's own database", "postgresql://db.example/omnicore", port=5432)
    assert reserved.concerns(text) == what


@pytest.mark.parametrize(
    ("text", "url", "names"),
    [
        ("api.example", "https://api.example/", True),
        ("api.example", "http://api.example/", True),
        ("api.example", "http://api.example:443/", False),
        ("api.example", "https://api.example:8443/", False),
        ("api.example:443", "https://api.example/", True),
        ("*.example:8443", "https://a.example:8443/", True),
        ("*.example:8443", "https://a.example/", False),
        ("a.example:*", "https://a.example:9/", True),
        ("*:*", "http://[::1]:9/", True),
        ("[::1]:8080", "http://[::1]:8080/", True),
        ("[0:0::1]:8080", "http://[::1]:8080/", True),
        ("::1", "http://[::1]/", True),
        ("[::1]", "http://1/", False),
        ("[ab].example:80", "http://a.example/", True),
    ],
)
def test_an_entry_names_host_and_port(text: str, url: str, names: bool) -> None:
    found = parse_destination(text)
    assert found is not None
    assert found.names(parse_url(url)) is names


@pytest.mark.parametrize(
    "text", ["http://a.example", "a.example/x", "a b", "a@b", "a:b", "a:0", "a:65536", "a:", ":80", "", "a:80:80"]
)
def test_what_is_no_host_and_port_is_no_entry(text: str) -> None:
    assert not is_destination(text)


@pytest.mark.parametrize(
    ("wide", "narrow", "covers"),
    [
        ("a.example", "a.example", True),
        ("a.example:*", "a.example", True),
        ("a.example:*", "a.example:8443", True),
        ("a.example", "a.example:443", False),
        ("a.example:443", "a.example", False),
        ("a.example:8443", "a.example:*", False),
        ("*.example:8443", "a.example:8443", True),
        ("*.example:8443", "a.example:8444", False),
        ("*:*", "[::1]:80", True),
        ("[::1]:80", "::1", False),
    ],
)
def test_a_grant_covers_hosts_with_their_ports(wide: str, narrow: str, covers: bool) -> None:
    assert destination_covers(wide, narrow) is covers


def test_a_redirect_to_another_port_is_refused() -> None:
    async def scene() -> None:
        async with serve(lambda seen: redirect("http://127.0.0.1:1/")) as server:
            policy = HttpPolicy(hosts=(f"127.0.0.1:{server.port}",), private="allow")
            await HttpClient().send(request(server.url()), policy)

    with pytest.raises(PermissionDenied, match=r"port 1 of 127\.0\.0\.1 is not granted; write 127\.0\.0\.1:1"):
        asyncio.run(scene())
