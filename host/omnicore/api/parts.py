"""What the endpoints work with, handed to them through the application's state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.requests import HTTPConnection

from omnicore.api.idempotency import Answers
from omnicore.api.rooms import Rooms
from omnicore.api.traffic import Traffic
from omnicore.config.settings import Settings
from omnicore.events.bus import EventBus
from omnicore.plugins.host import PluginHost
from omnicore.telemetry.logs import PluginLogs
from omnicore.telemetry.metrics import Metrics

__all__ = ["Parts", "parts_of"]


@dataclass(frozen=True, slots=True)
class Parts:
    """The host's parts that the network can reach. `ready` tells whether plugins can be called."""

    host: PluginHost
    settings: Settings
    metrics: Metrics
    bus: EventBus
    logs: PluginLogs
    ready: Callable[[], bool]
    traffic: Traffic
    rooms: Rooms = field(default_factory=Rooms)
    answers: Answers = field(default_factory=Answers)


def parts_of(connection: HTTPConnection) -> Parts:
    """The parts of the application that a request came to."""
    parts: Parts = connection.app.state.parts
    return parts
