"""Drafts of workflows: texts that the editor keeps for their author until they are saved."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

from starlette.responses import Response

from omnicore.api.principals import principal_of
from omnicore.api.requests import Json, read_object
from omnicore.api.schema import TEXT, TIME, Schemas, list_of, maybe, object_of
from omnicore.api.workflows import service_of
from omnicore.errors import InvalidInput, NotFound
from omnicore.records import Meta, Record, decode, fields, schema
from omnicore.storage.tables.workflow_definitions import WorkflowDraft

if TYPE_CHECKING:
    from starlette.requests import Request

_DRAFT = re.compile(r"~[a-z0-9]{1,32}|[A-Za-z0-9](?:[A-Za-z0-9.-]{0,126}[A-Za-z0-9])?")
_REVISION = re.compile(r"[0-9a-f]{32}")


class DraftChange(Record, frozen=True):
    """The text of a draft as it is now."""

    text: Annotated[str, Meta(description="YAML or JSON, valid or not.")]
    revision: Annotated[
        str, Meta(max_length=64, description="Of the draft that this one follows; empty for the first.")
    ] = ""
    number: Annotated[int, Meta(ge=0, le=999_999_999, description="The edited version; 0 for a new workflow.")] = 0
    digest: Annotated[str, Meta(max_length=128, description="Of that version.")] = ""


async def list_drafts(request: Request) -> Response:
    """The caller's drafts without their texts."""
    found = await service_of(request).drafts.list(_author(request))
    return Json({"items": [_without_text(one.to_json()) for one in found]})


async def show_draft(request: Request) -> Response:
    """The caller's draft of a workflow, null where there is none, and who else has one."""
    drafts, who, draft = service_of(request).drafts, _author(request), _draft_of(request)
    found = await drafts.get(who, draft)
    others = await drafts.others(who, draft)
    return Json(
        {
            "draft": None if found is None else found.to_json(),
            "others": [{"who": name, "changed_at": at} for name, at in others],
        }
    )


async def keep_draft(request: Request) -> Response:
    """Stores the caller's draft of a workflow."""
    values = await read_object(request, allowed=frozenset(one.json_name for one in fields(DraftChange)))
    order = decode(DraftChange, values, "draft")
    kept = await service_of(request).drafts.keep(
        _author(request),
        _draft_of(request),
        order.text,
        revision=order.revision,
        number=order.number,
        digest=order.digest,
    )
    return Json(_without_text(kept.to_json()))


async def discard_draft(request: Request) -> Response:
    """Removes the caller's draft of a workflow."""
    revision = request.query_params.get("revision")
    if revision is not None and not _REVISION.fullmatch(revision):
        raise InvalidInput("the revision is invalid", remedy="send that of the draft, or none", path="revision")
    await service_of(request).drafts.remove(_author(request), _draft_of(request), revision)
    return Response(status_code=204)


def _author(request: Request) -> str:
    return principal_of(request).name


def _draft_of(request: Request) -> str:
    name: str = request.path_params["draft"]
    if not _DRAFT.fullmatch(name):
        raise NotFound(f"there is no draft {name[:80]!a}", remedy="use the name of a workflow")
    return name


def _without_text(shown: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in shown.items() if name != "text"}


_LINE = {name: one for name, one in schema(WorkflowDraft, shown=True)["properties"].items() if name != "text"}

SCHEMAS: Schemas = {
    "Draft": schema(WorkflowDraft, shown=True),
    "DraftLine": object_of(**_LINE),
    "Drafts": object_of(items=list_of("DraftLine")),
    "DraftShown": object_of(
        draft=maybe("Draft"),
        others=list_of(object_of(who=TEXT, changed_at=TIME)),
    ),
    "DraftChange": schema(DraftChange),
}
