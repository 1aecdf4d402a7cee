"""Drafts and pins of workflows: unsaved texts of one author, and outputs that stand for steps in trials."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Annotated, Any

from starlette.responses import Response

from omnicore.api.principals import principal_of
from omnicore.api.requests import Json, read_object
from omnicore.api.schema import TEXT, TIME, Schemas, list_of, maybe, object_of
from omnicore.api.workflows import service_of, workflow_of
from omnicore.errors import InvalidInput, NotFound
from omnicore.records import Json as JsonValue
from omnicore.records import Meta, Record, decode, fields, schema
from omnicore.storage.tables.workflow_definitions import WorkflowDraft, WorkflowPin

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


class PinChange(Record, frozen=True):
    """An output to pin to a step."""

    step: Annotated[str, Meta(min_length=1, max_length=200, description="Name of the step.")]
    value: Annotated[JsonValue, Meta(description="Its output in trials.")] = None


async def list_pins(request: Request) -> Response:
    """Outputs that are pinned to steps of a workflow."""
    found = await service_of(request).definitions.pins.list(workflow_of(request))
    return Json({"items": [_pin(one) for one in found]})


async def keep_pin(request: Request) -> Response:
    """Pins an output to a step of a workflow."""
    values = await read_object(request, allowed=frozenset(one.json_name for one in fields(PinChange)))
    order = decode(PinChange, values, "pin")
    workflow, service = workflow_of(request), service_of(request)
    await service.definitions.present(workflow)
    kept = await service.definitions.pins.keep(workflow, order.step, order.value, by=_author(request))
    return Json(_pin(kept))


async def remove_pin(request: Request) -> Response:
    """Takes the pinned output of a step away."""
    step = request.query_params.get("step", "")
    if not 0 < len(step) <= 200:
        raise InvalidInput("the step is not named", remedy="send its name as `step`", path="step")
    await service_of(request).definitions.pins.remove(workflow_of(request), step)
    return Response(status_code=204)


def _pin(one: WorkflowPin) -> dict[str, Any]:
    named = {"step": one.step, "changed_at": one.changed_at, "changed_by": one.changed_by}
    return {**named, "value": json.loads(one.value)}


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
    "Pin": object_of(step=TEXT, changed_at=TIME, changed_by=TEXT, value={"description": "Any JSON value."}),
    "Pins": object_of(items=list_of("Pin")),
    "PinChange": schema(PinChange),
}
