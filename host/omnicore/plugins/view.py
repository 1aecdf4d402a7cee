"""Views of a plugin for people and programs: its catalogue entry and its current status."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any, Literal

from omnicore.capabilities.doors import review_warnings
from omnicore.plugins.manifest import Manifest, granted_limits, limits_request
from omnicore.plugins.schemas import FunctionSpec
from omnicore.records import Meta, Record
from omnicore.sandbox.abi import Limits
from omnicore.telemetry.metrics import BUCKETS_S, CallRecorder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from omnicore.capabilities.capability import CapabilityRequest, Grant
    from omnicore.storage.tables.plugins import PluginRow


Trust = Literal["sandboxed", "native"]
State = Literal["enabled", "needs-grant", "needs-review", "disabled", "quarantined", "rejected"]


@dataclass(frozen=True, slots=True)
class GrantChange:
    """Something the newest version of a plugin asks for and has not been granted, or no longer asks for.

    `granted` is the scope it has now, None when it has none; `command` is what grants it. Of what is narrower or
    dropped nothing is to be granted: `granted` is what the version before asks for, and `command` is empty.
    """

    capability: str
    change: Literal["new", "wider", "narrower", "dropped"]
    asked: Mapping[str, Any]
    granted: Mapping[str, Any] | None
    reason: str
    command: str

    def to_json(self) -> dict[str, Any]:
        """The change as REST and `-o json` show it."""
        return {**asdict(self), "warnings": review_warnings(self.capability, self.asked)}


@dataclass(frozen=True, slots=True)
class PluginView:
    """A plugin as the catalogue knows it.

    `hash` is the newest usable version of the file, `serving` the one that answers calls: None when none
    does, another one than `hash` while a change waits for a person or cannot be used. Of what it asks for, limits above
    the host's own stand under the name `limits`. `last_error` is the last
    failure of a call, with `at` in seconds since the Unix epoch. `path` is relative to the plugin folder.

    `trust` is `native` for a plugin in Python, which is code in the host's own process and has no sandbox: its
    `path` is `package.module:Name`.

    `shares` are per cent of the calls by hash, None where `serving` has all; `revision` grows with each decision.
    `placement` are the labels that a host needs to serve it, None where every host does.
    """

    name: str
    version: str
    description: str
    author: str
    hash: str | None
    serving: str | None
    state: State
    reason: str
    functions: tuple[FunctionSpec, ...]
    asked: tuple[CapabilityRequest, ...]
    granted: tuple[Grant, ...]
    limits: Mapping[str, Any]
    config: Mapping[str, Any] | None
    last_error: Mapping[str, Any] | None
    path: str
    trust: Trust = "sandboxed"
    shares: Mapping[str, int] | None = None
    revision: int = 0
    placement: Mapping[str, str] | None = None

    def fits(self, state: State | None, text: str) -> bool:
        """True when it is in a state, None for any, and has a text in its name, path or reason."""
        part = text.lower()
        return state in (None, self.state) and any(part in one.lower() for one in (self.name, self.path, self.reason))

    def to_json(self) -> dict[str, Any]:
        """The view as REST and `-o json` show it."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        values["functions"] = {function.name: function.to_json() for function in self.functions}
        values["asked"] = [
            {
                "name": one.name,
                "scope": dict(one.scope),
                "reason": one.reason,
                "warnings": review_warnings(one.name, one.scope),
            }
            for one in self.asked
        ]
        values["granted"] = [
            {
                "capability": one.capability,
                "scope": dict(one.scope),
                "granted_by": one.granted_by,
                "granted_at": one.granted_at,
            }
            for one in self.granted
        ]
        return values


class SourceView(Record, frozen=True):
    """A file in a host's plugin folder that has a plugin's name. Units: `at` seconds since the Unix epoch."""

    host: Annotated[str, Meta(description="The name of the host's machine.")]
    id: Annotated[str, Meta(description="The identity of the host's data folder; empty for a host that is alone.")]
    path: str
    hash: Annotated[str | None, Meta(description="The version that it proposes; null for a file that cannot be used.")]
    problem: str
    agrees: Annotated[bool, Meta(description="It is the version that answers calls.")]
    removed: Annotated[bool, Meta(description="The plugin was removed at another host: the file proposes nothing.")]
    at: float


class HostView(Record, frozen=True):
    """A version of a plugin at one host. Units: `since` seconds since the Unix epoch."""

    host: Annotated[str, Meta(description="The name of the host's machine.")]
    id: Annotated[str, Meta(description="The identity of the host's data folder.")]
    hash: str
    state: Annotated[Literal["coming", "loaded", "failed"], Meta(description="coming: it is being compiled there.")]
    error: str
    lags: Annotated[bool, Meta(description="Another version is accepted and not in service at that host yet.")]
    since: float


class FleetView(Record, frozen=True):
    """A plugin at all hosts of the database: what their folders propose, and what they have in service."""

    sources: tuple[SourceView, ...]
    hosts: tuple[HostView, ...]


