"""Health, metrics and the index."""

from __future__ import annotations

from tests.api.conftest import Site


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
