"""The HTTP client against real sockets: the policy on every hop, pinned addresses, bounds, deadlines."""

from __future__ import annotations

import asyncio
import gc
import ssl
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.connectors.local_server import Answer, LocalServer, Seen, redirect, reply, serve

from omnicore.connectors.http import HttpClient, HttpPolicy
from omnicore.errors import (
    CapacityReached,
    DeadlineExceeded,
    InvalidInput,
    LimitExceeded,
    PermissionDenied,
    Unavailable,
)
from omnicore.sandbox.abi import HttpRequest, HttpResponse

OPEN = HttpPolicy(hosts=("*:*",), private="allow", plugin="fetch")
Script = Callable[[Seen], Answer]


def request(url: str, **given: Any) -> HttpRequest:
    fields = {"method": "GET", "headers": {}, "body": b"", "timeout_s": 20.0, "max_bytes": 1024}
    return HttpRequest(url=url, **{**fields, **given})


def names(table: dict[str, Sequence[str]]) -> Callable[[str], Any]:
    """A resolver that knows only these names."""

    async def resolve(host: str) -> Sequence[str]:
        if host not in table:
            raise OSError("no such name")
        return table[host]

    return resolve


def send(
    script: Script,
    url: str = "/",
    policy: HttpPolicy = OPEN,
    *,
    client: HttpClient | None = None,
    host: str = "127.0.0.1",
    **given: Any,
) -> tuple[HttpResponse, LocalServer]:
    """Serves the script, sends one request to it, and returns the answer and what the server saw."""

    async def scene() -> tuple[HttpResponse, LocalServer]:
        async with serve(script) as server:
            target = url if "://" in url else server.url(url, host)
            try:
                return await (client or HttpClient()).send(request(target, **given), policy), server
            except Exception as error:
                error.server = server  # type: ignore[attr-defined]
                raise

    return asyncio.run(scene())


def test_an_answer_comes_back_whole_whatever_its_status() -> None:
    response, server = send(lambda seen: reply(404, b"nope", "X-A: 1", "x-a: 2", "Content-Type: text/plain"))
    assert (response.status, response.body) == (404, b"nope")
    assert response.headers["x-a"] == "1, 2"
    assert response.headers["content-type"] == "text/plain"
    assert server.seen[0].headers["accept-encoding"] == "identity"


def test_method_headers_and_body_arrive() -> None:
    _, server = send(
        lambda seen: reply(), method="patch", headers={"X-Test": "ä", "User-Agent": "mine"}, body=b"\x00data"
    )
    seen = server.seen[0]
    assert (seen.method, seen.body) == ("PATCH", b"\x00data")
    assert seen.headers["x-test"].encode("latin-1").decode() == "ä"
    assert seen.headers["user-agent"] == "mine"
    assert seen.headers["host"] == f"127.0.0.1:{server.port}"


def test_a_get_may_have_a_body() -> None:
    _, server = send(lambda seen: reply(), body=b"query")
    assert server.seen[0].body == b"query"


def test_a_guest_cannot_set_the_headers_of_the_connection() -> None:
    forged = {
        "Host": "evil.example",
        "Transfer-Encoding": "chunked",
        "Content-Length": "999",
        "Upgrade": "h2c",
    }
    _, server = send(lambda seen: reply(), headers={**forged, "Connection": "upgrade"}, body=b"abc")
    headers = server.seen[0].headers
    assert headers["host"].startswith("127.0.0.1:")
    assert headers["content-length"] == "3"
    assert headers["connection"] == "close"
    assert "transfer-encoding" not in headers
    assert "upgrade" not in headers


@pytest.mark.parametrize(
    "headers",
    [
        {"X": "a\r\nY: b"},
        {"X\r\nY": "b"},
        {"X": "a\nb"},
        {"X": "a\x00"},
        {"": "a"},
        {"X Y": "a"},
        {"X": "\ud800"},
    ],
)
def test_header_injection_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(InvalidInput, match="cannot hold") as caught:
        send(lambda seen: reply(), headers=headers)
    assert caught.value.server.seen == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "BREW", "GET /x HTTP/1.1\r\nA:", ""])
def test_a_method_that_is_not_known_is_refused(method: str) -> None:
    with pytest.raises(InvalidInput, match="not an HTTP method"):
        send(lambda seen: reply(), method=method)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "file:///etc/passwd", "/relative", "http://h/\r\nX: 1"])
def test_a_url_that_is_not_http_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        asyncio.run(HttpClient().send(request(url), OPEN))


