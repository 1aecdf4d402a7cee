"""One step in progress: its action, run, clock, opened secrets, and the values that it takes and gives.

A run only ever has placeholders for secrets: unguessable texts derived from the run's own random number.
`$secrets.token` gives one, it may be joined to other texts, and rows, logs and events hold nothing else. A step puts
the secrets in where the call is made, and removes them from everything that comes back.

Source: RFC 6570 (URI templates).
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import math
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Protocol, cast
from urllib.parse import quote

from omnicore.clock import Clock
from omnicore.connectors.redaction import Redactor
from omnicore.connectors.vault import Vault
from omnicore.errors import DeadlineExceeded, InvalidInput, LimitExceeded, NotFound
from omnicore.events.subscriptions import Handling
from omnicore.records import Record
from omnicore.sandbox.abi import MIB, Limits
from omnicore.texts import too_deep
from omnicore.workflows.entries import Performed
from omnicore.workflows.faults import Fault

if TYPE_CHECKING:
    from omnicore.capabilities.services import HttpSender
    from omnicore.jobs.tasks import StoredTasks
    from omnicore.memory.service import MemoryService
    from omnicore.plugins.host import PluginHost
    from omnicore.sandbox.engine import SandboxEngine
    from omnicore.storage.tables.kv import KvTable
    from omnicore.vectors.service import VectorService
    from omnicore.workflows.entries import RunContext, StepAction
    from omnicore.workflows.language.graph import CallTask


SCRIPT_LIMITS = Limits(
    timeout_s=10.0,
    memory_bytes=64 * MIB,
    input_bytes=4 * MIB,
    output_bytes=4 * MIB,
    module_bytes=32 * MIB,
    component_bytes=64 * MIB,
    compile_s=120.0,
    compile_bytes=2048 * MIB,
)
"""Of a script. Its doors are closed, so it needs no others."""


@dataclass(frozen=True, slots=True)
class EffectLimits:
    """Settings of the effects, as the section `workflows` has them.

    Args:
        http_hosts: hosts with their ports that `call: http` and `call: openapi` may reach.
        http_private: hosts by their exact names or addresses, with their ports, that may be on a private network.
        costs: whether plugin calls tell their fuel and memory; it costs a look-up per call.

    Units: `http_bytes` of an answer, `output_bytes` of any output as JSON, `longest_s` of a call without a timeout.
    """

    http_hosts: tuple[str, ...] = ("*:*",)
    http_private: tuple[str, ...] = ()
    http_bytes: int = 4 * MIB
    output_bytes: int = 16 * MIB
    longest_s: float = 300.0
    costs: bool = False
    script: Limits = SCRIPT_LIMITS


class ConnectorUse(Protocol):
    """The host's connectors."""

    async def use(
        self, who: str, connector: str, action: str, given: Any = None, *, timeout_s: float = 3600.0, key: str = ""
    ) -> Any:
        """See `omnicore.connectors.service.Connectors.use`."""


@dataclass(frozen=True, slots=True)
class Scripting:
    """The build and the engine of scripts.

    Args:
        build: makes a plugin of the source of one file in a language, blocking. Raises: ToolMissing, BuildFailed.
        engine: makes what runs those plugins, called once a script is run.
    """

    build: Callable[[Literal["js", "python"], str], bytes]
    engine: Callable[[], SandboxEngine]


@dataclass(frozen=True, slots=True)
class StepServices:
    """All services; None is one that this host does not have."""

    plugins: PluginHost
    connectors: ConnectorUse
    http: HttpSender
    vault: Vault
    kv: KvTable
    clock: Clock
    memory: MemoryService | None = None
    vectors: VectorService | None = None
    tasks: StoredTasks | None = None
    scripting: Scripting | None = None


_LONGEST_KEY = 128
_PLAIN = re.compile("[!-~]+")


@dataclass(frozen=True, slots=True)
class StepContext(Handling):
    """The value of `call.host_context` for host functions while a plugin works for a run.

    `hops` counts how many events led here, so that events that follow from events come to an end. `key` is the same
    when a lost attempt is made again. `served` is filled in by a call that another host made: who it was.
    `version` is the one that the workflow asks for, by its number or its hash; empty: any.
    """

    run: str
    place: str
    attempt: int
    key: str
    served: dict[str, str] = field(default_factory=dict, compare=False)
    version: str = ""


