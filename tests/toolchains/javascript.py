"""Sources in JavaScript, built and run."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from tests.capabilities.double import House, asks, plugin

from omnicore.capabilities.capability import CapabilityRequest
from omnicore.errors import BuildFailed
from omnicore.sandbox.abi import Limits
from omnicore.sandbox.engine import Instance
from omnicore.sandbox.extism.engine import ExtismEngine
from omnicore.toolchains.js import TOOLCHAIN
from omnicore.toolchains.languages import Built

__all__ = ["Running", "build", "built", "failure", "running"]


def build(folder: Path) -> Built:
    """Builds a file or folder."""
    source = TOOLCHAIN.find(folder)
    assert source is not None
    return TOOLCHAIN.build(source, lambda line: None)


def built(text: str, name: str = "plugin.js", /, **files: str) -> Built:
    """Builds a source; `files` lie beside it, `__` in their names standing for a dot."""
    with tempfile.TemporaryDirectory() as folder:
        for key, content in {name: text, **files}.items():
            path = Path(folder, key.replace("__", "."))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        return build(Path(folder, name))


def failure(text: str, name: str = "plugin.js", /, **files: str) -> str:
    """What the build says of a source that does not build."""
    try:
        built(text, name, **files)
    except BuildFailed as error:
        return str(error)
    raise AssertionError("it builds")


_CODE = tempfile.TemporaryDirectory(prefix="omnicore-code-", ignore_cleanup_errors=True)


@cache
def _engine() -> ExtismEngine:
    return ExtismEngine(Path(_CODE.name))


class Running:
    """A plugin with a fresh sandbox for each call, and what it logged."""

    def __init__(
        self, wasm: bytes, house: House, asked: tuple[CapabilityRequest, ...], given: Mapping[str, Any]
    ) -> None:
        self.lines: list[tuple[str, str]] = []
        scope = plugin(*asked, log=lambda level, text: self.lines.append((level, text)), **given)
        self.template = _engine().load([("main", wasm)], Limits(timeout_s=5.0), house.doors(scope))

    @property
    def fresh(self) -> Instance:
        """A sandbox that stays."""
        return self.template.instance()

    def raw(self, function: str, data: bytes = b"") -> bytes:
        """Bytes in, bytes out."""
        instance = self.fresh
        try:
            return instance.call(function, data)
        finally:
            instance.close()

    def __call__(self, function: str, value: Any = None) -> Any:
        """JSON in, JSON out."""
        return json.loads(self.raw(function, b"" if value is None else json.dumps(value).encode()))


@contextmanager
def running(wasm: bytes, *asked: str | CapabilityRequest, **given: Any) -> Iterator[Running]:
    """The plugin in a house of its own, with the doors it asks for open."""
    house = House()
    found = Running(wasm, house, tuple(asks(one) if isinstance(one, str) else one for one in asked), given)
    yield found
    found.template.close()
    house.database.close()
