"""Memory over REST."""

from __future__ import annotations

import pytest
from tests.api.conftest import Site

AT = "/api/v1/memory"


@pytest.fixture
def door(site: Site) -> str:
    made = site.client.post(AT, json={"text": "The door is blue", "tier": "semantic", "metadata": {"speaker": "Ann"}})
    assert made.status_code == 201
    assert made.headers["location"] == f"{AT}/{made.json()['id']}"
    return str(made.json()["id"])


def test_what_is_stored_is_recalled_with_an_explanation(site: Site, door: str) -> None:
    found = site.client.post(f"{AT}/recall", json={"text": "colour of the door", "limit": 1}).json()
    (item,) = found["items"]
    assert (item["id"], item["text"], item["owner"]) == (door, "The door is blue", "@host")
    raw = {name: item["explain"].pop(name) for name in ("rank", "cosine", "covered", "around")}
    assert sum(item["explain"].values()) == pytest.approx(raw["rank"], abs=1e-3)
    assert 0 < item["score"] < 1
    assert found["notes"] == []
    assert "embedding" not in item


def test_what_does_not_answer_is_left_out_by_its_score(site: Site, door: str) -> None:
    ask = {"text": "colour of the door", "min_score": 0.3}
    assert [item["id"] for item in site.client.post(f"{AT}/recall", json=ask).json()["items"]] == [door]
    found = site.client.post(f"{AT}/recall", json={**ask, "text": "lattice gauge"}).json()
    assert found == {"items": [], "notes": ["nothing is known that fits"], "facts": [], "blocks": []}
    assert site.client.post(f"{AT}/recall", json={**ask, "min_score": 1.5}).status_code in (400, 422)


def test_the_same_text_again_is_the_same_memory(site: Site, door: str) -> None:
    again = site.client.post(AT, json={"text": "the door is BLUE", "tier": "semantic", "metadata": {"speaker": "Ann"}})
    assert again.json()["id"] == door


def test_owners_and_tiers_are_apart(site: Site, door: str) -> None:
    ask = {"text": "door"}
    assert site.client.post(f"{AT}/recall?owner=text", json=ask).json()["items"] == []
    assert site.client.post(f"{AT}/recall", json={**ask, "tiers": ["episodic"]}).json()["items"] == []
    stats = site.client.get(f"{AT}/stats").json()
    assert (stats["by_tier"]["semantic"], stats["by_owner"], stats["embedder"]) == (1, {"@host": 1}, "static-256")


def test_a_memory_is_shown_corrected_and_forgotten(site: Site, door: str) -> None:
    other = site.client.post(AT, json={"text": "The door is green", "tier": "semantic"}).json()["id"]
    changed = site.client.post(f"{AT}/{door}", json={"superseded_by": other, "pinned": True}).json()
    assert (changed["superseded_by"], changed["pinned"], changed["expires_at"]) == (other, True, None)
    assert {"from": other, "relation": "supersedes", "to": door, "note": ""} in changed["edges"]
    texts = [item["text"] for item in site.client.post(f"{AT}/recall", json={"text": "door"}).json()["items"]]
    assert texts == ["The door is green"]
    gone = site.client.delete(f"{AT}/{door}")
    assert (gone.status_code, gone.json()) == (200, {"forgotten": [door]})
    assert site.client.get(f"{AT}/{door}").status_code == 404
    assert site.client.delete(f"{AT}/{door}").status_code == 404


def test_what_waits_is_approved_by_a_person(site: Site) -> None:
    item = site.client.post(AT, json={"text": "from elsewhere", "tier": "galactic"}).json()
    assert item["state"] == "quarantined"
    assert site.client.post(f"{AT}/{item['id']}", json={"approved": True}).json()["state"] == "live"
    assert site.client.post(f"{AT}/{item['id']}", json={"approved": True}).status_code == 404


def test_tiers_are_listed_and_consolidation_tells_what_it_did(site: Site) -> None:
    assert len(site.client.get(f"{AT}/tiers").json()["items"]) == 12
    site.client.post(AT, json={"text": "the task is done", "tier": "short_term", "importance": 0.2})
    done = site.client.post(f"{AT}/consolidate").json()
    assert done["moved"] == [{"from_tier": "short_term", "to_tier": "session", "count": 1}]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("", {}),
        ("", {"text": 7}),
        ("", {"text": ""}),
        ("", {"text": "x", "tier": "working"}),
        ("", {"text": "x", "importance": "high"}),
        ("", {"text": "x", "importance": 7}),
        ("", {"text": "x", "embedding": "no"}),
        ("", {"text": "x", "embedding": []}),
        ("", {"text": "x", "metadata": []}),
        ("", {"text": "x", "pinned": 1}),
        ("", {"text": "x", "strange": 1}),
        ("/recall", {}),
        ("/recall", {"text": "x", "limit": 0}),
        ("/recall", {"text": "x", "tiers": "semantic"}),
        ("/recall", {"text": "x", "tiers": ["no"]}),
        ("/mem_none", {}),
        ("/mem_none", {"approved": False}),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(site: Site, path: str, body: dict[str, object]) -> None:
    answer = site.client.post(f"{AT}{path}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-input")


