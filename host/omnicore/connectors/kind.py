"""What a kind of connector is: its settings, its credentials, what it can do, and how it is opened.

A kind is a file of this room that holds a `KIND`; `kinds.py` lists them. `Kind.open` returns a client, which lives
on one event loop and is closed when its connector changes, fails to answer for its credentials, or the host stops.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from omnicore.clock import Clock, SystemClock

__all__ = ["Action", "Client", "Emit", "Kind", "Opening", "Repeat", "Schema", "number", "obj", "text"]

Schema = Mapping[str, Any]
Repeat = Literal["never", "always", "keyed"]
Emit = Callable[[str, Any], None]
"""Publishes an event of the connector: `emit("chunk", {...})` has the topic `connector.NAME.chunk`."""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a connector can do.

    Args:
        input: JSON Schema of what `Client.call` is given; it is checked before.
        repeat: whether it may be sent again when nobody knows if the first one arrived: "always" for what changes
            nothing or changes it to the same, "keyed" when the input carries an `idempotency_key`.
    """

    name: str
    says: str
    input: Schema
    output: Schema = field(default_factory=dict)
    repeat: Repeat = "never"

    def to_json(self) -> dict[str, Any]:
        """As REST and the command line show it."""
        return {
            "name": self.name,
            "description": self.says,
            "input": self.input,
            "output": self.output,
            "repeat": self.repeat,
        }


class Client(Protocol):
    """An open connector. All of it runs on the service's event loop, several calls at once."""

    async def call(self, action: str, given: Mapping[str, Any], *, timeout_s: float) -> Any:
        """What came of an action, a JSON value. The service ends it at its deadline by cancelling it.

        Raises: InvalidInput; ServiceRefused; Unavailable, see `omnicore.connectors.faults.temporary`; LimitExceeded.
        """

    async def probe(self) -> None:
        """Returns when the other side answers and takes the credentials. Raises: as `call` does."""

    async def close(self) -> None:
        """Lets all connections go; a second time does nothing."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What a client is made of. `credentials` are never in its `repr`, in events or in errors.

    Units: `output_bytes` bytes of JSON; an action that gives more is refused, so a client may stop reading there.
    """

    name: str
    config: Mapping[str, Any]
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    output_bytes: int = 4 * 1024 * 1024
    concurrency: int = 10
    data: Path = Path(".omnicore")
    clock: Clock = field(default_factory=SystemClock)
    emit: Emit = field(default=lambda event, data: None, repr=False)
    hide: Callable[[str], None] = field(default=lambda secret: None, repr=False)
    """Tells of a further secret, such as a token that was fetched, so that it is taken out of errors and answers."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of connector.

    Args:
        config: JSON Schema of its settings, an object without secrets.
        secrets: its credentials by name, each with what it is; `required` lists those it cannot do without.
        open: makes a client; it may connect, or leave that to the first call.
        hook: the rule by which its webhooks are verified, see `omnicore.connectors.hooks.rules`.
        echoes: the other side may send credentials back, as web services do with headers, so answers are searched
            for them. Not for databases: a password such as `test` would hide that word in every row.
        check: looks at the settings as a whole. Raises: InvalidInput.
    """

    name: str
    says: str
    config: Schema
    secrets: Mapping[str, str]
    actions: tuple[Action, ...]
    open: Callable[[Opening], Awaitable[Client]]
    required: tuple[str, ...] = ()
    hook: str = "standard"
    echoes: bool = False
    check: Callable[[Mapping[str, Any], Mapping[str, str]], None] = field(default=lambda config, credentials: None)

    def action(self, name: str) -> Action | None:
        """The action of this name."""
        return next((one for one in self.actions if one.name == name), None)

    def to_json(self) -> dict[str, Any]:
        """As REST and the command line show it."""
        return {
            "name": self.name,
            "description": self.says,
            "config": self.config,
            "secrets": self.secrets,
            "required_secrets": list(self.required),
            "actions": [action.to_json() for action in self.actions],
        }


def obj(*required: str, more: bool = False, **members: Schema) -> Schema:
    """The schema of an object with these members, of which `required` must be there.

    >>> obj("text", text={"type": "string"})["required"]
    ['text']
    """
    schema: dict[str, Any] = {"type": "object", "properties": members, "additionalProperties": more}
    return {**schema, "required": list(required)} if required else schema


def text(says: str = "", *, least: int = 1, most: int = 65536, **more: Any) -> Schema:
    """The schema of a text."""
    return {"type": "string", "minLength": least, "maxLength": most, **({"description": says} if says else {}), **more}


def number(says: str = "", *, least: int = 0, most: int = 2**53, **more: Any) -> Schema:
    """The schema of a whole number."""
    return {"type": "integer", "minimum": least, "maximum": most, **({"description": says} if says else {}), **more}
