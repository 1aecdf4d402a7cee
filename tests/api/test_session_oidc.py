"""Logging in through an OpenID provider, a real one on this machine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey
from tests.access.people import CHEAP, make
from tests.api.hosting import Served
from tests.api.provider import CLIENT, SECRET, Provider

from omnicore.access.oidc import role_of, vouched
from omnicore.access.principal import Role
from omnicore.config.settings import AccessSettings, OidcSettings
from omnicore.errors import InvalidSetting, WrongCredentials

LOGIN, BACK = "/api/v1/oidc/login", "/api/v1/oidc/callback"
ADA = {"sub": "17", "email": "ada@example.org", "email_verified": True, "groups": ["staff", "other"]}


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with Provider() as made:
        yield made


@pytest.fixture(scope="module")
def served(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    oidc = OidcSettings(
        issuer=provider.issuer,
        client_id=CLIENT,
        client_secret=SECRET,
        name="Example",
        domains=("example.org",),
        roles=("staff -> operator", "chiefs -> admin"),
    )
    with Served(tmp_path_factory.mktemp("served"), {}, access=AccessSettings(**CHEAP, oidc=oidc)) as made:
        make(made.host.access, "root", Role.admin)
        yield made


@pytest.fixture
def browser(served: Served, provider: Provider) -> Iterator[httpx.Client]:
    provider.claims, provider.broken, provider.signing = dict(ADA), {}, provider.key
    with httpx.Client(base_url=served.url, timeout=30) as client:
        yield client
    for row in served.host.access.users.page():
        if row.name != "root":
            served.host.access.users.remove(row.name)


def log_in(browser: httpx.Client, provider: Provider) -> httpx.Response:
    return browser.get(provider.authorise(browser.get(LOGIN).headers["location"]))


def test_who_comes_back_from_the_provider_is_logged_in_with_the_role_of_a_group(
    served: Served, browser: httpx.Client, provider: Provider
) -> None:
    begun = browser.get(LOGIN)
    assert begun.status_code == 303
    assert {"HttpOnly", "SameSite=lax", "Path=/api/v1/oidc"} <= set(begun.headers["set-cookie"].split("; "))
    back = browser.get(provider.authorise(begun.headers["location"]))
    assert (back.status_code, back.headers["location"]) == (303, "/console/")
    told = browser.get("/api/v1/session").json()
    assert (told["user"]["name"], told["user"]["role"], told["oidc"]) == (
        "ada@example.org",
        "operator",
        {"name": "Example"},
    )
    assert "omnicore_oidc" not in browser.cookies
    assert served.host.access.users.get("ada@example.org").second == "oidc"


def test_the_role_follows_the_groups_and_the_user_stays_the_same(
    served: Served, browser: httpx.Client, provider: Provider
) -> None:
    log_in(browser, provider)
    first = browser.get("/api/v1/session").json()["user"]
    provider.claims |= {"groups": ["chiefs"], "email": "ada.new@example.org"}
    log_in(browser, provider)
    second = browser.get("/api/v1/session").json()["user"]
    assert (second["id"], second["name"], second["role"]) == (first["id"], first["name"], "admin")


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "ada@evil.example"},
        {"email": "ada@example.org.evil.example"},
        {"email_verified": False},
        {"email_verified": "true"},
        {"email": None},
        {"sub": ""},
        {"groups": ["strangers"]},
        {"groups": 5},
        {"email": "a b@example.org"},
        {"iss": "https://evil.example"},
        {"aud": "another"},
        {"aud": [CLIENT, "another"]},
        {"nonce": "another"},
        {"exp": int(time.time()) - 3600},
        {"iat": int(time.time()) + 3600},
    ],
)
def test_who_may_not_come_in_goes_back_to_the_login_page(
    served: Served, browser: httpx.Client, provider: Provider, claims: dict[str, Any]
) -> None:
    provider.broken = claims
    back = log_in(browser, provider)
    assert back.headers["location"].startswith("/console/login#problem=")
    assert "omnicore" not in browser.cookies
    assert len(served.host.access.users.page()) == 1


def test_a_token_signed_by_somebody_else_is_worth_nothing(browser: httpx.Client, provider: Provider) -> None:
    provider.signing = ECKey.generate_key("P-256", {"kid": "one"})
    assert log_in(browser, provider).headers["location"] == "/console/login#problem=wrong-credentials"


def test_a_name_that_is_taken_stays_whose_it_is(served: Served, browser: httpx.Client, provider: Provider) -> None:
    make(served.host.access, "ada@example.org", Role.viewer)
    assert log_in(browser, provider).headers["location"] == "/console/login#problem=conflict"
    assert served.host.access.users.get("ada@example.org").second is None


def test_a_disabled_user_stays_out(served: Served, browser: httpx.Client, provider: Provider) -> None:
    log_in(browser, provider)
    served.host.access.users.change("ada@example.org", disabled=True)
    assert log_in(browser, provider).headers["location"] == "/console/login#problem=wrong-credentials"
    assert browser.get("/api/v1/session").json()["user"] is None


def test_an_answer_that_this_browser_did_not_ask_for_is_refused(browser: httpx.Client, provider: Provider) -> None:
    others = provider.authorise(httpx.get(str(browser.base_url) + LOGIN).headers["location"])
    for cookie in (None, "omnicore_oidc=a.b.c", "omnicore_oidc=..", "omnicore_oidc=x"):
        with httpx.Client(base_url=str(browser.base_url), headers={"cookie": cookie} if cookie else {}) as another:
            assert another.get(others).headers["location"] == "/console/login#problem=wrong-credentials"
    browser.get(LOGIN)
    assert browser.get(others).headers["location"] == "/console/login#problem=wrong-credentials"


def test_an_answer_is_taken_once(browser: httpx.Client, provider: Provider) -> None:
    back = provider.authorise(browser.get(LOGIN).headers["location"])
    assert browser.get(back).headers["location"] == "/console/"
    assert browser.get(back).headers["location"] == "/console/login#problem=wrong-credentials"


def test_what_the_provider_publishes_is_asked_for_once(browser: httpx.Client, provider: Provider) -> None:
    log_in(browser, provider)
    provider.asked.clear()
    for _ in range(3):
        log_in(browser, provider)
    assert provider.asked == []


def test_without_a_provider_there_is_no_such_way(tmp_path: Any) -> None:
    with Served(tmp_path, {}, access=AccessSettings(**CHEAP)) as plain:
        for path in (LOGIN, BACK):
            assert plain.client.get(path).status_code == 404


def test_a_provider_must_speak_https_unless_it_is_here(tmp_path: Any) -> None:
    oidc = OidcSettings(issuer="http://provider.example")
    with Served(tmp_path, {}, access=AccessSettings(**CHEAP, oidc=oidc)) as plain:
        assert plain.client.get(LOGIN).json()["code"] == "invalid-setting"


def test_roles_come_from_the_settings() -> None:
    settings = OidcSettings(issuer="x", name_claim="login", role_claim="role", roles=("a b -> viewer", "c->admin"))
    assert role_of({"role": "a b"}, settings) is Role.viewer
    assert role_of({"role": ["a b", "c", 7]}, settings) is Role.admin
    assert role_of({}, settings) is None
    assert role_of({}, OidcSettings(default_role="viewer")) is Role.viewer
    assert vouched({"sub": "1", "login": "ada", "role": "c"}, settings).name == "ada"
    with pytest.raises(WrongCredentials):
        vouched({"sub": "1", "login": 5, "role": "c"}, settings)
    with pytest.raises(InvalidSetting):
        role_of({"role": "x"}, OidcSettings(roles=("x is admin",)))
