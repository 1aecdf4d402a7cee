"""Definitions of workflows over REST, and what an editor asks, on a host that runs them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest
from tests.api.conftest import ECHO
from tests.api.hosting import Served


def text(name: str, says: str = "Hello", namespace: str = "default") -> str:
    return f"""
document: {{dsl: 1.0.3, namespace: {namespace}, name: {name}, version: 1.0.0, title: Greets people}}
# a remark that stays
do:
  - hello:
      set: {{text: '${{ "{says} \\(.name)" }}'}}
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("site"), {"echo.wat": ECHO}) as served:
        yield served


@pytest.fixture
def client(served: Served) -> httpx.Client:
    return served.client


def add(client: httpx.Client, name: str, **more: str) -> dict[str, object]:
    answer = client.post("/api/v1/workflows", json={"text": text(name, **more)})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_workflow_is_kept_as_it_was_written(client: httpx.Client) -> None:
    answer = client.post("/api/v1/workflows", json={"text": text("kept")})
    assert answer.status_code == 201
    assert answer.headers["location"] == "/api/v1/workflows/kept"
    made = answer.json()
    assert (made["id"], made["title"], made["number"], made["enabled"]) == ("kept", "Greets people", 1, True)
    shown = client.get("/api/v1/workflows/kept")
    assert shown.json() == made
    assert shown.json()["text"] == text("kept")
    assert shown.json()["document"]["do"][0]["hello"]
    assert shown.headers["etag"] == f'"{made["digest"]}"'


def test_one_of_another_namespace_has_it_in_its_name(client: httpx.Client) -> None:
    assert add(client, "far", namespace="away")["id"] == "away.far"
    assert client.get("/api/v1/workflows/away.far").json()["name"] == "far"
    assert client.get("/api/v1/workflows/far").status_code == 404


def test_a_second_one_of_a_name_is_refused_and_a_key_repeats_the_answer(client: httpx.Client) -> None:
    key = {"idempotency-key": "once"}
    first = client.post("/api/v1/workflows", json={"text": text("twice")}, headers=key)
    assert client.post("/api/v1/workflows", json={"text": text("twice")}, headers=key).json() == first.json()
    refused = client.post("/api/v1/workflows", json={"text": text("twice")})
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")


def test_a_text_that_is_no_workflow_is_refused_with_every_place(client: httpx.Client) -> None:
    refused = client.post("/api/v1/workflows", json={"text": text("wrong").replace("set:", "sett:")})
    assert (refused.status_code, refused.json()["code"]) == (422, "workflow-invalid")
    assert refused.json()["problems"][0]["line"] > 3


def test_a_change_is_another_version_and_a_stale_one_is_refused(client: httpx.Client) -> None:
    first = add(client, "changed")
    place = "/api/v1/workflows/changed"
    second = client.put(place, json={"text": text("changed", "Hi"), "digest": first["digest"]})
    assert (second.status_code, second.json()["number"]) == (200, 2)
    for stale in ({"json": {"digest": first["digest"]}}, {"headers": {"if-match": f'"{first["digest"]}"'}, "json": {}}):
        body = {"text": text("changed", "Hey"), **stale["json"]}
        refused = client.put(place, json=body, headers=stale.get("headers"))
        assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    tag = {"if-match": second.headers["etag"]}
    assert client.put(place, json={"text": text("changed", "Hey")}, headers=tag).json()["number"] == 3
    versions = client.get(f"{place}/versions").json()["items"]
    assert [one["number"] for one in versions] == [3, 2, 1]
    assert "text" not in versions[0]
    assert client.get(f"{place}/versions/1").json()["text"] == text("changed")
    assert client.get(f"{place}/versions/9").status_code == 404
    assert client.get(f"{place}/versions/x").status_code == 404
    (change,) = client.get(f"{place}/diff?from=1&to=3").json()["changes"]
    assert (change["kind"], change["path"]) == ("changed", "/do/0/hello/set/text")
    assert "Hello" in change["before"]
    assert client.get(f"{place}/diff?from=1").status_code == 422


