"""A loader of guests written as text, on one engine without a cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.sandbox.extism.text import module

from omnicore.sandbox.abi import Doors, Limits
from omnicore.sandbox.extism.engine import ExtismEngine
from omnicore.sandbox.extism.instance import ExtismTemplate

Loader = Callable[..., ExtismTemplate]


@pytest.fixture
def load() -> Iterator[Loader]:
    """Loads a guest; `limits` and `doors` by keyword, further modules by name."""
    made: list[ExtismTemplate] = []

    def loader(
        body: str, imports: str = "", *, doors: Doors | None = None, others: Any = (), **limits: Any
    ) -> ExtismTemplate:
        modules = [*others, ("main", module(body, imports))]
        template = ExtismEngine().load(modules, Limits(**limits), doors or Doors())
        made.append(template)
        return template

    yield loader
    for template in made:
        template.close()
