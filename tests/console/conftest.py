"""The console in a real browser, over a real `omnicore run`.

Tests share one host with an administrator; those of a module that has `HOST_PLUGINS` share one of their own with these
plugins, and `new_host` makes further ones. `page` is signed in as the administrator and `page_as(account)` as somebody
else; `visitor` is not signed in. What a page complains of fails its test. A failed test leaves a trace, a picture and
the host's log in `tests/console/failures`: `playwright show-trace FILE` shows the first, with `--traces` step by step.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.console.host import ADMIN, Account, ConsoleHost

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page
    from tests.console.browser import Messages

collect_ignore_glob = [] if find_spec("playwright") else ["test_*.py"]

FAILURES = Path(__file__).parent / "failures"
_USUAL_PLUGINS = ("text", "counter")
_FAILED = pytest.StashKey[bool]()
_PATIENCE_MS = 30_000
_SIZE = {"width": 1280, "height": 800}


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options for pictures, which cost a third of the time."""
    parser.addoption("--screenshots", action="store_true", help="write the pictures of web/README.md")
    parser.addoption("--traces", action="store_true", help="keep pictures of each step in the traces of failed tests")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Notes a failure where fixtures see it when they end."""
    report = yield
    if report.failed:
        item.stash[_FAILED] = True
    return report


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all tests; each has contexts of its own in it."""
    from playwright.sync_api import expect, sync_playwright
    from tests.console.browser import launched

    expect.set_options(timeout=_PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = launched(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def usual_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleHost]:
    """The host of all modules that want no other: its plugins are there to be looked at."""
    host = ConsoleHost(tmp_path_factory.mktemp("usual"))
    try:
        yield host.add(*_USUAL_PLUGINS).start().check_console().set_up()
    finally:
        host.close()


@pytest.fixture(scope="module")
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleHost]:
    """The usual host, or one of the module's own with the plugins of `HOST_PLUGINS`. Its administrator is `ADMIN`."""
    own = getattr(request.module, "HOST_PLUGINS", None)
    if own is None:
        yield request.getfixturevalue("usual_host")
        return
    host = ConsoleHost(tmp_path_factory.mktemp("console"))
    try:
        yield host.add(*own).start().check_console().set_up()
    finally:
        host.close()


@pytest.fixture
def new_host(tmp_path: Path) -> Iterator[Callable[..., ConsoleHost]]:
    """Makes hosts of the test's own, not started yet: `new_host(OMNICORE_TOKEN="…").add("text").start()`."""
    hosts: list[ConsoleHost] = []

    def made(**environment: str) -> ConsoleHost:
        hosts.append(ConsoleHost(tmp_path / f"host-{len(hosts)}", **environment))
        return hosts[-1]

    yield made
    for host in hosts:
        host.close()


@pytest.fixture
def messages() -> Messages:
    """What pages complain of. `messages.allow(r"status of 401")` before what brings it about."""
    from tests.console.browser import Messages

    return Messages()


@pytest.fixture
def contexts(
    browser: Browser, messages: Messages, request: pytest.FixtureRequest
) -> Iterator[Callable[[ConsoleHost, Account | None], BrowserContext]]:
    """Makes contexts (a browser's profile each) over a host; keeps what a failed test needs to be understood."""
    opened: list[tuple[BrowserContext, ConsoleHost]] = []
    whole = bool(request.config.getoption("--traces", default=False))

    def made(host: ConsoleHost, account: Account | None = None) -> BrowserContext:
        context = browser.new_context(
            base_url=host.url, viewport=_SIZE, reduced_motion="reduce", locale="en-GB", timezone_id="UTC"
        )
        opened.append((context, host))
        context.set_default_timeout(_PATIENCE_MS)
        context.tracing.start(screenshots=whole, snapshots=whole)
        messages.listen(context)
        if account is not None:
            context.add_cookies(host.cookies(account))
        return context

    yield made
    unexpected = messages.unexpected()
    kept = _folder(request.node) if unexpected or request.node.stash.get(_FAILED, False) else None
    for number, (context, host) in enumerate(opened):
        _close(context, host, kept and kept / str(number))
    assert not unexpected, "the page complained (messages.allow names what a test brings about):\n" + "\n".join(
        unexpected
    )


@pytest.fixture
def page_as(
    host: ConsoleHost, contexts: Callable[[ConsoleHost, Account | None], BrowserContext]
) -> Callable[[Account], Page]:
    """A page at `/console/`, signed in as that account."""

    def opened(account: Account) -> Page:
        page = contexts(host, account).new_page()
        page.goto("/console/")
        return page

    return opened


@pytest.fixture
def page(page_as: Callable[[Account], Page]) -> Page:
    """A page at `/console/`, signed in as the administrator."""
    return page_as(ADMIN)


@pytest.fixture
def visitor(host: ConsoleHost, contexts: Callable[[ConsoleHost, Account | None], BrowserContext]) -> Page:
    """A blank page of somebody who is not signed in: the test goes where it wants."""
    return contexts(host, None).new_page()


@pytest.fixture
def screenshot(request: pytest.FixtureRequest) -> Callable[..., None]:
    """`screenshot(page, "plugins", theme="dark")` writes `web/screenshots/plugins.png` with `--screenshots`."""
    from tests.console.browser import screenshot

    wanted = bool(request.config.getoption("--screenshots", default=False))
    return lambda page, name, **more: screenshot(page, name, wanted=wanted, **more)


def _folder(item: pytest.Item) -> Path:
    folder = FAILURES / re.sub(r"[^\w.-]+", "-", item.nodeid)
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def _close(context: BrowserContext, host: ConsoleHost, kept: Path | None) -> None:
    """Closes it; what it did is written down where that is wanted."""
    if kept is None:
        context.tracing.stop()
    else:
        kept.mkdir(parents=True)
        for number, page in enumerate(context.pages):
            page.screenshot(path=kept / f"page-{number}.png")
        context.tracing.stop(path=kept / "trace.zip")
        shutil.copy(host.log, kept)
    context.close()
