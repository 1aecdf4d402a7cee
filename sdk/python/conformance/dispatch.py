# Made from specs/doors by `python -m sdk.generate`; change it there.
"""Calls of the kit's own functions for requests as they stand in specs/abi.md."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from omnicore_sdk import config, connectors, events, http, kv, log, memory, tasks, vectors
from omnicore_sdk._core import to_bytes, to_wire

__all__ = ["dispatch"]

Wire = dict[str, Any]


def dispatch(door: str, verb: str, request: Wire) -> Wire:
    """The reply of a door. Raises: DoorError; KeyError for a verb that is none, or a field that is missing."""
    return _CALLS[f"{door}.{verb}"](request)


def _bytes(value: Any) -> bytes | None:
    return None if value is None else to_bytes(value)


def _wire(value: Any) -> Any:
    if isinstance(value, bytes):
        return to_wire(value)
    if dataclasses.is_dataclass(value):
        return {field.name: _wire(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return [_wire(one) for one in value] if isinstance(value, list | tuple) else value


def _record(value: Any, names: Sequence[str]) -> Wire:
    return dict.fromkeys(names) if value is None else dict(_wire(value))


def _log_write(request: Wire) -> Wire:
    log.write(request["level"], request["message"], fields=request.get("fields"))
    return {}


def _config_get(request: Wire) -> Wire:
    reply = config.get(request["key"])
    return {"value": _wire(reply)}


def _config_all(_: Wire) -> Wire:
    reply = config.all()
    return {"values": _wire(reply)}


def _kv_get(request: Wire) -> Wire:
    reply = kv.get(request["key"])
    return _record(reply, ["value", "version"])


def _kv_put(request: Wire) -> Wire:
    reply = kv.put(request["key"], to_bytes(request["value"]), ttl_s=request.get("ttl_s"))
    return {"version": _wire(reply)}


def _kv_delete(request: Wire) -> Wire:
    reply = kv.delete(request["key"])
    return {"deleted": _wire(reply)}


def _kv_list(request: Wire) -> Wire:
    reply = kv.list(prefix=request.get("prefix"), limit=request.get("limit"), cursor=request.get("cursor"))
    return _record(reply, ["keys", "cursor"])


def _kv_cas(request: Wire) -> Wire:
    reply = kv.cas(request["key"], request["expected"], to_bytes(request["value"]), ttl_s=request.get("ttl_s"))
    return _record(reply, ["swapped", "version"])


def _http_fetch(request: Wire) -> Wire:
    reply = http.fetch(
        request["url"],
        method=request.get("method"),
        headers=request.get("headers"),
        body=_bytes(request.get("body")),
    )
    return _record(reply, ["status", "headers", "body"])


def _events_publish(request: Wire) -> Wire:
    reply = events.publish(request["topic"], request["data"])
    return {"id": _wire(reply)}


def _events_subscribe(request: Wire) -> Wire:
    reply = events.subscribe(request["topic"], request["function"])
    return {"id": _wire(reply)}


def _events_unsubscribe(request: Wire) -> Wire:
    reply = events.unsubscribe(request["id"])
    return {"removed": _wire(reply)}


def _events_subscriptions(_: Wire) -> Wire:
    reply = events.subscriptions()
    return {"items": _wire(reply)}


def _tasks_submit(request: Wire) -> Wire:
    reply = tasks.submit(
        request["function"],
        input=request.get("input"),
        queue=request.get("queue"),
        delay_s=request.get("delay_s"),
        priority=request.get("priority"),
        attempts=request.get("attempts"),
        timeout_s=request.get("timeout_s"),
        key=request.get("key"),
    )
    return {"id": _wire(reply)}


def _tasks_get(request: Wire) -> Wire:
    reply = tasks.get(request["id"])
    return {"task": _wire(reply)}


def _tasks_list(request: Wire) -> Wire:
    reply = tasks.list(state=request.get("state"), limit=request.get("limit"), cursor=request.get("cursor"))
    return _record(reply, ["tasks", "cursor"])


def _tasks_cancel(request: Wire) -> Wire:
    reply = tasks.cancel(request["id"])
    return {"cancelled": _wire(reply)}


def _memory_store(request: Wire) -> Wire:
    reply = memory.store(
        request["text"],
        tier=request.get("tier"),
        importance=request.get("importance"),
        embedding=request.get("embedding"),
        metadata=request.get("metadata"),
        said_at=request.get("said_at"),
        user=request.get("user"),
        agent=request.get("agent"),
        session=request.get("session"),
        app=request.get("app"),
    )
    return {"id": _wire(reply)}


def _memory_recall(request: Wire) -> Wire:
    reply = memory.recall(
        text=request.get("text"),
        embedding=request.get("embedding"),
        tiers=request.get("tiers"),
        limit=request.get("limit"),
        min_score=request.get("min_score"),
        user=request.get("user"),
        agent=request.get("agent"),
        session=request.get("session"),
        app=request.get("app"),
        filter=request.get("filter"),
    )
    return {"items": _wire(reply)}


def _memory_get(request: Wire) -> Wire:
    reply = memory.get(request["id"])
    return {"item": _wire(reply)}


def _memory_forget(request: Wire) -> Wire:
    reply = memory.forget(request["id"])
    return {"forgotten": _wire(reply)}


def _vectors_create(request: Wire) -> Wire:
    reply = vectors.create(request["collection"], request["dimensions"], metric=request.get("metric"))
    return {"created": _wire(reply)}


def _vectors_upsert(request: Wire) -> Wire:
    reply = vectors.upsert(request["collection"], [vectors.Vector(**one) for one in request["vectors"]])
    return {"count": _wire(reply)}


def _vectors_search(request: Wire) -> Wire:
    reply = vectors.search(
        request["collection"],
        request["values"],
        limit=request.get("limit"),
        filter=request.get("filter"),
    )
    return _record(reply, ["matches", "exact"])


def _vectors_delete(request: Wire) -> Wire:
    reply = vectors.delete(request["collection"], request["ids"])
    return {"deleted": _wire(reply)}


def _connectors_list(_: Wire) -> Wire:
    reply = connectors.list()
    return {"connectors": _wire(reply)}


def _connectors_call(request: Wire) -> Wire:
    reply = connectors.call(request["connector"], request["action"], input=request.get("input"))
    return {"output": _wire(reply)}


_CALLS: dict[str, Callable[[Wire], Wire]] = {
    "log.write": _log_write,
    "config.get": _config_get,
    "config.all": _config_all,
    "kv.get": _kv_get,
    "kv.put": _kv_put,
    "kv.delete": _kv_delete,
    "kv.list": _kv_list,
    "kv.cas": _kv_cas,
    "http.fetch": _http_fetch,
    "events.publish": _events_publish,
    "events.subscribe": _events_subscribe,
    "events.unsubscribe": _events_unsubscribe,
    "events.subscriptions": _events_subscriptions,
    "tasks.submit": _tasks_submit,
    "tasks.get": _tasks_get,
    "tasks.list": _tasks_list,
    "tasks.cancel": _tasks_cancel,
    "memory.store": _memory_store,
    "memory.recall": _memory_recall,
    "memory.get": _memory_get,
    "memory.forget": _memory_forget,
    "vectors.create": _vectors_create,
    "vectors.upsert": _vectors_upsert,
    "vectors.search": _vectors_search,
    "vectors.delete": _vectors_delete,
    "connectors.list": _connectors_list,
    "connectors.call": _connectors_call,
}
