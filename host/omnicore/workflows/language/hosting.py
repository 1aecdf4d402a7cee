"""What begins runs and how many there may be: `schedule` of the DSL, and the `host` object at the document's root."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnicore.errors import InvalidInput
from omnicore.runtime.ticks import ticks_of
from omnicore.workflows.expression import Template, expression
from omnicore.workflows.graph import Host
from omnicore.workflows.language.build import Build
from omnicore.workflows.language.events import filter_of, filters_of, strategy_of
from omnicore.workflows.language.problems import Path

__all__ = ["host_of"]

_EVERYTHING = '"all"'
"""The key of all runs, where `concurrency` has none of its own."""
_LONGEST_ANSWER_S = 60.0


def host_of(build: Build, document: Mapping[str, Any]) -> Host:
    """The host's part of a workflow."""
    host: Mapping[str, Any] = document.get("host", {})
    path: Path = ("host",)
    concurrency, rate, dedupe, keep = (host.get(key, {}) for key in ("concurrency", "rate", "dedupe", "keep"))
    triggers = [
        *_scheduled(build, document.get("schedule", {})),
        *(_trigger(build, one, (*path, "triggers", index)) for index, one in enumerate(host.get("triggers", ()))),
    ]
    return Host(
        triggers=tuple(triggers),
        concurrency_key=_concurrency_key(build, concurrency, (*path, "concurrency", "key")),
        concurrency_most=concurrency.get("most"),
        concurrency_full=concurrency.get("full", "wait"),
        rate=(rate["starts"], build.seconds(rate["per"], (*path, "rate", "per"), least=0.001)) if rate else None,
        dedupe_key=build.expression(dedupe["key"], (*path, "dedupe", "key")) if dedupe else None,
        dedupe_s=_seconds(build, dedupe, "within", (*path, "dedupe")) or 86_400.0,
        priority=host.get("priority", 4),
        keep_s=_seconds(build, keep, "for", (*path, "keep")),
        keep_failed_s=_seconds(build, keep, "failedFor", (*path, "keep")),
        keep_most=keep.get("most"),
    )


def _seconds(build: Build, value: Mapping[str, Any], key: str, path: Path) -> float | None:
    return build.seconds(value[key], (*path, key)) if key in value else None


def _concurrency_key(build: Build, value: Mapping[str, Any], path: Path) -> Template | None:
    if not value:
        return None
    return build.expression(value["key"], path) if "key" in value else expression(_EVERYTHING)


def _scheduled(build: Build, schedule: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for key, value in schedule.items():
        path: Path = ("schedule", key)
        if key == "on":
            found.append({"kind": "event", "input": None, **_events(build, value, path)})
        elif key == "cron":
            found.append({**_cron(build, {"cron": value}, path[:1]), "input": None})
        elif key == "every":
            every = build.seconds(value, path, least=1.0)
            found.append({"kind": "every", "every": every, "missed": "one", "input": None})
        else:
            found.append({"kind": "after", "after": build.seconds(value, path), "input": None})
    return found


def _trigger(build: Build, value: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    given = build.template(value["input"], (*path, "input")) if "input" in value else None
    if "cron" in value:
        return {**_cron(build, value, path), "input": given}
    if "every" in value:
        every = build.seconds(value["every"], (*path, "every"), least=1.0)
        return {"kind": "every", "every": every, "missed": value.get("missed", "one"), "input": given}
    if "webhook" in value:
        return {**_webhook(build, value, path), "input": given}
    if "connector" in value:
        event = value.get("event", "*")
        return {"kind": "connector", "connector": value["connector"], "event": event, "input": given}
    within = _seconds(build, value, "within", path)
    spread = {} if within is None else {"within": within}
    return {"kind": "event", "input": given, **_events(build, value["event"], (*path, "event")), **spread}


def _cron(build: Build, value: Mapping[str, Any], path: Path) -> dict[str, Any]:
    cron, timezone = value["cron"], value.get("timezone", "UTC")
    try:
        ticks_of("cron", cron, timezone, 0.0)
    except InvalidInput as error:
        wrong = "timezone" if "time zone" in error.fact else "cron"
        build.report.error((*path, wrong), error.fact, error.remedy)
    return {"kind": "cron", "cron": cron, "timezone": timezone, "missed": value.get("missed", "one")}


def _webhook(build: Build, value: Mapping[str, Any], path: Path) -> dict[str, Any]:
    wait_s = _seconds(build, value, "timeout", path)
    if wait_s is not None and wait_s > _LONGEST_ANSWER_S:
        fact = f"nobody waits longer than {_LONGEST_ANSWER_S:g} s for an answer"
        build.report.error((*path, "timeout"), fact, "give a shorter time, or `respond: accepted`")
    respond = value.get("respond", "accepted")
    return {"kind": "webhook", "webhook": value["webhook"], "respond": respond, "timeout": wait_s or 30.0}


def _events(build: Build, value: Mapping[str, Any], path: Path) -> dict[str, Any]:
    if "with" in value:
        return {"mode": "one", "filters": (filter_of(build, value, path),)}
    return {"mode": strategy_of(value), "filters": filters_of(build, value, path)}
