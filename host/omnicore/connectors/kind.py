"""Kinds of connectors: settings, credentials, actions, errors, limits, and how each kind is opened.

`KINDS` lists the kinds; a module loads when its kind is first asked for. `Kind.open` returns a client, which lives on
one event loop and is closed when its connector changes, its credentials are refused, or the host stops.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from omnicore.clock import Clock, SystemClock
from omnicore.connectors.policy import Reserved
from omnicore.errors import DeadlineExceeded, InvalidInput, OmniError, ServiceRefused, Unavailable
from omnicore.optional import optional
from omnicore.resilience.retry import read_retry_after

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

    from omnicore.config.settings import ConnectorSettings


def shown(data: bytes) -> str | dict[str, str]:
    """Bytes as a JSON value.

    >>> shown(b"tea"), shown(b"\\xff")
    ('tea', {'base64': '/w=='})
    """
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def wrapped(value: Any) -> bytes | None:
    """The bytes of `{"base64": "..."}`; None for anything else."""
    if not isinstance(value, Mapping) or set(value) != {"base64"} or not isinstance(value["base64"], str):
        return None
    try:
        return base64.b64decode(value["base64"], validate=True)
    except ValueError:
        return None


_LONGEST_PAUSE_S = 3600.0
_MESSAGE = 300


def temporary(fact: str, *, acted: bool | None = None, retry_after_s: float | None = None, **more: Any) -> Unavailable:
    """A failure that may pass by itself.

    Args:
        acted: False when the other side surely did nothing (no connection, over its rate), so that anything may be
            sent again; None when nobody knows.
    """
    details = {"temporary": True, "acted": acted, **more}
    if retry_after_s is not None:
        details["retry_after_s"] = retry_after_s
    return Unavailable(fact, remedy="try again later", **details)


def may_repeat(error: BaseException, *, harmless: bool) -> bool:
    """True if a call that failed so may be sent again. `harmless`: sending it twice is as good as once."""
    if not isinstance(error, Unavailable) or not error.details.get("temporary"):
        return False
    return harmless or error.details.get("acted") is False


def counts_against(error: BaseException) -> bool:
    """True if the failure means that the service is unhealthy. A refusal does not mean that."""
    if isinstance(error, DeadlineExceeded):
        return True
    return isinstance(error, Unavailable) and bool(error.details.get("temporary")) and not asked_pause_s(error)


def asked_pause_s(error: OmniError) -> float:
    """The pause in seconds that the service asked for; 0.0 when it asked for none."""
    return float(error.details.get("retry_after_s") or 0.0) if error.details.get("temporary") else 0.0


def of_status(
    service: str, status: int, headers: Mapping[str, str], message: str, *, now: float, code: str = ""
) -> OmniError:
    """The error that an HTTP answer of 400 and above means.

    Args:
        message: what the service says, shown cut to size.
        code: the service's own name for the failure.
        now: seconds since the epoch, for `Retry-After` as a date.
    """
    said = f": {message[:_MESSAGE]}" if message else ""
    fact = f"{service} answers {status}{said}"
    wait = wait_of(headers, now)
    exhausted = status == 403 and (wait is not None or headers.get("x-ratelimit-remaining") == "0")
    if status == 429 or exhausted:
        return temporary(fact, acted=False, retry_after_s=1.0 if wait is None else wait, status=status)
    if status == 503 and wait is not None:
        return temporary(fact, acted=False, retry_after_s=wait, status=status)
    if status >= 500 or status == 408:
        return temporary(fact, status=status)
    return ServiceRefused(fact, remedy=_remedy(status), service=service, status=status, service_code=code)


def wait_of(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait as `Retry-After` or GitHub's `x-ratelimit-reset` say, at most an hour; None for neither."""
    found = read_retry_after(headers.get("retry-after", "")[:64], now)
    if found is None and headers.get("x-ratelimit-remaining") == "0":
        reset = headers.get("x-ratelimit-reset", "")
        found = float(reset) - now if reset.isascii() and reset.isdigit() and len(reset) < 12 else None
    return None if found is None else min(max(found, 0.0), _LONGEST_PAUSE_S)


