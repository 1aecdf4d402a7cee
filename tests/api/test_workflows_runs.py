"""Runs of workflows over REST: started, waited for, looked at, told what to do, and decided about."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from tests.api.conftest import ECHO, until
from tests.api.hosting import Served

DEFINITIONS = {
    "greet": """
  - hello: {set: {text: '${ "Hello \\(.name)" }'}}
  - again: {set: '${ . }'}
""",
    "fails": """
  - first: {set: {done: true}}
  - breaks: {raise: {error: {type: "https://example.com/errors/broken", status: 400, title: Broken}}}
""",
    "waits": """
  - long: {wait: {minutes: 30}}
""",
    "asks": """
  - ask:
      host:
        approval: {title: Sure?, form: {type: object, required: [why]}, role: ROLE}
""",
}


def text(name: str, body: str) -> str:
    return f"document: {{dsl: 1.0.3, namespace: default, name: {name}, version: 1.0.0}}\ndo:{body}"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("site"), {"echo.wat": ECHO}) as served:
        for name, body in DEFINITIONS.items():
            answer = served.client.post(
                "/api/v1/workflows", json={"text": text(name, body.replace("ROLE", "operator"))}
            )
            assert answer.status_code == 201, answer.text
        yield served


@pytest.fixture
def client(served: Served) -> httpx.Client:
    return served.client


def start(client: httpx.Client, workflow: str, **order: object) -> dict[str, object]:
    answer = client.post(f"/api/v1/workflows/{workflow}/runs", json=order)
    assert answer.status_code in (200, 202), answer.text
    return answer.json()


def test_a_run_is_kept_before_the_answer_and_goes_on_after_it(client: httpx.Client) -> None:
    answer = client.post("/api/v1/workflows/greet/runs", json={"input": {"name": "Ada"}})
    assert answer.status_code == 202
    place = answer.headers["location"]
    until(lambda: client.get(place).json()["status"] == "completed")
    run = client.get(place).json()
    assert (run["workflow"], run["number"], run["input"]) == ("greet", 1, {"name": "Ada"})
    assert (run["output"], run["fault"], run["by"]) == ({"text": "Hello Ada"}, None, "rest:owner")


def test_runs_are_listed_by_label_owner_time_and_text(client: httpx.Client) -> None:
    order = {"input": {"name": "Zoë"}, "labels": ["env=prod"], "wait_s": 30}
    run = client.post("/api/v1/workflows/greet/runs", json=order).json()
    assert run["labels"] == ["env=prod"]

    def found(**wanted: object) -> list[str]:
        return [one["id"] for one in client.get("/api/v1/runs", params=wanted).json()["items"]]

    at = run["created_at"]
    assert found(label="env=prod") == found(q="zoë") == found(q="Zoë", owner="owner", since=at - 60) == [run["id"]]
    assert found(label="env=prod", until=at - 60) == found(label="env=prod", owner="nobody") == []
    assert client.get(f"/api/v1/runs/{run['id']}").json()["labels"] == ["env=prod"]
    for wrong in ({"since": "yesterday"}, {"until": "-1"}, {"label": ""}, {"q": "x" * 201}, {"since": "nan"}):
        assert client.get("/api/v1/runs", params=wrong).status_code == 422
    assert client.post("/api/v1/workflows/greet/runs", json={"labels": [""]}).status_code == 422
    assert client.post("/api/v1/workflows/greet/runs", json={"labels": list("abcdefghijklmnopq")}).status_code == 422


def test_whoever_waits_gets_the_output_or_the_fault(client: httpx.Client) -> None:
    answer = client.post("/api/v1/workflows/greet/runs", json={"input": {"name": "Bob"}, "wait_s": 30})
    assert (answer.status_code, answer.json()["output"]) == (200, {"text": "Hello Bob"})
    answer = client.post("/api/v1/workflows/fails/runs", json={"wait_s": 30})
    assert (answer.status_code, answer.json()["status"]) == (200, "faulted")
    assert answer.json()["fault"]["type"] == "https://example.com/errors/broken"
    assert answer.json()["fault"]["instance"] == "/do/1/breaks"


def test_a_wait_is_bounded_and_the_run_goes_on_after_it(client: httpx.Client) -> None:
    for wait_s in (61, -1, "1", True):
        assert client.post("/api/v1/workflows/waits/runs", json={"wait_s": wait_s}).status_code == 422
    run = start(client, "waits", wait_s=0.05)
    assert run["status"] in ("running", "waiting")
    (open_now,) = client.get(f"/api/v1/runs/{run['id']}/open").json()["items"]
    assert (open_now["place"], open_now["kind"]) == ("/do/0/long", "timer")
    assert client.post(f"/api/v1/runs/{run['id']}/cancel").status_code == 200
    until(lambda: client.get(f"/api/v1/runs/{run['id']}").json()["status"] == "cancelled")
    assert client.post(f"/api/v1/runs/{run['id']}/cancel").status_code == 409


def test_a_key_starts_one_run_only(client: httpx.Client) -> None:
    assert start(client, "greet", key="one")["id"] == start(client, "greet", key="one")["id"]
    header = {"idempotency-key": "two"}
    first, again = (client.post("/api/v1/workflows/greet/runs", json={}, headers=header) for _ in range(2))
    assert first.json()["id"] == again.json()["id"]
    assert again.headers["idempotency-replayed"] == "true"
    other = client.post("/api/v1/workflows/greet/runs", json={"input": 1}, headers=header)
    assert other.status_code == 422
    failed = start(client, "fails", key="three", wait_s=10)
    once_more = client.post("/api/v1/workflows/fails/runs", json={"key": "three"})
    assert (once_more.status_code, once_more.headers["idempotency-replayed"]) == (200, "true")
    assert (once_more.json()["id"], once_more.json()["status"]) == (failed["id"], "faulted")
    for key in ("", "x" * 300, 1, "\0"):
        assert client.post("/api/v1/workflows/greet/runs", json={"key": key}).status_code == 422


def test_the_journal_is_read_in_pages_and_its_hashes_hold(client: httpx.Client) -> None:
    run = start(client, "greet", input={"name": "x" * 20_000}, wait_s=30)["id"]
    first = client.get(f"/api/v1/runs/{run}/steps?limit=1").json()
    rest = client.get(f"/api/v1/runs/{run}/steps?after={first['next']}").json()
    steps = [*first["items"], *rest["items"]]
    assert [(one["seq"], one["name"], one["status"]) for one in steps] == [
        (1, "hello", "completed"),
        (2, "again", "completed"),
    ]
    assert steps[1]["cut"]
    whole = client.get(f"/api/v1/runs/{run}/steps/2").json()
    assert whole["output"] == {"text": "Hello " + "x" * 20_000}
    assert client.get(f"/api/v1/runs/{run}/steps/3").status_code == 404
    assert client.get(f"/api/v1/runs/{run}/steps/x").status_code == 404
    audit = client.get(f"/api/v1/runs/{run}/audit").json()
    assert (audit["ok"], audit["rows"]) == (True, 2)
    assert audit["hash"] == client.get(f"/api/v1/runs/{run}").json()["hash"]


def test_a_run_that_failed_is_among_the_dead_and_goes_on_as_another(client: httpx.Client) -> None:
    failed = start(client, "fails", wait_s=30)["id"]
    dead = client.get("/api/v1/runs?status=faulted&workflow=fails&limit=500").json()["items"]
    assert failed in [one["id"] for one in dead]
    retried = client.post(f"/api/v1/runs/{failed}/retry", json={})
    assert (retried.status_code, retried.json()["forked_from"]) == (201, failed)
    until(lambda: client.get(retried.headers["location"]).json()["status"] == "faulted")
    steps = client.get(f"{retried.headers['location']}/steps").json()["items"]
    assert [one["name"] for one in steps] == ["first", "breaks"]
    assert client.post(f"/api/v1/runs/{failed}/retry", json={"place": 1}).status_code == 422
    assert client.get("/api/v1/runs", params={"cursor": "@@"}).status_code == 422


def test_a_failed_run_goes_on_with_the_mended_version_and_its_plan_is_shown_before(client: httpx.Client) -> None:
    broken = """
