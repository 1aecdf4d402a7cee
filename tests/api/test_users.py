"""Users and tokens over HTTP: what admins do to users, and what everybody does with tokens of one's own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import httpx
import pytest
from tests.access.people import CHEAP, PASSWORD, make
from tests.api.conftest import ECHO
from tests.api.hosting import Served

from omnicore.access.principal import Role
from omnicore.config.settings import AccessSettings

USERS = "/api/v1/users"
TOKENS = "/api/v1/tokens"
Logged = Callable[[str], httpx.Client]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    files = {"echo.wat": ECHO, "other.wat": ECHO}
    with Served(tmp_path_factory.mktemp("served"), files, access=AccessSettings(**CHEAP)) as made:
        make(made.host.access, "root", Role.admin)
        make(made.host.access, "grace", Role.viewer)
        make(made.host.access, "linus", Role.nobody, plugins={"echo": Role.operator})
        yield made


@pytest.fixture
def logged(served: Served) -> Iterator[Logged]:
    """A browser in which somebody has logged in."""
    clients: list[httpx.Client] = []

    def opened(name: str) -> httpx.Client:
        client = httpx.Client(base_url=served.url, timeout=30)
        clients.append(client)
        answer = client.post("/api/v1/session", json={"name": name, "password": PASSWORD})
        client.headers["x-csrf-token"] = answer.json()["csrf"]
        return client

    yield opened
    for client in clients:
        client.close()


@pytest.fixture
def root(logged: Logged) -> httpx.Client:
    return logged("root")


def bearer(served: Served, key: str) -> httpx.Client:
    return httpx.Client(base_url=served.url, headers={"authorization": f"Bearer {key}"})


def test_a_user_is_made_shown_changed_and_removed(root: httpx.Client, logged: Logged) -> None:
    order = {"name": "Ada", "role": "operator", "plugins": {"echo": "admin"}, "password": PASSWORD}
    made = root.post(USERS, json=order)
    assert (made.status_code, made.headers["location"]) == (201, f"{USERS}/ada")
    assert set(made.json()) == {
        *("id", "name", "role", "plugins", "disabled", "created_at", "last_login_at", "second"),
    }
    ada = logged("ada")
    assert root.get(f"{USERS}/ada").json()["last_login_at"] is not None
    assert [one["name"] for one in root.get(USERS, params={"limit": 1}).json()["items"]] == ["ada"]
    changed = root.put(f"{USERS}/ada", json={"role": "viewer", "plugins": {}})
    assert (changed.json()["role"], changed.json()["plugins"]) == ("viewer", {})
    assert ada.get("/api/v1/plugins").status_code == 401
    assert root.put(f"{USERS}/ada", json={"password": "another password"}).status_code == 200
    assert root.delete(f"{USERS}/ada").status_code == 204
    assert root.get(f"{USERS}/ada").status_code == 404


@pytest.mark.parametrize(
    "order",
    [
        {},
        {"name": "eve", "password": PASSWORD},
        {"name": "eve", "role": "root", "password": PASSWORD},
        {"name": "e v e", "role": "viewer", "password": PASSWORD},
        {"name": "eve", "role": "viewer", "password": "short"},
        {"name": "eve", "role": "viewer", "password": None},
        {"name": "eve", "role": "viewer", "password": PASSWORD, "plugins": {"a": 1}},
    ],
)
def test_a_user_that_makes_no_sense_is_refused(root: httpx.Client, order: dict[str, object]) -> None:
    assert root.post(USERS, json=order).status_code == 422


def test_the_last_admin_stays_one(root: httpx.Client) -> None:
    for answer in (root.delete(f"{USERS}/root"), root.put(f"{USERS}/root", json={"role": "viewer"})):
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


def test_a_token_is_shown_once_and_does_what_it_may(served: Served, root: httpx.Client) -> None:
    order = {"name": "ci", "role": "operator", "scopes": ["calls"], "expires_at": time.time() + 1000}
    made = root.post(TOKENS, json=order).json()
    assert made["secret"].startswith("omc_")
    assert (made["owner"], made["scopes"], made["last_used_at"]) == ("root", ["calls"], None)
    with bearer(served, made["secret"]) as program:
        assert program.post("/api/v1/plugins/echo/functions/echo", content=b"hi").content == b"hi"
        refused = program.get("/api/v1/plugins")
        assert (refused.status_code, refused.json()["scope"]) == (403, "plugins")
        listed = [one for one in root.get(TOKENS).json()["items"] if one["id"] == made["id"]]
        assert "secret" not in listed[0]
        assert root.delete(f"{TOKENS}/{made['id']}").status_code == 204
        assert program.post("/api/v1/plugins/echo/functions/echo", content=b"hi").status_code == 401


def test_a_token_makes_no_tokens(served: Served, root: httpx.Client) -> None:
    made = root.post(TOKENS, json={"name": "t", "role": "admin", "scopes": ["tokens"]}).json()
    with bearer(served, made["secret"]) as program:
        assert program.get(TOKENS).status_code == 200
        assert program.post(TOKENS, json={"name": "more", "role": "admin"}).status_code == 403


def test_a_token_that_may_only_read_ends_nothing_of_its_owners_but_itself(served: Served, root: httpx.Client) -> None:
    other = root.post(TOKENS, json={"name": "other", "role": "admin"}).json()
    lesser = root.post(TOKENS, json={"name": "lesser", "role": "viewer"}).json()
    own = next(one["id"] for one in root.get("/api/v1/sessions").json()["items"] if one["current"])
    with bearer(served, lesser["secret"]) as reader:
        assert [reader.get(path).json()["items"] for path in (TOKENS, "/api/v1/sessions")] == [[], []]
        assert reader.delete(f"{TOKENS}/{other['id']}").status_code == 404
        assert reader.delete(f"/api/v1/sessions/{own}").status_code == 404
        assert reader.delete(f"{TOKENS}/{lesser['id']}").status_code == 204
        assert reader.get(TOKENS).status_code == 401
    assert root.delete(f"{TOKENS}/{other['id']}").status_code == 204


def test_nobody_makes_a_token_with_more_than_one_has(logged: Logged) -> None:
    grace, linus = logged("grace"), logged("linus")
    assert grace.post(TOKENS, json={"name": "t", "role": "operator"}).status_code == 403
    assert linus.post(TOKENS, json={"name": "t", "role": "nobody", "plugins": {"other": "viewer"}}).status_code == 403
    assert linus.post(TOKENS, json={"name": "t", "role": "nobody", "plugins": {"echo": "operator"}}).status_code == 201


def test_one_sees_and_revokes_only_ones_own_tokens(root: httpx.Client, logged: Logged) -> None:
    mine = root.post(TOKENS, json={"name": "mine"}).json()["id"]
    grace = logged("grace")
    theirs = grace.post(TOKENS, json={"name": "theirs"}).json()["id"]
    assert [one["id"] for one in grace.get(TOKENS).json()["items"]] == [theirs]
    assert grace.delete(f"{TOKENS}/{mine}").status_code == 404
    assert root.delete(f"{TOKENS}/{theirs}").status_code == 204


@pytest.mark.parametrize(
    "order",
    [
        *({}, {"name": ""}, {"name": 1}, {"name": "a", "scopes": ["everything"]}, {"name": "a", "scopes": "calls"}),
        *({"name": "a", "expires_at": 5}, {"name": "a", "expires_at": True}, {"name": "a", "expires_at": 1e300}),
        {"name": "a\0b"},
    ],
)
def test_a_token_that_makes_no_sense_is_refused(root: httpx.Client, order: dict[str, object]) -> None:
    assert root.post(TOKENS, json=order).status_code == 422


def test_somebody_with_rights_on_one_plugin_sees_that_one_alone(logged: Logged) -> None:
    linus = logged("linus")
    assert [one["name"] for one in linus.get("/api/v1/plugins").json()["items"]] == ["echo"]
    assert [one["name"] for one in linus.get("/api/plugins").json()] == ["echo"]
    assert "/api/v1/plugins/other/functions/echo" not in linus.get("/openapi.json").json()["paths"]
    assert linus.get("/api/v1/plugins/echo").status_code == 200
    assert linus.post("/api/v1/plugins/echo/functions/echo", content=b"hi").content == b"hi"
    hidden = linus.get("/api/v1/plugins/other")
    assert (hidden.status_code, hidden.json()["needs"]) == (403, "viewer")
    assert linus.post("/api/v1/plugins/other/functions/echo", content=b"hi").status_code == 403


def test_an_answer_that_was_kept_for_a_repeated_request_is_nobody_elses(root: httpx.Client, logged: Logged) -> None:
    headers = {"idempotency-key": "same"}
    order = {"name": "kept", "dimensions": 2}
    assert root.post("/api/v1/vectors/collections", json=order, headers=headers).status_code == 201
    again = root.post("/api/v1/vectors/collections", json=order, headers=headers)
    assert again.headers["idempotency-replayed"] == "true"
    refused = logged("grace").post("/api/v1/vectors/collections", json=order, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
