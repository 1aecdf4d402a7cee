"""Lists of memories over REST, the time that recall is narrowed to, and what each owner has of what it may have."""

from __future__ import annotations

from typing import Any

import pytest
from tests.api.conftest import ECHO, Site

AT = "/api/v1/memory"
ASKS = """
[[capabilities]]
name = "memory"
reason = "Remembers who came"
scope = { tiers = ["session", "semantic"], max_items = 5, max_bytes = 4096 }
"""


def store(site: Site, text: str, owner: str = "@host", **more: Any) -> str:
    made = site.client.post(AT, params={"owner": owner}, json={"text": text, **more})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def page(site: Site, **asked: Any) -> dict[str, Any]:
    answer = site.client.get(AT, params=asked)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def texts(found: dict[str, Any]) -> list[str]:
    return [item["text"] for item in found["items"]]


@pytest.mark.parametrize("tier", ["semantic", "immediate"])
def test_memories_of_a_tier_are_read_page_by_page_the_newest_first(site: Site, tier: str) -> None:
    for number in range(5):
        store(site, f"fact number {number}", tier=tier)
    store(site, "something else", tier="episodic")
    first = page(site, tier=tier, limit=3)
    second = page(site, tier=tier, limit=3, cursor=first["next"])
    assert texts(first) + texts(second) == [f"fact number {number}" for number in (4, 3, 2, 1, 0)]
    assert second["next"] is None


def test_what_comes_and_goes_meanwhile_shifts_no_page(site: Site) -> None:
    ids = [store(site, f"fact number {number}") for number in range(4)]
    first = page(site, limit=2)
    site.client.delete(f"{AT}/{ids[3]}")
    store(site, "a newer fact")
    assert texts(page(site, limit=2, cursor=first["next"])) == ["fact number 1", "fact number 0"]


def test_owners_are_apart_and_shared_tiers_are_one_for_all(site: Site) -> None:
    store(site, "of the host")
    store(site, "of a plugin", owner="text")
    store(site, "a rule for all", tier="cosmic")
    assert texts(page(site)) == ["of the host"]
    assert texts(page(site, owner="text")) == ["of a plugin"]
    assert texts(page(site, owner="text", tier="cosmic")) == ["a rule for all"]
    assert texts(page(site, owner="@shared")) == ["a rule for all"]
    assert texts(page(site, owner="nobody")) == []


@pytest.mark.parametrize("asked", [{"tier": "none"}, {"limit": 0}, {"cursor": "x"}, {"cursor": "9" * 40}])
def test_a_list_that_makes_no_sense_is_refused(site: Site, asked: dict[str, Any]) -> None:
    assert site.client.get(AT, params=asked).status_code == 422


def test_each_owner_is_listed_with_what_its_grant_allows(site: Site) -> None:
    site.drop("guest.wat", ECHO, f'name = "guest"\n{ASKS}')
    site.client.post("/api/v1/plugins/guest/grants")
    store(site, "who came", owner="guest", tier="semantic")
    store(site, "of the host")
    store(site, "passing", owner="guest", tier="immediate")
    first = site.client.get(f"{AT}/owners", params={"limit": 1}).json()
    rest = site.client.get(f"{AT}/owners", params={"cursor": first["next"]}).json()
    host, guest = first["items"] + rest["items"]
    assert (host["owner"], host["items"], host["quota"]) == ("@host", 1, None)
    assert (guest["owner"], guest["items"], guest["by_tier"]) == ("guest", 2, {"semantic": 1, "immediate": 1})
    assert guest["bytes"] == len("who came") + len("passing") + 2 * len("{}")
    bounds = {"max_items": 5, "max_bytes": 4096}
    assert guest["quota"] == {**bounds, "tiers": ["session", "semantic"], "write": True, "within": {}}
    assert rest["next"] is None


def test_recall_is_narrowed_to_when_something_was_stored(site: Site) -> None:
    store(site, "the blue door")
    at = page(site)["items"][0]["created_at"]
    for tier in ("immediate", "episodic"):
        store(site, "the green door", tier=tier)
    ask = {"text": "door", "touch": False}
    for bounds, found in (
        ({"since": at - 60}, 2),
        ({"until": at}, 1),
        ({"since": at + 3600}, 0),
        ({"since": at - 60, "until": at - 30}, 0),
    ):
        answer = site.client.post(f"{AT}/recall", json={**ask, **bounds}).json()
        assert len(answer["items"]) == found, bounds


def test_who_only_looks_does_not_count_as_a_use(site: Site) -> None:
    item = store(site, "the blue door", tier="immediate")
    for touch, hits in ((False, 0), (True, 1)):
        site.client.post(f"{AT}/recall", json={"text": "door", "touch": touch})
        assert site.client.get(f"{AT}/{item}").json()["hits"] == hits


@pytest.mark.parametrize("body", [{"since": 10**400}, {"until": "now"}, {"since": -1e300}, {"touch": 1}])
def test_a_question_whose_bounds_make_no_sense_is_refused(site: Site, body: dict[str, Any]) -> None:
    answer = site.client.post(f"{AT}/recall", json={"text": "x", **body})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-input")
