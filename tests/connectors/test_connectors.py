"""The service over real sockets: credentials at egress, bounds, retries, the breaker, redaction, and the record."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.connectors.local_server import Answer, LocalServer, Seen, redirect, reply, serve
from tests.connectors.rooms import Room, during, room

from omnicore.clock import ManualClock
from omnicore.connectors.http import HttpSession, base_url
from omnicore.connectors.line import Bucket, Buckets, Gate
from omnicore.errors import (
    CapacityReached,
    Conflict,
    DeadlineExceeded,
    InvalidInput,
    LimitExceeded,
    OmniError,
    PermissionDenied,
    ServiceRefused,
    ToolMissing,
    Unavailable,
)

TOKEN = "tok_9f8e7d6c5b4a39281706"
JSON = "Content-Type: application/json"
Script = Callable[[Seen], Answer]


def answers(value: Any, status: int = 200, *fields: str) -> bytes:
    return reply(status, json.dumps(value).encode(), JSON, "Connection: close", *fields)


def scene(folder: Path, script: Script, work: Callable[[Room, str], Any], **given: Any) -> tuple[Any, LocalServer]:
    """Runs `work` with a room and the address of a server that follows the script."""

    async def play() -> tuple[Any, LocalServer]:
        async with serve(script) as server:
            with room(folder, **given) as made:
                return await during(lambda: work(made, server.url("/v1"))), server

    return asyncio.run(play())


def shop(made: Room, url: str, **config: Any) -> None:
    made.add("shop", "http", url, {"token": TOKEN}, **{"auth": "bearer", **config})


def failing(work: Callable[[], Any]) -> OmniError:
    with pytest.raises(OmniError) as caught:
        work()
    return caught.value


def test_the_credential_is_put_in_at_egress_and_never_comes_back(tmp_path: Path) -> None:
    def work(made: Room, url: str) -> Any:
        shop(made, url)
        return made.use("shop", "get", path="/orders/7", query={"day": 1, "open": True})

    def script(seen: Seen) -> Answer:
        echo = {"all": seen.headers, seen.headers["authorization"]: base64.b64encode(TOKEN.encode()).decode()}
        return answers(echo, 200, f"X-Echo: {TOKEN}", f"Set-Cookie: a={TOKEN}")

    output, server = scene(tmp_path, script, work)
    assert server.seen[0].target == "/v1/orders/7?day=1&open=true"
    assert server.seen[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert TOKEN not in json.dumps(output)
    assert base64.b64encode(TOKEN.encode()).decode() not in json.dumps(output)
    assert output["json"]["all"]["authorization"] == "Bearer [redacted]"
    assert "set-cookie" not in output["headers"]


@pytest.mark.parametrize(
    ("config", "secrets", "shown"),
    [
        ({"auth": "header", "auth_name": "X-Key"}, {"token": TOKEN}, ("x-key", TOKEN)),
        (
            {"auth": "basic"},
            {"user": "anna", "password": TOKEN},
            ("authorization", "Basic " + base64.b64encode(f"anna:{TOKEN}".encode()).decode()),
        ),
    ],
)
def test_each_way_of_showing_a_credential(
    tmp_path: Path, config: dict[str, str], secrets: dict[str, str], shown: tuple[str, str]
) -> None:
    def work(made: Room, url: str) -> Any:
        made.add("shop", "http", url, secrets, **config)
        return made.use("shop", "post", path="/", json={"a": 1})

    output, server = scene(tmp_path, lambda seen: answers({"got": seen.headers}), work)
    assert server.seen[0].headers[shown[0]] == shown[1]
    assert shown[1] not in json.dumps(output)
    assert server.seen[0].body == b'{"a": 1}'


def test_a_token_in_the_query_is_the_connectors_own(tmp_path: Path) -> None:
    def work(made: Room, url: str) -> Any:
        made.add("shop", "http", url, {"token": TOKEN}, auth="query", auth_name="key")
        return made.use("shop", "get", path="/a"), failing(
            lambda: made.use("shop", "get", path="/", query={"key": "x"})
        )

    (output, error), server = scene(tmp_path, lambda seen: answers({"target": seen.target}), work)
    assert server.seen[0].target == f"/v1/a?key={TOKEN}"
    assert output["json"] == {"target": "/v1/a?key=[redacted]"}
    assert "own credential" in error.fact


def test_a_token_of_oauth_is_fetched_once_kept_and_fetched_again_when_it_is_refused(tmp_path: Path) -> None:
    tokens = iter(["first-token-abcdef", "second-token-abcdef"])

    def script(seen: Seen) -> Answer:
        if seen.target == "/token":
            assert seen.body == b"grant_type=client_credentials&scope=read"
            return answers({"access_token": next(tokens), "expires_in": 3600})
        fresh = seen.headers["authorization"] == "Bearer second-token-abcdef" or seen.target == "/v1/1"
        return answers({"auth": seen.headers["authorization"]}, 200 if fresh else 401)

    def work(made: Room, url: str) -> Any:
        token_url = url.replace("/v1", "/token")
        secrets = {"client_id": "the-client", "client_secret": "the-client-secret"}
        made.add("shop", "http", url, secrets, auth="oauth2", token_url=token_url, scope="read")
        return [made.use("shop", "get", path=f"/{number}") for number in (1, 2, 3)]

    outputs, server = scene(tmp_path, script, work)
    assert [seen.target for seen in server.seen] == ["/token", "/v1/1", "/v1/2", "/token", "/v1/2", "/v1/3"]
    assert [one["json"]["auth"] for one in outputs] == ["Bearer [redacted]"] * 3


@pytest.mark.parametrize(
    "path",
    [
        "/../admin",
        "/a/../../b",
        "/%2e%2e/admin",
        "/..%2fadmin",
        "//evil.example/",
        "/a?x=1",
        "/a#b",
        "/a b",
        "/a\\b",
        "/.",
        "/..;/admin",
        "/..;x=1%2fadmin",
        "/a%00",
    ],
)
def test_no_path_leads_out_of_the_base(tmp_path: Path, path: str) -> None:
    def work(made: Room, url: str) -> Any:
        shop(made, url)
        return failing(lambda: made.use("shop", "get", path=path))

    error, server = scene(tmp_path, lambda seen: answers({}), work)
    assert isinstance(error, InvalidInput)
    assert server.seen == []


@pytest.mark.parametrize("name", ["Authorization", "cookie", "X-HTTP-Method-Override", "X-Forwarded-For", "x-fixed"])
def test_headers_that_are_the_connectors_own_cannot_be_set(tmp_path: Path, name: str) -> None:
    def work(made: Room, url: str) -> Any:
        shop(made, url, headers={"X-Fixed": "1"})
        return failing(lambda: made.use("shop", "get", path="/", headers={name: "x"}))

    error, server = scene(tmp_path, lambda seen: answers({}), work)
    assert "connector's own" in error.fact
    assert server.seen == []


def test_a_redirect_is_not_followed_with_the_credential(tmp_path: Path) -> None:
    def work(made: Room, url: str) -> Any:
        shop(made, url)
        return failing(lambda: made.use("shop", "get", path="/"))

    error, server = scene(tmp_path, lambda seen: redirect("http://127.0.0.1:1/"), work)
    assert "redirects" in error.fact
    assert len(server.seen) == 1


def test_what_may_be_repeated_is_and_what_may_not_is_not(tmp_path: Path) -> None:
    seen_so_far: list[str] = []

    def script(seen: Seen) -> Answer:
        seen_so_far.append(seen.method)
        return answers({"n": len(seen_so_far)}, 200 if seen_so_far.count(seen.method) > 1 else 502)

    def work(made: Room, url: str) -> Any:
        shop(made, url)
        assert made.use("shop", "get", path="/")["json"] == {"n": 2}
        error = failing(lambda: made.use("shop", "post", path="/", json=1))
        assert made.use("shop", "patch", path="/", json=1, idempotency_key="k1")["json"] == {"n": 5}
        return error, made.service.register.table.uses("shop")

    (error, uses), server = scene(tmp_path, script, work)
    assert (type(error), error.details["status"]) == (Unavailable, 502)
    assert seen_so_far == ["GET", "GET", "POST", "PATCH", "PATCH"]
    assert {seen.headers["idempotency-key"] for seen in server.seen[3:]} == {"k1"}
    assert [(use.action, use.attempts, use.outcome, use.who) for use in uses] == [
        ("patch", 2, "ok", "plugin:text"),
        ("post", 1, "unavailable", "plugin:text"),
        ("get", 2, "ok", "plugin:text"),
    ]


def test_a_service_that_asks_for_a_pause_is_left_alone_that_long(tmp_path: Path) -> None:
    clock = ManualClock()

    def work(made: Room, url: str) -> Any:
        shop(made, url)
        errors = [failing(lambda: made.use("shop", "get", path="/")) for _ in range(2)]
        clock.advance(41)
        return [*errors, made.use("shop", "get", path="/")]

    once = iter([answers({}, 429, "Retry-After: 40"), answers({"fine": True})])
    (first, second, third), server = scene(tmp_path, lambda seen: next(once), work, clock=clock)
    assert (first.details["status"], first.details["retry_after_s"]) == (429, 40.0)
    assert "left alone" in second.fact
    assert third["json"] == {"fine": True}
    assert len(server.seen) == 2


def test_the_breaker_opens_after_failures_and_lets_a_trial_through(tmp_path: Path) -> None:
    clock, status = ManualClock(), [500]

    def work(made: Room, url: str) -> Any:
        shop(made, url, limits={"retries": 0, "breaker_failures": 3})
        for _ in range(3):
            failing(lambda: made.use("shop", "get", path="/"))
        refused = failing(lambda: made.use("shop", "get", path="/"))
        ailing = made.service.ailing()
        clock.advance(61)
        status[0] = 200
        made.use("shop", "get", path="/")
        return refused, ailing, made.service.ailing()

    (refused, ailing, after), server = scene(tmp_path, lambda seen: answers({}, status[0]), work, clock=clock)
    assert "failed 3 times in a row" in refused.fact
    assert (ailing, after) == (("shop",), ())
    assert len(server.seen) == 4


def test_refusals_of_the_service_leave_the_breaker_closed(tmp_path: Path) -> None:
    def work(made: Room, url: str) -> Any:
        shop(made, url, limits={"breaker_failures": 1})
        return [failing(lambda: made.use("shop", "get", path="/")) for _ in range(3)], made.service.ailing()

    (errors, ailing), _ = scene(tmp_path, lambda seen: answers({"message": f"no {TOKEN}"}, 401), work)
    assert {type(error) for error in errors} == {ServiceRefused}
    assert "no [redacted]" in errors[0].fact
    assert ailing == ()


async def _cut(seen: Seen, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 X\r\nContent-Length: 1000\r\n\r\nhalf of it")
    await writer.drain()


async def _endless(seen: Seen, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 X\r\nContent-Type: text/plain\r\n\r\n")
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()


async def _silent(seen: Seen, writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def _garbage(seen: Seen, writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x16\x03\x01\x00\x02\x02\x28 no http at all\r\n\r\n")
    await writer.drain()


@pytest.mark.parametrize(
    ("server", "kind", "words"),
    [
        (_cut, Unavailable, "broke off its answer"),
        (_endless, LimitExceeded, "more than 10000 bytes"),
        (_silent, DeadlineExceeded, ""),
        (_garbage, Unavailable, "gave no answer"),
    ],
)
def test_hostile_servers_end_in_typed_errors(tmp_path: Path, server: Any, kind: type, words: str) -> None:
    def work(made: Room, url: str) -> Any:
        shop(made, url, limits={"timeout_s": 0.3, "retries": 0, "output_bytes": 10_000})
        return failing(lambda: made.use("shop", "get", path="/"))

    error, _ = scene(tmp_path, lambda seen: server, work)
    assert type(error) is kind
    assert words in error.fact


def test_json_that_is_none_or_too_deep_comes_back_as_text(tmp_path: Path) -> None:
    def work(made: Room, url: str) -> Any:
        shop(made, url)
        return [made.use("shop", "get", path=f"/{name}") for name in ("bad", "nan", "deep")]

    bodies = {"/v1/bad": b"{", "/v1/nan": b"NaN", "/v1/deep": b"[" * 100_000}
    outputs, _ = scene(tmp_path, lambda seen: reply(200, bodies[seen.target], JSON), work)
    assert [one["text"][:3] for one in outputs] == ["{", "NaN", "[[["]


@pytest.mark.parametrize(("private", "kind"), [(False, PermissionDenied), (True, Unavailable)])
def test_a_name_that_leads_to_a_private_address_is_refused_unless_the_operator_says_so(
    private: bool, kind: type
) -> None:
    async def resolve(host: str) -> list[str]:
        assert host == "api.example"
        return ["127.0.0.1"]

    async def play() -> None:
        base = base_url("http://api.example:1/")
        assert (base.private, base.spelled) == (False, True)
        session = HttpSession(base.url, private=private, most_bytes=100, resolve=resolve)
        with pytest.raises(kind):
            await session.send("GET", "/")
        await session.close()

    asyncio.run(play())


def test_connections_are_kept_between_calls_and_closed_with_their_connector(tmp_path: Path) -> None:
    opened: list[asyncio.StreamWriter] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.append(writer)
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(reply(200, json.dumps({"connection": len(opened)}).encode(), JSON))
                await writer.drain()
        except asyncio.IncompleteReadError:
            writer.close()

    async def play() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        with room(tmp_path) as made:
            port = server.sockets[0].getsockname()[1]
            await during(lambda: shop(made, f"http://127.0.0.1:{port}"))
            found = [await during(lambda: made.use("shop", "get", path="/")) for _ in range(3)]
            assert [one["json"]["connection"] for one in found] == [1, 1, 1]
            assert await made.service.remove("shop")
            assert made.service.states() == {}
            await opened[0].wait_closed()
        server.close()
        await server.wait_closed()

    asyncio.run(play())


@pytest.mark.parametrize(("action", "sent"), [("get", 2), ("post", 1)])
def test_a_connection_that_is_lost_is_replaced_where_sending_twice_does_no_harm(
    tmp_path: Path, action: str, sent: int
) -> None:
    async def leave(seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.close()

    def work(made: Room, url: str) -> Any:
        shop(made, url, limits={"retries": 0})
        return failing(lambda: made.use("shop", action, path="/"))

    error, server = scene(tmp_path, lambda seen: leave, work)
    assert (type(error), error.details["temporary"], len(server.seen)) == (Unavailable, True, sent)


def test_a_driver_that_is_not_installed_makes_its_connector_unavailable_and_unlisted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> Any:
        raise ToolMissing("the library x is not installed", remedy="run `pip install 'omnicore[x]'`", tool="x")

    with room(tmp_path) as made:
        shop(made, "https://a.example")
        monkeypatch.setattr("omnicore.connectors.kinds.find_kind", missing)
        error = failing(lambda: made.use("shop", "get", path="/"))
        assert (type(error), error.remedy) == (Unavailable, "run `pip install 'omnicore[x]'`")
        assert made.service.list() == []


def test_an_output_over_its_bound_is_refused_as_a_limit(tmp_path: Path) -> None:
    def work(made: Room, url: str) -> Any:
        shop(made, url, limits={"output_bytes": 300})
        return failing(lambda: made.use("shop", "get", path="/"))

    error, _ = scene(tmp_path, lambda seen: reply(200, b"\x01" * 200, "Content-Type: text/plain"), work)
    assert (type(error), error.details["limit"]) == (LimitExceeded, "connector_output_bytes")


def test_plugins_have_a_rate_each_and_a_connector_has_one(tmp_path: Path) -> None:
    clock = ManualClock()

    def work(made: Room, url: str) -> Any:
        shop(made, url, limits={"plugin_rate": 2, "rate": 3})
        ask = lambda who: made.service.use_blocking(who, "shop", "get", {"path": "/"})  # noqa: E731
        ask("plugin:a")
        ask("plugin:a")
        limits = [failing(lambda: ask("plugin:a")).details["limit"]]
        ask("plugin:b")
        limits.append(failing(lambda: ask("plugin:b")).details["limit"])
        clock.advance(1)
        ask("plugin:a")
        return limits

    limits, server = scene(tmp_path, lambda seen: answers({}), work, clock=clock)
    assert limits == ["connector_plugin_rate", "connector_rate"]
    assert len(server.seen) == 4


def test_buckets_refill_and_forget_who_is_long_gone() -> None:
    bucket = Bucket(2.0, 2.0, 0.0)
    assert [bucket.take(0.0) for _ in range(3)] == [0.0, 0.0, 0.5]
    assert bucket.take(0.5) == 0.0
    buckets = Buckets(1, 1, most=2)
    for name in ("a", "b", "c"):
        buckets.take(name, 0.0, what=name, limit="x")
    buckets.take("a", 0.0, what="a", limit="x")
    with pytest.raises(LimitExceeded):
        buckets.take("c", 0.0, what="c", limit="x")


def test_a_full_line_at_the_gate_is_refused() -> None:
    async def play() -> None:
        gate, begun, end = Gate(1, 1), asyncio.Event(), asyncio.Event()

        async def hold() -> None:
            async with gate.passed("shop"):
                begun.set()
                await end.wait()

        async with asyncio.TaskGroup() as group:
            group.create_task(hold())
            await begun.wait()
            waiting = group.create_task(hold())
            while not gate._line:
                await asyncio.sleep(0)
            with pytest.raises(CapacityReached, match="1 calls wait for shop"):
                async with gate.passed("shop"):
                    pass
            end.set()
            await waiting

    asyncio.run(play())


@pytest.mark.parametrize(
    ("name", "kind", "config", "secrets", "words"),
    [
        ("Shop", "http", {"base_url": "https://a.example"}, {}, "not a name of a connector"),
        ("kinds", "http", {"base_url": "https://a.example"}, {}, "not a name of a connector"),
        ("shop", "smoke", {}, {}, "no kind of connector 'smoke'"),
        ("shop", "http", {}, {}, "'base_url' is a required property"),
        ("shop", "http", {"base_url": "https://a.example", "no": 1}, {}, "'no' was unexpected"),
        ("shop", "http", {"base_url": "https://u:p@a.example"}, {}, "a user or a password"),
        ("shop", "http", {"base_url": "ftp://a.example"}, {}, "not an http or https URL"),
        ("shop", "http", {"base_url": "https://a.example", "auth": "bearer"}, {}, "needs the credential token"),
        ("shop", "http", {"base_url": "https://a.example", "auth": "oauth2"}, {"client_id": "a"}, "client_secret"),
        ("shop", "github", {}, {}, "needs the credential token"),
        ("shop", "github", {}, {"password": "x"}, "no credential 'password'"),
        ("shop", "github", {}, {"token": "env:HOME"}, "may not be a credential"),
        ("shop", "github", {}, {"token": "vault:connector.other.token"}, "belongs to another connector"),
    ],
)
def test_connectors_that_cannot_work_are_refused_when_they_are_made(
    tmp_path: Path, name: str, kind: str, config: Any, secrets: Any, words: str
) -> None:
    with room(tmp_path) as made:
        error = failing(lambda: made.service.register.add(name, kind, config, secrets))
        assert isinstance(error, InvalidInput)
        assert words in str(error)
        assert made.service.register.all() == ()
        assert made.service.vault.list() == ()


@pytest.mark.parametrize("limits", [{"no": 1}, {"rate": 0}, {"retries": 1.5}, {"timeout_s": True}, {"concurrency": 0}])
def test_limits_that_make_no_sense_are_refused(tmp_path: Path, limits: Any) -> None:
    with room(tmp_path) as made, pytest.raises(InvalidInput):
        made.service.register.add("shop", "http", {"base_url": "https://a.example"}, {}, limits)


def test_a_change_by_another_process_is_seen_at_the_next_call(tmp_path: Path) -> None:
    def work(made: Room, url: str) -> Any:
        shop(made, url)
        made.use("shop", "get", path="/")
        with room(tmp_path) as other:
            other.service.vault.set("connector.shop.token", "another-token-123")
        made.use("shop", "get", path="/")
        with room(tmp_path) as other:
            other.service.register.change("shop", config={"base_url": url, "auth": "header"})
        return made.use("shop", "get", path="/")

    _, server = scene(tmp_path, lambda seen: answers({}), work)
    assert [seen.headers.get("authorization") for seen in server.seen] == [
        f"Bearer {TOKEN}",
        "Bearer another-token-123",
        None,
    ]
    assert server.seen[2].headers["x-api-key"] == "another-token-123"


def test_a_credential_does_not_follow_to_another_address_unless_it_is_given_again(tmp_path: Path) -> None:
    with room(tmp_path) as made:
        shop(made, "https://a.example")
        elsewhere = {"base_url": "https://evil.example", "auth": "bearer"}
        with pytest.raises(InvalidInput, match="give token again"):
            made.service.register.change("shop", config=elsewhere)
        made.service.register.change("shop", config=elsewhere, credentials={"token": "another-one"})
        assert made.service.register.get("shop").version == 2


def test_a_name_is_taken_once_and_free_again_after_removal_with_its_secrets(tmp_path: Path) -> None:
    with room(tmp_path) as made:
        shop(made, "https://a.example")
        with pytest.raises(Conflict):
            made.service.register.add("shop", "http", {"base_url": "https://b.example"}, {"token": "theirs"})
        assert made.service.vault.get("connector.shop.token") == TOKEN
        assert made.service.register.remove("shop")
        assert made.service.vault.list() == ()
        assert not made.service.register.remove("shop")


def test_actions_and_inputs_that_do_not_exist_are_refused_without_a_use(tmp_path: Path) -> None:
    with room(tmp_path) as made:
        shop(made, "https://a.example")
        for action, given in (
            ("fly", {}),
            ("get", {"path": 1}),
            ("get", {}),
            ("get", {"path": "/", "json": 1}),
            ("get", []),
        ):
            with pytest.raises(InvalidInput):
                made.service.use_blocking("rest", "shop", action, given)
        with pytest.raises(InvalidInput, match="no connector 'none'"):
            made.use("none", "get", path="/")
        assert made.service.register.table.uses("shop") == ()


def test_old_uses_are_deleted_when_the_host_begins(tmp_path: Path) -> None:
    clock = ManualClock()

    def work(made: Room, url: str) -> Any:
        shop(made, url)
        made.use("shop", "get", path="/")
        clock.advance(31 * 86_400)
        made.use("shop", "get", path="/")
        asyncio.run(made.service.start())
        return made.service.register.table.uses("shop")

    uses, _ = scene(tmp_path, lambda seen: answers({}), work, clock=clock)
    assert len(uses) == 1


def test_calls_from_many_loops_and_threads_meet_on_one(tmp_path: Path) -> None:
    def work(made: Room, url: str) -> Any:
        shop(made, url)

        async def many() -> list[Any]:
            calls = [made.service.call("text", "shop", "get", {"path": f"/{n}"}, timeout_s=20) for n in range(8)]
            return list(await asyncio.gather(*calls))

        return [*asyncio.run(many()), *asyncio.run(many())]

    outputs, _ = scene(tmp_path, lambda seen: answers({"at": seen.target}), work)
    assert sorted(one["json"]["at"] for one in outputs) == sorted(f"/v1/{n}" for n in (*range(8), *range(8)))


def test_a_cancelled_call_is_recorded_as_such_and_frees_its_place(tmp_path: Path) -> None:
    def work(made: Room, url: str) -> Any:
        shop(made, url, limits={"concurrency": 1})

        async def play() -> None:
            call = asyncio.ensure_future(made.service.use("me", "shop", "get", {"path": "/"}))
            while not made.service.states().get("shop", {}).get("attempts"):
                await asyncio.sleep(0.005)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call

        asyncio.run(play())
        while made.service.states()["shop"]["running"]:
            pass
        failing(lambda: made.service.use_blocking("me", "shop", "get", {"path": "/"}, timeout_s=0.1))
        return made.service.register.table.uses("shop")

    uses, _ = scene(tmp_path, lambda seen: _silent, work)
    assert [use.outcome for use in uses] == ["deadline-exceeded", "cancelled"]


def test_no_secret_is_in_the_files_the_log_the_events_or_the_errors(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)

    def script(seen: Seen) -> Answer:
        return answers(
            {"message": f"bad {seen.headers['authorization']}", "code": TOKEN}, 500 if "5" in seen.target else 403
        )

    def work(made: Room, url: str) -> Any:
        shop(made, url, limits={"retries": 1})
        texts = [repr(made.service.register.get("shop")), repr(made.service), repr(made.service.vault)]
        for path in ("/5", "/4", "/../", "/%zz"):
            try:
                texts.append(json.dumps(made.use("shop", "get", path=path)))
            except OmniError as error:
                texts += [str(error), repr(error), json.dumps(error.to_json()), repr(error.__context__)]
        texts.append(json.dumps(made.service.test_blocking("shop")))
        return texts + [json.dumps(event) for event in made.events()], made.events("connector.*")

    (texts, events), _ = scene(tmp_path, script, work)
    kept = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    for form in (TOKEN, base64.b64encode(TOKEN.encode()).decode(), TOKEN.encode().hex()):
        assert form.encode() not in kept
        assert form not in caplog.text
        assert not [text for text in texts if form in text]
    assert {topic for topic, _ in events} == {"connector.failed", "connector.called"}


def test_an_event_tells_who_did_what_and_nothing_of_the_content(tmp_path: Path) -> None:
    def work(made: Room, url: str) -> Any:
        shop(made, url)
        made.use("shop", "post", path="/private", json={"private": 1})
        return made.events("connector.called")

    ((_, data),), _ = scene(tmp_path, lambda seen: answers({"private": 2}), work)
    assert {name: data[name] for name in ("connector", "kind", "action", "who")} == {
        "connector": "shop",
        "kind": "http",
        "action": "post",
        "who": "plugin:text",
    }
    assert "private" not in json.dumps(data)
