"""Tasks and schedules over REST, on a host that really runs them."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import httpx
import pytest
from tests.api.conftest import MANY, Site, until
from tests.api.hosting import Served

ASKS = """
name = "sender"
[[capabilities]]
name = "tasks"
reason = "Sends later"
scope = { functions = ["many.*"], max_pending = 2 }
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    # Several tests have it trap, and one quarantine would have the tasks of the others wait.
    with Served(tmp_path_factory.mktemp("site"), {"many.wat": MANY}, breaker_failures=1000) as served:
        yield served


@pytest.fixture
def client(served: Served) -> httpx.Client:
    return served.client


def wait_for(client: httpx.Client, task: str) -> dict[str, object]:
    until(lambda: client.get(f"/api/v1/tasks/{task}").json()["state"] not in ("waiting", "running"))
    return client.get(f"/api/v1/tasks/{task}").json()


def test_a_task_is_ordered_runs_and_shows_what_came_of_it(client: httpx.Client) -> None:
    answer = client.post("/api/v1/tasks", json={"function": "many.echo", "input": {"a": 1}, "priority": 7})
    assert answer.status_code == 201
    task = answer.json()
    assert answer.headers["location"] == f"/api/v1/tasks/{task['id']}"
    assert (task["owner"], task["priority"], task["input"]) == ("@host", 7, {"a": 1})
    done = wait_for(client, task["id"])
    assert (done["state"], done["output"], done["attempts"]) == ("done", '{"a":1}', 1)


@pytest.mark.parametrize(("given", "output"), [("text", "text"), ({"base64": "/w=="}, {"base64": "/w=="})])
def test_inputs_and_outputs_travel_as_in_execute(client: httpx.Client, given: object, output: object) -> None:
    task = client.post("/api/v1/tasks", json={"function": "many.echo", "input": given}).json()
    assert wait_for(client, task["id"])["output"] == output


def test_a_dead_letter_is_listed_and_begins_again(client: httpx.Client) -> None:
    order = {"function": "many.trap", "attempts": 2, "backoff_s": [0]}
    task = client.post("/api/v1/tasks", json=order).json()["id"]
    failed = wait_for(client, task)
    assert (failed["state"], failed["code"], failed["attempts"]) == ("failed", "guest-trapped", 2)
    assert task in [one["id"] for one in client.get("/api/v1/tasks?state=failed").json()["items"]]
    again = client.post(f"/api/v1/tasks/{task}/retry")
    assert (again.status_code, again.json()["state"], again.json()["attempts"]) == (200, "waiting", 0)
    wait_for(client, task)


def test_dead_letters_begin_again_together_and_later_ones_stay(client: httpx.Client) -> None:
    order = {"function": "none.such", "attempts": 1}
    dead = [client.post("/api/v1/tasks", json=order).json()["id"] for _ in range(3)]
    before = max(wait_for(client, task)["finished_at"] for task in dead)
    none = client.post("/api/v1/tasks/retry", json={"before": 1})
    assert none.json() == {"retried": 0, "more": False, "before": 1}
    again = client.post("/api/v1/tasks/retry", json={"before": before}).json()
    assert (again["retried"] >= 3, again["more"], again["before"]) == (True, False, before)
    assert {wait_for(client, task)["finished_at"] > before for task in dead} == {True}
    assert client.post("/api/v1/tasks/retry", json={"before": before}).json()["retried"] == 0


def test_a_function_that_is_not_there_fails_at_once(client: httpx.Client) -> None:
    task = client.post("/api/v1/tasks", json={"function": "none.such"}).json()["id"]
    failed = wait_for(client, task)
    assert (failed["state"], failed["code"], failed["attempts"]) == ("failed", "not-found", 1)


def test_a_running_task_is_cancelled_and_its_guest_cut(client: httpx.Client, served: Served) -> None:
    task = client.post("/api/v1/tasks", json={"function": "many.spin", "timeout_s": 60}).json()["id"]
    until(lambda: client.get(f"/api/v1/tasks/{task}").json()["state"] == "running")
    assert client.post(f"/api/v1/tasks/{task}/cancel").json() == {"cancelled": True}
    assert client.post(f"/api/v1/tasks/{task}/cancel").json() == {"cancelled": False}
    until(lambda: served.host.tasks.running == 0)
    assert client.post(f"/api/v1/tasks/{task}/retry", json={}).status_code == 200
    client.post(f"/api/v1/tasks/{task}/cancel")


