"""The dashboard and the alert rules: every query answers on a real Prometheus that reads a real host."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml
from click.testing import CliRunner
from host_build import dashboards
from tests.deploy.conftest import ROOT, done, free_port, tool
from tests.fleet.cluster import Cluster, Member, until

from omnicore.cli.main import cli

pytestmark = pytest.mark.services

SILENT = {
    "omnicore_connector_calls_total": "a host without connectors",
    "omnicore_broker_messages_total": "a host without brokers",
    "absent(omnicore_host_info)": "true only without a host",
    'outcome!="ok"': "a host whose calls all go well",
    "rejected": "a host without refused plugins",
}
"""What has no value on the host of this test, and why."""


@pytest.fixture(scope="module")
def member(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Member]:
    """A host over SQLite with a plugin that may keep counters."""
    cluster = Cluster(tmp_path_factory.mktemp("host"), "")
    one = cluster.add("a", "text", "counter")
    del one.environment["OMNICORE_STORAGE__URL"]
    one.start()
    one.send("POST", "/plugins/counter/grants", json={})
    yield one
    cluster.close()


def use(member: Member) -> None:
    """Some of everything that a metric counts."""
    for _ in range(3):
        assert member.call("text", "count_vowels", "hello").status_code == 200
        member.call("counter", "add", '{"name": "visits"}')
        member.send("POST", "/tasks", json={"function": "text.count_vowels", "input": "hello"})


@pytest.fixture(scope="module")
def ask(member: Member, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a Prometheus that reads the host twice a second."""
    folder, port = tmp_path_factory.mktemp("prometheus"), free_port()
    config = {
        "global": {"scrape_interval": "500ms", "scrape_timeout": "400ms"},
        "scrape_configs": [
            {
                "job_name": "omnicore",
                "authorization": {"credentials": member.environment["OMNICORE_TOKEN"]},
                "static_configs": [{"targets": [member.url.removeprefix("http://")]}],
            }
        ],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    done([tool("promtool"), "check", "config", folder / "prometheus.yml"])
    command = [tool("prometheus"), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    with (folder / "log").open("wb") as log:
        address = f"--web.listen-address=127.0.0.1:{port}"
        process = subprocess.Popen([*command, address], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            until(lambda: process.poll() is not None or ready(client), "Prometheus", within_s=30)
            assert process.poll() is None, (folder / "log").read_text()
            use(member)
            counted = 'count_over_time(omnicore_calls_total{outcome="ok"}[1m]) >= 2'
            until(lambda: answer(client, counted), "two readings of the host", within_s=30)
            use(member)
            risen = 'rate(omnicore_calls_total{plugin="text", outcome="ok"}[1m]) > 0'
            until(lambda: answer(client, risen), "a rate", within_s=30)
            yield client
    finally:
        process.terminate()
        process.wait(30)


def ready(client: httpx.Client) -> bool:
    try:
        return client.get("/-/ready").status_code == 200
    except httpx.TransportError:
        return False


def answer(client: httpx.Client, query: str) -> list[object]:
    """What a query finds now."""
    found = client.get("/api/v1/query", params={"query": query}).json()
    assert found["status"] == "success", (query, found)
    result: list[object] = found["data"]["result"]
    return result


def panels() -> Iterator[tuple[str, str]]:
    """Titles and queries of the dashboard, its variables replaced as Grafana does."""
    made = yaml.safe_load(dashboards.DASHBOARD.read_text())
    for panel in made["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"].replace("$__rate_interval", "1m").replace("$host", ".*")


def test_every_panel_shows_something_of_a_host_that_is_used(ask: httpx.Client) -> None:
    empty = {
        title
        for title, query in panels()
        if not answer(ask, re.sub(r" < 100$", "", query)) and not any(name in query for name in SILENT)
    }
    assert empty == set()


def test_every_metric_of_the_host_is_on_a_panel(member: Member) -> None:
    text = member.http.get("/metrics").text
    names = {name for name in re.findall(r"^(\w+)(?:\{| )", text, re.MULTILINE) if not name.endswith("_created")}
    shown = {name for _, query in panels() for name in re.findall(r"\b(?:omnicore|process)_\w+", query)}
    left = {name for name in names - shown if not name.endswith(("_sum", "_count"))}
    assert left == set()


def test_every_alert_can_be_asked_and_is_silent_on_a_host_that_is_well(ask: httpx.Client) -> None:
    for alert in dashboards.RULES:
        bare = re.split(r" (?:>|==) [0-9.]+", alert.query)[0]
        assert answer(ask, bare) or any(name in bare for name in SILENT), alert.name
        assert answer(ask, alert.query) == [], alert.name


def test_prometheus_takes_the_rules_and_each_fires_on_what_it_is_about(tmp_path: Path) -> None:
    done([tool("promtool"), "check", "rules", dashboards.ALERTS])
    firing = [alert.name for alert in dashboards.RULES if alert.name != "OmniCoreNoHost"]
    samples = ", ".join(f"{{labels: '{{alertname=\"{name}\"}}', value: 1}}" for name in firing)
    cases = (ROOT / "tests" / "deploy" / "alerts_test.yml").read_text()
    (tmp_path / "cases.yml").write_text(cases.replace("RULES", str(dashboards.ALERTS)).replace("FIRING", samples))
    done([tool("promtool"), "test", "rules", tmp_path / "cases.yml"])


def test_the_remedies_are_commands_that_exist() -> None:
    for alert in dashboards.RULES:
        for command in re.findall(r"`omnicore ([a-z ]+?)(?: \{\{| --|`)", alert.remedy):
            assert CliRunner().invoke(cli, [*command.split(), "--help"]).exit_code == 0, command
