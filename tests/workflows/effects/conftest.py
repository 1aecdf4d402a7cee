"""One real host for all tests of this folder; each takes names of its own for what it stores."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.workflows.effects.bench import Bench

from omnicore.assembly import Host

PLUGINS = Path(__file__).parents[3] / "plugins"


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Effects over the services of a host that has the shipped plugins text and redact."""
    folder = tmp_path_factory.mktemp("effects")
    (folder / "plugins").mkdir()
    for name in ("text", "redact"):
        shutil.copy(PLUGINS / name / "dist" / f"{name}.wasm", folder / "plugins")
        shutil.copy(PLUGINS / name / "plugin.toml", folder / "plugins" / f"{name}.toml")
    private = {"workflows.http_private": ("127.0.0.1:*",)}
    host = Host(plugins=folder / "plugins", data=folder / "data", watch=False, **private)
    with host as blocking:
        bench = Bench(host, blocking)
        try:
            yield bench
        finally:
            bench.close()