class StepWork(Record, frozen=True):
    """An action, its run, and the run's secrets, opened."""

    action: StepAction
    run: RunContext
    secrets: StepSecrets
    clock: Clock

    @property
    def call(self) -> CallTask:
        """The node, where the action is a call."""
        return cast("CallTask", self.action.node)

    @property
    def input(self) -> Any:
        """The task's input, for URI templates."""
        return self.action.scope.get("input")

    def opened(self) -> Any:
        """The value with the secrets in their places."""
        return self.secrets.put(self.action.value)

    def left_s(self, most: float) -> float:
        """The time left. Raises: DeadlineExceeded: its time is over."""
        if self.action.due_at is None:
            return most
        left = self.action.due_at - self.clock.now()
        if left <= 0:
            raise DeadlineExceeded("the step's time was over before it began", limit="timeout", allowed=0)
        return min(left, most)

    @property
    def key(self) -> str:
        """The action's idempotency key, as headers and other services can hold it."""
        key = self.action.key
        return key if len(key) <= _LONGEST_KEY and _PLAIN.fullmatch(key) else sha256(key.encode()).hexdigest()

    def context(self, version: str = "") -> StepContext:
        """The context of the run for a plugin's host functions."""
        action, hops = self.action, hops_of(self.run.trigger)
        return StepContext(hops, self.run.run, action.place, action.attempt, action.key, version=version)


def hops_of(trigger: Mapping[str, Any]) -> int:
    """The number of events that led to a run, from its trigger."""
    hops = trigger.get("hops", 0)
    return hops if type(hops) is int and hops > 0 else 0


PREFIX = "omnisecret_"
"""Placeholders begin with it. Letters, digits and `_` only, so that no encoding of URLs or JSON changes them."""

_HEX = 40
_KEPT_S = 5.0  # a secret that was changed is the new one after this time
_MOST = 256
_OTHERS = ("connector.", "webhook.")


def placeholders(nonce: str, names: Iterable[str]) -> dict[str, str]:
    """The placeholder of each secret in the run with this nonce, an unguessable text.

    >>> placeholders("n", ["token"]) == placeholders("n", ["token"]) != placeholders("m", ["token"])
    True
    """
    key = nonce.encode()
    return {name: PREFIX + hmac.digest(key, name.encode(), "sha256").hex()[:_HEX] for name in names}


def marked(value: Any, names: Mapping[str, str]) -> Any:
    """A JSON value as people are shown it: `<secret:NAME>` where a placeholder stands.

    Args: names: placeholder by name, as `Start.secrets`.
    """
    return _replaced(value, {stands: f"<secret:{name}>" for name, stands in names.items()}) if names else value


class StepSecrets:
    """The secrets of a run for one effect. Its `repr` tells none."""

    __slots__ = ("_redactor", "_values")

    def __init__(self, values: Mapping[str, str] | None = None, missing: Mapping[str, str] | None = None) -> None:
        self._values: dict[str, str] = dict(values) if values else {}
        if missing:
            self._values |= {stands: _Missing(name) for stands, name in missing.items()}
        self._redactor = Redactor(values.values()) if values else None

    def put(self, value: Any) -> Any:
        """A JSON value with each placeholder replaced by its secret. Raises: Fault: there is no such secret."""
        if not self._values or not self.within(value):
            return value
        for stands, secret in self._values.items():
            if isinstance(secret, _Missing) and _holds(value, stands):
                raise secret.fault()
        return _replaced(value, self._values)

    def put_in_url(self, url: str) -> str:
        """The same for a URL: percent-encoded, unless it begins with the secret, which then is an address itself."""
        if PREFIX not in url or not self._values:
            return url
        for stands, secret in self._values.items():
            if stands in url:
                plain = str(self.put(stands))
                url = plain + url[len(stands) :] if url.startswith(stands) else url
                url = url.replace(stands, quote(secret, safe=""))
        return url

    def within(self, value: Any) -> bool:
        """True if a placeholder of this run stands in a JSON value."""
        return any(_holds(value, stands) for stands in self._values)

    def hide(self, *secrets: str) -> None:
        """Takes further secrets out as well, such as a token that was fetched with one."""
        self._redactor = self._redactor or Redactor()
        self._redactor.hide(*secrets)

    def hidden(self, value: Any) -> Any:
        """A JSON value without secrets."""
        return value if self._redactor is None else self._redactor.value(value)

    def hidden_fault(self, fault: Fault) -> Fault:
        """The fault without secrets in its texts."""
        if self._redactor is None:
            return fault
        text, extra = self._redactor.text, self._redactor.value(fault.extra)
        return Fault(fault.type, fault.status, text(fault.title), text(fault.detail), fault.instance, extra=extra)

    def __repr__(self) -> str:
        return f"StepSecrets({len(self._values)})"


