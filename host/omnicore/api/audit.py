"""The audit log: list its rows, verify its chain."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any

from omnicore.access.audit import verify
from omnicore.api.operation import MOST_ITEMS
from omnicore.api.parts import parts_of
from omnicore.api.requests import Json, read_count, read_object
from omnicore.api.schema import TEXT, WHOLE, Schemas, list_of, object_of, order_of
from omnicore.errors import InvalidInput, StorageFailed, Unavailable
from omnicore.records import schema
from omnicore.storage.tables.audit import Anchor, AuditRow

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from omnicore.access.audit import AuditTrail


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
            raise InvalidInput(f"{name} is not a name in the record", remedy="correct the query", path=name)
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
    """Rows that match all of `wanted`, newest first, and where the next page begins.

    One filter is answered by its index. Further filters are compared row by row, for a bounded number of rows, so a
    page may be short or empty and still have a successor.
    """
    by, value = next(((name, wanted[name]) for name in _FILTERS if name in wanted), ("", ""))
    rest = {name: text for name, text in wanted.items() if name != by}
    found: list[AuditRow] = []
    for _ in range(_LOOKS if rest else 1):
        size = MOST_ITEMS if rest else limit + 1
        rows = trail.table.before(before, size, by, value)
        found += [row for row in rows if all(getattr(row, name) == text for name, text in rest.items())]
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
    raise InvalidInput("the cursor is invalid", remedy="pass `next` of the page before", path="cursor")


def _number(value: Any, path: str) -> int:
    if type(value) is int and 0 <= value < _MOST_SEQ:
        return value
    raise InvalidInput(f"{path} is not the number of a row", remedy="send a whole number from 0 on", path=path)


def _noted(value: Any) -> Anchor | None:
    if value is None:
        return None
    if not isinstance(value, dict) or not isinstance(value.get("hash"), str):
        raise InvalidInput(
            "noted is not a row of the record", remedy='send {"seq": 7, "hash": "..."} as it was noted', path="noted"
        )
    return Anchor(_number(value.get("seq"), "noted.seq"), value["hash"])


_VALUE = {"description": "A JSON value without secrets, null where there is none; what is long by its digest."}
_SEQ = {**WHOLE, "minimum": 0}


_ANCHOR = object_of(seq=_SEQ, hash=schema(AuditRow)["properties"]["hash"])
_OUTCOME = {
    "enum": ["done", "refused", "failed", "unknown"],
    "description": "`unknown`: the process ended before the change did.",
}
_ROW = schema(AuditRow, shown=True)
SCHEMAS: Schemas = {
    "AuditRow": {**_ROW, "properties": {**_ROW["properties"], "before": _VALUE, "after": _VALUE, "outcome": _OUTCOME}},
    "AuditRows": object_of(
        items=list_of("AuditRow"),
        next={"type": ["string", "null"], "description": "Cursor, null at the end."},
    ),
    "AuditCheck": order_of(
        after={**_SEQ, "description": "Begin after this row, where an earlier check ended."},
        noted={**_ANCHOR, "description": "A row that was noted elsewhere and must be there."},
    ),
    "AuditVerdict": object_of(
        ok={"type": "boolean"},
        complete={"type": "boolean", "description": "Whether it came to the end in the time of a request."},
        rows={**WHOLE, "description": "Rows that were read."},
        last={**_ANCHOR, "description": "The last row that was read; note it elsewhere, or go on after it."},
        broken_at={"type": ["integer", "null"], "description": "The first row that is wrong or missing."},
        reason=TEXT,
    ),
}
