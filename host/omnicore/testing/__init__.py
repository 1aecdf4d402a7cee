"""The testing room: a host for one test, doors with scripted answers, cassettes, and assertions on plugins.

```python
from omnicore.testing import IsolatedHost, assert_fuel

with IsolatedHost("plugins/greeter.wasm", settings={"greeting": "Hi"}) as host:
    host.script("kv.get", reply={"value": b"7", "version": 1})
    assert host.call("greeter.greet", {"name": "Ada"}) == {"greeting": "Hi, Ada!"}
    assert host.asked("kv.get") == [{"key": "greeted"}]
    assert_fuel(host, "greeter.shout", "hello", most=50_000)
```

In pytest the fixture `omnicore_host` makes such hosts and closes them, see `omnicore.testing.pytest_plugin`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from omnicore.testing.cassette import Cassette, CassetteMismatch, Redaction
    from omnicore.testing.host import IsolatedHost, assert_capabilities, assert_fuel
    from omnicore.testing.tap import AskedCall

__all__ = [
    "AskedCall",
    "Cassette",
    "CassetteMismatch",
    "IsolatedHost",
    "Redaction",
    "assert_capabilities",
    "assert_fuel",
]

_HOMES = {
    "AskedCall": "omnicore.testing.tap",
    "Cassette": "omnicore.testing.cassette",
    "CassetteMismatch": "omnicore.testing.cassette",
    "IsolatedHost": "omnicore.testing.host",
    "Redaction": "omnicore.testing.cassette",
    "assert_capabilities": "omnicore.testing.host",
    "assert_fuel": "omnicore.testing.host",
}


def __getattr__(name: str) -> Any:
    # Names load when first used: pytest loads this package in every run, whether a test needs a host or not.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
