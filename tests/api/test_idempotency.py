"""A write that is sent twice happens once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from starlette.responses import Response
from tests.api.conftest import ASKS, ECHO, Site

from omnicore.api.exchange import Answers
from omnicore.assembly import Host
from omnicore.errors import Conflict, InvalidInput

UPLOAD = "/api/v1/plugins?filename=echo.wat"


def headers(key: str) -> dict[str, str]:
    return {"content-type": "application/wasm", "idempotency-key": key}


def test_the_same_request_has_the_same_answer(site: Site) -> None:
    first = site.client.post(UPLOAD, content=ECHO, headers=headers("k"))
    site.host.disable("echo")
    again = site.client.post(UPLOAD, content=ECHO, headers=headers("k"))
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["x-request-id"] != first.headers["x-request-id"]


def test_another_request_with_the_same_key_is_refused(site: Site) -> None:
    site.client.post(UPLOAD, content=ECHO, headers=headers("k"))
    other = site.client.post(UPLOAD, content=ECHO + " ", headers=headers("k"))
    assert (other.status_code, other.json()["code"]) == (422, "invalid-input")


def test_a_request_that_failed_can_be_sent_again(site: Site) -> None:
    assert site.client.post(UPLOAD, content="(module", headers=headers("k")).status_code == 422
    assert site.client.post(UPLOAD, content=ECHO, headers=headers("k")).status_code == 201


def test_a_grant_is_given_once_for_a_key(site: Site) -> None:
    site.drop("counter.wat", ECHO, ASKS.format(name="counter"))
    grants = "/api/v1/plugins/counter/grants"
    given = site.client.post(grants, json={"capability": "kv"}, headers={"idempotency-key": "g"})
    site.host.revoke("counter", "kv", who="test")
    again = site.client.post(grants, json={"capability": "kv"}, headers={"idempotency-key": "g"})
    assert again.content == given.content
    assert site.host.get("counter").granted == ()


def test_one_key_is_one_task_whichever_host_of_a_database_is_asked(tmp_path: Path) -> None:
    order = {"function": "text.count_vowels", "input": "hello"}

    async def ask() -> list[httpx.Response]:
        answers = []
        async with Host(plugins=tmp_path / "plugins", data=tmp_path / "data", work=False) as host:
            about = {"authorization": f"Bearer {host.access.owner.made()}", "idempotency-key": "k" * 255}
            for given in (order, order, {**order, "input": "another"}):
                # Each application remembers answers of its own, as each host does.
                transport = httpx.ASGITransport(host.asgi())
                async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=about) as client:
                    answers.append(await client.post("/api/v1/tasks", json=given))
        return answers

    answers = asyncio.run(ask())
    assert [answer.status_code for answer in answers] == [201, 201, 422]
    assert answers[0].json()["id"] == answers[1].json()["id"]


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_has_1_to_255_characters(site: Site, key: str) -> None:
    assert site.client.post(UPLOAD, content=ECHO, headers=headers(key)).status_code == 422


def test_a_request_that_still_runs_is_not_run_again() -> None:
    answers = Answers()
    assert answers.begin(("k",), b"1") is None
    with pytest.raises(Conflict):
        answers.begin(("k",), b"1")
    with pytest.raises(InvalidInput):
        answers.begin(("k",), b"2")
    answers.end(("k",), None)
    assert answers.begin(("k",), b"2") is None


def test_the_oldest_answers_go_first_by_count_and_by_bytes() -> None:
    answers = Answers(most=2, most_bytes=100)
    for name, size in (("a", 10), ("b", 10), ("c", 10), ("d", 95)):
        answers.begin((name,), b"1")
        answers.end((name,), Response(b"x" * size))
    assert [answers.begin((name,), b"1") is None for name in "abcd"] == [True, True, True, False]