def test_tasks_are_listed_in_pages_and_queues_are_shown(client: httpx.Client) -> None:
    order = {"function": "many.echo", "delay_s": 3600, "queue": "later"}
    tasks = [client.post("/api/v1/tasks", json=order).json()["id"] for _ in range(5)]
    found: list[str] = []
    cursor = ""
    while cursor is not None:
        page = client.get(f"/api/v1/tasks?state=waiting&limit=2{cursor and '&cursor=' + cursor}").json()
        found += [one["id"] for one in page["items"]]
        cursor = page["next"]
    assert set(tasks) <= set(found)
    assert len(found) == len(set(found))
    queues = {one["queue"]: one for one in client.get("/api/v1/queues").json()["items"]}
    assert queues["later"] == {"queue": "later", "limit": None, "waiting": 5, "running": 0}
    for task in tasks:
        client.post(f"/api/v1/tasks/{task}/cancel")


def test_an_order_sent_twice_with_one_key_is_one_task(client: httpx.Client) -> None:
    order = {"function": "many.echo", "key": "rest-once"}
    first, second = (client.post("/api/v1/tasks", json=order).json() for _ in range(2))
    assert first["id"] == second["id"]
    headers = {"Idempotency-Key": "k1"}
    answers = [client.post("/api/v1/tasks", json={"function": "many.echo"}, headers=headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/api/v1/tasks", {}, 422),
        ("POST", "/api/v1/tasks", {"function": 7}, 422),
        ("POST", "/api/v1/tasks", {"function": "a.b", "when": 1}, 422),
        ("POST", "/api/v1/tasks", {"function": "a.b", "priority": 10}, 422),
        ("POST", "/api/v1/tasks", {"function": "a.b", "backoff_s": 3}, 422),
        ("POST", "/api/v1/tasks", {"function": "a.b", "timeout_s": "1"}, 422),
        ("GET", "/api/v1/tasks?state=lost", None, 422),
        ("GET", "/api/v1/tasks?limit=0", None, 422),
        ("GET", "/api/v1/tasks?cursor=x", None, 422),
        ("GET", "/api/v1/tasks?owner=%00", None, 422),
        ("GET", "/api/v1/tasks/nothing", None, 404),
        ("GET", "/api/v1/tasks/task_00000000000000000000000000", None, 404),
        ("POST", "/api/v1/tasks/nothing/cancel", {}, 404),
        ("POST", "/api/v1/tasks/nothing/retry", {}, 404),
        ("POST", "/api/v1/schedules", {"name": "s"}, 422),
        ("POST", "/api/v1/schedules", {"name": "s", "function": "a.b", "kind": "cron", "spec": "x"}, 422),
        ("POST", "/api/v1/schedules", {"name": "s", "function": "a.b", "kind": "cron", "spec": 5}, 422),
        ("GET", "/api/v1/schedules/none", None, 404),
        ("PUT", "/api/v1/schedules/none", {"enabled": True}, 404),
        ("PUT", "/api/v1/schedules/none", {"enabled": 1}, 422),
        ("DELETE", "/api/v1/schedules/none", None, 404),
        ("GET", "/api/v1/schedules?cursor=%00", None, 422),
        ("GET", "/api/v1/schedules/none/ticks", None, 404),
        ("GET", "/api/v1/ticks", None, 422),
        ("GET", "/api/v1/ticks?spec=0 8 * *", None, 422),
        ("GET", "/api/v1/ticks?spec=0 8 30 2 *", None, 422),
        ("GET", "/api/v1/ticks?spec=0 8 * * *&timezone=Nowhere", None, 422),
        ("GET", "/api/v1/ticks?spec=0 8 * * *&limit=21", None, 422),
        ("POST", "/api/v1/tasks/retry", {"before": "now"}, 422),
        ("POST", "/api/v1/tasks/retry", {"before": -1}, 422),
    ],
)
def test_what_cannot_be_is_a_problem(client: httpx.Client, method: str, path: str, body: object, status: int) -> None:
    answer = client.request(method, path, json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_a_schedule_is_added_shown_switched_and_removed(client: httpx.Client) -> None:
    order = {"name": "daily", "function": "many.echo", "kind": "cron", "spec": "0 8 * * *", "timezone": "Europe/Berlin"}
    added = client.post("/api/v1/schedules", json=order)
    assert added.status_code == 201
    assert added.json()["next_at"] > 0
    assert client.post("/api/v1/schedules", json=order).status_code == 409
    assert "daily" in [one["name"] for one in client.get("/api/v1/schedules").json()["items"]]
    assert client.get("/api/v1/schedules/daily").json() == added.json()
    assert client.put("/api/v1/schedules/daily", json={"enabled": False}).json()["next_at"] is None
    assert client.delete("/api/v1/schedules/daily").status_code == 204


def test_the_next_runs_of_a_schedule_are_shown_before_it_is_kept_and_after(client: httpx.Client) -> None:
    asked = {"kind": "cron", "spec": "30 8 * * MON-FRI", "timezone": "Europe/Berlin"}
    preview = client.get("/api/v1/ticks", params=asked).json()
    assert (len(preview["items"]), preview["words"]) == (5, "At 08:30 on Monday through Friday")
    assert preview["items"] == sorted(set(preview["items"]))
    client.post("/api/v1/schedules", json={"name": "shown", "function": "many.echo", **asked})
    assert client.get("/api/v1/schedules/shown/ticks").json() == preview
    client.put("/api/v1/schedules/shown", json={"enabled": False})
    assert client.get("/api/v1/schedules/shown/ticks").json()["items"] == []
    client.delete("/api/v1/schedules/shown")
    once = client.get("/api/v1/ticks", params={"kind": "once", "spec": "4000000000", "limit": "3"}).json()
    assert once == {"items": [4000000000], "words": ""}


def test_a_schedule_runs(client: httpx.Client) -> None:
    order = {"name": "now", "function": "many.echo", "kind": "once", "spec": "1000000000", "input": "tick"}
    client.post("/api/v1/schedules", json=order)
    until(lambda: client.get("/api/v1/tasks?owner=@schedules&state=done").json()["items"])
    (task,) = client.get("/api/v1/tasks?owner=@schedules").json()["items"]
    assert (task["output"], task["key"]) == ("tick", "now@1000000000.000")


def test_the_metrics_count_tasks(client: httpx.Client) -> None:
    task = client.post("/api/v1/tasks", json={"function": "many.echo"}).json()["id"]
    wait_for(client, task)
    text = client.get("/metrics").text
    assert "omnicore_tasks_running 0.0" in text
    figures = dict(line.split(" ", 1) for line in text.splitlines() if line.startswith("omnicore_tasks_"))
    assert float(figures["omnicore_tasks_finished"]) >= 1


def test_a_host_without_tasks_says_so(site: Site) -> None:
    for path in ("/api/v1/tasks", "/api/v1/queues", "/api/v1/schedules"):
        answer = site.client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


def test_many_order_at_once_and_all_are_done(client: httpx.Client, served: Served) -> None:
    found: list[str] = []

    def order() -> None:
        with httpx.Client(base_url=served.url, timeout=60, headers=served.headers) as own:
            found.extend(own.post("/api/v1/tasks", json={"function": "many.echo"}).json()["id"] for _ in range(10))

    threads = [threading.Thread(target=order) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 40
    assert {wait_for(client, task)["state"] for task in found} == {"done"}


def test_tasks_are_ordered_with_a_label_and_listed_by_it(client: httpx.Client) -> None:
    task = client.post("/api/v1/tasks", json={"function": "many.echo", "label": "nightly run"}).json()
    assert task["label"] == "nightly run"
    assert client.post("/api/v1/tasks", json={"function": "many.echo"}).json()["label"] is None
    listed = client.get("/api/v1/tasks", params={"label": "nightly run"}).json()["items"]
    assert [one["id"] for one in listed] == [task["id"]]
    refused = client.post("/api/v1/tasks", json={"function": "many.echo", "label": "x" * 201})
    assert (refused.status_code, refused.json()["path"]) == (422, "label")