class _Missing(str):
    """Stands where a secret is not in the vault; only who uses it is told."""

    __slots__ = ()

    def fault(self) -> Fault:
        return Fault(
            "configuration",
            400,
            "Secret missing",
            f"the vault holds no {str(self)!r}; run `omnicore secrets set {self}`",
        )


class SecretReader:
    """Reads secrets from the vault, keeping each for a few seconds; on one event loop."""

    def __init__(self, vault: Vault, clock: Clock) -> None:
        self._vault = vault
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, str | None]] = OrderedDict()

    async def open(self, names: Mapping[str, str]) -> StepSecrets:
        """The secrets of a run. Those of connectors and webhooks are nobody else's.

        Args: names: placeholder by name, as `Start.secrets`.
        Raises: StorageFailed: the vault cannot be opened.
        """
        if not names:
            return StepSecrets()
        now = self._clock.monotonic()
        # Noted before the wait: others may push out what is kept meanwhile.
        known = {name: kept[1] for name in names if (kept := self._kept.get(name)) is not None and kept[0] > now}
        wanted = [name for name in names if name not in known]
        if wanted:
            read = await asyncio.to_thread(self._read, wanted)
            known |= read
            for name, value in read.items():
                self._kept[name] = (now + _KEPT_S, value)
                self._kept.move_to_end(name)
        found = {names[name]: value for name, value in known.items() if value is not None}
        missing = {stands: name for name, stands in names.items() if stands not in found}
        while len(self._kept) > _MOST:
            self._kept.popitem(last=False)
        return StepSecrets(found, missing)

    def _read(self, names: Iterable[str]) -> dict[str, str | None]:
        return {name: None if name.startswith(_OTHERS) else self._get(name) for name in names}

    def _get(self, name: str) -> str | None:
        try:
            return self._vault.get(name)
        except NotFound:
            return None


def _holds(value: Any, text: str) -> bool:
    if isinstance(value, str):
        return text in value
    if isinstance(value, Mapping):
        return any(text in str(name) or _holds(one, text) for name, one in value.items())
    return isinstance(value, (list, tuple)) and any(_holds(one, text) for one in value)