def test_a_host_that_is_not_granted_is_refused_by_name_and_with_the_remedy() -> None:
    policy = HttpPolicy(hosts=("*.example.com",), plugin="fetch")
    with pytest.raises(PermissionDenied, match=r"no granted host matches 127\.0\.0\.1") as caught:
        send(lambda seen: reply(), policy=policy)
    assert caught.value.details == {"capability": "http", "resource": "127.0.0.1"}
    assert "omnicore plugins grant fetch http" in caught.value.remedy
    assert caught.value.server.seen == []  # type: ignore[attr-defined]


def test_no_hosts_means_no_requests() -> None:
    with pytest.raises(PermissionDenied):
        send(lambda seen: reply(), policy=HttpPolicy(hosts=()))


def test_a_method_that_is_not_granted_is_refused() -> None:
    policy = HttpPolicy(hosts=("*:*",), methods=("GET",), private="allow")
    with pytest.raises(PermissionDenied, match="POST is not granted"):
        send(lambda seen: reply(), policy=policy, method="POST")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "localhost"])
def test_private_addresses_are_refused_however_they_are_written(host: str) -> None:
    with pytest.raises(PermissionDenied, match="not an address of the public internet") as caught:
        send(lambda seen: reply(), policy=HttpPolicy(hosts=("*:*",), private="named"), host=host)
    assert caught.value.server.seen == []  # type: ignore[attr-defined]


def test_a_private_address_that_is_named_is_reached_only_when_the_policy_says_so() -> None:
    named = HttpPolicy(hosts=("127.0.0.1:*",), private="named")
    assert send(lambda seen: reply(), policy=named)[0].status == 200
    with pytest.raises(PermissionDenied):
        send(lambda seen: reply(), policy=HttpPolicy(hosts=("127.0.0.1:*",), private="deny"))
    with pytest.raises(PermissionDenied):
        send(lambda seen: reply(), policy=HttpPolicy(hosts=("127.0.0.[1]:*",), private="named"))


def test_a_private_name_that_is_named_is_reached() -> None:
    client = HttpClient(resolve=names({"intranet.example": ["127.0.0.1"]}))
    policy = HttpPolicy(hosts=("intranet.example:*", "*.example:*"), private="named")
    assert send(lambda seen: reply(), host="intranet.example", policy=policy, client=client)[0].status == 200


def test_one_private_address_among_public_ones_refuses_the_name() -> None:
    client = HttpClient(resolve=names({"two.example": ["93.184.216.34", "127.0.0.1"]}))
    with pytest.raises(PermissionDenied, match=r"two\.example \(127\.0\.0\.1\)"):
        send(lambda seen: reply(), host="two.example", policy=HttpPolicy(hosts=("*:*",)), client=client)


def test_a_name_is_looked_up_once_and_the_checked_address_is_the_one_reached() -> None:
    answers = iter([["127.0.0.1"], ["127.0.0.2"]])
    asked: list[str] = []

    async def rebinding(host: str) -> Sequence[str]:
        asked.append(host)
        return next(answers)

    response, server = send(
        lambda seen: reply(200, b"first"), host="rebind.example", client=HttpClient(resolve=rebinding)
    )
    assert response.body == b"first"
    assert asked == ["rebind.example"]
    assert server.seen[0].headers["host"] == f"rebind.example:{server.port}"


def test_a_dead_address_leaves_the_next_one_to_try() -> None:
    client = HttpClient(resolve=names({"two.example": ["127.0.0.2", "127.0.0.1"]}))
    assert send(lambda seen: reply(), host="two.example", client=client)[0].status == 200


def test_a_name_that_does_not_resolve_is_said_to() -> None:
    with pytest.raises(Unavailable, match=r"nowhere\.example cannot be resolved"):
        send(lambda seen: reply(), host="nowhere.example", client=HttpClient(resolve=names({})))


def test_the_system_resolver_answers_on_threads_of_its_own_and_closes() -> None:
    client = HttpClient()
    assert send(lambda seen: reply(), host="localhost", client=client)[0].status == 200
    client.close()
    client.close()


