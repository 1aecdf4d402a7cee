"""Guessing passwords, riding on sessions and reusing keys."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from tests.api.hosting import Served
from tests.attack.conftest import NAME, PASSWORD, Start, signed_in

SESSION, USERS = "/api/v1/session", "/api/v1/users"
CALL = "/api/v1/plugins/echo/functions/echo"


def tried(client: httpx.Client, password: str, name: str = NAME, **headers: str) -> httpx.Response:
    return client.post(SESSION, json={"name": name, "password": password}, headers=headers)


def test_a_password_can_be_guessed_a_few_times_only_and_then_not_even_the_right_one_helps(start: Start) -> None:
    host = start(access={"login_tries": 3})
    codes = [tried(host.client, f"guess {number} of many").status_code for number in range(3)]
    assert codes == [401] * 3
    refused = tried(host.client, PASSWORD)
    assert (refused.status_code, refused.json()["code"]) == (429, "too-many-tries")
    assert int(refused.headers["retry-after"]) > 0


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded", "x-real-ip", "client-ip"])
def test_no_header_makes_a_guesser_somebody_new(start: Start, header: str) -> None:
    host = start(access={"login_tries": 2})
    codes = [
        tried(host.client, "guess", f"user{number}", **{header: f"10.0.0.{number}"}).status_code for number in range(9)
    ]
    assert codes == [401] * 8 + [429]  # an address is good for four names


@pytest.mark.parametrize("name", [NAME.upper(), f" {NAME}", f"{NAME} ", f"{NAME}\0", "\uff41da"])
def test_no_other_spelling_of_a_name_gives_more_guesses(start: Start, name: str) -> None:
    host = start(access={"login_tries": 2})
    for _ in range(2):
        tried(host.client, "guess")
    assert tried(host.client, PASSWORD, name).status_code in {401, 422, 429}


def test_guesses_at_once_are_all_counted(start: Start) -> None:
    host = start(access={"login_tries": 3})
    with ThreadPoolExecutor(12) as pool:
        codes = list(pool.map(lambda number: tried(host.client, f"guess {number}").status_code, range(24)))
    assert codes.count(401) <= 3
    assert set(codes) <= {401, 429, 503}


def test_whether_somebody_exists_is_not_told(target: Served) -> None:
    answers = [tried(target.client, "guess", name).json() for name in (NAME, "nobody-of-this-name")]
    for one in answers:
        one.pop("instance")
    assert answers[0] == answers[1]
    with signed_in(target):  # takes the failure back
        pass


def test_a_session_that_somebody_planted_is_not_taken_over(target: Served) -> None:
    planted = "oms_" + "A" * 43
    with httpx.Client(base_url=target.url, cookies={"omnicore": planted}, timeout=60) as victim:
        told = tried(victim, PASSWORD)
        assert told.status_code == 200
        assert planted not in told.headers["set-cookie"]
    with httpx.Client(base_url=target.url, cookies={"omnicore": planted}) as attacker:
        assert attacker.get("/api/v1/plugins").status_code == 401


def test_a_session_of_the_attackers_own_ends_when_the_victim_logs_in_on_it(target: Served) -> None:
    with signed_in(target) as attacker, httpx.Client(base_url=target.url, timeout=60) as victim:
        victim.cookies.update(attacker.cookies)
        assert tried(victim, PASSWORD, **{"x-csrf-token": attacker.headers["x-csrf-token"]}).status_code == 200
        assert victim.cookies["omnicore"] != attacker.cookies["omnicore"]
        assert attacker.get("/api/v1/plugins").status_code == 401


def test_a_cookie_is_for_this_host_alone_and_no_script_reads_it(target: Served) -> None:
    with httpx.Client(base_url=target.url, timeout=60) as client:
        cookie = tried(client, PASSWORD).headers["set-cookie"].lower()
    assert {"httponly", "samesite=strict", "path=/"} <= {part.strip() for part in cookie.split(";")}
    assert "domain" not in cookie


def test_what_logged_out_is_over_for_whoever_copied_it(target: Served) -> None:
    with signed_in(target) as client, httpx.Client(base_url=target.url) as thief:
        thief.cookies.update(client.cookies)
        assert thief.get("/api/v1/plugins").status_code == 200
        assert client.delete(SESSION).status_code == 204
        assert thief.get("/api/v1/plugins").status_code == 401


def test_a_new_password_ends_every_session_from_before(start: Start) -> None:
    host = start()
    with signed_in(host) as thief, signed_in(host) as client:
        changed = client.put(f"{SESSION}/password", json={"old": PASSWORD, "new": "another horse entirely"})
        assert changed.status_code == 200, changed.text
        assert thief.get("/api/v1/plugins").status_code == 401
        assert client.get("/api/v1/plugins").status_code == 200


@pytest.mark.parametrize("token", [None, "", "x", "0" * 64, "\xff" * 64])
def test_a_cookie_alone_changes_nothing(target: Served, admin: httpx.Client, token: str | None) -> None:
    admin.headers.pop("x-csrf-token")
    headers = {} if token is None else {b"x-csrf-token": token.encode("latin-1")}
    made = {"name": "mallory", "password": "a long enough password", "role": "admin"}
    for method, path in (("POST", USERS), ("POST", CALL), ("DELETE", "/api/v1/plugins/echo"), ("DELETE", SESSION)):
        body = {"json": made} if method == "POST" else {}
        refused = admin.request(method, path, headers=headers, **body)
        assert (refused.status_code, refused.json()["code"]) == (403, "wrong-csrf")
    assert admin.get(f"{USERS}/mallory").status_code == 404


def test_a_token_of_one_session_is_none_of_another(target: Served, admin: httpx.Client) -> None:
    with signed_in(target) as other:
        assert admin.post(CALL, headers={"x-csrf-token": other.headers["x-csrf-token"]}).status_code == 403


@pytest.mark.parametrize("query", ["token", "access_token", "key", "authorization", "csrf"])
def test_a_key_in_an_address_opens_nothing(target: Served, admin: httpx.Client, query: str) -> None:
    key = admin.cookies["omnicore"]
    assert httpx.get(f"{target.url}/api/v1/plugins?{query}={key}").status_code == 401


@pytest.mark.parametrize("kind", ["Basic {}", "bearer\t{}", "Token {}", "{}", "Bearer {}x", "Bearer"])
def test_only_whole_keys_in_the_right_form_open(target: Served, admin: httpx.Client, kind: str) -> None:
    given = kind.format(admin.cookies["omnicore"])
    assert httpx.get(f"{target.url}/api/v1/plugins", headers={"authorization": given}).status_code == 401


def test_the_set_up_key_makes_one_administrator_only(start: Start) -> None:
    host = start()
    assert host.host.access.make_setup_key() is None
    for key in ("", "x", "A" * 43, "\ud800"):
        body = json.dumps({"key": key, "name": "mallory", "password": "a long password"})
        refused = host.client.post("/api/v1/setup", content=body)
        assert refused.status_code in {401, 409, 422}, refused.text