def _replaced(value: Any, by: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        for stands, text in by.items():
            if stands in value:
                value = value.replace(stands, text)
        return value
    if isinstance(value, Mapping):
        return {_replaced(name, by): _replaced(one, by) for name, one in value.items()}
    return [_replaced(one, by) for one in value] if isinstance(value, (list, tuple)) else value


_DEEPEST = 64


def parse_json(data: bytes, what: str) -> Any:
    """A JSON value of strangers. Raises: InvalidInput: it is none, or nested too deep."""
    if too_deep(data, _DEEPEST):
        raise InvalidInput(f"{what} is nested deeper than {_DEEPEST}", remedy="send flatter JSON")
    try:
        return json.loads(data, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{what} is no JSON: {str(error)[:200]}", remedy="send JSON") from error


def text_or_bytes(data: bytes) -> Any:
    """Text where it is UTF-8, else `{"base64": ...}`."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def checked_output(value: Any, most: int) -> Any:
    """A value as plain JSON, if it is some, whole, and of `most` bytes. Raises: InvalidInput, LimitExceeded."""
    left = [most]
    plain = _plain(value, left, 0)
    if left[0] < 0:
        raise LimitExceeded(
            f"the output of this step is over {most} bytes",
            remedy="hand on less of it",
            limit="value_bytes",
            allowed=most,
        )
    return plain


def _plain(value: Any, left: list[int], depth: int) -> Any:
    """Counts on the way, at most a few bytes wrong, and goes no further once it is too much."""
    if depth > _DEEPEST:
        raise InvalidInput(f"the output is nested deeper than {_DEEPEST}", remedy="hand on flatter values")
    if value is None or isinstance(value, bool):
        left[0] -= 5
        return value
    if isinstance(value, str):
        left[0] -= len(value) if value.isascii() else _size(value)
        return value
    if isinstance(value, (int, float)):
        left[0] -= 8
        return value if type(value) is int else _number(value)
    if left[0] < 0:
        return None
    if isinstance(value, Mapping):
        left[0] -= 2 * len(value)
        plain = {}
        for name, one in value.items():
            if not isinstance(name, str):
                raise InvalidInput("a step gave an object whose names are no texts", remedy="hand on JSON")
            left[0] -= len(name) if name.isascii() else _size(name)
            plain[name] = _plain(one, left, depth + 1)
        return plain
    if isinstance(value, (list, tuple)):
        left[0] -= len(value)
        return [_plain(one, left, depth + 1) for one in value]
    raise InvalidInput(f"a step gave {type(value).__name__}, which is no JSON value", remedy="hand on JSON")


def _size(text: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError as error:
        raise InvalidInput("a step gave half of a character", remedy="hand on whole texts") from error


def _number(value: float) -> float:
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidInput("a step gave a number that JSON has not", remedy="hand on finite numbers")
    return value


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")


_EXPRESSION = re.compile(r"\{([+#./;?&]?)([^{}]*)\}")
_VARIABLE = re.compile(r"([A-Za-z0-9_.%-]+?)(?::([1-9][0-9]{0,3})|(\*))?")
_RESERVED = ":/?#[]@!$&'()*+,;="
_DOTS = frozenset({".", ".."})
_LONGEST = 8192


@dataclass(frozen=True, slots=True)
class _Operator:
    """The notation of an expression's values."""

    first: str
    between: str
    named: bool = False
    empty: str = ""
    kept: str = ""
    needed: bool = True


_OPERATORS: Mapping[str, _Operator] = {
    "": _Operator("", ","),
    "+": _Operator("", ",", kept=_RESERVED),
    "#": _Operator("#", ",", kept=_RESERVED, needed=False),
    ".": _Operator(".", "."),
    "/": _Operator("/", "/"),
    ";": _Operator(";", ";", named=True, needed=False),
    "?": _Operator("?", "&", named=True, empty="=", needed=False),
    "&": _Operator("&", "&", named=True, empty="=", needed=False),
}


def expanded(template: str, variables: Any) -> str:
    """The URI of a template. Own, because uritemplate 4.2 leaves reserved values with an encoded byte unescaped.

    Unlike in the standard a part of the path must have a value: `/pets/{id}` without an `id` is another resource. And
    a value that is `.` or `..` is refused, for it would lead to another one too.

    Args: variables: the task's input; other values than objects have no variables.
    Raises: InvalidInput: a variable has no value, or none that a URI can hold.

    >>> expanded("/pets/{id}{?tags*}", {"id": "a/b", "tags": ["x", "y"]})
    '/pets/a%2Fb?tags=x&tags=y'
    """
    if "{" not in template:
        return template
    known = variables if isinstance(variables, Mapping) else {}
    found = _EXPRESSION.sub(lambda match: _expression(match, known), template)
    if _dots(found) > _dots(template):
        raise InvalidInput("a value makes a part of the path `.` or `..`, which leads elsewhere", remedy="correct it")
    if len(found) > _LONGEST:
        raise InvalidInput(f"the URI is over {_LONGEST} characters", remedy="send less in it, and more in the body")
    return found


def _dots(uri: str) -> int:
    """The number of path segments that are `.` or `..`."""
    return sum(part in _DOTS for part in re.split(r"[/\\]", re.split("[?#]", uri, maxsplit=1)[0]))


def _expression(match: re.Match[str], known: Mapping[str, Any]) -> str:
    operator = _OPERATORS[match[1]]
    parts = [part for text in match[2].split(",") for part in _variable(text, operator, known)]
    return operator.first + operator.between.join(parts) if parts else ""


def _variable(text: str, operator: _Operator, known: Mapping[str, Any]) -> Iterator[str]:
    found = _VARIABLE.fullmatch(text.strip())
    if found is None:
        raise InvalidInput(f"{{{text[:80]}}} is no variable of a URI template", remedy="write {name}")
    name, most, explode = found[1], int(found[2] or 0), bool(found[3])
    value = known.get(name)
    if value is None or value in ([], {}):
        if operator.needed:
            raise InvalidInput(f"the URI needs {name[:80]!r}, which the task's input has not", remedy="add it to it")
        return
    if isinstance(value, Mapping):
        pairs = [(str(key), _text(one, name)) for key, one in value.items() if one is not None]
        yield from _pairs(name, pairs, operator, explode=explode)
    elif isinstance(value, (list, tuple)):
        yield from _list(name, [_text(one, name) for one in value if one is not None], operator, explode=explode)
    else:
        plain = _text(value, name)
        yield _named(name, _encoded(plain[:most] if most else plain, operator), operator)


def _list(name: str, items: list[str], operator: _Operator, *, explode: bool) -> Iterator[str]:
    written = [_encoded(item, operator) for item in items]
    if explode:
        yield from (_named(name, item, operator) for item in written)
    else:
        yield _named(name, ",".join(written), operator)


def _pairs(name: str, pairs: list[tuple[str, str]], operator: _Operator, *, explode: bool) -> Iterator[str]:
    written = [(_encoded(key, operator), _encoded(value, operator)) for key, value in pairs]
    if explode:
        yield from (f"{key}={value}" for key, value in written)
    else:
        yield _named(name, ",".join(part for pair in written for part in pair), operator)


def _named(name: str, value: str, operator: _Operator) -> str:
    if not operator.named:
        return value
    return f"{name}={value}" if value else f"{name}{operator.empty}"


def _encoded(text: str, operator: _Operator) -> str:
    try:
        return quote(text, safe=operator.kept)
    except UnicodeEncodeError as error:
        raise InvalidInput("a value of the URI holds half of a character", remedy="give whole texts") from error


def _text(value: Any, name: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise InvalidInput(f"{name[:80]!r} is nested too deep for a URI", remedy="give a text, a number or a flat list")


ANSWERED = ("call", "script", "emit", "run")
"""Kinds of tasks that reach out of the run, and that a trial can answer instead."""


def answer_of(action: StepAction, trigger: Mapping[str, Any]) -> Performed | None:
    """The answer that a trial has for an action; None: it is to be done. Raises: Fault: it must not be done."""
    if trigger.get("kind") != "trial" or action.node.kind not in ANSWERED:
        return None
    answers = trigger.get("answers", {})
    for name in (action.place, action.node.path):
        if name in answers:
            return Performed(answers[name], {"answered": "trial"})
    if trigger.get("calls") == "recorded":
        about = f"{trigger.get('run')} has no answer for {action.place}; pin one, or let the trial make its calls"
        raise Fault("configuration", 400, "No answer is recorded", about, instance=action.place)
    return None


def seeds(trigger: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
    """`$steps` and `$context` at the beginning of a run: what a trial was given, see `omnicore.workflows.trials`."""
    if trigger.get("kind") != "trial":
        return {}, {}
    return dict(trigger.get("steps", {})), trigger.get("context", {})


def told(trigger: Mapping[str, Any]) -> Mapping[str, Any]:
    """The trigger without the data of a trial: the names of what it was given are enough for people."""
    held = [name for name in ("steps", "answers", "context") if name in trigger]
    if trigger.get("kind") != "trial" or not held:
        return trigger
    return {**trigger, **{name: sorted(trigger[name]) for name in held}}
