"""What tasks have in common: data around them, timeouts, retries, credentials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from omnicore.plugins.schemas import problems_of_schema
from omnicore.workflows.expression import Template
from omnicore.workflows.graph import PLAIN, Data, Retry
from omnicore.workflows.language.build import MARK, MOST_SCHEMAS, Build, StopCompilingError
from omnicore.workflows.language.problems import Path

__all__ = [
    "authentication_of",
    "data_of",
    "json_schema",
    "outside_resource",
    "retry_of",
    "schema_document",
    "timeout_of",
]

_CHECK_S = 2.0
_DAY_S = 86_400.0
_NEVER: Mapping[str, Any] = {"not": {}}
_HIDDEN = ("password", "token", "secret", "assertion")


def data_of(build: Build, value: Mapping[str, Any], path: Path) -> Data:
    """`input`, `output` and `export` of a task, of the workflow, or of what is done with each event."""
    if not any(key in value for key in ("input", "output", "export")):
        return PLAIN
    parts: dict[str, Any] = {}
    for key, by in (("input", "from"), ("output", "as"), ("export", "as")):
        given = value.get(key, {})
        parts[f"{key}_{by}"] = _moved(build, given.get(by), (*path, key, by))
        parts[f"{key}_schema"] = json_schema(build, given.get("schema"), (*path, key, "schema"))
    return Data(**parts)


def _moved(build: Build, value: Any, path: Path) -> Template | None:
    if value is None:
        return None
    return build.expression(value, path) if isinstance(value, str) else build.template(value, path)


def json_schema(build: Build, value: Mapping[str, Any] | None, path: Path) -> Mapping[str, Any] | None:
    """The schema of a value, checked; None without one."""
    if value is None:
        return None
    if "resource" in value:
        outside_resource(build, "schemas", (*path, "resource"), "write the schema itself into `document`")
        return None
    if "document" not in value:
        build.report.error(path, "`document` is missing", "write the schema into `document`")
        return None
    return schema_document(build, value["document"], (*path, "document"))


def schema_document(build: Build, document: Any, path: Path) -> Mapping[str, Any]:
    """A JSON Schema that can be used on values of strangers."""
    if isinstance(document, bool):
        return {} if document else _NEVER
    plain = {key: part for key, part in document.items() if key != "$id"}
    build.schemas += 1
    if build.schemas > MOST_SCHEMAS:
        build.report.error(path, f"the workflow has more than {MOST_SCHEMAS} schemas", "make several workflows of it")
        raise StopCompilingError
    for inner, message in problems_of_schema(plain, timeout_s=_CHECK_S):
        build.report.error((*path, *inner), message, "correct the schema (JSON Schema, draft 2020-12)")
    return plain


def outside_resource(build: Build, what: str, path: Path, remedy: str) -> None:
    """Refuses what would be fetched while a run goes on: it could change between two steps of it."""
    build.report.error(path, f"{what} from outside are not supported", remedy)


def timeout_of(build: Build, value: Any, path: Path) -> Template | float | None:
    """How long something may take."""
    if value is None:
        return None
    if isinstance(value, str):
        if value[:1] == "P" and value not in build.use.get("timeouts", {}):
            build.report.error(path, "a text names a timeout of `use.timeouts`", f"write {{after: {value[:20]}}}")
            return None
        value = build.reference("timeouts", value, path)
        return None if value is None else build.duration(value.get("after", {}), path)
    return build.duration(value["after"], (*path, "after"))


def retry_of(build: Build, value: Any, path: Path) -> Retry | None:
    """A retry policy, or the one of that name."""
    if isinstance(value, str):
        name, value = value, build.reference("retries", value, path)
        if value is None:
            return None
        path = ("use", "retries", name)
    backoff = next(iter(value.get("backoff", {"constant": None})), "constant")
    longest = ((value.get("backoff") or {}).get(backoff) or {}).get("longest")
    limit, jitter = value.get("limit", {}), value.get("jitter")
    attempt = limit.get("attempt", {})
    if "count" not in attempt and "duration" not in limit:
        build.report.warning(path, "tries again without end", "set `limit: {attempt: {count: 5}}` or `limit.duration`")

    def seconds(given: Any, *inner: str) -> float | None:
        return None if given is None else build.seconds(given, (*path, *inner))

    spread = None
    if jitter is not None:
        least, most = seconds(jitter["from"], "jitter", "from") or 0.0, seconds(jitter["to"], "jitter", "to") or 0.0
        if least > most:
            build.report.error((*path, "jitter"), "`from` is longer than `to`", "swap them")
        spread = (least, most)
    return Retry(
        backoff=cast(Any, backoff),
        delay_s=build.duration(value["delay"], (*path, "delay")) if "delay" in value else 0.0,
        longest_s=_DAY_S if longest is None else build.seconds(longest, (*path, "backoff", backoff, "longest")),
        jitter_s=spread,
        attempts=attempt.get("count"),
        attempt_s=seconds(attempt.get("duration"), "limit", "attempt", "duration"),
        duration_s=seconds(limit.get("duration"), "limit", "duration"),
        when=build.expression(value["when"], (*path, "when")) if "when" in value else None,
        except_when=build.expression(value["exceptWhen"], (*path, "exceptWhen")) if "exceptWhen" in value else None,
    )


def authentication_of(build: Build, value: Any, path: Path) -> Mapping[str, Any] | None:
    """A policy with its references resolved."""
    if value is None:
        return None
    if "use" in value:
        name = value["use"]
        found = build.reference("authentications", name, (*path, "use"))
        return None if found is None else authentication_of(build, found, ("use", "authentications", name))
    kind, policy = next(iter(value.items()))
    if "use" in policy:
        build.reference("secrets", policy["use"], (*path, kind, "use"))
    _no_plain_secrets(build, policy, (*path, kind))
    return cast("Mapping[str, Any]", value)


def _no_plain_secrets(build: Build, policy: Mapping[str, Any], path: Path) -> None:
    for key, part in policy.items():
        if isinstance(part, Mapping):
            _no_plain_secrets(build, part, (*path, key))
        elif key in _HIDDEN and isinstance(part, str) and MARK not in part:
            remedy = "keep it in the vault, name it in `use.secrets` and write ${ $secrets.name }"
            build.report.warning((*path, key), f"the {key} stands in the text for everyone to read", remedy)
