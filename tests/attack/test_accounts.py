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


def browser(host: Served, **cookies: str) -> httpx.Client:
    return httpx.Client(base_url=host.url, cookies=cookies, timeout=60)


def test_a_strangers_failures_lock_nobody_out_of_a_browser_that_logged_in_before(start: Start) -> None:
    host = start(access={"login_tries": 3})
    with browser(host) as known, browser(host) as stranger:
        assert tried(known, PASSWORD).status_code == 200
        known.delete(SESSION, headers={"x-csrf-token": known.get(SESSION).json()["csrf"]})
        assert [tried(stranger, "guess").status_code for _ in range(4)] == [401, 401, 401, 429]
        assert tried(stranger, PASSWORD).status_code == 429
        for at in range(12):  # the address that both share is locked as well
            tried(stranger, "guess", f"user{at}")
        assert tried(known, PASSWORD).status_code == 200


def test_a_browsers_cookie_opens_nothing_by_itself_and_gives_few_guesses(start: Start) -> None:
    host = start(access={"login_tries": 3})
    with browser(host) as known:
        assert tried(known, PASSWORD).status_code == 200
        stolen = known.cookies["omnicore_device"]
    assert stolen not in (host.settings.data / "omnicore.db").read_bytes().decode("latin-1")
    with browser(host, omnicore_device=stolen) as thief:
        assert thief.get("/api/v1/plugins").status_code == 401
        assert thief.get("/api/v1/plugins", headers={"authorization": f"Bearer {stolen}"}).status_code == 401
        codes = [tried(thief, "guess").status_code for _ in range(4)]
        assert codes == [401, 401, 401, 429]
        assert tried(thief, PASSWORD).status_code == 429


@pytest.mark.parametrize("device", ["omd_" + "A" * 43, "omd_", "x", "another's"])
def test_a_cookie_that_is_no_browser_of_this_user_makes_a_stranger(start: Start, device: str) -> None:
    host = start(access={"login_tries": 3})
    if device == "another's":
        with signed_in(host) as admin:
            order = {"name": "ben", "password": PASSWORD, "role": "viewer"}
            assert admin.post(USERS, json=order).status_code == 201
        with browser(host) as other:
            tried(other, PASSWORD, "ben")
            device = other.cookies["omnicore_device"]
    with browser(host, omnicore_device=device) as stranger:
        assert [tried(stranger, "guess").status_code for _ in range(4)] == [401, 401, 401, 429]
    assert tried(host.client, PASSWORD).status_code == 429


def test_after_a_new_password_no_browser_is_known_any_more(start: Start) -> None:
    host = start(access={"login_tries": 3})
    with browser(host) as before, browser(host) as stranger:
        session = tried(before, PASSWORD).json()
        device = before.cookies["omnicore_device"]
        changed = before.put(
            f"{SESSION}/password",
            json={"old": PASSWORD, "new": "another horse entirely"},
            headers={"x-csrf-token": session["csrf"]},
        )
        assert changed.status_code == 200
        assert before.cookies["omnicore_device"] != device
        for _ in range(3):
            tried(stranger, "guess")
        with browser(host, omnicore_device=device) as old:
            assert tried(old, "another horse entirely").status_code == 429
        assert tried(before, "another horse entirely").status_code == 200


def test_the_owners_key_opens_while_a_name_is_locked_and_unlocks_it(start: Start) -> None:
    host = start(access={"login_tries": 3})
    for _ in range(3):
        tried(host.client, "guess")
    assert tried(host.client, PASSWORD).status_code == 429
    assert httpx.get(f"{host.url}/api/v1/users", headers=host.headers).status_code == 200
    host.host.access.lockout.forget(NAME)  # what `omnicore users unlock` does
    assert tried(host.client, PASSWORD).status_code == 200


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