# -- scopes and filters


def test_memories_of_a_user_are_recalled_listed_and_erased_alone(site: Site) -> None:
    for user, year in (("ada", 2020), ("ada", 2021), ("bob", 2021)):
        order = {"text": f"figs of {user} in {year}", "user": user, "session": "s", "metadata": {"year": year}}
        made = site.client.post(AT, json=order)
        assert (made.status_code, made.json()["user"], made.json()["session"]) == (201, user, "s")

    def recalled(**ask: object) -> set[str]:
        found = site.client.post(f"{AT}/recall", json={"text": "figs", **ask}).json()["items"]
        return {item["text"] for item in found}

    assert recalled(user="ada") == {"figs of ada in 2020", "figs of ada in 2021"}
    assert recalled(user="ada", filter={"year": {"$gt": 2020}}) == {"figs of ada in 2021"}
    query = {"user": "ada", "filter": '{"year": {"$lt": 2021}}'}
    assert [item["text"] for item in site.client.get(AT, params=query).json()["items"]] == ["figs of ada in 2020"]
    pack = site.client.get(f"{AT}/pack", params={"user": "bob"}).text
    assert "figs of bob" in pack
    assert "figs of ada" not in pack
    assert site.client.post(f"{AT}/forget", json={"user": "ada"}).json() == {"memories": 2, "facts": 0, "blocks": 0}
    assert recalled(user="ada") == set()
    assert recalled(user="bob") == {"figs of bob in 2021"}


def test_a_wrong_filter_or_scope_is_refused_with_its_place(site: Site) -> None:
    wrong = site.client.post(f"{AT}/recall", json={"text": "figs", "filter": {"year": {"$like": 2}}})
    assert (wrong.status_code, wrong.json()["path"]) == (422, "filter.year.$like")
    assert site.client.post(f"{AT}/recall", json={"text": "figs", "user": ""}).status_code == 422
    for query in ({"filter": "{"}, {"filter": "[1]"}, {"user": "x" * 257}):
        assert site.client.get(AT, params=query).status_code == 422
    assert site.client.post(f"{AT}/forget", json={}).status_code == 422


def test_all_that_is_known_of_somebody_is_one_page(site: Site) -> None:
    site.client.post(AT, json={"text": "Ida lives in Rome", "user": "zoe"})
    found = site.client.get(f"{AT}/entities/Ida", params={"user": "zoe"}).json()
    assert [fact["value"] for fact in found["facts"]] == ["Rome"]
    assert [item["text"] for item in found["memories"]] == ["Ida lives in Rome"]


def test_a_core_block_is_written_given_restored_and_removed(site: Site) -> None:
    block, ada = f"{AT}/blocks/human", {"user": "ada"}
    made = site.client.put(block, params=ada, json={"text": "Ada likes figs."})
    assert (made.status_code, made.json()["version"], made.json()["user"]) == (200, 1, "ada")
    late = site.client.put(block, params=ada, json={"text": "Ada likes nuts."})
    assert (late.status_code, "version 1" in late.json()["remedy"]) == (409, True)
    changed = site.client.put(block, params=ada, json={"text": "Ada likes nuts.", "version": 1}).json()
    assert changed["changed_by"].startswith("rest:")
    ask = {"text": "what to cook?", "budget": 40, **ada}
    assert [one["text"] for one in site.client.post(f"{AT}/recall", json=ask).json()["blocks"]] == ["Ada likes nuts."]
    assert site.client.put(block, params=ada, json={"version": 2}).status_code == 422
    site.client.put(block, params=ada, json={"restore": 1, "version": 2})
    assert site.client.get(block, params=ada).json()["text"] == "Ada likes figs."
    texts = [one["text"] for one in site.client.get(f"{block}/versions", params=ada).json()["items"]]
    assert texts == ["Ada likes figs.", "Ada likes nuts.", "Ada likes figs."]
    site.client.put(f"{AT}/blocks/policy", json={"text": "Be kind."})
    first = site.client.get(f"{AT}/blocks", params={"limit": 1}).json()
    second = site.client.get(f"{AT}/blocks", params={"limit": 1, "cursor": first["next"]}).json()
    assert [first["items"][0]["name"], second["items"][0]["name"], second["next"]] == ["human", "policy", None]
    assert site.client.get(block).status_code == 404
    assert site.client.delete(block, params=ada).status_code == 204
    assert site.client.delete(block, params=ada).status_code == 404
