"""Instances of the reference engine that are closed after the test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import wasmtime
from tests.sandbox.reference.guests import GUEST

from omnicore.sandbox.abi import Doors, Limits
from omnicore.sandbox.engine import Instance
from omnicore.sandbox.reference.engine import ReferenceEngine


def make(wat: str, limits: Limits | None = None, doors: Doors | None = None) -> Iterator[Instance]:
    template = ReferenceEngine().load([("main", wasmtime.wat2wasm(wat))], limits or Limits(), doors or Doors())
    instance = template.instance()
    yield instance
    instance.close()
    template.close()


@pytest.fixture
def guest() -> Iterator[Instance]:
    yield from make(GUEST, Limits(timeout_s=20))


@pytest.fixture
def load(request: pytest.FixtureRequest) -> Any:
    def load(wat: str, limits: Limits | None = None, doors: Doors | None = None) -> Instance:
        made = make(wat, limits or Limits(timeout_s=20), doors)
        instance = next(made)
        request.addfinalizer(lambda: next(made, None))
        return instance

    return load