def test_a_change_of_a_definition_is_an_event_and_the_same_text_is_none(client: httpx.Client) -> None:
    add(client, "heard")
    place = "/api/v1/workflows/heard"
    for said in ("Hi", "Hi"):
        client.put(place, json={"text": text("heard", said)}).raise_for_status()
    client.post(f"{place}/disable").raise_for_status()
    client.delete(place).raise_for_status()
    kept = client.get("/api/v1/events", params={"topic": "workflow.changed"}).json()["items"]
    told = [one["data"] for one in kept if one["data"]["workflow"] == "heard"]
    assert sorted((one["change"], one.get("number", 0)) for one in told) == [
        ("off", 0), ("removed", 0), ("saved", 1), ("saved", 2)
    ]  # fmt: skip


def test_a_text_of_another_name_is_refused_in_its_place(client: httpx.Client) -> None:
    add(client, "mine")
    refused = client.put("/api/v1/workflows/mine", json={"text": text("yours")})
    assert (refused.status_code, refused.json()["path"]) == (422, "/document/name")
    assert client.get("/api/v1/workflows/yours").status_code == 404


def test_pages_follow_each_other_and_leave_the_texts_out(client: httpx.Client) -> None:
    for name in ("page-a", "page-b", "page-c"):
        add(client, name)
    found, cursor = [], ""
    while cursor is not None:
        page = client.get("/api/v1/workflows", params={"limit": 2, "q": "page-", "cursor": cursor}).json()
        found += page["items"]
        cursor = page["next"]
    assert [one["id"] for one in found] == ["page-a", "page-b", "page-c"]
    assert "text" not in found[0]
    assert found[0]["last_run"] is None
    assert client.get("/api/v1/workflows?cursor=%00").status_code == 422


def test_one_that_is_switched_off_cannot_be_started_and_a_removed_one_is_gone(client: httpx.Client) -> None:
    add(client, "off")
    assert client.post("/api/v1/workflows/off/disable").json()["enabled"] is False
    refused = client.post("/api/v1/workflows/off/runs", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert client.post("/api/v1/workflows/off/enable").json()["enabled"] is True
    assert client.delete("/api/v1/workflows/off").status_code == 204
    assert client.get("/api/v1/workflows/off").status_code == 404
    assert client.delete("/api/v1/workflows/off").status_code == 404


def test_a_text_is_checked_without_being_kept(client: httpx.Client) -> None:
    good = client.post("/api/v1/workflows/validate", json={"text": text("checked")}).json()
    assert (good["valid"], good["problems"]) == (True, [])
    assert good["document"]["document"]["name"] == "checked"
    bad = client.post("/api/v1/workflows/validate", json={"text": text("checked").replace("name)", "name")}).json()
    assert bad["valid"] is False
    assert {"path", "line", "column", "fact", "remedy", "severity"} <= bad["problems"][0].keys()
    assert client.post("/api/v1/workflows/validate", json={"text": "a: ["}).json()["document"] is None
    assert client.get("/api/v1/workflows/checked").status_code == 404


def test_the_palette_shows_what_may_be_called(client: httpx.Client) -> None:
    palette = client.get("/api/v1/workflows/palette").json()
    (echo,) = palette["plugins"]
    assert [one["ref"] for one in echo["functions"]] == ["echo.echo"]
    assert {"memory.store@host", "kv.put@host"} <= {one["ref"] for one in palette["host"]}


def test_an_expression_is_evaluated_and_says_what_is_wrong_with_it(client: httpx.Client) -> None:
    def evaluate(**order: object) -> httpx.Response:
        return client.post("/api/v1/workflows/evaluate", json=order)

    assert evaluate(expression="${ .a | map(. + $by) }", data={"a": [1]}, variables={"by": 2}).json() == {"value": [3]}
    wrong = evaluate(expression=".[")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "expression-invalid")
    failed = evaluate(expression=".a.b", data={"a": 1})
    assert (failed.status_code, failed.json()["code"]) == (422, "expression-failed")
    assert "Cannot index number" in failed.json()["detail"]
    assert evaluate(expression=".", variables=[1]).status_code == 422
    assert evaluate(expression="def f: f; f").json()["code"] == "expression-failed"