def test_a_redirect_is_followed_within_the_policy() -> None:
    response, server = send(lambda seen: redirect("/b") if seen.target == "/a" else reply(200, b"b"), "/a")
    assert response.body == b"b"
    assert [seen.target for seen in server.seen] == ["/a", "/b"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_every_kind_of_redirect_is_checked_against_the_hosts(status: int) -> None:
    policy = HttpPolicy(hosts=("127.0.0.1:*",), private="allow")
    with pytest.raises(PermissionDenied, match="no granted host matches localhost") as caught:
        send(lambda seen: redirect("http://localhost:1/secret", status), policy=policy)
    assert len(caught.value.server.seen) == 1  # type: ignore[attr-defined]


def test_a_redirect_to_a_private_name_is_refused() -> None:
    client = HttpClient(resolve=names({"public.example": ["127.0.0.1"], "meta.example": ["169.254.169.254"]}))
    policy = HttpPolicy(hosts=("public.example:*", "*.example:*"), private="named")
    with pytest.raises(PermissionDenied, match=r"meta\.example \(169\.254\.169\.254\)"):
        send(
            lambda seen: redirect("http://meta.example/latest"),
            host="public.example",
            client=client,
            policy=policy,
        )


def test_a_redirect_to_another_scheme_is_refused() -> None:
    with pytest.raises(InvalidInput, match="not an http or https URL"):
        send(lambda seen: redirect("file:///etc/passwd"))


def test_a_redirect_cannot_change_to_a_method_that_is_not_granted() -> None:
    policy = HttpPolicy(hosts=("*:*",), methods=("POST",), private="allow")
    with pytest.raises(PermissionDenied, match="GET is not granted"):
        send(lambda seen: redirect("/b"), policy=policy, method="POST")


@pytest.mark.parametrize(
    ("status", "method", "after"),
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (302, "PUT", "PUT"),
        (303, "PUT", "GET"),
        (303, "HEAD", "HEAD"),
        (307, "POST", "POST"),
        (308, "POST", "POST"),
    ],
)
def test_redirects_change_the_method_as_in_browsers(status: int, method: str, after: str) -> None:
    _, server = send(
        lambda seen: redirect("/b", status) if seen.target == "/" else reply(),
        method=method,
        headers={"Content-Type": "text/plain"},
        body=b"" if method == "HEAD" else b"body",
    )
    second = server.seen[1]
    assert second.method == after
    assert (second.body, "content-type" in second.headers) == (
        (b"body", True) if after not in ("GET", "HEAD") else (b"", method == "HEAD")
    )


def test_credentials_stay_with_their_origin() -> None:
    secrets = {"Authorization": "Bearer x", "Cookie": "a=b", "X-Other": "kept"}
    _, server = send(
        lambda seen: (
            redirect("/same")
            if seen.target == "/"
            else redirect(f"http://localhost:{seen.headers['host'].split(':')[1]}/other")
            if seen.target == "/same"
            else reply()
        ),
        headers=secrets,
    )
    first, same, other = (seen.headers for seen in server.seen)
    assert first["authorization"] == same["authorization"] == "Bearer x"
    assert "authorization" not in other
    assert "cookie" not in other
    assert other["x-other"] == "kept"


def test_ten_redirects_are_followed_and_the_eleventh_is_not() -> None:
    def count(last: int) -> Script:
        def script(seen: Seen) -> Answer:
            number = int(seen.target[1:])
            return redirect(f"/{number + 1}") if number < last else reply(200, b"there")

        return script

    assert send(count(10), "/0")[0].body == b"there"
    with pytest.raises(Unavailable, match="redirects more than 10 times"):
        send(count(11), "/0")


def test_a_redirect_without_a_location_is_an_answer() -> None:
    assert send(lambda seen: reply(302, b"x"))[0].body == b"x"


def test_a_body_of_exactly_the_bound_passes_and_one_byte_more_does_not() -> None:
    assert len(send(lambda seen: reply(200, b"x" * 1024))[0].body) == 1024
    with pytest.raises(LimitExceeded, match="exceeds the configured maximum number of bytes: 1024") as caught:
        send(lambda seen: reply(200, b"x" * 1025))
    assert caught.value.details == {"limit": "http_response_bytes", "allowed": 1024, "status": 200}