def _remedy(status: int) -> str:
    if status in (401, 403):
        return "the operator gives the connector a credential that may do this"
    return "correct the input"


def malformed(fact: str, remedy: str = "correct the input") -> InvalidInput:
    """Input of an action that cannot be used."""
    return InvalidInput(fact, remedy=remedy)


Schema = Mapping[str, Any]
Repeat = Literal["never", "always", "keyed"]
Emit = Callable[[str, Any], None]
"""Publishes an event of the connector: `emit("chunk", {...})` has the topic `connector.NAME.chunk`."""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a connector can do.

    Args:
        input: JSON Schema of what `ServiceClient.call` is given; it is checked before.
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


class ServiceClient(Protocol):
    """An open connector. All of it runs on the service's event loop, several calls at once."""

    async def call(self, action: str, given: Mapping[str, Any], *, timeout_s: float) -> Any:
        """The result of an action, a JSON value. At its deadline the call is cancelled.

        Raises: InvalidInput; ServiceRefused; Unavailable, see `omnicore.connectors.kind.temporary`; LimitExceeded.
        """

    async def probe(self) -> None:
        """Returns when the other side answers and takes the credentials. Raises: as `call` does."""

    async def close(self) -> None:
        """Lets all connections go; a second time does nothing."""


@dataclass(frozen=True, slots=True)
class Opening:
    """The parameters of a client. `credentials` are never in its `repr`, in events or in errors.

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
    reserved: Reserved = field(default_factory=Reserved, repr=False)
    """Addresses that the client connects to only when `config` has them written out."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of connector.

    Args:
        config: JSON Schema of its settings, an object without secrets.
        secrets: its credentials by name, each with what it is; `required` lists those it cannot do without.
        open: makes a client; it may connect, or leave that to the first call.
        hook: the rule by which its webhooks are verified, see `omnicore.connectors.webhooks`.
        echoes: the other side may send credentials back, as web services do with headers, so answers are searched
            for them. Not for databases: a password such as `test` would hide that word in every row.
        docs: the address of the service's own documentation.
        limits: those of its connectors that set none.
        places: settings that, with those every kind has, say where credentials are sent.
        check: looks at the settings as a whole. Raises: InvalidInput.
    """

    name: str
    says: str
    config: Schema
    secrets: Mapping[str, str]
    actions: tuple[Action, ...]
    open: Callable[[Opening], Awaitable[ServiceClient]]
    required: tuple[str, ...] = ()
    hook: str = "standard"
    echoes: bool = False
    title: str = ""
    docs: str = ""
    limits: Mapping[str, float] = field(default_factory=dict)
    places: tuple[str, ...] = ()
    check: Callable[[Mapping[str, Any], Mapping[str, str]], None] = field(default=lambda config, credentials: None)

    def action(self, name: str) -> Action | None:
        """The action of this name."""
        return next((one for one in self.actions if one.name == name), None)

    def to_json(self) -> dict[str, Any]:
        """As REST and the command line show it."""
        return {
            "name": self.name,
            "title": self.title or self.name,
            "description": self.says,
            "docs": self.docs,
            "config": self.config,
            "secrets": self.secrets,
            "required_secrets": list(self.required),
            "limits": self.limits,
            "webhook": self.hook,
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


_HERE = "omnicore.connectors."
_SERVICES = Path(__file__).parent / "services"
_CODE: Mapping[str, tuple[str, str]] = {
    "http": (_HERE + "web", ""),
    "openai": (_HERE + "openai", ""),
    "telegram": (_HERE + "telegram", ""),
    "discord": (_HERE + "discord", ""),
    "sqlite": (_HERE + "sqlite", ""),
    "postgresql": (_HERE + "postgresql", "postgresql"),
    "mysql": (_HERE + "mysql", "mysql"),
    "redis": (_HERE + "redis", "redis"),
    "s3": (_HERE + "aws:S3", "aws"),
    "sqs": (_HERE + "aws:SQS", "aws"),
}
"""The module of each kind that is code, with `:NAME` where it has more than one, and the extra with its driver."""
KINDS = (*_CODE, *sorted(file.stem for file in _SERVICES.glob("*.yaml")))
"""The kinds that come with the host: those in code, then those that files describe."""


@cache
def find_kind(name: str) -> Kind:
    """The kind of this name. Raises: InvalidInput: there is none; ToolMissing: its driver is not installed."""
    if name not in KINDS:
        raise InvalidInput(f"there is no kind of connector {name[:80]!r}", remedy=f"use one of {', '.join(KINDS)}")
    if name not in _CODE:
        described: Kind = optional(_HERE + "described").load_service(name)
        return described
    module, extra = _CODE[name]
    module, _, attribute = module.partition(":")
    kind: Kind = getattr(optional(module, extra=extra), attribute or "KIND")
    return kind


_LONGEST = 240
_MOST_COMPILED = 10_000
_compiled: dict[int, tuple[Schema, Draft202012Validator]] = {}


def check_value(schema: Schema, value: Any, *, what: str, within: str) -> None:
    """Raises: InvalidInput: what is wrong first, with its place in `within`."""
    known = _compiled.get(id(schema))
    if known is None:  # the schema is kept as well, so that its id is nobody else's
        if len(_compiled) >= _MOST_COMPILED:
            _compiled.clear()
        known = _compiled[id(schema)] = (schema, optional("jsonschema").Draft202012Validator(dict(schema)))
    error = next(iter(known[1].iter_errors(value)), None)
    if error is not None:
        place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
        expected = "" if error.validator in ("required", "additionalProperties") else _expected(error)
        said = error.message if not expected else f"must be {expected}"
        raise InvalidInput(f"{within}{place} of {what}: {said[:_LONGEST]}", remedy="correct it", path=place.lstrip("."))


def _expected(error: Any) -> str:
    """The constraint that the value breaks, without the value, which may be long or private."""
    return f"{error.validator} {json.dumps(error.validator_value, default=str)}"


@dataclass(frozen=True, slots=True)
class Connector:
    """A service the host is connected to, and what it can do."""

    name: str
    kind: str
    actions: tuple[str, ...]
    details: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True)
class CallLimits:
    """The limits of one connector. Units: seconds, calls a second, bytes of JSON."""

    timeout_s: float = 30.0
    retries: int = 2
    concurrency: int = 10
    waiting: int = 100
    rate: float = 50.0
    plugin_rate: float = 20.0
    output_bytes: int = 4 * 1024 * 1024
    breaker_failures: int = 5
    breaker_reset_s: float = 60.0

    @classmethod
    def of(cls, settings: ConnectorSettings, own: Mapping[str, Any]) -> CallLimits:
        """The limits of a connector. Raises: InvalidInput for names and numbers that make no sense."""
        usual = cls(**{spec.name: getattr(settings, spec.name) for spec in fields(cls)})
        for name, value in own.items():
            if name not in cls.__slots__:
                raise InvalidInput(f"there is no limit {name[:80]!r}", remedy=f"limits are {', '.join(cls.__slots__)}")
            _check(name, value, whole=isinstance(getattr(usual, name), int))
        return replace(usual, **own)


_FROM_ZERO = frozenset({"retries", "waiting", "breaker_reset_s"})
_MOST = {"retries": 20, "concurrency": 1000, "waiting": 100_000}
_LARGEST = 1e9


def _check(name: str, value: Any, *, whole: bool) -> None:
    fits = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
    least = 0 if name in _FROM_ZERO else 1 if whole else 0.001
    if not fits or not least <= value <= _MOST.get(name, _LARGEST):
        kind = "whole number" if whole else "number"
        raise InvalidInput(
            f"the limit {name} is not a {kind} from {least} to {_MOST.get(name, _LARGEST):g}", remedy="correct it"
        )
