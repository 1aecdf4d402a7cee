"""The graph of a workflow: one immutable object that is checked, run, shown, edited and searched; and its durations.

A graph is compiled from a document (`language.document`) and contains it. Tasks are nodes in blocks; a node is found
by its path, a JSON pointer into the document such as `/do/0/fetch`. Edits (`language.edits`) change the
document and make a new graph of it.

Durations are seconds: ISO 8601, or an object with days, hours, minutes, seconds, milliseconds. A year counts 365 days
and a month 30: a workflow has no calendar.

Source: CNCF Serverless Workflow DSL 1.0.3, duration; ISO 8601-1:2019, 5.5.2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from omnicore.workflows.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


Kind: TypeAlias = Literal[
    "do", "set", "switch", "for", "fork", "try", "raise", "wait", "emit", "listen", "run", "script", "call", "approval"
]


class Evaluator(Protocol):
    """A JSON value with expressions in it, compiled; see `omnicore.workflows.expressions.expression`.

    `simple` ones need no jq: literals and plain paths. Calling gives the value.
    """

    @property
    def simple(self) -> bool: ...

    def __call__(self, data: Any, scope: Mapping[str, Any]) -> Any:
        """The value for an input and variables without their `$`. Raises: `Fault` of type expression."""


@dataclass(frozen=True, slots=True)
class Data:
    """Data around a task: `input`, `output` and `export` with their schemas. None: unchanged."""

    input_from: Evaluator | None = None
    input_schema: Mapping[str, Any] | None = None
    output_as: Evaluator | None = None
    output_schema: Mapping[str, Any] | None = None
    export_as: Evaluator | None = None
    export_schema: Mapping[str, Any] | None = None


PLAIN = Data()


@dataclass(frozen=True, slots=True)
class RetryRule:
    """The retry policy of a task. Units: seconds.

    The delay of attempt n (the first retry is 1) is `delay_s` for `constant`, `delay_s * n` for `linear` and
    `delay_s * 2 ** (n - 1)` for `exponential`, at most `longest_s`, and a part of it within `jitter_s` on top.
    """

    backoff: Literal["constant", "linear", "exponential"] = "constant"
    delay_s: Evaluator | float = 0.0
    longest_s: float = 86_400.0
    jitter_s: tuple[float, float] | None = None
    attempts: int | None = None
    attempt_s: float | None = None
    """The time limit of one attempt."""
    duration_s: float | None = None
    """The time limit of all attempts together."""
    when: Evaluator | None = None
    except_when: Evaluator | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """A task: what all kinds have. `then` is `continue`, `exit`, `end` or the name of a task in the same block."""

    path: str
    name: str
    kind: Kind
    data: Data = PLAIN
    when: Evaluator | None = None
    timeout_s: Evaluator | float | None = None
    then: str = "continue"
    retry: RetryRule | None = None
    """The dialect's short form: as a `try` around the task that catches every error."""
    on_error: Literal["fail", "continue"] = "fail"
    """`continue`: an error that no retry mended becomes the output, `{"error": ...}`."""
    compensate: Block | None = None
    """Tasks that undo this one if the run fails later. The last completed task is undone first."""


Block: TypeAlias = tuple[Node, ...]
"""Tasks one after the other."""


@dataclass(frozen=True, slots=True)
class DoTask(Node):
    """Tasks one after the other."""

    block: Block = ()


@dataclass(frozen=True, slots=True)
class SetTask(Node):
    """The output is a value."""

    value: Evaluator | None = None


@dataclass(frozen=True, slots=True)
class SwitchCase:
    """One way out of a switch; without a condition it is the default."""

    name: str
    when: Evaluator | None
    then: str


@dataclass(frozen=True, slots=True)
class SwitchTask(Node):
    """The first case that holds says what comes next."""

    cases: tuple[SwitchCase, ...] = ()


@dataclass(frozen=True, slots=True)
class ForTask(Node):
    """A block for each item. `at_once` 1 is the specification's loop: each round's input is the output before.

    With more at once each round gets the input of the loop itself, and the output is the list of all outputs in the
    order of the items, unless `collect` is False: then it is the input.
    """

    each: str = "item"
    at: str = "index"
    items: Evaluator | None = None
    going: Evaluator | None = None
    """`while`: before each round; False ends the loop."""
    block: Block = ()
    at_once: int = 1
    collect: bool = True


@dataclass(frozen=True, slots=True)
class ForkTask(Node):
    """Branches side by side. The output is the list of theirs; with `compete` that of the first to be done."""

    branches: Block = ()
    compete: bool = False
    at_once: int | None = None


@dataclass(frozen=True, slots=True)
class Catch:
    """Errors to catch, and the tasks that follow then. `with_` are members that an error must have."""

    with_: Mapping[str, Any] = field(default_factory=dict)
    as_: str = "error"
    when: Evaluator | None = None
    except_when: Evaluator | None = None
    retry: RetryRule | None = None
    block: Block = ()


