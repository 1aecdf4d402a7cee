"""Health, metrics and the index."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from tests.api.conftest import Site
from tests.storage.postgresql_server import PostgresServer

from omnicore.api.server import serve
from omnicore.assembly import Host
from omnicore.config.settings import HealthSettings, Settings, StorageSettings
from omnicore.resilience.health import HealthStatus


def test_the_process_lives_while_the_host_gets_ready(site: Site) -> None:
    site.ready = False
    assert site.client.get("/healthz").json() == {"status": "ok"}
    waiting = site.client.get("/readyz")
    assert (waiting.status_code, waiting.headers["retry-after"]) == (503, "1")
    site.ready = True
    assert site.client.get("/readyz").status_code == 200


def test_metrics_are_prometheus_text_and_count_open_requests(site: Site) -> None:
    answer = site.client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "omnicore_http_requests_running 1.0" in answer.text


def test_the_index_leads_to_everything(site: Site) -> None:
    index = site.client.get("/").json()
    assert index["name"] == "OmniCore"
    for name, path in index["links"].items():
        if name != "events":
            assert site.client.get(path).status_code == 200


def test_head_answers_without_a_body(site: Site) -> None:
    answer = site.client.head("/healthz")
    assert (answer.status_code, answer.content) == (200, b"")


class Served:
    """A whole host behind a socket."""

    def __init__(self, folder: Path, **more: Any) -> None:
        (folder / "plugins").mkdir()
        quiet = {"plugins": folder / "plugins", "data": folder / "data", "watch": False, "port": 0, **more}
        settings = replace(Settings(), health=HealthSettings(interval_s=3600.0), **quiet)
        self.host = Host(settings=settings)
        self._serving = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()))
        self._thread.start()
        assert self._serving.wait(60)
        headers = {"authorization": f"Bearer {self.host.access.owner.made()}"}
        self.client = httpx.Client(base_url=self.url, timeout=60, headers=headers)

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with self.host as host:
            await serve(host.asgi(), host.settings, stop=self._stop, announce=self._announce)

    def _announce(self, url: str) -> None:
        self.url = url
        self._serving.set()

    def flush(self) -> None:
        log = self.host.events.log
        assert log is not None
        asyncio.run_coroutine_threadsafe(log.flush(), self._loop).result(60)

    def close(self) -> None:
        self.client.close()
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    served = Served(tmp_path)
    yield served
    served.close()


def test_health_names_every_part_and_what_is_wrong_with_it(served: Served) -> None:
    served.host.health.set_health("plugins", HealthStatus.Unhealthy, "two are in quarantine")
    answer = served.client.get("/api/v1/health").json()
    assert answer["overall"] == "Degraded"
    assert {"storage", "events", "plugins", "event-log", "event-delivery"} <= answer["subsystems"].keys()
    assert answer["subsystems"]["plugins"]["reason"] == "two are in quarantine"
    assert "events.history" in {one["name"] for one in answer["features"]}
    assert served.client.get("/readyz").status_code == 200  # degraded is ready


def test_an_unhealthy_host_takes_no_new_work_and_says_which_part_is_ill(served: Served) -> None:
    served.host.health.set_health("storage", HealthStatus.Unhealthy, "disk full")
    answer = served.client.get("/readyz")
    said = "the host is unhealthy: storage (writes do not get through)"
    assert (answer.status_code, answer.json()["detail"]) == (503, said)
    assert served.client.get("/healthz").status_code == 200


def test_writes_that_another_session_of_postgresql_holds_up_are_told(tmp_path: Path, postgresql_url: str) -> None:
    served = Served(tmp_path, storage=StorageSettings(url=postgresql_url, busy_timeout_s=0.2))

    def rounds(number: int) -> None:
        for _ in range(number):
            asyncio.run_coroutine_threadsafe(served.host.health.check(), served._loop).result(60)

    try:
        with psycopg.connect(postgresql_url, application_name="psql") as stranger:
            stranger.execute("LOCK TABLE heartbeats IN SHARE ROW EXCLUSIVE MODE")
            rounds(5)
            answer = served.client.get("/readyz")
            assert (answer.status_code, "writes do not get through" in answer.text) == (503, True)
            reason = served.client.get("/api/v1/health").json()["subsystems"]["storage"]["reason"]
            assert "a write waited too long for a lock of " in reason
        rounds(5)
        assert served.client.get("/readyz").status_code == 200
    finally:
        served.close()


def test_a_database_that_is_away_is_told_at_once_without_its_address(
    tmp_path: Path, postgresql_url: str, postgresql_server: PostgresServer
) -> None:
    served = Served(tmp_path, storage=StorageSettings(url=postgresql_url))

    def ready() -> int:
        asyncio.run_coroutine_threadsafe(served.host.health.check(), served._loop).result(60)
        return served.client.get("/readyz").status_code

    try:
        assert ready() == 200
        postgresql_server.kill()
        try:
            answer = served.client.get("/api/v1/tasks")
            assert (answer.status_code, answer.json()["code"]) == (503, "storage-away")
            assert answer.json()["detail"] == "the database does not answer"
            assert str(postgresql_server.folder) not in answer.text
            assert int(answer.headers["retry-after"]) >= 1
            assert ready() == 503
        finally:
            postgresql_server.start()
        assert ready() == 200
        assert served.client.get("/api/v1/tasks").status_code == 200
    finally:
        served.close()


def test_events_of_the_past_are_listed_by_topic_and_page(served: Served) -> None:
    for number in range(5):
        served.host.bus.publish("shop.sold", {"n": number})
        served.host.bus.publish("shop.other", number)
    served.flush()
    first = served.client.get("/api/v1/events", params={"topic": "shop.sold", "limit": 3}).json()
    assert [one["data"]["n"] for one in first["items"]] == [4, 3, 2]
    assert first["items"][0].keys() == {"id", "topic", "source", "at", "hops", "data"}
    rest = served.client.get("/api/v1/events", params={"topic": "shop.sold", "cursor": first["next"]}).json()
    assert ([one["data"]["n"] for one in rest["items"]], rest["next"]) == ([1, 0], None)


def test_events_are_listed_before_they_are_written(served: Served) -> None:
    for number in range(5):
        served.host.bus.publish("shop.sold", {"n": number})
    first = served.client.get("/api/v1/events", params={"topic": "shop.sold", "limit": 3}).json()
    rest = served.client.get("/api/v1/events", params={"topic": "shop.sold", "cursor": first["next"]}).json()
    assert [one["data"]["n"] for page in (first, rest) for one in page["items"]] == [4, 3, 2, 1, 0]
    assert rest["next"] is None


@pytest.mark.parametrize("query", ["topic=a..b", "limit=0", "limit=501", "cursor=x", "cursor=evt_%27"])
def test_a_wrong_question_for_events_is_refused(served: Served, query: str) -> None:
    assert served.client.get(f"/api/v1/events?{query}").status_code == 422


def test_a_site_without_these_rooms_says_so(site: Site) -> None:
    assert site.client.get("/api/v1/health").status_code == 503
    assert site.client.get("/api/v1/events").status_code == 503