document: {dsl: 1.0.3, namespace: default, name: mended, version: 1.0.0}
do:
  - first: {set: {a: 1}}
  - second: {raise: {error: {type: 'https://x.org/e', status: 503}}}
"""
    client.post("/api/v1/workflows", json={"text": broken}).raise_for_status()
    failed = start(client, "mended", wait_s=30)["id"]
    at = f"/api/v1/runs/{failed}/retry"
    assert client.get(at, params={"version": 2}).status_code == 404
    mended = broken.replace("{raise: {error: {type: 'https://x.org/e', status: 503}}}", "{set: {b: 2}}")
    client.put("/api/v1/workflows/mended", json={"text": mended}).raise_for_status()
    plan = client.get(at, params={"version": 2}).json()
    assert [[one["name"] for one in plan[part]] for part in ("kept", "again")] == [["first"], ["second"]]
    assert [one["why"] for one in (*plan["kept"], *plan["again"])] == ["", "changed"]
    assert [one["why"] for one in client.get(at).json()["again"]] == ["failed"]
    assert client.get(at, params={"version": "x"}).status_code == 422
    assert client.get(at, params={"place": ""}).status_code == 422
    assert client.post(at, json={"version": 0}).status_code == 422
    retried = client.post(at, json={"version": 2})
    assert (retried.status_code, retried.json()["number"]) == (201, 2)
    until(lambda: client.get(retried.headers["location"]).json()["status"] == "completed")


def test_a_run_goes_on_behind_one_of_its_rows_or_with_another_input(client: httpx.Client) -> None:
    run = start(client, "greet", input={"name": "Ada"}, wait_s=30)["id"]
    for order, output in (({"seq": 1}, "Hello Ada"), ({"seq": 0, "input": {"name": "Eve"}}, "Hello Eve")):
        forked = client.post(f"/api/v1/runs/{run}/fork", json=order)
        assert forked.status_code == 201, forked.text
        until(lambda at=forked.headers["location"]: client.get(at).json()["status"] == "completed")
        assert client.get(forked.headers["location"]).json()["output"] == {"text": output}
    for seq in (None, -1, "1", True, 1.5):
        assert client.post(f"/api/v1/runs/{run}/fork", json={"seq": seq}).status_code == 422


def test_a_run_rests_until_it_is_told_to_go_on(client: httpx.Client) -> None:
    run = start(client, "waits")["id"]
    assert client.post(f"/api/v1/runs/{run}/suspend").status_code == 200
    until(lambda: client.get(f"/api/v1/runs/{run}").json()["status"] == "suspended")
    assert client.post(f"/api/v1/runs/{run}/resume").status_code == 200
    until(lambda: client.get(f"/api/v1/runs/{run}").json()["status"] != "suspended")
    client.post(f"/api/v1/runs/{run}/cancel")


def test_a_trial_runs_a_text_that_is_not_applied(client: httpx.Client) -> None:
    body = {"text": text("greet", "\n  - a: {set: {n: 1}}\n  - b: {set: {n: '${ .n + 1 }'}}\n"), "wait_s": 30}
    run = client.post("/api/v1/workflows/greet/trial", json=body).json()
    assert (run["status"], run["output"], run["trial"], run["number"]) == ("completed", {"n": 2}, True, None)
    later = client.post("/api/v1/workflows/greet/trial", json={**body, "from": "/do/1/b", "input": {"n": 41}}).json()
    assert later["output"] == {"n": 42}
    assert client.get("/api/v1/workflows/greet").json()["number"] == 1
    assert client.post("/api/v1/workflows/greet/trial", json={"text": "a: ["}).status_code == 422
    bare = client.post("/api/v1/workflows/greet/trial", json={**body, "from": "/do/1/b"})
    assert (bare.status_code, bare.json()["path"], bare.json()["place"]) == (422, "input", "/do/1/b")
    again = client.post("/api/v1/workflows/greet/trial", json={**body, "from": "/do/1/b", "run": run["id"]}).json()
    assert again["output"] == {"n": 2}
    here = client.post("/api/v1/workflows/greet/trial", json={**body, "to": "/do/0/a"}).json()
    assert here["output"] == {"n": 1}
    odd = client.post("/api/v1/workflows/greet/trial", json={**body, "calls": "recorded"})
    assert (odd.status_code, odd.json()["path"]) == (422, "run")


def test_runs_are_listed_newest_first_in_pages(client: httpx.Client) -> None:
    made = [start(client, "greet", input={"name": str(number)}, wait_s=30)["id"] for number in range(3)]
    first = client.get("/api/v1/runs?workflow=greet&limit=2").json()
    rest = client.get("/api/v1/runs", params={"workflow": "greet", "limit": 1, "cursor": first["next"]}).json()
    assert [one["id"] for one in [*first["items"], *rest["items"]]] == made[::-1]
    assert client.get("/api/v1/runs?status=lost").status_code == 422
    assert client.get("/api/v1/runs/%00").status_code == 404


def test_a_decision_is_listed_taken_once_and_its_form_checked(client: httpx.Client) -> None:
    run = start(client, "asks", input={"amount": 3})["id"]
    until(lambda: run in [one["run"] for one in client.get("/api/v1/approvals?limit=500").json()["items"]])
    asked = next(one for one in client.get("/api/v1/approvals?limit=500").json()["items"] if one["run"] == run)
    assert (asked["title"], asked["place"], asked["form"]["required"]) == ("Sure?", "/do/0/ask", ["why"])
    place = f"/api/v1/runs/{run}/approvals"
    for wrong in (
        {"approve": True},
        {"place": asked["place"], "approve": 1},
        {"place": asked["place"], "approve": True},
    ):
        assert client.post(place, json=wrong).status_code == 422
    assert client.post(place, json={"place": "/do/9", "approve": True}).status_code == 404
    taken = {"place": asked["place"], "approve": True, "form": {"why": "because"}}
    assert client.post(place, json=taken).status_code == 204
    until(lambda: client.get(f"/api/v1/runs/{run}").json()["status"] == "completed")
    assert client.get(f"/api/v1/runs/{run}").json()["output"]["form"] == {"why": "because"}
    assert client.post(place, json=taken).status_code in (404, 409)
    rows = client.get("/api/v1/audit?limit=100").json()["items"]
    (decided,) = [
        row for row in rows if row["action"] == "decide" and row["target"] == f"run:{run}" and row["outcome"] == "done"
    ]
    assert "because" not in str(decided)


def test_what_is_not_there_is_not_found(client: httpx.Client) -> None:
    for method, path in (
        ("GET", "/api/v1/runs/run_none"),
        ("GET", "/api/v1/runs/run_none/steps"),
        ("GET", "/api/v1/runs/run_none/steps/1"),
        ("GET", "/api/v1/runs/run_none/open"),
        ("GET", "/api/v1/runs/run_none/audit"),
        ("POST", "/api/v1/runs/run_none/cancel"),
        ("POST", "/api/v1/runs/run_none/suspend"),
        ("POST", "/api/v1/runs/run_none/resume"),
        ("POST", "/api/v1/workflows/none/runs"),
        ("GET", "/api/v1/workflows/Not%20a%20name"),
    ):
        answer = client.request(method, path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found"), path
