"""The web services, against local servers that answer as theirs do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.connectors.local_server import Answer, LocalServer, Seen, reply
from tests.connectors.rooms import Room
from tests.connectors.test_connectors import answers, failing, scene

from omnicore.clock import ManualClock
from omnicore.connectors.kind import KINDS, find_kind
from omnicore.errors import InvalidInput, LimitExceeded, ServiceRefused, Unavailable

TOKENS = {
    "github": "ghp_0123456789abcdef",
    "gitlab": "glpat-0123456789abcd",
    "telegram": "123456:AAE-abcdefghijklmnop",
    "discord": "MTk4NjIy.Cl2FMQ.abcdefgh",
    "openai": "sk-0123456789abcdef",
}


def ask(
    folder: Path, kind: str, script: Callable[[Seen], Answer], work: Callable[[Room], Any], **given: Any
) -> tuple[Any, LocalServer]:
    def play(made: Room, url: str) -> Any:
        made.add("it", kind, url.removesuffix("/v1"), {"token": TOKENS[kind]}, limits={"retries": 0})
        return work(made)

    return scene(folder, script, play, **given)


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_says_what_its_actions_take(name: str) -> None:
    kind = find_kind(name)
    assert kind.name == name
    assert len({action.name for action in kind.actions}) == len(kind.actions)
    assert all(action.says and action.input["type"] == "object" for action in kind.actions)
    assert set(kind.required) <= kind.secrets.keys()


# What an action with an input asks of the service: method, target, body.
ASKED: list[tuple[str, str, dict[str, Any], tuple[str, str, Any]]] = [
    ("github", "get_repository", {"repo": "a/b.c"}, ("GET", "/repos/a/b.c", None)),
    (
        *("github", "create_issue", {"repo": "a/b", "title": "T", "labels": ["x"]}),
        ("POST", "/repos/a/b/issues", {"title": "T", "labels": ["x"]}),
    ),
    (
        *("github", "update_issue", {"repo": "a/b", "number": 7, "state": "closed"}),
        ("PATCH", "/repos/a/b/issues/7", {"state": "closed"}),
    ),
    (
        *("github", "comment", {"repo": "a/b", "number": 7, "body": "hi"}),
        ("POST", "/repos/a/b/issues/7/comments", {"body": "hi"}),
    ),
    (
        *("github", "get_file", {"repo": "a/b", "path": "src/a b.py", "ref": "main"}),
        ("GET", "/repos/a/b/contents/src/a%20b.py?ref=main", None),
    ),
    (
        *("github", "dispatch_workflow", {"repo": "a/b", "workflow": "ci.yml", "ref": "main", "inputs": {"a": 1}}),
        ("POST", "/repos/a/b/actions/workflows/ci.yml/dispatches", {"ref": "main", "inputs": {"a": 1}}),
    ),
    (
        *("gitlab", "create_issue", {"project": "g/s/p", "title": "T"}),
        ("POST", "/api/v4/projects/g%2Fs%2Fp/issues", {"title": "T"}),
    ),
    (
        *("gitlab", "comment_merge_request", {"project": "7", "iid": 3, "body": "hi"}),
        ("POST", "/api/v4/projects/7/merge_requests/3/notes", {"body": "hi"}),
    ),
    (
        *("gitlab", "get_file", {"project": "g/p", "path": "a/b.py", "ref": "main"}),
        ("GET", "/api/v4/projects/g%2Fp/repository/files/a%2Fb.py?ref=main", None),
    ),
    (
        *("gitlab", "run_pipeline", {"project": "7", "ref": "main"}),
        ("POST", "/api/v4/projects/7/pipeline", {"ref": "main"}),
    ),
    (
        *("telegram", "send_message", {"chat_id": -100, "text": "hi"}),
        ("POST", f"/bot{TOKENS['telegram']}/sendMessage", {"chat_id": -100, "text": "hi"}),
    ),
    (
        *("telegram", "request", {"method": "sendDice", "parameters": {"chat_id": 1}}),
        ("POST", f"/bot{TOKENS['telegram']}/sendDice", {"chat_id": 1}),
    ),
    (
        *("discord", "send_message", {"channel": "12", "content": "hi", "nonce": "n1"}),
        (
            *("POST", "/channels/12/messages"),
            {"allowed_mentions": {"parse": []}, "content": "hi", "nonce": "n1", "enforce_nonce": True},
        ),
    ),
    (
        *("discord", "react", {"channel": "12", "message": "34", "emoji": "\U0001f44d"}),
        ("PUT", "/channels/12/messages/34/reactions/%F0%9F%91%8D/@me", {}),
    ),
    (
        *("openai", "embeddings", {"input": "hello"}),
        (
            *("POST", "/embeddings"),
            {"model": "text-embedding-3-small", "encoding_format": "float", "input": ["hello"]},
        ),
    ),
]
SHOWN = {
    "github": ("authorization", "Bearer ghp_0123456789abcdef"),
    "gitlab": ("private-token", "glpat-0123456789abcd"),
    "discord": ("authorization", "Bot MTk4NjIy.Cl2FMQ.abcdefgh"),
    "openai": ("authorization", "Bearer sk-0123456789abcdef"),
}
ANSWER = {"ok": True, "result": {"id": 1}, "data": [{"index": 0, "embedding": [0.5, 1]}], "model": "m"}


@pytest.mark.parametrize(("kind", "action", "given", "wanted"), ASKED)
def test_an_action_becomes_the_request_that_the_service_documents(
    tmp_path: Path, kind: str, action: str, given: dict[str, Any], wanted: tuple[str, str, Any]
) -> None:
    output, server = ask(tmp_path, kind, lambda seen: answers(ANSWER), lambda made: made.use("it", action, **given))
    (seen,) = server.seen
    assert (seen.method, seen.target, json.loads(seen.body) if seen.body else None) == wanted
    if kind in SHOWN:
        assert seen.headers[SHOWN[kind][0]] == SHOWN[kind][1]
    shapes: dict[str, Any] = {
        "telegram": {"id": 1},
        "openai": {"vectors": [[0.5, 1]], "model": "m", "usage": {}},
    }
    assert output == shapes.get(kind, ANSWER)


@pytest.mark.parametrize(
    ("kind", "action", "given"),
    [
        ("github", "get_repository", {"repo": "../.."}),
        ("github", "get_repository", {"repo": "a/b/../../user"}),
        ("github", "get_file", {"repo": "a/b", "path": "../../../user"}),
        ("gitlab", "get_project", {"project": ".."}),
        ("telegram", "request", {"method": "setWebhook", "parameters": {"url": "https://evil.example"}}),
        ("telegram", "request", {"method": "../getMe"}),
        ("telegram", "send_message", {"chat_id": "1/../..", "text": "x"}),
        ("discord", "get_channel", {"channel": "12/../../users"}),
    ],
)
def test_inputs_that_would_lead_elsewhere_are_refused_before_anything_is_sent(
    tmp_path: Path, kind: str, action: str, given: dict[str, Any]
) -> None:
    error, server = ask(
        tmp_path,
        kind,
        lambda seen: answers({"ok": True}),
        lambda made: failing(lambda: made.use("it", action, **given)),
    )
    assert isinstance(error, InvalidInput)
    assert server.seen == []


def test_pages_are_followed_until_there_are_enough(tmp_path: Path) -> None:
    def script(seen: Seen) -> Answer:
        page = int(seen.target.rpartition("page=")[2]) if "&page=" in seen.target else 1
        link = f'<http://{seen.headers["host"]}/repos/a/b/issues?state=open&per_page=2&page={page + 1}>; rel="next"'
        return answers([{"n": page * 2 - 1}, {"n": page * 2}], 200, f'Link: <x>; rel="prev", {link}')

    def work(made: Room) -> Any:
        return made.use("it", "list_issues", repo="a/b", state="open", limit=5)

    output, server = ask(tmp_path, "github", script, work)
    assert [one["n"] for one in output] == [1, 2, 3, 4, 5]
    assert [seen.target for seen in server.seen] == [
        "/repos/a/b/issues?state=open&per_page=5",
        "/repos/a/b/issues?state=open&per_page=2&page=2",
        "/repos/a/b/issues?state=open&per_page=2&page=3",
    ]


@pytest.mark.parametrize("link", ["https://evil.example/steal", "http://127.0.0.1:1/repos", "//evil.example/a"])
def test_a_next_page_at_another_place_is_not_asked_for(tmp_path: Path, link: str) -> None:
    def work(made: Room) -> Any:
        return failing(lambda: made.use("it", "list_issues", repo="a/b", limit=500))

    error, server = ask(tmp_path, "github", lambda seen: answers([1], 200, f'Link: <{link}>; rel="next"'), work)
    assert "another place" in error.fact
    assert len(server.seen) == 1


def test_pages_without_end_are_a_limit(tmp_path: Path) -> None:
    def script(seen: Seen) -> Answer:
        return answers([1], 200, f'Link: <http://{seen.headers["host"]}/repos/a/b/issues?page=2>; rel="next"')

    error, server = ask(
        tmp_path, "github", script, lambda made: failing(lambda: made.use("it", "list_issues", repo="a/b", limit=1000))
    )
    assert (type(error), len(server.seen)) == (LimitExceeded, 50)


RATES: list[tuple[str, str, dict[str, Any], Answer, float]] = [
    (
        *("github", "get_repository", {"repo": "a/b"}),
        answers({"message": "rate"}, 403, "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 1700000100"),
        100.0,
    ),
    ("github", "get_repository", {"repo": "a/b"}, answers({"message": "slow down"}, 403, "Retry-After: 60"), 60.0),
    (
        *("telegram", "get_me", {}),
        answers({"ok": False, "error_code": 429, "description": "Too Many", "parameters": {"retry_after": 9}}, 429),
        10.0,
    ),
    ("discord", "get_channel", {"channel": "1"}, answers({"message": "limited", "retry_after": 1.3}, 429), 2.0),
    ("gitlab", "get_project", {"project": "1"}, answers({}, 429, "Retry-After: Tue, 14 Nov 2023 22:14:20 GMT"), 60.0),
]


@pytest.mark.parametrize(("kind", "action", "given", "answer", "wait"), RATES)
def test_a_rate_limit_says_when_to_come_back_in_each_services_way(
    tmp_path: Path, kind: str, action: str, given: dict[str, Any], answer: Answer, wait: float
) -> None:
    error, _ = ask(
        tmp_path,
        kind,
        lambda seen: answer,
        lambda made: failing(lambda: made.use("it", action, **given)),
        clock=ManualClock(),
    )
    assert (type(error), error.details["retry_after_s"]) == (Unavailable, wait)


@pytest.mark.parametrize(
    ("kind", "action", "given", "body", "code"),
    [
        ("github", "get_repository", {"repo": "a/b"}, {"message": "Not Found"}, ""),
        ("gitlab", "get_project", {"project": "1"}, {"message": {"title": ["is too long"]}}, ""),
        ("telegram", "get_me", {}, {"ok": False, "error_code": 404, "description": "Not Found"}, "404"),
        ("discord", "get_channel", {"channel": "1"}, {"message": "Unknown Channel", "code": 10003}, "10003"),
        ("openai", "models", {}, {"error": {"message": "no such", "type": "invalid", "code": "gone"}}, "gone"),
    ],
)
def test_a_refusal_carries_the_services_own_words_and_code(
    tmp_path: Path, kind: str, action: str, given: dict[str, Any], body: Any, code: str
) -> None:
    error, _ = ask(
        tmp_path, kind, lambda seen: answers(body, 404), lambda made: failing(lambda: made.use("it", action, **given))
    )
    assert isinstance(error, ServiceRefused)
    assert (error.details["status"], error.details["service_code"]) == (404, code)
    assert TOKENS[kind] not in str(error)


@pytest.mark.parametrize("kind", TOKENS)
def test_a_test_says_whether_the_service_takes_the_credential(tmp_path: Path, kind: str) -> None:
    status = iter([200, 401])

    def work(made: Room) -> Any:
        return [made.service.test_blocking("it") for _ in range(2)]

    (good, bad), server = ask(tmp_path, kind, lambda seen: answers({"ok": True}, next(status)), work)
    assert (good["ok"], good["error"]) == (True, None)
    assert (bad["ok"], bad["error"]["code"]) == (False, "service-refused")
    assert {seen.method for seen in server.seen} == {"GET"}


@pytest.mark.parametrize("kind", ["github", "telegram", "openai"])
def test_an_answer_that_is_no_json_is_a_failure_that_may_pass(tmp_path: Path, kind: str) -> None:
    action, given = {"github": ("get_repository", {"repo": "a/b"}), "telegram": ("get_me", {})}.get(
        kind, ("models", {})
    )
    error, _ = ask(
        tmp_path,
        kind,
        lambda seen: reply(200, b"<html>"),
        lambda made: failing(lambda: made.use("it", action, **given)),
    )
    assert (type(error), error.details["temporary"]) == (Unavailable, True)


def stream(*chunks: str) -> bytes:
    return reply(
        200,
        "".join(f": a comment\r\ndata: {chunk}\n\n" for chunk in chunks).encode(),
        "Content-Type: text/event-stream",
    )


def delta(text: str, ended: str | None = None) -> str:
    return json.dumps({"model": "m", "choices": [{"delta": {"content": text}, "finish_reason": ended}]})


def test_a_chat_is_an_answer_or_grows_as_events(tmp_path: Path) -> None:
    whole = {"model": "m", "choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}], "usage": {"n": 1}}

    def script(seen: Seen) -> Answer:
        if not json.loads(seen.body).get("stream"):
            return answers(whole)
        return stream(delta("Hel"), delta("lo", "stop"), json.dumps({"choices": [], "usage": {"n": 1}}), "[DONE]")

    def work(made: Room) -> Any:
        messages = [{"role": "user", "content": "hi"}]
        plain = made.use("it", "chat", messages=messages)
        grown = made.use("it", "chat", messages=messages, stream=True, stream_id="s1")
        return plain, grown, made.events("connector.it.chunk")

    (plain, grown, events), server = ask(tmp_path, "openai", lambda seen: script(seen), work)
    assert plain == grown == {"content": "Hello", "finish_reason": "stop", "model": "m", "usage": {"n": 1}}
    assert [data for _, data in events] == [
        {"stream": "s1", "index": 1, "text": "Hel"},
        {"stream": "s1", "index": 2, "text": "lo"},
    ]
    assert "stream_id" not in json.loads(server.seen[1].body)
    assert json.loads(server.seen[0].body)["model"] == "gpt-4o-mini"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (stream(delta("half")), "broke off its answer"),
        (stream(delta("half"), "{no json"), "streams something that is no JSON"),
        (stream('{"error": {"message": "overloaded"}}'), "broke off its answer"),
        (answers({"error": {"message": "too long"}}, 400), "too long"),
    ],
)
def test_a_stream_that_breaks_off_is_no_answer(tmp_path: Path, answer: Answer, words: str) -> None:
    def work(made: Room) -> Any:
        return failing(lambda: made.use("it", "chat", messages=[{"role": "user", "content": "x"}], stream=True))

    error, _ = ask(tmp_path, "openai", lambda seen: answer, work)
    assert words in error.fact


def test_a_vector_is_missing_or_wrong_and_none_is_given(tmp_path: Path) -> None:
    bodies = iter([{"data": [{"embedding": [1]}]}, {"data": [{"embedding": [1]}, {"embedding": ["x"]}]}, {"no": 1}])

    def work(made: Room) -> Any:
        return [failing(lambda: made.use("it", "embeddings", input=["a", "b"])) for _ in range(3)]

    errors, _ = ask(tmp_path, "openai", lambda seen: answers(next(bodies)), work)
    assert {type(error) for error in errors} == {Unavailable}