def test_a_body_without_end_is_cut_at_the_bound() -> None:
    async def flood(seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
            await writer.drain()

    with pytest.raises(LimitExceeded, match="maximum number of bytes: 100000"):
        send(lambda seen: flood, max_bytes=100_000)


def test_a_compressed_body_is_handed_over_as_it_came() -> None:
    response, _ = send(lambda seen: reply(200, b"\x1f\x8b...", "Content-Encoding: gzip"))
    assert response.body == b"\x1f\x8b..."
    assert response.headers["content-encoding"] == "gzip"


def test_a_request_body_over_its_bound_is_not_sent() -> None:
    policy = HttpPolicy(hosts=("*:*",), private="allow", max_request_bytes=10)
    assert send(lambda seen: reply(), policy=policy, method="POST", body=b"x" * 10)[0].status == 200
    with pytest.raises(LimitExceeded, match="body exceeds the configured maximum number of bytes: 10"):
        send(lambda seen: reply(), policy=policy, method="POST", body=b"x" * 11)


@pytest.mark.parametrize("fields", [[f"X-{n}: y" for n in range(250)], ["X: " + "y" * 70_000]])
def test_too_many_answer_headers_are_refused(fields: list[str]) -> None:
    with pytest.raises(LimitExceeded, match="response's headers exceed"):
        send(lambda seen: reply(200, b"", *fields))


def test_an_endless_header_is_refused() -> None:
    async def flood(seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 X\r\nX: ")
        while True:
            writer.write(b"y" * 10_000)
            await writer.drain()

    with pytest.raises(Unavailable):
        send(lambda seen: flood)


@pytest.mark.parametrize("headers", [{f"X-{n}": "y" for n in range(101)}, {"X": "y" * 17_000}])
def test_too_many_request_headers_are_refused(headers: dict[str, str]) -> None:
    with pytest.raises(LimitExceeded, match="request's headers exceed"):
        send(lambda seen: reply(), headers=headers)


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 X\r\n", b"HTTP/1.1 200 X\r\nContent-Length: 9\r\n\r\nx"])
def test_a_slow_server_ends_at_the_deadline(first: bytes) -> None:
    async def drip(seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        await asyncio.Event().wait()

    async def scene() -> None:
        async with serve(lambda seen: drip) as server:
            await HttpClient().send(request(server.url(), timeout_s=0.05), OPEN)

    with pytest.raises(DeadlineExceeded, match=r"timeout: .* took longer than 0.05 s"):
        asyncio.run(scene())


def test_a_slow_name_server_counts_against_the_deadline() -> None:
    async def never(host: str) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    with pytest.raises(DeadlineExceeded, match="timeout"):
        send(lambda seen: reply(), host="slow.example", client=HttpClient(resolve=never), timeout_s=0.05)


def test_redirects_share_one_deadline() -> None:
    with pytest.raises(DeadlineExceeded):
        send(lambda seen: redirect("/"), timeout_s=0.0)


@pytest.mark.parametrize("raw", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 X\r\nContent-Length: 9\r\n\r\nx"])
def test_a_server_that_breaks_the_protocol_is_unavailable(raw: bytes) -> None:
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1 gave no answer"):
        send(lambda seen: raw)


def test_a_refused_connection_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        asyncio.run(HttpClient().send(request("http://127.0.0.1:1/"), OPEN))


def test_the_environment_s_proxy_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert send(lambda seen: reply())[0].status == 200


def test_requests_over_the_number_under_way_are_refused() -> None:
    client = HttpClient(max_in_flight=1)

    async def wait(seen: Seen, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async def scene() -> None:
        async with serve(lambda seen: wait) as server:
            first = asyncio.create_task(client.send(request(server.url()), OPEN))
            await asyncio.sleep(0)
            with pytest.raises(CapacityReached, match="1 HTTP requests"):
                await client.send(request(server.url()), OPEN)
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
        async with serve(lambda seen: reply()) as server:
            assert (await client.send(request(server.url()), OPEN)).status == 200

    asyncio.run(scene())


def test_one_client_serves_several_loops_at_once_and_leaves_nothing_open() -> None:
    client = HttpClient()
    bodies: list[bytes] = []

    def one() -> None:
        bodies.extend(send(lambda seen: reply(200, b"ok"), client=client)[0].body for _ in range(3))

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gc.collect()  # an open socket would warn here, and warnings are errors
    assert bodies == [b"ok"] * 12


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for `tls.example` that signs itself."""
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -keyout key.pem"
    subject = ["-out", "cert.pem", "-subj", "/CN=tls.example", "-addext", "subjectAltName=DNS:tls.example"]
    subprocess.run([*command.split(), *subject], cwd=folder, check=True, capture_output=True)
    return folder


def over_tls(authority: Path, host: str, trusted: ssl.SSLContext | None) -> HttpResponse:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(authority / "cert.pem", authority / "key.pem")

    async def scene() -> HttpResponse:
        async with serve(lambda seen: reply(200, b"secret"), tls=tls) as server:
            client = HttpClient(resolve=names({host: ["127.0.0.1"]}), ssl_context=trusted)
            return await client.send(request(server.url(host=host, scheme="https")), OPEN)

    return asyncio.run(scene())


def test_tls_checks_the_name_although_the_address_is_pinned(authority: Path) -> None:
    trusted = ssl.create_default_context(cafile=str(authority / "cert.pem"))
    assert over_tls(authority, "tls.example", trusted).body == b"secret"
    with pytest.raises(Unavailable, match=r"other\.example gave no answer"):
        over_tls(authority, "other.example", trusted)


def test_tls_does_not_trust_a_certificate_that_signs_itself(authority: Path) -> None:
    with pytest.raises(Unavailable, match="certificate verify failed"):
        over_tls(authority, "tls.example", None)
