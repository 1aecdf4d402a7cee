# Made from specs/doors by `python -m sdk.generate`; change it there.
"""The doors by the bindings of a component, which exist only inside of one."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from typing import Any

from componentize_py_types import Err  # type: ignore[import-not-found]

from omnicore_sdk._core import DoorError, Wire

__all__ = ["answer"]


class _Missing:
    """A door that the component does not import."""

    def __init__(self, door: str) -> None:
        self._door = door

    def __getattr__(self, name: str) -> Any:
        fact = f"the component was built without {self._door}"
        raise DoorError("unavailable", fact, f"write `from omnicore_sdk import {self._door}`", self._door)


def _bindings(door: str) -> Any:
    try:
        return importlib.import_module(f"wit_world.imports.{door}")
    except ModuleNotFoundError:
        return _Missing(door)


_application = _bindings("application")
_config = _bindings("config")
_connectors = _bindings("connectors")
_events = _bindings("events")
_http = _bindings("http")
_kv = _bindings("kv")
_log = _bindings("log")
_memory = _bindings("memory")
_tasks = _bindings("tasks")
_types = _bindings("types")
_vectors = _bindings("vectors")


def answer(function: str, request: Wire) -> Wire:
    """Asks the host. Raises: DoorError."""
    known = _FUNCTIONS.get(function)
    try:
        return known(request) if known else _of_application(function, request)
    except Err as error:
        said = error.value
        raise DoorError(said.code, said.message, said.remedy, said.capability, said.resource, said.limit) from None


def _of_application(function: str, request: Wire) -> Wire:
    reply: Wire = json.loads(_application.call(function, _to_json(request)))
    return reply


def _to_choice(choices: Any, value: Any) -> Any:
    found = choices.__members__.get(str(value).upper())
    if found is None:
        raise DoorError("malformed-request", f"{value!r} is none of {', '.join(choices.__members__).lower()}")
    return found


def _to_blob(value: Any) -> Any:
    return _types.Blob_Text(value) if isinstance(value, str) else _types.Blob_Base64(value["base64"])


def _from_blob(value: Any) -> Any:
    return value.value if isinstance(value, _types.Blob_Text) else {"base64": value.value}


def _to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _to_pairs(value: Any) -> list[tuple[str, str]]:
    return [(key, _to_json(one)) for key, one in value.items()]


def _from_pairs(value: Any) -> Wire:
    return {key: json.loads(one) for key, one in value}


def _kv_from_entry(value: Any) -> Wire:
    return {"value": _from_blob(value.value), "version": value.version}


def _kv_from_page(value: Any) -> Wire:
    return {"keys": value.keys, "cursor": value.cursor}


def _kv_from_swap(value: Any) -> Wire:
    return {"swapped": value.swapped, "version": value.version}


def _http_from_response(value: Any) -> Wire:
    return {"status": value.status, "headers": dict(value.headers), "body": _from_blob(value.body)}


def _events_from_subscription(value: Any) -> Wire:
    return {"id": value.id, "topic": value.topic, "function": value.function}


def _tasks_from_task(value: Any) -> Wire:
    return {
        "id": value.id,
        "function": value.function,
        "state": value.state.name.lower(),
        "attempts": value.attempts,
        "output": None if value.output is None else json.loads(value.output),
        "error": value.error,
    }


def _tasks_from_tasks_page(value: Any) -> Wire:
    return {"tasks": [_tasks_from_task(one) for one in value.tasks], "cursor": value.cursor}


def _memory_from_item(value: Any) -> Wire:
    return {
        "id": value.id,
        "tier": value.tier,
        "text": value.text,
        "importance": value.importance,
        "created_at": value.created_at,
        "metadata": _from_pairs(value.metadata),
        "score": value.score,
    }


def _vectors_to_vector(request: Wire) -> Any:
    return _vectors.Vector(
        id=request["id"],
        values=[float(one) for one in request["values"]],
        metadata=None if request.get("metadata") is None else _to_pairs(request["metadata"]),
    )


def _vectors_from_match(value: Any) -> Wire:
    return {"id": value.id, "distance": value.distance, "metadata": _from_pairs(value.metadata)}


def _vectors_from_matches(value: Any) -> Wire:
    return {"matches": [_vectors_from_match(one) for one in value.matches], "exact": value.exact}


def _connectors_from_connector(value: Any) -> Wire:
    return {"name": value.name, "kind": value.kind, "actions": value.actions}


def _log_write(request: Wire) -> Wire:
    _log.write(
        _to_choice(_log.Level, request["level"]),
        request["message"],
        None if request.get("fields") is None else _to_pairs(request["fields"]),
    )
    return {}


def _config_get(request: Wire) -> Wire:
    reply = _config.get(request["key"])
    return {"value": None if reply is None else json.loads(reply)}


def _config_all(request: Wire) -> Wire:
    reply = _config.all()
    return {"values": _from_pairs(reply)}


def _kv_get(request: Wire) -> Wire:
    reply = _kv.get(request["key"])
    if reply is None:
        return {"value": None, "version": None}
    return _kv_from_entry(reply)


def _kv_put(request: Wire) -> Wire:
    reply = _kv.put(
        request["key"],
        _to_blob(request["value"]),
        None if request.get("ttl_s") is None else float(request["ttl_s"]),
    )
    return {"version": reply}


def _kv_delete(request: Wire) -> Wire:
    reply = _kv.delete(request["key"])
    return {"deleted": reply}


def _kv_list(request: Wire) -> Wire:
    reply = _kv.list(request.get("prefix"), request.get("limit"), request.get("cursor"))
    return _kv_from_page(reply)


def _kv_cas(request: Wire) -> Wire:
    reply = _kv.cas(
        request["key"],
        request["expected"],
        _to_blob(request["value"]),
        None if request.get("ttl_s") is None else float(request["ttl_s"]),
    )
    return _kv_from_swap(reply)


def _http_fetch(request: Wire) -> Wire:
    reply = _http.fetch(
        request["url"],
        request.get("method"),
        None if request.get("headers") is None else list(request["headers"].items()),
        None if request.get("body") is None else _to_blob(request["body"]),
    )
    return _http_from_response(reply)


def _events_publish(request: Wire) -> Wire:
    reply = _events.publish(request["topic"], _to_json(request["data"]))
    return {"id": reply}


def _events_subscribe(request: Wire) -> Wire:
    reply = _events.subscribe(request["topic"], request["function"])
    return {"id": reply}


def _events_unsubscribe(request: Wire) -> Wire:
    reply = _events.unsubscribe(request["id"])
    return {"removed": reply}


def _events_subscriptions(request: Wire) -> Wire:
    reply = _events.subscriptions()
    return {"items": [_events_from_subscription(one) for one in reply]}


def _tasks_submit(request: Wire) -> Wire:
    reply = _tasks.submit(
        request["function"],
        None if request.get("input") is None else _to_json(request["input"]),
        request.get("queue"),
        None if request.get("delay_s") is None else float(request["delay_s"]),
        request.get("priority"),
        request.get("attempts"),
        None if request.get("timeout_s") is None else float(request["timeout_s"]),
        request.get("key"),
    )
    return {"id": reply}


def _tasks_get(request: Wire) -> Wire:
    reply = _tasks.get(request["id"])
    return {"task": None if reply is None else _tasks_from_task(reply)}


def _tasks_list(request: Wire) -> Wire:
    reply = _tasks.list(
        None if request.get("state") is None else _to_choice(_tasks.State, request["state"]),
        request.get("limit"),
        request.get("cursor"),
    )
    return _tasks_from_tasks_page(reply)


def _tasks_cancel(request: Wire) -> Wire:
    reply = _tasks.cancel(request["id"])
    return {"cancelled": reply}


def _memory_store(request: Wire) -> Wire:
    reply = _memory.store(
        request["text"],
        request.get("tier"),
        None if request.get("importance") is None else float(request["importance"]),
        None if request.get("embedding") is None else [float(one) for one in request["embedding"]],
        None if request.get("metadata") is None else _to_pairs(request["metadata"]),
        None if request.get("said_at") is None else float(request["said_at"]),
        request.get("user"),
        request.get("agent"),
        request.get("session"),
        request.get("app"),
    )
    return {"id": reply}


def _memory_recall(request: Wire) -> Wire:
    reply = _memory.recall(
        request.get("text"),
        None if request.get("embedding") is None else [float(one) for one in request["embedding"]],
        request.get("tiers"),
        request.get("limit"),
        None if request.get("min_score") is None else float(request["min_score"]),
        request.get("user"),
        request.get("agent"),
        request.get("session"),
        request.get("app"),
        None if request.get("filter") is None else _to_pairs(request["filter"]),
    )
    return {"items": [_memory_from_item(one) for one in reply]}


def _memory_get(request: Wire) -> Wire:
    reply = _memory.get(request["id"])
    return {"item": None if reply is None else _memory_from_item(reply)}


def _memory_forget(request: Wire) -> Wire:
    reply = _memory.forget(request["id"])
    return {"forgotten": reply}


def _vectors_create(request: Wire) -> Wire:
    reply = _vectors.create(
        request["collection"],
        request["dimensions"],
        None if request.get("metric") is None else _to_choice(_vectors.Metric, request["metric"]),
    )
    return {"created": reply}


def _vectors_upsert(request: Wire) -> Wire:
    reply = _vectors.upsert(request["collection"], [_vectors_to_vector(one) for one in request["vectors"]])
    return {"count": reply}


def _vectors_search(request: Wire) -> Wire:
    reply = _vectors.search(
        request["collection"],
        [float(one) for one in request["values"]],
        request.get("limit"),
        None if request.get("filter") is None else _to_pairs(request["filter"]),
    )
    return _vectors_from_matches(reply)


def _vectors_delete(request: Wire) -> Wire:
    reply = _vectors.delete(request["collection"], request["ids"])
    return {"deleted": reply}


def _connectors_list(request: Wire) -> Wire:
    reply = _connectors.list()
    return {"connectors": [_connectors_from_connector(one) for one in reply]}


def _connectors_call(request: Wire) -> Wire:
    reply = _connectors.call(
        request["connector"],
        request["action"],
        None if request.get("input") is None else _to_json(request["input"]),
    )
    return {"output": None if reply is None else json.loads(reply)}


def _config_get_v1(request: Wire) -> Wire:
    if "key" in request:
        return _config_get(request)
    return _config_all(request)


_FUNCTIONS: dict[str, Callable[[Wire], Wire]] = {
    "log_write_v1": _log_write,
    "config_get_v1": _config_get_v1,
    "kv_get_v1": _kv_get,
    "kv_put_v1": _kv_put,
    "kv_delete_v1": _kv_delete,
    "kv_list_v1": _kv_list,
    "kv_cas_v1": _kv_cas,
    "http_fetch_v1": _http_fetch,
    "events_publish_v1": _events_publish,
    "events_subscribe_v1": _events_subscribe,
    "events_unsubscribe_v1": _events_unsubscribe,
    "events_subscriptions_v1": _events_subscriptions,
    "tasks_submit_v1": _tasks_submit,
    "tasks_get_v1": _tasks_get,
    "tasks_list_v1": _tasks_list,
    "tasks_cancel_v1": _tasks_cancel,
    "memory_store_v1": _memory_store,
    "memory_recall_v1": _memory_recall,
    "memory_get_v1": _memory_get,
    "memory_forget_v1": _memory_forget,
    "vectors_create_v1": _vectors_create,
    "vectors_upsert_v1": _vectors_upsert,
    "vectors_search_v1": _vectors_search,
    "vectors_delete_v1": _vectors_delete,
    "connectors_list_v1": _connectors_list,
    "connectors_call_v1": _connectors_call,
}
