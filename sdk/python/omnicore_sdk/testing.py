"""A host for unit tests: doors that answer without Wasm, on the author's machine.

```python
from omnicore_sdk.testing import FakeHost
from plugin import greet

def test_the_word_comes_from_the_settings():
    with FakeHost(config={"greeting": "Ahoy"}):
        assert greet("Ada").greeting == "Ahoy, Ada!"
```

Settings, keys and log lines work as in the host, without limits. Every other function answers what the test says:

```python
    with FakeHost() as host:
        host.reply("http.fetch", {"status": 200, "headers": {}, "body": "<title>Ada</title>"})
        host.refuse("kv.put", code="limit-exceeded", message="too many keys")
```
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from omnicore_sdk import _core
from omnicore_sdk._core import DoorError, Wire
from omnicore_sdk._fake_kv import FakeKv

__all__ = ["FakeHost"]


class FakeHost:
    """Answers what a test says, and remembers what it was asked.

    Attributes:
        config: the settings, by name.
        kv: what is stored, by key; a test may change it.
        log: the lines written, as `(level, message, fields)`.
        calls: all requests in their order, as `(function, request)`: `("kv.get", {"key": "a"})`.
    """

    def __init__(self, *, config: Mapping[str, Any] | None = None, kv: Mapping[str, bytes | str] | None = None) -> None:
        self.config: dict[str, Any] = dict(config or {})
        self.log: list[tuple[str, str, dict[str, Any]]] = []
        self.calls: list[tuple[str, Wire]] = []
        self._kv = FakeKv(kv or {})
        self._said: dict[str, deque[Wire | DoorError | Callable[[Wire], Wire]]] = {}
        self._before: _core.Answer | None = None

    @property
    def kv(self) -> dict[str, bytes]:
        """What is stored, by key."""
        return self._kv.values

    def reply(self, function: str, *replies: Wire) -> None:
        """Makes a function such as `http.fetch` give these replies, one for each call; the last one stays.

        They look as in specs/abi.md. A function of an application has the name by which plugins import it, such as
        `orders_get_order_v1`, and its reply the result as `value`. Without a call of `reply` or `refuse`, only log,
        config and kv answer.
        """
        self._said.setdefault(function, deque()).extend(replies)

    def refuse(self, function: str, *, code: str, message: str, **details: str) -> None:
        """Makes a function raise a DoorError. Args: details: `remedy`, `capability`, `resource`, `limit`."""
        self._said.setdefault(function, deque()).append(DoorError(code, message, **details))

    def answer_with(self, function: str, answer: Callable[[Wire], Wire]) -> None:
        """Makes a function of an application or a door give what `answer` makes of the request.

        It may raise a DoorError. The fakes that `omnicore kit` writes use it.
        """
        self._said[function] = deque([answer])

    def answer(self, function: str, request: Wire) -> Wire:
        """What the kit asks; see `omnicore_sdk._core.Answer`."""
        door, _, rest = function.partition("_")
        name = function if function in _core.OF_APPLICATIONS else f"{door}.{rest.rpartition('_')[0]}"
        self.calls.append((name, copy.deepcopy(request)))
        said = self._said.get(name)
        if said:
            one = said.popleft() if len(said) > 1 else said[0]
            if isinstance(one, DoorError):
                raise one
            return copy.deepcopy(one(request) if callable(one) else one)
        return self._own(name, request)

    def _own(self, name: str, request: Wire) -> Wire:
        if name == "log.write":
            self.log.append((request["level"], request["message"], dict(request.get("fields", {}))))
            return {}
        if name == "config.get":
            known = copy.deepcopy(self.config)
            return {"value": known.get(request["key"])} if "key" in request else {"values": known}
        if name.startswith("kv."):
            return self._kv.answer(name, request)
        raise AssertionError(f"nothing was said about {name}: call host.reply({name!r}, ...) or host.refuse(...)")

    def __enter__(self) -> FakeHost:
        self._before = _core.answer_with(self.answer)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        _core.answer_with(self._before)
