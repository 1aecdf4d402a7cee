"""The record of changes: read it page by page, and check its chain."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from time import monotonic
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from omnicore.access.audit import AuditTrail
from omnicore.access.audit_check import verify
from omnicore.access.principal import Role
from omnicore.api.operation import JSON, Operation, Query, Reply, ref
from omnicore.api.parts import parts_of
from omnicore.api.requests import MOST_ITEMS, Json, read_count, read_object
from omnicore.errors import InvalidInput, StorageFailed, Unavailable
from omnicore.storage.tables.audit_chain import Anchor, AuditRow

__all__ = ["OPERATIONS", "find_rows"]

_FILTERS = ("target", "actor", "action")  # what narrows most comes first, for that one's index is used
_LOOKS = 10
_LONGEST = 200
_MOST_SEQ = 2**53
_PART_OF_REQUEST = 0.8


async def list_audit(request: Request) -> Response:
    """A page of rows, newest first."""
    trail = _trail(request)
    limit = read_count(request, "limit", 100)
    wanted = {name: text for name in _FILTERS if (text := request.query_params.get(name)) is not None}
    for name, text in wanted.items():
        if len(text) > _LONGEST or not text.isprintable():
            raise InvalidInput(f"{name} is no name in the record", remedy="correct the query", path=name)
    before = _cursor(request.query_params.get("cursor"))

    def read() -> tuple[list[AuditRow], int | None]:
        with suppress(StorageFailed):  # a full disk keeps nobody from reading
            trail.flush()  # what was done before this request is seen by it
        return find_rows(trail, wanted, before, limit)

    rows, following = await asyncio.to_thread(read)
    return Json({"items": [row.to_json() for row in rows], "next": None if following is None else str(following)})


async def verify_audit(request: Request) -> Response:
    """Recomputes the chain, for most of the time that a request has."""
    trail = _trail(request)
    values = await read_object(request, allowed=frozenset({"after", "noted"}))
    after, noted = _number(values.get("after", 0), "after"), _noted(values.get("noted"))
    end = monotonic() + parts_of(request).settings.request_timeout_s * _PART_OF_REQUEST

    def check() -> dict[str, Any]:
        with suppress(StorageFailed):
            trail.flush()
        return verify(trail, after=after, noted=noted, go_on=lambda _rows: monotonic() < end).to_json()

    return Json(await asyncio.to_thread(check))


def find_rows(
    trail: AuditTrail, wanted: dict[str, str], before: int | None, limit: int
) -> tuple[list[AuditRow], int | None]:
    """Rows that fit all of `wanted`, newest first, and where the next page begins.

    One filter is answered by its index. With several the others are compared row by row, for a bounded number of
    rows: such a page may be short, or empty, and still have a next one.
    """
    by, value = next(((name, wanted[name]) for name in _FILTERS if name in wanted), ("", ""))
    rest = {name: text for name, text in wanted.items() if name != by}
    found: list[AuditRow] = []
    for _ in range(_LOOKS if rest else 1):
        size = MOST_ITEMS if rest else limit + 1
        rows = trail.table.before(before, size, by, value)
        found += [row for row in rows if all(getattr(row.entry, name) == text for name, text in rest.items())]
        if len(found) > limit:
            return found[:limit], found[limit - 1].seq
        if len(rows) < size:
            return found, None
        before = rows[-1].seq
    return found, before


def _trail(request: Request) -> AuditTrail:
    trail = parts_of(request).rooms.audit
    if trail is None:
        raise Unavailable("this host keeps no record of changes", remedy="ask a host that does")
    return trail


def _cursor(text: str | None) -> int | None:
    if text is None:
        return None
    if text.isascii() and text.isdigit() and len(text) < 16:
        return int(text)
    raise InvalidInput("the cursor is not one of ours", remedy="pass `next` of the page before", path="cursor")


def _number(value: Any, path: str) -> int:
    if type(value) is int and 0 <= value < _MOST_SEQ:
        return value
    raise InvalidInput(f"{path} is no number of a row", remedy="send a whole number from 0 on", path=path)


def _noted(value: Any) -> Anchor | None:
    if value is None:
        return None
    if not isinstance(value, dict) or not isinstance(value.get("hash"), str):
        raise InvalidInput("noted is no row", remedy='send {"seq": 7, "hash": "..."} as it was noted', path="noted")
    return Anchor(_number(value.get("seq"), "noted.seq"), value["hash"])


OPERATIONS = (
    Operation(
        *("GET", "/api/v1/audit", list_audit, "listAudit", "Lists who changed what, newest first", "audit"),
        replies={200: Reply("A page of rows.", schema=ref("AuditRows"))},
        query=(
            Query("limit", {"type": "integer", "minimum": 1, "maximum": MOST_ITEMS}, "How many rows"),
            Query("cursor", {"type": "string"}, "`next` of the page before"),
            Query("actor", {"type": "string"}, "Only what this one did"),
            Query("action", {"type": "string"}, "Only this operation"),
            Query("target", {"type": "string"}, "Only what was about this, such as plugin:text"),
        ),
        problems=(422, 503),
        needs=Role.admin,
    ),
    Operation(
        *("POST", "/api/v1/audit/verify", verify_audit, "verifyAudit", "Checks the chain of the record", "audit"),
        replies={200: Reply("What was found.", schema=ref("AuditVerdict"))},
        body={JSON: ref("AuditCheck")},
        problems=(422, 503),
        needs=Role.admin,
    ),
)