@dataclass(frozen=True, slots=True)
class TryTask(Node):
    """A block whose errors are caught."""

    block: Block = ()
    catch: Catch = field(default_factory=Catch)


@dataclass(frozen=True, slots=True)
class RaiseTask(Node):
    """An error: `type`, `status`, `title`, `detail`, `instance`, any of them an expression."""

    error: Evaluator | None = None


@dataclass(frozen=True, slots=True)
class WaitTask(Node):
    """Some time passes. Units: seconds; a template gives an ISO 8601 duration or the members of one."""

    duration_s: Evaluator | float = 0.0
    until: Evaluator | None = None
    """The dialect's other form: a moment, as ISO 8601 or seconds since the Unix epoch."""


@dataclass(frozen=True, slots=True)
class EmitTask(Node):
    """An event is published: CloudEvents attributes and `data`."""

    event: Evaluator | None = None


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Events with these attributes; texts are regular expressions, `data` may be an expression that must hold.

    `correlate` maps a name to what of the event is compared (`from`) and with what (`expect`; None: whatever the
    first event has).
    """

    attributes: Mapping[str, Any] = field(default_factory=dict)
    data: Evaluator | None = None
    correlate: Mapping[str, tuple[Evaluator, Evaluator | None]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ListenTask(Node):
    """Events are waited for: `one` of the filters, `any` until a condition holds, or `all` of them.

    `read` tells what the output holds of each event: its `data`, the whole `envelope`, or `raw`.
    """

    mode: Literal["one", "any", "all"] = "one"
    filters: tuple[EventFilter, ...] = ()
    until: Evaluator | tuple[EventFilter, ...] | None = None
    """For `any`: a condition over the events so far, or filters of an event that ends it; None: the first one does."""
    forever: bool = False
    """`until: false`: it ends by a timeout or by cancelling only."""
    read: Literal["data", "envelope", "raw"] = "data"
    each: str = "item"
    at: str = "index"
    each_block: Block | None = None
    each_data: Data = PLAIN


@dataclass(frozen=True, slots=True)
class RunTask(Node):
    """Another workflow. Without `wait` the output is the input, and the run is only begun."""

    workflow: str = ""
    namespace: str = "default"
    version: str = "latest"
    value: Evaluator | None = None
    wait: bool = True


@dataclass(frozen=True, slots=True)
class ScriptTask(Node):
    """Code of the document, run in a sandbox."""

    language: Literal["js", "python"] = "js"
    code: str = ""
    arguments: Evaluator | None = None
    wait: bool = True


@dataclass(frozen=True, slots=True)
class CallTask(Node):
    """Something outside of the run is done.

    `target` tells what: `http`, `openapi`, `plugin`, `connector` or `host`; `ref` is `plugin.function` with an optional
    `:version` for plugins, `connector.action` for connectors, and `room.verb` for the host's own services. `given` is
    `with`, or None: then the task's input is what is called with. `authentication` is resolved (`use` inlined).
    """

    target: Literal["http", "openapi", "plugin", "connector", "host"] = "plugin"
    ref: str = ""
    given: Evaluator | None = None
    authentication: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ApprovalTask(Node):
    """A person decides: a title, a text, a form as JSON Schema, who may, and until when."""

    title: Evaluator | None = None
    text: Evaluator | None = None
    form: Mapping[str, Any] = field(default_factory=dict)
    role: str = "operator"
    deadline_s: Evaluator | float | None = None
    late: Literal["fail", "approve", "reject"] = "fail"


@dataclass(frozen=True, slots=True)
class HostSection:
    """The workflow's own part of the dialect, `host` at the document's root."""

    triggers: tuple[Mapping[str, Any], ...] = ()
    """Checked and with defaults filled in, see `language.triggers`. `schedule` of the DSL is among them."""
    concurrency_key: Evaluator | None = None
    concurrency_most: int | None = None
    concurrency_full: Literal["wait", "refuse", "cancel"] = "wait"
    """`cancel`: the runs that hold the key are cancelled for the new one."""
    rate: tuple[int, float] | None = None
    """So many starts in so many seconds; others wait."""
    dedupe_key: Evaluator | None = None
    dedupe_s: float = 86_400.0
    priority: int = 4
    """0 to 9; higher ones begin first."""
    keep_s: float | None = None
    keep_failed_s: float | None = None
    keep_most: int | None = None


@dataclass(frozen=True, slots=True)
class WorkflowGraph:
    """A checked workflow.

    Args:
        document: the whole definition as plain JSON values, sugar and all; what is stored, shown and edited.
        digest: SHA-256 of its canonical JSON; runs are pinned to it.
        simple: no expression in it needs jq.
        secrets: names that `use.secrets` declares.
    """

    name: str
    namespace: str
    version: str
    document: Mapping[str, Any]
    digest: str
    root: DoTask
    host: HostSection = field(default_factory=HostSection)
    timeout_s: Evaluator | float | None = None
    secrets: tuple[str, ...] = ()
    simple: bool = True
    nodes: Mapping[str, Node] = field(default_factory=dict, repr=False, compare=False)
    """All nodes by path."""

    def calls(self) -> Iterator[CallTask]:
        """Everything that is called."""
        return (node for node in self.nodes.values() if isinstance(node, CallTask))


def children(node: Node) -> Sequence[Block]:
    """The blocks inside a node, in the order of the document."""
    found: list[Block] = []
    match node:
        case DoTask(block=block) | ForTask(block=block):
            found.append(block)
        case ForkTask(branches=branches):
            found.append(branches)
        case TryTask(block=block, catch=catch):
            found += [block, catch.block]
        case ListenTask(each_block=block) if block is not None:
            found.append(block)
    return found if node.compensate is None else [*found, node.compensate]


@lru_cache(maxsize=4096)
def split_ref(ref: str) -> tuple[str, str]:
    """The function and the version that `plugin.function:version` names; no version is the one in service.

    >>> split_ref("text.count:1.2.0@default"), split_ref("text.count")
    (('text.count', '1.2.0'), ('text.count', ''))
    """
    function, _, version = ref.removesuffix("@default").partition(":")
    return function, "" if version == "latest" else version


def name_of(name: str, namespace: str = "default") -> str:
    """The full name of a workflow: its name, or `namespace.name` outside of `default`."""
    return name if namespace == "default" else f"{namespace}.{name}"


LONGEST_S = 100 * 365 * 86_400.0
_MEMBERS = {"days": 86_400.0, "hours": 3_600.0, "minutes": 60.0, "seconds": 1.0, "milliseconds": 0.001}
_PART = r"(?:([0-9]+(?:\.[0-9]+)?){})?"
_ISO = re.compile(
    "P" + "".join(_PART.format(unit) for unit in "YMWD") + "(?:T" + "".join(_PART.format(unit) for unit in "HMS") + ")?"
)
_UNITS = (365 * 86_400.0, 30 * 86_400.0, 7 * 86_400.0, 86_400.0, 3_600.0, 60.0, 1.0)


def seconds_of(value: Any) -> float | None:
    """The seconds of a duration; None when it is none, or over a hundred years."""
    seconds = _members(value) if isinstance(value, Mapping) else _iso(value)
    return seconds if seconds is not None and 0 <= seconds <= LONGEST_S else None


def _members(value: Mapping[Any, Any]) -> float | None:
    known = all(
        key in _MEMBERS and isinstance(part, int | float) and not isinstance(part, bool) for key, part in value.items()
    )
    return sum(part * _MEMBERS[key] for key, part in value.items()) if value and known else None


def _iso(text: Any) -> float | None:
    found = _ISO.fullmatch(text) if isinstance(text, str) and len(text) <= 100 else None
    if found is None or not any(found.groups()) or text.endswith("T"):
        return None
    return sum(float(part) * unit for part, unit in zip(found.groups(), _UNITS, strict=True) if part)


_LAST = 253_402_300_800.0
"""The end of the year 9999: calendars go no further."""


def seconds(value: Any) -> float:
    """The seconds of a duration: a number, ISO 8601 text (`P1DT2H`), or its members.

    Raises: Fault of type expression: it is none of these, negative, or over a hundred years.
    """
    found = _seconds(value)
    if found is None or not 0 <= found <= LONGEST_S:
        raise Fault("expression", 400, "No duration", f"{_short(value)} is not a duration; write one such as PT5M")
    return found


def evaluated_seconds(given: Evaluator | float, data: Any, scope: Mapping[str, Any]) -> float:
    """The seconds of what the graph holds: a number, or a template that gives a duration."""
    return seconds(given(data, scope)) if callable(given) else given


def moment(value: Any) -> float:
    """A moment as seconds since the Unix epoch, from such a number or ISO 8601 text; without a zone it is UTC.

    Raises: Fault of type expression: it is neither.
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LAST:
        return float(value)
    if isinstance(value, str):
        try:
            found = datetime.fromisoformat(value)
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            pass
    raise Fault(
        "expression", 400, "No moment", f"{_short(value)} is not a time; write one such as 2030-01-31T08:00:00Z"
    )


def described(at: float) -> dict[str, Any]:
    """A moment as the specification's date time descriptor."""
    iso = datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
    return {"iso8601": iso, "epoch": {"seconds": int(at), "milliseconds": int(at * 1000)}}


def _seconds(value: Any) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return seconds_of(value)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}..."