def test_the_record_of_changes_says_who_changed_what_and_not_the_text(client: httpx.Client) -> None:
    add(client, "recorded", says="a-secret-word")
    client.delete("/api/v1/workflows/recorded")
    rows = client.get("/api/v1/audit?limit=100").json()["items"]
    about = [row for row in rows if row["target"] == "workflow:recorded"]
    assert {row["action"] for row in about} == {"addWorkflow", "removeWorkflow"}
    assert "a-secret-word" not in json.dumps(about)


def test_omniflows_paths_take_its_node_form_and_run_it(client: httpx.Client) -> None:
    nodes = [{"id": "shout", "type": "plugin", "plugin": "echo.echo", "next": []}]
    given = {"workflow": {"id": "plain", "name": "Plain", "start_node": "shout", "nodes": nodes}}
    made = client.post("/api/workflows", json=given)
    assert made.status_code == 201, made.text
    assert made.json()["id"] in [one["id"] for one in client.get("/api/workflows").json()]
    place = f"/api/workflows/{made.json()['id']}"
    assert client.get(place).json()["document"]["do"]
    ran = client.post(f"{place}/execute", json={"input": {"a": 1}})
    assert (ran.status_code, ran.json()["output"]) == (200, '{"a":1}')  # a plugin that declares nothing gives text
    assert client.post("/api/workflows", json={"text": text("by-text")}).json()["id"] == "by-text"
    assert client.post("/api/workflows", content=b"[").status_code == 422
    assert client.post("/api/workflows/none/execute", json={}).status_code == 404


def test_the_node_form_is_taken_as_text_and_its_problems_name_its_places(client: httpx.Client) -> None:
    nodes = [{"id": "shout", "type": "plugin", "plugin": "echo.echo", "next": []}]
    given = json.dumps({"workflow": {"id": "nodes", "start_node": "shout", "nodes": nodes}}, indent=1)
    checked = client.post("/api/v1/workflows/validate", json={"text": given}).json()
    assert (checked["valid"], checked["problems"]) == (True, [])
    made = client.post("/api/v1/workflows", json={"text": given})
    assert made.status_code == 201, made.text
    assert made.json()["document"]["do"] == checked["document"]["do"] == json.loads(made.json()["text"])["do"]
    again = client.put("/api/v1/workflows/nodes", json={"text": given, "digest": made.json()["digest"]})
    assert (again.status_code, again.json()["number"]) == (200, 1)
    wrong = given.replace("echo.echo", "no name")
    (problem,) = client.post("/api/v1/workflows/validate", json={"text": wrong}).json()["problems"]
    assert (problem["path"], problem["line"]) == ("/workflow/nodes/0/plugin", 9)
    refused = client.put("/api/v1/workflows/nodes", json={"text": wrong})
    assert (refused.status_code, refused.json()["problems"][0]["path"]) == (422, "/workflow/nodes/0/plugin")


def test_triggers_and_other_workflows_that_this_host_has_not_are_warnings(client: httpx.Client) -> None:
    more = "  - more: {run: {workflow: {namespace: default, name: nowhere, version: latest}}}\n"
    named = text("names") + more + "host: {triggers: [{webhook: nobodys}, {connector: nobodys}]}\n"
    checked = client.post("/api/v1/workflows/validate", json={"text": named}).json()
    assert checked["valid"]
    assert [(one["severity"], one["path"]) for one in checked["problems"]] == [
        ("warning", "/do/1/more/run/workflow/name"),
        ("warning", "/host/triggers/0/webhook"),
        ("warning", "/host/triggers/1/connector"),
    ]


def test_calls_of_what_this_host_has_not_are_warnings(client: httpx.Client) -> None:
    called = text("calls").replace("set: {text", "call: ecko.echo\n      with: {text")
    checked = client.post("/api/v1/workflows/validate", json={"text": called}).json()
    assert checked["valid"]
    (problem,) = checked["problems"]
    assert (problem["severity"], problem["path"], problem["line"]) == ("warning", "/do/0/hello/call", 6)
    assert problem["remedy"] == "did you mean `echo.echo`?"
    assert client.post("/api/v1/workflows", json={"text": called}).status_code == 201
