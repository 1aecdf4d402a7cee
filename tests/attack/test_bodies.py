"""Bodies that are too large, too slow, too deep, compressed, or made to be dear."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest
from tests.api.hosting import Served
from tests.attack.conftest import Start, proof, signed_in, spoken
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

CALL = "/api/v1/plugins/echo/functions/echo"
OPEN = ("/api/v1/session", "/api/v1/setup", "/api/login")


@pytest.mark.parametrize("path", OPEN)
def test_whom_nobody_knows_cannot_send_much(target: Served, path: str) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(1000):
            yield b" " * 65536

    for body in (b" " * 20_000, b'{"name": "' + b"x" * 20_000 + b'"}', pieces()):
        assert target.client.post(path, content=body).status_code == 413


@pytest.mark.parametrize("size", ["99999999999999999999", str(2**63), "1073741824"])
def test_a_length_beyond_the_limit_is_refused_before_any_of_it_comes(target: Served, size: str) -> None:
    with signed_in(target) as admin:
        key, csrf = admin.cookies["omnicore"], admin.headers["x-csrf-token"]
    head = (
        f"POST {CALL} HTTP/1.1~Host: HOST~Cookie: omnicore={key}~X-Csrf-Token: {csrf}~Content-Length: {size}"
        "~Connection: close~~"
    )
    assert spoken(target, head)[:12] in {b"HTTP/1.1 413", b"HTTP/1.1 401", b"HTTP/1.1 400"}


@pytest.mark.parametrize(
    "lengths",
    ["Content-Length: 3~Content-Length: 30", "Content-Length: -1", "Content-Length: 3~Transfer-Encoding: chunked",
     "Content-Length: +3", "Content-Length: 3, 3", "Transfer-Encoding: chunked, chunked", "Content-Length: 0x3"],
)  # fmt: skip
def test_a_body_of_two_lengths_smuggles_nothing_in(target: Served, lengths: str) -> None:
    inner = b"0\r\n\r\nGET /api/v1/plugins HTTP/1.1\r\nHost: x\r\n\r\n"
    got = spoken(target, f"POST /api/v1/session HTTP/1.1~Host: HOST~{lengths}~Connection: close~~", inner)
    assert got.count(b"HTTP/1.1 ") <= 1
    assert not got.startswith(b"HTTP/1.1 2")


def test_bodies_that_never_end_hold_nobody_up_and_are_cut(start: Start) -> None:
    host = start(request_timeout_s=0.5)
    name, _, port = host.url.removeprefix("http://").rpartition(":")
    head = f"POST /api/v1/session HTTP/1.1\r\nHost: {name}:{port}\r\nContent-Length: 100\r\n\r\n{{"
    with ExitStack() as stack:
        slow = [stack.enter_context(socket.create_connection((name, int(port)), timeout=60)) for _ in range(100)]
        for connection in slow:
            connection.sendall(head.encode())
        assert host.client.get("/healthz").status_code == 200
        for connection in slow:
            assert connection.recv(65536).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip"])
def test_a_compressed_body_is_not_unpacked(target: Served, admin: httpx.Client, encoding: str) -> None:
    bomb = gzip.compress(b'{"state": "disabled", "x": "' + b"x" * 30_000_000 + b'"}')
    refused = admin.put("/api/v1/plugins/echo/state", content=bomb, headers={"content-encoding": encoding})
    assert refused.status_code in {400, 404, 405, 415, 422}, refused.status_code
    echoed = admin.post(CALL, content=bomb, headers={"content-encoding": encoding})
    assert (echoed.status_code, echoed.content) == (200, bomb)


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":'])
def test_deep_json_is_refused(target: Served, admin: httpx.Client, opening: str) -> None:
    for path in ("/api/v1/users", "/api/v1/tasks", "/api/v1/session"):
        refused = admin.post(path, content=opening * 50_000)
        assert refused.status_code in {413, 422}, (path, refused.text)


@pytest.mark.parametrize(
    "text",
    ["9" * 100_000, "1e" + "9" * 5000, "-" * 1000, '"' + "\\ud800" * 3000 + '"', "NaN", "[1e999]"],
)
def test_dear_and_strange_values_are_refused(admin: httpx.Client, text: str) -> None:
    refused = admin.post("/api/v1/tasks", content=f'{{"function": "echo.echo", "input": {text}}}')
    assert refused.status_code in {202, 201, 413, 422}, refused.text
    assert refused.headers["content-type"].startswith("application/")


def test_a_hundred_thousand_names_in_one_object_are_one_bad_request(admin: httpx.Client) -> None:
    body = json.dumps({f"k{number}": 0 for number in range(100_000)})
    assert admin.post("/api/v1/users", content=body).status_code == 422


def test_a_form_of_many_parts_is_refused(admin: httpx.Client) -> None:
    part = b'--x\r\ncontent-disposition: form-data; name="a%d"; filename="a"\r\n\r\n\r\n'
    body = b"".join(part % number for number in range(2000)) + b"--x--\r\n"
    sent = {"content-type": "multipart/form-data; boundary=x"}
    refused = admin.post("/api/v1/plugins", content=body, headers=sent)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid-input")


def test_a_websocket_agrees_to_no_compression(target: Served, admin: httpx.Client) -> None:
    cookie = {"Cookie": f"omnicore={admin.cookies['omnicore']}"}
    address = f"ws{target.url[4:]}/ws"
    opening = connect(address, additional_headers=cookie, subprotocols=proof(admin), compression="deflate", proxy=None)
    with opening as socket:
        assert socket.protocol.extensions == []


# A client that still sends when it is refused is waited for: 20 s.
@pytest.mark.parametrize("size", [70_000, pytest.param(1_000_000, marks=pytest.mark.long)])
def test_a_long_message_closes_its_websocket_alone(target: Served, admin: httpx.Client, size: int) -> None:
    cookie = {"Cookie": f"omnicore={admin.cookies['omnicore']}"}
    address = f"ws{target.url[4:]}/ws"
    with (
        pytest.raises(ConnectionClosed),
        connect(address, additional_headers=cookie, subprotocols=proof(admin), proxy=None) as socket,
    ):
        _say(socket, "x" * size)
    assert admin.get("/api/v1/plugins").status_code == 200


def _say(socket: ClientConnection, text: str) -> None:
    while True:
        socket.send(text)
        socket.recv(timeout=60)
