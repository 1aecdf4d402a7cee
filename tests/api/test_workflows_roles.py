"""Who may decide: the approval says it, and an operator may start what an admin has written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import httpx
import pytest
from tests.access.people import CHEAP, make
from tests.api.conftest import ECHO, until
from tests.api.hosting import Served

from omnicore.access.principal import Role
from omnicore.config.settings import AccessSettings

ROLES = (Role.viewer, Role.operator, Role.admin)


def asks(role: str) -> str:
    about = f"{{dsl: 1.0.3, namespace: default, name: asks-{role}, version: 1.0.0}}"
    return f"document: {about}\ndo:\n  - ask: {{host: {{approval: {{title: Sure?, role: {role}}}}}}}\n"


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[Role, httpx.Client]]:
    with Served(tmp_path_factory.mktemp("site"), {"echo.wat": ECHO}, access=AccessSettings(**CHEAP)) as served:
        access = served.host.access
        clients = {}
        for role in ROLES:
            user = make(access, role.name, role)
            key = access.tokens.add("t", owner=user.id, role=Role.admin)[1]
            headers = {"authorization": f"Bearer {key}"}
            clients[role] = httpx.Client(base_url=served.url, headers=headers, timeout=30)
        for asked in ROLES:
            made = clients[Role.admin].post("/api/v1/workflows", json={"text": asks(asked.name)})
            assert made.status_code == 201, made.text
        yield clients
        for client in clients.values():
            client.close()


def approvals(person: httpx.Client) -> list[str]:
    """The runs whose approvals a person is shown."""
    return [one["run"] for one in person.get("/api/v1/approvals?limit=500").json()["items"]]


@pytest.mark.parametrize("asked", ROLES)
def test_a_decision_is_for_the_role_that_it_asks_for_and_those_above(
    people: Mapping[Role, httpx.Client], asked: Role
) -> None:
    operator = people[Role.operator]
    for role, person in people.items():
        run = operator.post(f"/api/v1/workflows/asks-{asked.name}/runs", json={}).json()["id"]
        place = f"/api/v1/runs/{run}"
        until(lambda run=run: run in approvals(people[Role.admin]))
        listed = run in approvals(person)
        answer = person.post(f"{place}/approvals", json={"place": "/do/0/ask", "approve": True})
        assert (answer.status_code, listed) == ((204, True) if role >= asked else (403, False))
        operator.post(f"{place}/cancel")


def test_a_viewer_reads_an_operator_runs_and_an_admin_writes(people: Mapping[Role, httpx.Client]) -> None:
    text = {"text": asks("operator").replace("asks-", "new-")}
    for role, person in people.items():
        answers = (
            person.get("/api/v1/workflows/asks-admin").status_code,
            person.post("/api/v1/workflows/validate", json=text).status_code,
            person.post("/api/v1/workflows/none/runs", json={}).status_code,
            person.delete("/api/v1/workflows/none").status_code,
        )
        assert answers == (200, *(403 if role < needed else status for needed, status in NEEDS)), role


NEEDS = ((Role.operator, 200), (Role.operator, 404), (Role.admin, 404))
