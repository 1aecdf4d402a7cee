"""The kv door: keys and values of the plugin's own, within a quota."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnicore.capabilities.capability import Capability, DoorCall, PluginScope, Verb
from omnicore.capabilities.request import Request, to_value
from omnicore.capabilities.scope import maximum
from omnicore.capabilities.services import Services
from omnicore.sandbox.abi import KIB, MIB

KEY_BYTES = 512
VALUE_BYTES = 256 * KIB
_LONGEST_S = 10 * 366 * 86_400.0
_PAGE = 1000


class _Kv:
    def __init__(self, plugin: str, quota: Mapping[str, int], services: Services) -> None:
        self._plugin = plugin
        self._quota = quota
        self._store = services.kv

    def get(self, call: DoorCall, request: Request) -> Mapping[str, Any]:
        key = request.text("key", most=KEY_BYTES)
        request.done()
        found = self._store.get(self._plugin, key)
        return {"value": to_value(found[0]), "version": found[1]} if found else {"value": None, "version": None}

    def put(self, call: DoorCall, request: Request) -> Mapping[str, Any]:
        key, value, ttl_s = _entry(request)
        request.done()
        return {"version": self._store.put(self._plugin, key, value, ttl_s=ttl_s, **self._quota)}

    def delete(self, call: DoorCall, request: Request) -> Mapping[str, Any]:
        key = request.text("key", most=KEY_BYTES)
        request.done()
        return {"deleted": self._store.delete(self._plugin, key)}

    def list(self, call: DoorCall, request: Request) -> Mapping[str, Any]:
        prefix = request.text("prefix", "", most=KEY_BYTES)
        limit = request.whole("limit", 100, least=1, most=_PAGE)
        cursor = request.text("cursor", None, most=KEY_BYTES)
        request.done()
        keys, following = self._store.list(self._plugin, prefix=prefix, limit=limit, cursor=cursor)
        return {"keys": keys, "cursor": following}

    def cas(self, call: DoorCall, request: Request) -> Mapping[str, Any]:
        key, value, ttl_s = _entry(request)
        request.any("expected")
        expected = request.whole("expected", None, least=0, most=2**63 - 1)
        request.done()
        swapped, version = self._store.cas(self._plugin, key, expected, value, ttl_s=ttl_s, **self._quota)
        return {"swapped": swapped, "version": version}


def _entry(request: Request) -> tuple[str, bytes, float | None]:
    key = request.text("key", most=KEY_BYTES)
    return key, request.blob("value", most=VALUE_BYTES), request.seconds("ttl_s", most=_LONGEST_S)


def _open(plugin: PluginScope, scope: Mapping[str, Any], services: Services) -> Mapping[str, Verb]:
    kv = _Kv(plugin.name, scope, services)
    return {"get": kv.get, "put": kv.put, "delete": kv.delete, "list": kv.list, "cas": kv.cas}


DOOR = Capability(
    name="kv",
    purpose="Keep keys and values between calls",
    verbs=("get", "put", "delete", "list", "cas"),
    resource="key",
    open=_open,
    scope={"max_bytes": maximum(MIB), "max_keys": maximum(1000)},
    request_bytes=lambda limits: 2 * VALUE_BYTES + 16 * KIB,  # base64 and escapes are longer
    large=frozenset({"put", "cas"}),
)
