"""Where the server listens, and how it stops."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace

import httpx
import pytest
from tests.api.conftest import ECHO, Site, answer, many, raw, until
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from omnicore.api.server import _Answer, listen
from omnicore.config.settings import Settings
from omnicore.errors import InvalidSetting


@pytest.mark.parametrize(("host", "token"), [("0.0.0.0", None), ("::", None), ("[::]", None), ("0.0.0.0", "")])
def test_the_open_network_needs_a_token(host: str, token: str | None) -> None:
    with pytest.raises(InvalidSetting, match="OMNICORE_TOKEN"):
        listen(dataclasses.replace(Settings(), host=host, port=0, token=token))


def test_with_a_token_the_open_network_is_served(site_with: Callable[..., Site]) -> None:
    site = site_with(host="0.0.0.0", token="s3cret")
    client = httpx.Client(base_url=f"http://127.0.0.1:{site.port}")
    with client:
        assert client.get("/").status_code == 401
        assert client.get("/", headers={"accept": "text/html"}).headers["location"] == "/console/"
        assert client.get("/", headers={"authorization": "Bearer s3cret"}).status_code == 200


def test_a_site_without_a_token_on_the_open_network_does_not_start(site_with: Callable[..., Site]) -> None:
    with pytest.raises(InvalidSetting):
        site_with(host="0.0.0.0")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2"])
def test_loopback_needs_none(host: str) -> None:
    with listen(dataclasses.replace(Settings(), host=host, port=0)) as listener:
        assert listener.getsockname()[1] > 0


def test_a_port_that_is_taken_is_named() -> None:
    with listen(dataclasses.replace(Settings(), port=0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InvalidSetting, match=str(port)):
            listen(dataclasses.replace(Settings(), port=port))


def test_an_address_that_is_not_ours_is_named() -> None:
    with pytest.raises(InvalidSetting, match=r"no\.such\.name\.invalid"):
        listen(dataclasses.replace(Settings(), host="no.such.name.invalid", token="t"))


def test_a_stop_lets_a_running_call_finish(site: Site) -> None:
    functions = many(site)
    site.client.post(f"{functions}/echo")
    until(lambda: site.traffic == 0)  # an answer is there a moment before its request is over
    connection = raw(site, f"POST {functions}/busy HTTP/1.1\nContent-Length: 4", body=b"done")
    until(lambda: site.traffic == 1)
    site.begin_stop()
    text = answer(connection)
    assert text.startswith("HTTP/1.1 200")
    assert text.endswith("done")
    site.wait_stopped()


def test_a_stop_cuts_what_does_not_finish_in_time_and_says_so(site_with: Callable[..., Site]) -> None:
    site = site_with(drain_s=0.2)
    connection = raw(site, f"POST {many(site)}/spin HTTP/1.1\nContent-Length: 0")
    until(lambda: site.traffic == 1)
    began = time.monotonic()
    site.begin_stop()
    text = answer(connection)
    assert text.startswith("HTTP/1.1 503")
    assert '"stopping"' in text
    site.wait_stopped()
    assert time.monotonic() - began < 8


def test_a_stop_ends_idle_connections_at_once(site: Site) -> None:
    site.client.get("/healthz")
    began = time.monotonic()
    site.begin_stop()
    site.wait_stopped()
    assert time.monotonic() - began < 5
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{site.url}/healthz")


def test_a_stop_closes_websockets_as_going_away(site: Site) -> None:
    with connect(f"ws://127.0.0.1:{site.port}/ws") as socket:
        site.begin_stop()
        with pytest.raises(ConnectionClosed) as ended:
            socket.recv(timeout=60)
    assert ended.value.rcvd is not None
    assert ended.value.rcvd.code == 1001
    site.wait_stopped()


def test_a_host_that_stops_is_not_ready(site: Site) -> None:
    functions = many(site)
    site.client.post(f"{functions}/echo")
    until(lambda: site.traffic == 0)
    busy = raw(site, f"POST {functions}/spin?timeout_s=1 HTTP/1.1\nContent-Length: 0")
    until(lambda: site.traffic == 1)
    waiting = raw(site, "GET /readyz HTTP/1.1\nContent-Length: 1")
    until(lambda: site.traffic == 2)
    site.begin_stop()
    until(lambda: site.app.state.parts.traffic.stopping)
    assert answer(busy).startswith("HTTP/1.1 504")
    waiting.close()
    site.wait_stopped()


def test_many_clients_at_once_are_all_answered(site: Site) -> None:
    functions = many(site)
    results: list[bytes] = []

    def work(number: int) -> None:
        with httpx.Client(base_url=site.url, timeout=60) as client:
            for turn in range(20):
                text = f"{number}.{turn}".encode()
                results.append(client.post(f"{functions}/echo", content=text).content == text)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 200


def test_a_client_that_does_not_read_holds_up_no_stop(site_with: Callable[..., Site]) -> None:
    limits = dataclasses.replace(Settings().limits, input_bytes=16 << 20, output_bytes=16 << 20, timeout_s=20.0)
    site = site_with(drain_s=0.2, limits=limits)
    site.drop("echo.wat", ECHO)
    size = 12 << 20
    head = f"POST /api/v1/plugins/echo/functions/echo HTTP/1.1\nContent-Length: {size}"
    connection = raw(site, head, body=bytes(size))
    assert connection.recv(12) == b"HTTP/1.1 200"
    site.begin_stop()
    site.wait_stopped(20)
    connection.close()


def test_a_connection_whose_client_stops_reading_ends_by_itself() -> None:
    with (
        listen(dataclasses.replace(Settings(), port=0)) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000


def test_an_answer_is_written_at_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    # A second write costs a call a tenth of its processor time. This rests on what is inside Hypercorn and may change.
    wrote: list[bytes] = []
    write = asyncio.StreamWriter.write
    monkeypatch.setattr(
        asyncio.StreamWriter, "write", lambda self, data: [wrote.append(bytes(data)), write(self, data)]
    )
    found = [site.client.get("/healthz"), site.client.get("/no/such/path")]
    assert [one.status_code for one in found] == [200, 404]
    assert [data.partition(b"\r\n\r\n")[2] for data in wrote] == [one.content for one in found]


@pytest.mark.parametrize("value", [b"a\r\nb: c", b"a\nb", b"a\0"])
def test_an_answer_with_a_line_end_in_a_header_is_not_sent(value: bytes) -> None:
    async def answers() -> None:
        await _Answer(SimpleNamespace(closed=False), _Protocol())(200, [(b"x", value)], b"")

    with pytest.raises(ValueError, match="line end"):
        asyncio.run(answers())


class _Protocol:
    connection = None
    keep_alive_requests = 0
    config = SimpleNamespace(keep_alive_max_requests=1, response_headers=lambda _: [])
