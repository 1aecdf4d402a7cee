"""Who makes a request, and who is told of the calls made for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from omnicore.access.principal import Principal

__all__ = ["Caller"]


def _to_nobody(_plugin: str, _function: str, _outcome: str) -> None:
    """Calls on standard input and output are those of whoever began this process."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who was let in. `note` is told plugin, function and outcome of a call: done, failed or refused."""

    principal: Principal
    note: Callable[[str, str, str], None] = _to_nobody
