"""The page of tasks: what failed is found and begun again, tasks are ordered and cancelled, schedules run and rest."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, Request, expect
from tests.api.conftest import MANY, until
from tests.console.browser import Messages, axe
from tests.console.host import ADMIN, Account, ConsoleHost
from tests.console.many_tasks import finished_tasks

OPERATOR = Account("otto", "operator")
VIEWER = Account("vera", "viewer")
ROWS = 10_000
PAGE_ROWS = 100
MOST_DRAWN = 60


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleHost]:
    """A host with a plugin whose functions trap, fail and never end."""
    host = ConsoleHost(
        tmp_path_factory.mktemp("tasks"), OMNICORE_TASKS__QUEUES="mail=2,held=0", OMNICORE_LIMITS__TIMEOUT_S="60"
    )
    (host.plugins / "many.wat").write_text(MANY)
    try:
        yield host.add("text", "counter").start().set_up()
    finally:
        host.close()


def order(host: ConsoleHost, function: str, **more: object) -> str:
    answer = host.session().post("/api/v1/tasks", json={"function": function, **more})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def ended(host: ConsoleHost, task: str, state: str) -> None:
    until(lambda: host.session().get(f"/api/v1/tasks/{task}").json()["state"] == state)


def drawer(page: Page) -> Locator:
    return page.get_by_role("dialog")


def test_a_failed_task_is_found_in_the_dead_letters_begun_again_and_done(
    host: ConsoleHost, page: Page, screenshot: Callable[..., None]
) -> None:
    task = order(host, "counter.add", input={"name": "x"})
    ended(host, task, "failed")
    page.goto("/console/tasks/dead-letters")
    letters = page.get_by_role("table", name="Dead letters")
    letters.get_by_role("row", name=re.compile("counter.add")).press("Enter")
    expect(page).to_have_url(re.compile(rf"task={task}"))
    panel = drawer(page)
    expect(panel.get_by_role("heading", name="Reason")).to_be_visible()
    expect(panel.get_by_text("counter has no grant for kv")).to_be_visible()
    expect(panel.get_by_text("What to do:")).to_be_visible()
    axe(page)
    screenshot(page, "task", theme="dark")
    host.grant("counter")
    panel.get_by_role("button", name="Retry").click()
    expect(panel.get_by_text("Done")).to_be_visible()
    expect(panel.get_by_role("region", name="Output")).to_contain_text('"value": 1')
    page.keyboard.press("Escape")
    expect(letters.get_by_role("row", name=re.compile("counter.add"))).to_have_count(0)


def test_all_dead_letters_are_begun_again_together(host: ConsoleHost, page: Page) -> None:
    for task in [order(host, "none.such") for _ in range(3)]:
        ended(host, task, "failed")
    page.goto("/console/tasks/dead-letters")
    page.get_by_role("button", name="Retry all").click()
    page.get_by_role("dialog").get_by_role("button", name="Retry all").click()
    expect(page.get_by_text(re.compile(r"^\d+ tasks are retried\.$"))).to_be_visible()


def test_a_task_is_ordered_by_a_form_and_followed_until_it_is_done(page_as: Callable[[Account], Page]) -> None:
    page = page_as(OPERATOR)
    page.goto("/console/tasks")
    page.get_by_role("button", name="Submit a task").click()
    form = drawer(page)
    form.get_by_label("Function", exact=True).fill("frequencies")
    page.keyboard.press("Enter")
    form.get_by_label("text").fill("one two two")
    form.get_by_role("button", name="Submit").click()
    expect(form.get_by_text("Done")).to_be_visible()
    expect(form.get_by_role("region", name="Input")).to_contain_text("one two two")
    expect(form.get_by_role("region", name="Output")).to_contain_text('"word": "two"')


def test_a_task_that_runs_is_cancelled(host: ConsoleHost, page: Page) -> None:
    task = order(host, "many.spin", queue="mail")
    page.goto(f"/console/tasks?state=running&task={task}")
    panel = drawer(page)
    expect(panel.get_by_text("Running", exact=True)).to_be_visible()
    panel.get_by_role("button", name="Cancel the task").click()
    question = page.get_by_role("dialog", name="Cancel many.spin?")
    question.get_by_role("button", name="Cancel the task").click()
    expect(panel.get_by_text("Cancelled", exact=True)).to_be_visible()
    expect(panel.get_by_role("button", name="Retry")).to_be_visible()


def test_states_and_owners_are_filtered_in_the_address(host: ConsoleHost, page: Page) -> None:
    later = order(host, "text.slug", input="later", delay_s=3600, queue="held")
    page.goto("/console/tasks")
    page.get_by_role("group", name="Filters").get_by_text("Waiting").click()
    expect(page).to_have_url(re.compile("state=waiting"))
    rows = page.get_by_role("table", name="Tasks").get_by_role("row")
    expect(rows.filter(has_text="held")).to_have_count(1)
    page.goto("/console/tasks?state=waiting&owner=counter")
    expect(page.get_by_text("No matching tasks")).to_be_visible()
    page.goto("/console/tasks/queues")
    held = page.get_by_role("table", name="Queues").get_by_role("row", name=re.compile("held"))
    expect(held.get_by_role("cell")).to_have_text(["0", "1", "held"])
    axe(page)
    host.session().post(f"/api/v1/tasks/{later}/cancel")
    expect(held.get_by_role("cell").nth(1)).to_have_text("0")


def test_a_schedule_is_added_by_the_clock_paused_and_deleted(host: ConsoleHost, page: Page) -> None:
    page.goto("/console/tasks/schedules")
    page.get_by_role("button", name="Add a schedule").click()
    form = drawer(page)
    form.get_by_label("Name").fill("morning")
    form.get_by_label("Function", exact=True).fill("text.slug")
    page.keyboard.press("Enter")
    form.get_by_label("Cron expression").fill("30 8 * * MON-FRI")
    form.get_by_label("Time zone").fill("Europe/Berlin")
    page.keyboard.press("Enter")
    expect(form.get_by_text("At 08:30 on Monday through Friday (Europe/Berlin)")).to_be_visible()
    runs = form.get_by_role("list", name="Next runs").get_by_role("listitem")
    expect(runs).to_have_count(5)
    expect(runs.first).to_contain_text("at 08:30")
    axe(page)
    form.get_by_label("Input as text").fill("Hello")
    form.get_by_role("button", name="Add the schedule").click()
    panel = page.get_by_role("dialog", name="morning")
    expect(panel.get_by_role("list", name="Next runs").get_by_role("listitem")).to_have_count(5)
    panel.get_by_role("button", name="Pause").click()
    expect(panel.get_by_text("The schedule is paused")).to_be_visible()
    assert host.session().get("/api/v1/schedules/morning").json()["enabled"] is False
    panel.get_by_role("button", name="Delete").click()
    question = page.get_by_role("dialog", name="Delete the schedule morning?")
    question.get_by_label("Type morning to confirm").fill("morning")
    question.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No schedules yet")).to_be_visible()


def test_a_cron_expression_that_is_none_is_said_while_it_is_written(page: Page, messages: Messages) -> None:
    messages.allow("status of 422")
    page.goto("/console/tasks/schedules?add")
    form = drawer(page)
    form.get_by_label("Cron expression").fill("every day")
    expect(form.get_by_role("alert")).to_contain_text("is no cron expression")


def test_who_only_reads_is_offered_no_change(host: ConsoleHost, page_as: Callable[[Account], Page]) -> None:
    task = order(host, "none.such")
    ended(host, task, "failed")
    page = page_as(VIEWER)
    page.goto(f"/console/tasks/dead-letters?task={task}&order")
    expect(drawer(page).get_by_text("there is no plugin 'none'")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("Begin|Order|Cancel"))).to_have_count(0)


def test_a_list_of_ten_thousand_rows_is_paged_by_cursor_and_draws_only_what_is_seen(
    new_host: Callable[..., ConsoleHost], contexts: Callable[..., object]
) -> None:
    host = new_host().add("text")
    finished_tasks(host.folder, ROWS)
    host.start().set_up()
    page: Page = contexts(host, ADMIN).new_page()  # type: ignore[attr-defined]
    asked: list[str] = []
    page.on("request", lambda request: asked.extend(_pages(request)))
    page.goto("/console/tasks")
    table = page.get_by_role("table", name="Tasks")
    drawn = 0
    for rows in range(PAGE_ROWS, ROWS + 1, PAGE_ROWS):
        told = f"{rows:,} rows" if rows == ROWS else f"The first {rows:,} rows; more follow as you scroll."
        expect(page.get_by_text(told, exact=True)).to_be_visible()
        drawn = max(drawn, table.get_by_role("row").count())
        table.evaluate("box => box.scrollTo({top: box.scrollHeight})")
    expect(table).to_have_attribute("aria-rowcount", str(ROWS + 1))
    assert drawn < MOST_DRAWN
    # Every page once, and none again: not even when something happens while the list is long.
    assert len(asked) == len(set(asked)) == ROWS // PAGE_ROWS
    order(host, "text.slug", input="now")
    expect(page.get_by_text("Tasks have changed since this list was loaded.")).to_be_visible()
    assert len(asked) == ROWS // PAGE_ROWS
    page.get_by_role("button", name="Show the newest").click()
    expect(table.get_by_role("row").nth(1)).to_contain_text("text.slug")
    expect(page.get_by_text(f"The first {PAGE_ROWS} rows;")).to_be_visible()


def _pages(request: Request) -> list[str]:
    return [request.url] if re.search(r"/api/v1/tasks\?", request.url) else []
