"""What guests asked of their doors, as tests read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["AskedCall"]


@dataclass(frozen=True, slots=True)
class AskedCall:
    """A call of a door. `request` and `reply` are as on the wire; a refusal's reply is `{"error": {...}}`.

    `function` is what the guest imported: `kv_get_v1`, or `http_request` for a request by `extism:host/env`,
    which stands under the door `http`, too. `request` is None where the guest sent no JSON.
    """

    plugin: str
    door: str
    verb: str
    function: str
    request: Any
    reply: Mapping[str, Any]

    @property
    def ref(self) -> str:
        """The door and its verb, such as `kv.get`."""
        return f"{self.door}.{self.verb}"
