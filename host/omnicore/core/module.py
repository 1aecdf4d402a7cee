"""A module of an application: anything with a name that can be started and stopped."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Module(Protocol):
    """A part of an application. `start` and `stop` may be plain functions or coroutine functions.

    A module may also have, plain or `async`:

    - `bind(app)`: told its application when it is added, before anything starts;
    - `health()`: True, False, a text such as "degraded", or a mapping with a `status`; it is asked by `HealthModule`;
    - `pause()` and `resume()`: what it does while its application is paused.

    Plain functions run on one thread, the same for all modules of an application: what `start` opens, `stop` may close.
    """

    name: str

    def start(self) -> Awaitable[Any] | Any:
        """Begins; the application has started once every module returned."""

    def stop(self) -> Awaitable[Any] | Any:
        """Ends, and frees what `start` took."""
