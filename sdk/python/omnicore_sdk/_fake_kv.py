"""The keys and values of a `FakeHost`: the real thing without limits and without time."""

from __future__ import annotations

from collections.abc import Mapping

from omnicore_sdk._core import Wire, to_bytes, to_wire

__all__ = ["FakeKv"]


class FakeKv:
    """A store of keys; what has a `ttl_s` stays."""

    def __init__(self, values: Mapping[str, bytes | str]) -> None:
        self.values = {key: to_bytes(to_wire(value)) for key, value in values.items()}
        self._versions = {key: number for number, key in enumerate(self.values, 1)}
        self._last = len(self.values)

    def answer(self, name: str, request: Wire) -> Wire:
        """The reply of one of the door's functions."""
        return {
            "kv.get": self._get,
            "kv.put": self._put,
            "kv.delete": self._delete,
            "kv.list": self._list,
            "kv.cas": self._cas,
        }[name](request)

    def _get(self, request: Wire) -> Wire:
        value = self.values.get(request["key"])
        return {"value": None if value is None else to_wire(value), "version": self._version(request["key"])}

    def _put(self, request: Wire) -> Wire:
        self._last += 1
        self.values[request["key"]] = to_bytes(request["value"])
        self._versions[request["key"]] = self._last
        return {"version": self._last}

    def _delete(self, request: Wire) -> Wire:
        return {"deleted": self.values.pop(request["key"], None) is not None}

    def _list(self, request: Wire) -> Wire:
        begun, after, most = request.get("prefix", ""), request.get("cursor", ""), request.get("limit", 100)
        keys = [key for key in sorted(self.values, key=str.encode) if key.startswith(begun) and key > after]
        return {"keys": keys[:most], "cursor": keys[most - 1] if len(keys) > most else None}

    def _cas(self, request: Wire) -> Wire:
        if self._version(request["key"]) != request["expected"]:
            return {"swapped": False, "version": self._version(request["key"])}
        return {"swapped": True, **self._put(request)}

    def _version(self, key: str) -> int | None:
        """Of a key; one that a test put into `values` itself has the version 0."""
        return self._versions.get(key, 0) if key in self.values else None
