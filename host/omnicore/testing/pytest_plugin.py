"""The pytest plugin: `omnicore_host`, cassettes by a mark, and where they lie.

```python
@pytest.mark.omnicore_cassette("prices")
def test_prices(omnicore_host):
    host = omnicore_host("plugins/prices.wasm")
    assert host.call("prices.today", {"of": "tea"}) == {"euros": 3}
```

| in pytest's own file | |
|---|---|
| `omnicore_plugins` | files and folders that `omnicore_host()` takes when it is given none |
| `omnicore_cassettes` | the folder of cassettes; `cassettes` beside the test's file when it is not set |
| `omnicore_redact_keys` | names of fields and headers that cassettes never hold |
| `omnicore_redact_patterns` | regular expressions of what cassettes never hold, one a line |

`--omnicore-cassettes=once|none|all` records what is missing, only plays, or records anew. Nothing of the host is
imported before a test asks for one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from omnicore import testing

if TYPE_CHECKING:
    from omnicore.testing.cassette import Cassette, Redaction
    from omnicore.testing.host import IsolatedHost


_MODES = ("once", "none", "all")
_MARK = "omnicore_cassette"
_SETTINGS: tuple[tuple[str, Literal["paths", "string", "args", "linelist"], str], ...] = (
    ("omnicore_plugins", "paths", "plugins that omnicore_host() takes when it is given none"),
    ("omnicore_cassettes", "string", "folder of the cassettes"),
    ("omnicore_redact_keys", "args", "names of fields that cassettes never hold"),
    ("omnicore_redact_patterns", "linelist", "regular expressions of what cassettes never hold"),
)
_passed = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option and the settings of this plugin."""
    group = parser.getgroup("omnicore", "OmniCore plugins")
    group.addoption("--omnicore-cassettes", choices=_MODES, help="record what is missing, only play, or record anew")
    for name, kind, text in _SETTINGS:
        parser.addini(name, text, type=kind)


def pytest_configure(config: pytest.Config) -> None:
    """The mark of this plugin."""
    config.addinivalue_line(
        "markers",
        f"{_MARK}(name=None, mode=None, keys=(), patterns=()): record the calls of doors, or play them",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remembers whether a test came to its end: its cassette is not written otherwise."""
    report = yield
    item.stash[_passed] = item.stash.get(_passed, True) and report.passed
    return report


@pytest.fixture
def omnicore_host(request: pytest.FixtureRequest) -> Iterator[Callable[..., IsolatedHost]]:
    """Makes hosts on plugins, see `omnicore.testing.IsolatedHost`; they are closed after the test."""
    mark = request.node.get_closest_marker(_MARK)
    cassette = _cassette(request, mark) if mark is not None else None
    places, code = request.config.getini("omnicore_plugins"), _code_folder(request.config)
    hosts: list[IsolatedHost] = []

    def make(*plugins: str | Path, **options: Any) -> IsolatedHost:
        options = {"cassette": cassette, "code": code, **options}
        hosts.append(testing.IsolatedHost(*(plugins or places), **options))
        return hosts[-1]

    yield make
    with ExitStack() as closing:
        for host in hosts:
            closing.callback(host.close, failed=not request.node.stash.get(_passed, True))


def _cassette(request: pytest.FixtureRequest, mark: pytest.Mark) -> Cassette:
    given: dict[str, Any] = {**dict(zip(("name", "mode"), mark.args, strict=False)), **mark.kwargs}
    name = given.get("name") or re.sub(r"[^\w.-]+", "-", f"{request.path.stem}.{request.node.name}").strip("-")
    folder = request.config.getini("omnicore_cassettes")
    place = Path(request.config.rootpath, folder) if folder else request.path.parent / "cassettes"
    mode: Any = request.config.getoption("--omnicore-cassettes") or given.get("mode") or "once"
    return testing.Cassette(place / f"{name}.json", mode, redact=_redaction(request.config, given))


def _redaction(config: pytest.Config, given: dict[str, Any]) -> Redaction:
    return testing.Redaction(
        [*config.getini("omnicore_redact_keys"), *given.get("keys", ())],
        [*config.getini("omnicore_redact_patterns"), *given.get("patterns", ())],
    )


def _code_folder(config: pytest.Config) -> Path | None:
    """The folder that keeps compiled code from run to run: a module of a few MB takes seconds to compile."""
    cache = getattr(config, "cache", None)
    if cache is None:
        return None
    try:
        folder: Path = cache.mkdir("omnicore-code")
        folder.chmod(0o700)  # the host takes compiled code from nobody else
        return folder if folder.stat().st_uid == os.geteuid() else None
    except OSError:
        return None
