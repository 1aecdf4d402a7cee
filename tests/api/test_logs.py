"""Logs over REST."""

from __future__ import annotations

import pytest
from tests.api.conftest import Site, many


def test_the_last_lines_are_shown_oldest_first(site: Site) -> None:
    functions = many(site)
    for text in ("one", "two", "three"):
        assert site.client.post(f"{functions}/warn", content=text).status_code == 200
    shown = site.client.get("/api/v1/plugins/many/logs", params={"limit": 2}).json()
    assert [(line["level"], line["message"]) for line in shown["items"]] == [("warn", "two"), ("warn", "three")]
    assert shown["dropped"] == 0


def test_a_level_hides_the_quieter_lines(site: Site) -> None:
    many(site)
    sink = site.logs.sink("many")
    sink("info", "quiet")
    sink("error", "loud")
    shown = site.client.get("/api/v1/plugins/many/logs", params={"level": "error"}).json()
    assert [line["message"] for line in shown["items"]] == ["loud"]


@pytest.mark.parametrize("query", ["limit=0", "limit=10001", "level=loud"])
def test_a_query_that_makes_no_sense_is_refused(site: Site, query: str) -> None:
    many(site)
    assert site.client.get(f"/api/v1/plugins/many/logs?{query}").status_code == 422


def test_logs_of_an_unknown_plugin_are_not_found(site: Site) -> None:
    assert site.client.get("/api/v1/plugins/nobody/logs").status_code == 404


def test_lines_after_the_last_answer_are_asked_for(site: Site) -> None:
    calls = many(site)
    site.client.post(f"{calls}/warn", content="one")
    first = site.client.get("/api/v1/plugins/many/logs").json()
    assert ([one["message"] for one in first["items"]], first["dropped"], first["next"]) == (["one"], 0, 1)
    site.client.post(f"{calls}/warn", content="two")
    later = site.client.get("/api/v1/plugins/many/logs", params={"after": first["next"]}).json()
    assert ([one["message"] for one in later["items"]], later["next"]) == (["two"], 2)
    assert site.client.get("/api/v1/plugins/many/logs?after=-1").status_code == 422
