"""A house with storage, a bus and a clock, closed after each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.capabilities.double import House


@pytest.fixture
def house() -> Iterator[House]:
    house = House()
    yield house
    house.database.close()
