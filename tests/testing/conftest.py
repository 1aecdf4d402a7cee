"""Hosts for tests, with one folder of compiled code for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from omnicore.testing import IsolatedHost


@pytest.fixture(scope="session")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("code")


@pytest.fixture
def host(code: Path) -> Iterator[Callable[..., IsolatedHost]]:
    """Makes hosts, which are closed afterwards whatever their cassettes think of it."""
    hosts: list[IsolatedHost] = []

    def make(*plugins: Path, **options: Any) -> IsolatedHost:
        hosts.append(IsolatedHost(*plugins, code=code, **options))
        return hosts[-1]

    yield make
    for one in hosts:
        one.close(failed=True)