def view_of(row: PluginRow, grants: Sequence[Grant], limits: tuple[Limits, Limits]) -> PluginView:
    """A row of the catalogue as people are shown it. `limits` are the defaults and the most."""
    manifest = Manifest.from_json(row.manifest) if row.manifest else Manifest(row.name)
    above = limits_request(manifest, *limits)
    error = {**json.loads(row.last_error), "at": row.last_error_at} if row.last_error else None
    return PluginView(
        name=row.name,
        version=manifest.version,
        description=manifest.description,
        author=manifest.author,
        hash=row.hash,
        serving=None if row.switched_off else row.serving,
        state=row.state,  # type: ignore[arg-type]  # the column holds what next_state decided
        reason=row.reason,
        functions=manifest.functions,
        asked=(*manifest.capabilities, *([above] if above is not None else ())),
        granted=tuple(grants),
        limits=asdict(granted_limits(manifest, grants, *limits)),
        config=manifest.config,
        last_error=error,
        path=row.path,
        shares=row.shares,
        revision=row.revision,
        placement=row.placement,
    )


Origin = Literal["manifest", "settings", "most"]


@dataclass(frozen=True, slots=True)
class BreakerStatus:
    """`failures` are those in a row, whoever called; `refused` is how many callers are refused for failures of theirs.

    Units: `open_until` seconds since the Unix epoch, None while calls pass.
    """

    state: Literal["closed", "open", "half-open"]
    failures: int
    threshold: int
    refused: int
    open_until: float | None


@dataclass(frozen=True, slots=True)
class LimitInForce:
    """A limit, and who set it: the manifest, the host's `limits`, or its `max_limits` where they are lower."""

    value: Any
    origin: Origin


@dataclass(frozen=True, slots=True)
class CallStatus:
    """Calls since the host started. `p95_ms` is None without calls."""

    calls: int = 0
    errors: int = 0
    p95_ms: float | None = None


@dataclass(frozen=True, slots=True)
class PluginStatus:
    """The condition of a plugin now."""

    breaker: BreakerStatus
    in_flight: int
    warm: int
    warm_bytes: int
    calls: CallStatus
    limits: Mapping[str, LimitInForce]

    def to_json(self) -> dict[str, Any]:
        """The status as REST and `-o json` show it."""
        values = {name: getattr(self, name) for name in ("in_flight", "warm", "warm_bytes")}
        limits = {name: asdict(one) for name, one in self.limits.items()}
        return {"breaker": asdict(self.breaker), **values, **asdict(self.calls), "limits": limits}


def call_status(recorders: Sequence[CallRecorder]) -> CallStatus:
    """All calls of some functions together. The percentile is known as well as the buckets are narrow."""
    calls = errors = 0
    below = [0] * (len(BUCKETS_S) + 1)
    for recorder in recorders:
        counts, cumulative, _ = recorder.totals()
        calls += sum(counts.values())
        errors += sum(count for outcome, count in counts.items() if outcome != "ok")
        below = [one + more for one, more in zip(below, cumulative, strict=True)]
    return CallStatus(calls, errors, percentile_ms(below, 0.95))


class FunctionFigures(Record, frozen=True):
    """The calls of a function of a plugin, or of a verb that a plugin asks the host."""

    plugin: str
    kind: Annotated[Literal["function", "host"], Meta(description="Called by others, or asked of the host.")]
    name: Annotated[str, Meta(description="A function, or a verb of a capability such as kv.get.")]
    calls: int
    errors: Annotated[int, Meta(description="Calls that did not end well, whoever is to blame.")]
    p50_ms: float | None
    p95_ms: Annotated[float | None, Meta(description="No call in 20 took longer.")]
    p99_ms: float | None
    total_s: Annotated[float, Meta(description="Seconds of all calls together.")]


def function_figures(kind: Literal["function", "host"], recorders: Iterable[CallRecorder]) -> list[FunctionFigures]:
    """The figures of each that was called since the host started."""
    found = []
    for recorder in recorders:
        counts, below, total_s = recorder.totals()
        calls = sum(counts.values())
        if calls:
            parts = {f"p{part}_ms": percentile_ms(below, part / 100) for part in (50, 95, 99)}
            errors = calls - counts.get("ok", 0)
            found.append(
                FunctionFigures(
                    recorder.plugin, kind, recorder.function, calls, errors, total_s=round(total_s, 6), **parts
                )
            )
    return found


def percentile_ms(below: Sequence[int], part: float) -> float | None:
    """From cumulative counts: as far into its bucket as its rank is among the bucket's calls."""
    if not below[-1]:
        return None
    rank = part * below[-1]
    place = next(number for number, count in enumerate(below) if count >= rank)
    if place >= len(BUCKETS_S):
        return BUCKETS_S[-1] * 1000
    low, before = (BUCKETS_S[place - 1], below[place - 1]) if place else (0.0, 0)
    within = (rank - before) / (below[place] - before)
    return round((low + (BUCKETS_S[place] - low) * within) * 1000, 4)


def limits_in_force(
    manifest: Manifest, grants: Sequence[Grant], default: Limits, most: Limits
) -> Mapping[str, LimitInForce]:
    """Each limit as `granted_limits` decides it, with where it comes from."""
    held, asked = granted_limits(manifest, grants, default, most), manifest.limits or {}
    return {
        field.name: LimitInForce(
            getattr(held, field.name), _origin(getattr(held, field.name), asked.get(field.name), field.name, default)
        )
        for field in fields(Limits)
    }


def _origin(value: Any, asked: Any, name: str, default: Limits) -> Origin:
    if value is not None and value == asked:
        return "manifest"
    return "settings" if value == getattr(default, name) else "most"
