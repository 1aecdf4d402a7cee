"""Requests that show who they are from."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any
from urllib.parse import parse_qs

import pytest
from tests.connectors.local_server import Seen, reply
from tests.workflows.effects.bench import Bench, run_of, short

from omnicore.sandbox.abi import HttpRequest
from omnicore.workflows.steps.authentication import digest_answer

JSON = "Content-Type: application/json"


def guarded(policy: Any, target: str = "/") -> Any:
    def given(server: Any) -> Any:
        text = json.dumps(policy).replace("SERVER", server.url("").rstrip("/"))
        endpoint = {"uri": server.url(target), "authentication": json.loads(text)}
        return {"method": "get", "endpoint": endpoint}

    return given


def ok(seen: Seen) -> bytes:
    return reply(200, b"{}", JSON)


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_basic_and_bearer_are_headers(bench: Bench) -> None:
    _, server = bench.ask(ok, guarded({"basic": {"username": "anna", "password": "pä:ss"}}))
    assert server.seen[0].headers["authorization"] == basic("anna", "pä:ss")
    _, server = bench.ask(ok, guarded({"bearer": {"token": "abc"}}))
    assert server.seen[0].headers["authorization"] == "Bearer abc"


@pytest.mark.parametrize(
    ("scheme", "secret", "header"),
    [
        ("basic", '{"username": "anna", "password": "word"}', basic("anna", "word")),
        ("basic", "anna:word", basic("anna", "word")),
        ("bearer", '{"token": "tok"}', "Bearer tok"),
        ("bearer", "plain-token", "Bearer plain-token"),
    ],
)
def test_a_policy_may_be_a_secret(bench: Bench, scheme: str, secret: str, header: str) -> None:
    name = f"policy-{hashlib.sha256(secret.encode()).hexdigest()[:8]}"
    bench.secret(name, secret)
    _, server = bench.ask(ok, guarded({scheme: {"use": name}}), run=run_of(name))
    assert server.seen[0].headers["authorization"] == header


@pytest.mark.parametrize(
    "policy",
    [
        {"certificate": {}},
        {"basic": {"username": "a"}},
        {"basic": "text"},
        {"basic": {"username": "a:b", "password": "x"}},
        {"bearer": {"token": 5}},
        {"bearer": {"use": "undeclared"}},
        {"oauth2": {"authority": "http://127.0.0.1:1", "grant": "authorization_code"}},
        {"oauth2": {"grant": "client_credentials"}},
        {"oauth2": {"authority": "http://127.0.0.1:1", "client": {"authentication": "magic"}}},
    ],
)
def test_a_policy_that_cannot_be_used_is_a_fault_of_configuration(bench: Bench, policy: Any) -> None:
    assert short(bench.refused(ok, guarded(policy))) == ("configuration", 400)


def test_a_token_with_a_line_break_is_refused(bench: Bench) -> None:
    assert short(bench.refused(ok, guarded({"bearer": {"token": "a\r\nHost: b"}}))) == ("validation", 400)


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256", "SHA-256-sess"])
def test_a_digest_challenge_is_answered(bench: Bench, algorithm: str) -> None:
    def server(seen: Seen) -> bytes:
        if "authorization" not in seen.headers:
            offer = f'Digest realm="r", qop="auth,auth-int", nonce="n1", opaque="o", algorithm={algorithm}'
            return reply(401, b"", f"WWW-Authenticate: Basic realm=x, {offer}")
        parts = dict(re.findall(r'(\w+)="?([^",]*)"?', seen.headers["authorization"]))
        hashed = hashlib.md5 if algorithm == "MD5" else hashlib.sha256
        one = hashed(b"anna:r:word").hexdigest()
        if algorithm.endswith("sess"):
            one = hashed(f"{one}:n1:{parts['cnonce']}".encode()).hexdigest()
        two = hashed(f"GET:{seen.target}".encode()).hexdigest()
        good = hashed(f"{one}:n1:00000001:{parts['cnonce']}:auth:{two}".encode()).hexdigest()
        return ok(seen) if (parts["response"], parts["opaque"]) == (good, "o") else reply(403)

    policy = {"digest": {"username": "anna", "password": "word"}}
    done, there = bench.ask(server, guarded(policy, "/x?y=1"))
    assert done.output == {}
    assert len(there.seen) == 2


def test_the_digest_of_the_standard_s_example_is_made() -> None:
    challenge = (
        'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, '
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    request = HttpRequest("GET", "http://www.example.org/dir/index.html", {}, b"", 1, 1)
    own = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    header = digest_answer(("Mufasa", "Circle of Life"), request, challenge, own)
    assert 'response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"' in header


def test_a_server_without_a_digest_challenge_is_a_fault(bench: Bench) -> None:
    fault = bench.refused(lambda seen: reply(401), guarded({"digest": {"username": "a", "password": "b"}}))
    assert short(fault) == ("authentication", 401)


class TokenServer:
    """Gives tokens by forms or JSON, and lets those in who have the last one."""

    def __init__(self, **answer: Any) -> None:
        self.given = 0
        self.forms: list[tuple[Seen, dict[str, Any]]] = []
        self.answer = answer

    def __call__(self, seen: Seen) -> bytes:
        if seen.target.endswith("openid-configuration"):
            base = f"http://{seen.headers['host']}"
            return reply(200, json.dumps({"issuer": base, "token_endpoint": f"{base}/tokens"}).encode(), JSON)
        if seen.method == "POST":
            self.given += 1
            form = {name: one[0] for name, one in parse_qs(seen.body.decode()).items()}
            coded = seen.headers["content-type"] == "application/json"
            self.forms.append((seen, json.loads(seen.body) if coded else form))
            answer = {"access_token": f"token-{self.given}", "expires_in": 3600, **self.answer}
            return reply(200, json.dumps(answer).encode(), JSON)
        if seen.headers.get("authorization") != f"Bearer token-{self.given}":
            return reply(401, b"old")
        return reply(200, json.dumps({"seen": seen.headers["authorization"]}).encode(), JSON)


def policy(scheme: str = "oauth2", **more: Any) -> dict[str, Any]:
    client = {"id": "me", "secret": "client-secret"}
    return {scheme: {"authority": "SERVER", "grant": "client_credentials", "client": client, **more}}


def test_a_token_is_fetched_kept_and_taken_out_of_answers(bench: Bench) -> None:
    tokens = TokenServer()
    given = guarded(policy(scopes=["a", "b"], audiences=["x"]))
    done, _ = bench.ask(tokens, given)
    assert done.output == {"seen": "Bearer [redacted]"}
    (seen, form), *_ = tokens.forms
    assert seen.target == "/oauth2/token"
    assert form == {
        "grant_type": "client_credentials",
        "scope": "a b",
        "audience": "x",
        "client_id": "me",
        "client_secret": "client-secret",
    }


def test_a_token_serves_until_its_end_and_a_refused_one_is_fetched_anew(bench: Bench) -> None:
    from tests.workflows.effects.bench import action, call

    tokens = TokenServer()

    async def scene(server: Any) -> list[int]:
        counts = []
        for what in ("first", "kept", "old", "ended"):
            if what == "old":
                tokens.given += 10  # the server forgot the token that was kept
            if what == "ended":
                bench.clock.advance(3600)
            await bench.effects.perform(action(call("http"), guarded(policy())(server)), run_of())
            counts.append(len(tokens.forms))
        return counts

    assert bench.served(tokens, scene)[0] == [1, 1, 2, 3]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"grant": "password", "username": "anna", "password": "word"}, {"username": "anna", "password": "word"}),
        ({"grant": "refresh_token", "subject": {"token": "r1", "type": "refresh"}}, {"refresh_token": "r1"}),
        (
            {
                "grant": "urn:ietf:params:oauth:grant-type:token-exchange",
                "subject": {"token": "s", "type": "t1"},
                "actor": {"token": "a", "type": "t2"},
            },
            {"subject_token": "s", "subject_token_type": "t1", "actor_token": "a", "actor_token_type": "t2"},
        ),
        ({"request": {"encoding": "application/json"}}, {"client_id": "me"}),
        ({"client": {"id": "me", "authentication": "none"}}, {"client_id": "me"}),
        (
            {"client": {"id": "me", "assertion": "signed", "authentication": "private_key_jwt"}},
            {"client_assertion": "signed"},
        ),
    ],
)
def test_each_grant_and_client_says_what_its_standard_wants(
    bench: Bench, more: dict[str, Any], expected: dict[str, str]
) -> None:
    tokens = TokenServer()
    bench.ask(tokens, guarded(policy(**more)))
    ((_, form),) = tokens.forms
    assert expected.items() <= form.items()


def test_clients_show_their_secret_by_basic_or_by_a_signature(bench: Bench) -> None:
    tokens = TokenServer()
    client = {"id": "me", "secret": "s/1", "authentication": "client_secret_basic"}
    bench.ask(tokens, guarded(policy(client=client, endpoints={"token": "/own/place"})))
    assert tokens.forms[0][0].target == "/own/place"
    assert tokens.forms[0][0].headers["authorization"] == basic("me", "s%2F1")
    bench.ask(tokens, guarded(policy(client={**client, "authentication": "client_secret_jwt"})))
    head, claims, _ = tokens.forms[1][1]["client_assertion"].split(".")
    assert json.loads(base64.urlsafe_b64decode(head + "==")) == {"alg": "HS256", "typ": "JWT"}
    assert json.loads(base64.urlsafe_b64decode(claims + "=="))["sub"] == "me"


def test_openid_connect_finds_its_token_endpoint_and_checks_the_issuer(bench: Bench) -> None:
    tokens = TokenServer()
    done, _ = bench.ask(tokens, guarded(policy("oidc")))
    assert done.output == {"seen": "Bearer [redacted]"}
    assert tokens.forms[0][0].target == "/tokens"

    def false(seen: Seen) -> bytes:
        return reply(200, b'{"issuer": "https://evil.example", "token_endpoint": "x"}', JSON)

    assert short(bench.refused(false, guarded(policy("oidc")))) == ("authentication", 401)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"access_token": 5}', b'{"access_token": "a b"}'])
def test_a_server_that_gives_no_token_is_a_fault_of_authentication(bench: Bench, body: bytes) -> None:
    fault = bench.refused(lambda seen: reply(200, body, JSON), guarded(policy(scopes=[body.hex()])))
    assert short(fault) == ("authentication", 401)


def test_a_refusal_of_the_token_s_server_is_told_by_its_code_alone(bench: Bench) -> None:
    def refuses(seen: Seen) -> bytes:
        return reply(400, b'{"error": "invalid_client", "error_description": "client-secret is wrong"}', JSON)

    fault = bench.refused(refuses, guarded(policy()))
    assert short(fault) == ("authentication", 401)
    assert "invalid_client" in fault.detail
    assert "client-secret" not in fault.detail
