"""Intelligences over REST."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from tests.api.hosting import Served
from tests.guests_that_answer import answers

AT = "/api/v1/intelligences"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    manifest = {"name": "lab", "functions": {"run": {"provides": ["research"], "output_media": "application/json"}}}
    with Served(tmp_path_factory.mktemp("site"), {}) as served:
        files = {"file": ("lab.wasm", answers({"found": 7}, manifest), "application/wasm")}
        assert served.client.post("/api/v1/plugins", files=files).status_code == 201
        yield served.client


def test_one_is_made_shown_used_and_retired(client: httpx.Client) -> None:
    spec = {"name": "Researcher", "required_capabilities": ["research"], "budget": {"calls": 1}}
    made = client.post(AT, json=spec)
    assert made.status_code == 201
    one = made.json()
    path = f"{AT}/{one['id']}"
    assert made.headers["location"] == path
    assert (one["status"], one["version"], one["capabilities"]) == ("Ready", 1, {"research": ["lab.run"]})
    assert client.get(path).json() == one
    called = client.post(f"{path}/calls", json={"capability": "research"})
    assert called.json() == {"output": {"found": 7}}
    spent = client.post(f"{path}/calls", json={"capability": "research"})
    assert spent.json()["code"] == "limit-exceeded"
    refused = client.post(f"{path}/calls", json={"capability": "flying"})
    assert (refused.status_code, refused.json()["code"]) == (403, "permission-denied")
    assert client.delete(path).json()["retired_at"] is not None
    assert client.delete(path).status_code == 409
    assert one["id"] not in [other["id"] for other in client.get(AT).json()["items"]]


def test_one_is_tested_on_cases_which_its_budget_pays(client: httpx.Client) -> None:
    spec = {"name": "Tested", "required_capabilities": ["research"], "min_capability": 0.5, "budget": {"calls": 3}}
    path = f"{AT}/{client.post(AT, json=spec).json()['id']}"
    right, wrong = ({"capability": "research", "input": {"q": 1}, "expect": {"found": one}} for one in (7, 8))
    tested = client.post(f"{path}/practices", json={"cases": [right, wrong]})
    assert (tested.json()["score"], tested.json()["status"]) == (0.5, "Ready")
    assert client.post(f"{path}/practices", json={"cases": [wrong, wrong]}).json()["code"] == "limit-exceeded"
    assert client.get(path).json()["score"] == 0.5
    refused = client.post(f"{path}/practices", json={"cases": []})
    assert (refused.status_code, refused.json()["path"]) == (422, "cases")


def test_lists_come_in_pages(client: httpx.Client) -> None:
    made = [client.post(AT, json={"name": "Many"}).json()["id"] for _ in range(3)]
    found, cursor = [], ""
    while cursor is not None:
        page = client.get(AT, params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        assert len(page["items"]) <= 2
        found += [one["id"] for one in page["items"]]
        cursor = page["next"]
    assert [one for one in found if one in made] == made


@pytest.mark.parametrize(
    "body",
    [{}, {"name": ""}, {"name": "A", "min_capability": 2}, {"name": "A", "budget": {"cals": 1}}, {"name": "A", "x": 1}],
)
def test_a_spec_that_cannot_be_meant_is_refused(client: httpx.Client, body: dict[str, object]) -> None:
    answer = client.post(AT, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-input")


def test_a_strict_one_names_what_is_missing(client: httpx.Client) -> None:
    answer = client.post(AT, json={"name": "A", "required_capabilities": ["flying"], "strict": True})
    assert (answer.status_code, answer.json()["missing"]) == (422, ["flying"])


def test_one_that_is_not_there_is_not_found(client: httpx.Client) -> None:
    for answer in (
        client.get(f"{AT}/int_none"),
        client.delete(f"{AT}/int_none"),
        client.post(f"{AT}/int_none/calls", json={"capability": "research"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert client.post(f"{AT}/int_none/calls", json={"capability": 7}).status_code == 422
