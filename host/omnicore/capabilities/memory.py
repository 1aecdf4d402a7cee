"""The memory door: remember and recall by meaning, words and time, in the tiers that were granted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from omnicore.capabilities.capability import Capability, DoorCall, PluginScope, Verb
from omnicore.capabilities.request import Request
from omnicore.capabilities.scope import ScopeField, flag, maximum, patterns
from omnicore.capabilities.services import MemoryAccess, MemoryDraft, MemoryQuery, Services, present
from omnicore.errors import InvalidInput, PermissionDenied
from omnicore.filters import read_filter
from omnicore.memory.item import ScopeNames, is_scope_name, scoped
from omnicore.memory.tiers import TIERS
from omnicore.sandbox.abi import KIB, MIB

__all__ = ["DOOR", "METADATA_BYTES", "TEXT_BYTES", "TIERS", "USUAL_TIERS"]

USUAL_TIERS = ("session", "episodic", "semantic")
"""The tiers of a plugin that names none. It must name the shared ones, from `civilizational` on."""

TEXT_BYTES = 64 * KIB
METADATA_BYTES = 16 * KIB
_DIMENSIONS = 4096
_NUMBER_BYTES = 32
_ID_BYTES = 64
_NAME_BYTES = 1024
_LATEST = 1e12  # seconds
_PARTS = ("user", "agent", "session", "app")


class _Memory:
    def __init__(self, plugin: str, scope: Mapping[str, Any], services: Services) -> None:
        self._plugin = plugin
        self._tiers = tuple(scope["tiers"])
        self._write: bool = scope["write"]
        self._within: Mapping[str, str] = scope["within"]
        self._quota = {name: scope[name] for name in ("max_items", "max_bytes")}
        self._found = services.memory

    @property
    def _service(self) -> MemoryAccess:
        return present(self._found, "memory")

    async def store(self, call: DoorCall, request: Request) -> Mapping[str, Any]:
        names = _names(request)
        draft = MemoryDraft(
            text=request.text("text", least=1, most=TEXT_BYTES),
            tier=request.text("tier", "episodic", most=32),
            importance=request.number("importance", None, least=0, most=1),
            embedding=request.numbers("embedding", None, most=_DIMENSIONS),
            metadata=request.table("metadata", most=METADATA_BYTES),
            said_at=request.number("said_at", None, least=-_LATEST, most=_LATEST),
            scope=scoped(self._narrowed(names)),
        )
        request.done()
        self._check_write("store")
        self._check_tiers(draft.tier)
        self._check_names(names)
        return {"id": await self._service.store(self._plugin, draft, **self._quota)}

    async def recall(self, call: DoorCall, request: Request) -> Mapping[str, Any]:
        names = _names(request)
        query = MemoryQuery(
            text=request.text("text", None, least=1, most=8 * KIB),
            embedding=request.numbers("embedding", None, most=_DIMENSIONS),
            tiers=request.texts("tiers", self._tiers, most=len(TIERS), bytes_each=32),
            limit=request.whole("limit", 10, least=1, most=100),
            min_score=request.number("min_score", 0.0, least=0, most=1),
            scope=scoped(self._narrowed(names)),
            filter=request.table("filter", most=METADATA_BYTES) or None,
        )
        request.done()
        read_filter(query.filter)
        if query.text is None and query.embedding is None:
            raise InvalidInput("`text` or `embedding` of the request must be there", remedy="see specs/abi.md")
        self._check_tiers(*query.tiers)
        self._check_names(names)
        return {"items": [item.to_json() for item in await self._service.recall(self._plugin, query)]}

    def get(self, call: DoorCall, request: Request) -> Mapping[str, Any]:
        item = request.text("id", least=1, most=_ID_BYTES)
        request.done()
        found = self._service.get(self._plugin, item, self._tiers, scoped(self._narrowed({})))
        return {"item": found.to_json() if found else None}

    def forget(self, call: DoorCall, request: Request) -> Mapping[str, Any]:
        item = request.text("id", least=1, most=_ID_BYTES)
        request.done()
        self._check_write("forget")
        gone = self._service.forget(self._plugin, item, self._tiers, scoped(self._narrowed({})))
        return {"forgotten": gone}

    def _narrowed(self, names: ScopeNames) -> ScopeNames:
        """The names of a request within those of the grant."""
        return cast("ScopeNames", {**names, **self._within})

    def _check_names(self, names: ScopeNames) -> None:
        for part, name in names.items():
            fixed = self._within.get(part, name)
            if name != fixed:
                fact = f"{self._plugin} may not use the {part} {name!r:.40}: `within` names {fixed!r:.40}"
                raise self._refusal(fact, f"change `within.{part}`", part)

    def _check_tiers(self, *tiers: str) -> None:
        for tier in tiers:
            if tier not in self._tiers:
                raise self._refusal(f"{self._plugin} may not use the tier {tier}", "name the tier", tier)

    def _check_write(self, verb: str) -> None:
        if not self._write:
            raise self._refusal(f"{self._plugin} may only recall, not {verb}", "set `write = true`", f"memory.{verb}")

    def _refusal(self, fact: str, change: str, resource: str) -> PermissionDenied:
        remedy = f"{change} in its manifest, then run `omnicore plugins grant {self._plugin} memory`"
        return PermissionDenied(fact, remedy=remedy, resource=resource)


def _names(request: Request) -> ScopeNames:
    """The names of a scope in a request, those that were given."""
    found = {part: request.text(part, None, least=1, most=_NAME_BYTES) for part in _PARTS}
    return cast("ScopeNames", {part: name for part, name in found.items() if name is not None})


def _is_within(value: Any) -> bool:
    return isinstance(value, Mapping) and all(part in _PARTS and is_scope_name(name) for part, name in value.items())


_WITHIN = ScopeField(
    {},
    "names by `user`, `agent`, `session` or `app`",
    _is_within,
    # Who was granted less asks for the same names, and may ask for more.
    lambda granted, asked: granted.items() <= asked.items(),
)


def _open(plugin: PluginScope, scope: Mapping[str, Any], services: Services) -> Mapping[str, Verb]:
    memory = _Memory(plugin.name, scope, services)
    return {"store": memory.store, "recall": memory.recall, "get": memory.get, "forget": memory.forget}


DOOR = Capability(
    name="memory",
    purpose="Remember and recall by meaning, words and time",
    verbs=("store", "recall", "get", "forget"),
    resource="tier",
    open=_open,
    scope={
        "tiers": patterns(USUAL_TIERS, f"a list of {', '.join(TIERS)}", valid=TIERS.__contains__, covers=str.__eq__),
        "write": flag(True),
        "within": _WITHIN,
        "max_items": maximum(10_000),
        "max_bytes": maximum(16 * MIB),
    },
    # Each character may be written as an escape.
    request_bytes=lambda limits: 6 * (TEXT_BYTES + METADATA_BYTES) + _DIMENSIONS * _NUMBER_BYTES + 4 * KIB,
    large=frozenset({"store", "recall"}),
)
