"""`call: http` against real sockets: what is sent, what comes back, what is refused."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from tests.connectors.local_server import LocalServer, Seen, redirect, reply, serve
from tests.workflows.effects.bench import LOCAL, Bench, action, call, fault_of, run_of, short

from omnicore.workflows.steps.effects import Effects

JSON = "Content-Type: application/json"


def ok(seen: Seen) -> bytes:
    return reply(200, b'{"id": 7, "tags": ["a"]}', JSON)


def to(target: str = "/", method: str = "get", **more: Any) -> Any:
    return lambda server: {"method": method, "endpoint": server.url(target), **more}


def test_the_content_is_deserialised_by_its_type(bench: Bench) -> None:
    assert bench.ask(ok, to())[0].output == {"id": 7, "tags": ["a"]}
    for body, media, expected in [
        (b"plain", "text/plain", "plain"),
        (b'{"a":1}', "application/problem+json", {"a": 1}),
        (b'{"a":1}', "text/html", '{"a":1}'),
        (b"\xff\x00", "image/png", {"base64": "/wA="}),
        (b"", "application/json", None),
    ]:
        done, _ = bench.ask(lambda seen, b=body, m=media: reply(200, b, f"Content-Type: {m}"), to())
        assert done.output == expected


def test_raw_is_base64_and_response_tells_all(bench: Bench) -> None:
    assert bench.ask(ok, to(output="raw"))[0].output == "eyJpZCI6IDcsICJ0YWdzIjogWyJhIl19"
    done, server = bench.ask(ok, to("/pets", output="response", headers={"X-Own": "1"}))
    assert done.output["request"] == {"method": "GET", "uri": server.url("/pets"), "headers": {"X-Own": "1"}}
    assert (done.output["statusCode"], done.output["content"]["id"]) == (200, 7)
    assert done.output["headers"]["content-type"] == "application/json"
    assert done.meta == {"status": 200, "bytes": 24}


def test_the_uri_is_expanded_from_the_task_s_input(bench: Bench) -> None:
    _, server = bench.ask(ok, to("/pets/{id}{?tags*}"), input={"id": "a/b", "tags": ["x", "y"]})
    assert server.seen[0].target == "/pets/a%2Fb?tags=x&tags=y"


def test_query_headers_and_body_are_sent(bench: Bench) -> None:
    given = to("/p?a=1", "post", query={"b": [2, True], "c": None}, headers={"X-Number": 5}, body={"k": "ä"})
    _, server = bench.ask(ok, given)
    (seen,) = server.seen
    assert (seen.method, seen.target) == ("POST", "/p?a=1&b=2&b=true")
    assert (seen.headers["x-number"], seen.headers["content-type"]) == ("5", "application/json")
    assert json.loads(seen.body) == {"k": "ä"}


@pytest.mark.parametrize(
    ("body", "media", "sent"),
    [
        ({"a": 1, "b": ["x", "y"]}, "application/x-www-form-urlencoded", b"a=1&b=x&b=y"),
        ("text", "", b"text"),
        ({"base64": "/wA="}, "", b"\xff\x00"),
        ({"base64": "/wA="}, "application/json", b'{"base64":"/wA="}'),
        (None, "", b"null"),
        ("x", "application/json", b'"x"'),
    ],
)
def test_a_body_is_written_by_its_type(bench: Bench, body: Any, media: str, sent: bytes) -> None:
    headers = {"Content-Type": media} if media else {}
    _, server = bench.ask(ok, to("/", "put", body=body, headers=headers))
    assert server.seen[0].body == sent


def test_what_changes_something_carries_the_step_s_key(bench: Bench) -> None:
    for method, expected in (("post", "run1/do/0/step/1"), ("delete", "run1/do/0/step/1"), ("get", None)):
        _, server = bench.ask(ok, to("/", method))
        assert server.seen[0].headers.get("idempotency-key") == expected
    _, server = bench.ask(ok, to("/", "post", headers={"Idempotency-Key": "own"}))
    assert server.seen[0].headers["idempotency-key"] == "own"
    _, server = bench.ask(ok, to("/", "post"), key="run/do/0/grüße\r\nx: y/1")
    assert len(server.seen[0].headers["idempotency-key"]) == 64


@pytest.mark.parametrize("status", [300, 304, 400, 401, 403, 404, 409, 429, 500, 503])
def test_other_statuses_are_faults_of_communication(bench: Bench, status: int) -> None:
    fault = bench.refused(lambda seen: reply(status, b"the reason\x00"), to())
    assert short(fault) == ("communication", status)
    if status != 304:
        assert fault.detail == "the reason"


def test_redirects_are_faults_unless_they_are_wanted(bench: Bench) -> None:
    def moved(seen: Seen) -> bytes:
        return redirect("/there") if seen.target == "/" else ok(seen)

    assert short(bench.refused(moved, to())) == ("communication", 302)
    done, server = bench.ask(moved, to(redirect=True))
    assert done.output["id"] == 7
    assert [seen.target for seen in server.seen] == ["/", "/there"]


@pytest.mark.parametrize(
    "given",
    [
        None,
        "text",
        {"method": "get"},
        {"method": "get", "endpoint": 5},
        {"method": "get", "endpoint": "ftp://host/"},
        {"method": "get", "endpoint": "/relative"},
        {"method": "brew", "endpoint": "http://127.0.0.1/"},
        {"method": 5, "endpoint": "http://127.0.0.1/"},
        {"method": "get", "endpoint": "http://127.0.0.1/{id}"},
        {"method": "get", "endpoint": "http://127.0.0.1/", "output": "all"},
        {"method": "get", "endpoint": "http://127.0.0.1/", "headers": []},
        {"method": "get", "endpoint": "http://127.0.0.1/", "headers": {"a": {"b": 1}}},
        {"method": "get", "endpoint": "http://127.0.0.1/", "headers": {"a": "x\r\nHost: other"}},
        {"method": "get", "endpoint": "http://127.0.0.1/", "headers": {"a b": "x"}},
        {"method": "get", "endpoint": "http://127.0.0.1/", "query": "a=b"},
        {"method": "get", "endpoint": "http://127.0.0.1/a\nb"},
        {"method": "post", "endpoint": "http://127.0.0.1/", "body": "\ud800"},
        {"method": "get", "endpoint": "http://127.0.0.1/", "surely": 1},
        {"method": "get", "endpoint": {"uri": "http://127.0.0.1/", "authentication": "basic"}},
    ],
)
def test_what_cannot_be_sent_is_a_fault_of_validation(bench: Bench, given: Any) -> None:
    assert short(bench.fault(call("http"), given)) == ("validation", 400)


@pytest.mark.parametrize("value", ["..", ".", None, {"a": {"b": 1}}])
def test_an_input_cannot_lead_a_path_elsewhere(bench: Bench, value: Any) -> None:
    given = {"method": "get", "endpoint": "http://127.0.0.1/pets/{id}/edit"}
    assert short(bench.fault(call("http"), given, input={"id": value})) == ("validation", 400)


def test_private_addresses_are_refused_unless_the_settings_name_them(bench: Bench) -> None:
    closed = Effects(bench.means)
    for host in ("127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]", "0x7f.1", "[::ffff:127.0.0.1]"):
        wanted = action(call("http"), {"method": "get", "endpoint": f"http://{host}:1/"})
        fault = fault_of(lambda wanted=wanted: bench.wait(closed.perform(wanted, run_of())))
        assert short(fault) == ("authorization", 403)
        assert "workflows.http_private" in fault.detail


def test_hosts_that_the_settings_do_not_name_are_refused(bench: Bench) -> None:
    narrow = bench.effects_with(http_hosts=("*.example.com",), http_private=())
    wanted = action(call("http"), {"method": "get", "endpoint": "https://example.org/"})
    fault = fault_of(lambda: bench.wait(narrow.perform(wanted, run_of())))
    assert short(fault) == ("authorization", 403)
    assert "workflows.http_hosts" in fault.detail


def test_a_redirect_to_a_private_address_is_refused(bench: Bench) -> None:
    fault = bench.refused(lambda seen: redirect("http://127.0.0.2:1/secrets"), to(redirect=True))
    assert short(fault) == ("authorization", 403)


def test_answers_over_the_bound_are_refused(bench: Bench) -> None:
    fault = bench.refused(lambda seen: reply(200, b"x" * (LOCAL.http_bytes + 1)), to())
    assert short(fault) == ("runtime", 500)
    fault = bench.refused(ok, to("/", "post", body="x" * (LOCAL.http_bytes + 1)))
    assert short(fault) == ("runtime", 500)


def test_a_server_that_never_answers_meets_the_deadline(bench: Bench) -> None:
    async def silence(seen: Seen, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    fault = bench.refused(lambda seen: silence, to(), due_at=bench.clock.now() + 0.05)
    assert short(fault) == ("timeout", 408)


def test_a_server_that_is_not_there_is_a_fault_of_communication(bench: Bench) -> None:
    async def port() -> int:
        async with serve(ok) as server:
            return server.port

    free = bench.wait(port())
    given = {"method": "get", "endpoint": f"http://127.0.0.1:{free}/"}
    assert short(bench.fault(call("http"), given)) == ("communication", 503)


def test_a_body_that_says_json_and_is_none_is_a_fault(bench: Bench) -> None:
    assert short(bench.refused(lambda seen: reply(200, b"{", JSON), to())) == ("validation", 400)
    assert bench.ask(lambda seen: reply(200, b"{", JSON), to(output="raw"))[0].output == "ew=="


def test_cancelling_a_step_closes_the_request(bench: Bench) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def hangs(seen: Seen, writer: asyncio.StreamWriter) -> None:
        begun.set()
        try:
            while True:
                writer.write(b"HTTP/1.1 200 X\r\nX: y\r\n")
                await writer.drain()
                await asyncio.sleep(0)
                if writer.transport.is_closing():
                    break
        finally:
            ended.set()

    async def scene(server: LocalServer) -> bool:
        step = asyncio.create_task(bench.effects.perform(action(call("http"), to()(server)), run_of()))
        await begun.wait()
        step.cancel()
        await asyncio.wait([step])
        await ended.wait()
        return step.cancelled()

    assert bench.served(lambda seen: hangs, scene)[0]
