"""What a plugin in Python uses: `function` marks what callers see, the nouns are the host's doors.

```python
from omnicore_sdk import function, kv

@function
def visit(page: str) -> int:
    \"\"\"Counts a visit of a page.\"\"\"
    seen = kv.get(page)
    count = int(seen.value) + 1 if seen else 1
    kv.put(page, str(count))
    return count
```
"""

from __future__ import annotations

import contextlib
import sys

from omnicore_sdk._core import DoorError
from omnicore_sdk._function import function

from . import application, config, connectors, events, http, kv, log, memory, tasks, vectors

if sys.platform == "wasi":  # a component: its bindings are there, unless its world is without the doors
    with contextlib.suppress(ImportError):
        from . import _core, _wit

        _core.answer_with(_wit.answer)

__all__ = [
    "DoorError",
    "application",
    "config",
    "connectors",
    "events",
    "function",
    "http",
    "kv",
    "log",
    "memory",
    "tasks",
    "vectors",
]
