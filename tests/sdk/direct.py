"""A conformance plugin that is none: it calls the doors as they are, without a guest or a kit."""

from __future__ import annotations

import json
from typing import Any

from sdk.generate.contract import load
from tests.capabilities.double import CallDouble, ask

from omnicore.errors import LimitExceeded
from omnicore.sandbox.abi import Doors, Limits, LogLevel

_FUNCTIONS = {(door.name, verb.name): verb.function for door in load().doors for verb in door.verbs}


class _Call(CallDouble):
    def log(self, level: LogLevel, message: str) -> None:
        if len(message) > self.limits.log_bytes:
            raise LimitExceeded("too many bytes", limit="log_bytes")
        super().log(level, message)


class Direct:
    """Template and instance in one."""

    def __init__(self, limits: Limits, doors: Doors) -> None:
        self._limits, self._doors = limits, doors

    def instance(self) -> Direct:
        return self

    def call(self, export: str, data: bytes) -> bytes:
        values: dict[str, Any] = json.loads(data)
        function = _FUNCTIONS[values["door"], values["verb"]]
        call = _Call(self._limits, deadline=1e9)
        answer = ask(self._doors, function, values["request"], call)
        return json.dumps(answer if "error" in answer else {"reply": answer}).encode()

    def close(self) -> None:
        pass
