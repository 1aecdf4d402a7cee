"""What the operations of workflows and runs have in common: the service, names in paths, cursors, texts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from omnicore.api.operation import Query
from omnicore.api.parts import parts_of
from omnicore.api.principals import principal_of
from omnicore.api.requests import MOST_ITEMS, Json
from omnicore.errors import InvalidInput, NotFound, Unavailable
from omnicore.workflows.view import Page

if TYPE_CHECKING:
    from omnicore.workflows.service import Workflows

__all__ = [
    "MOST_TEXT_BYTES",
    "PAGE",
    "page_reply",
    "read_cursor_text",
    "read_text",
    "role_of",
    "run_of",
    "service_of",
    "workflow_of",
]

MOST_TEXT_BYTES = 2 * 1024 * 1024
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,126}[A-Za-z0-9])?")
_RUN = re.compile(r"[A-Za-z0-9_-]{1,80}")
_CURSOR = re.compile(r"[\x21-\x7e]{0,8000}")  # of approvals they hold a place, which names tasks

PAGE = (
    Query("limit", {"type": "integer", "minimum": 1, "maximum": MOST_ITEMS}, "How many"),
    Query("cursor", {"type": "string"}, "`next` of the page before"),
)


def service_of(request: Request) -> Workflows:
    """The host's workflows. Raises: Unavailable: it has none."""
    service = parts_of(request).rooms.workflows
    if service is None:
        raise Unavailable("this host runs no workflows", remedy="ask a host that does")
    return service


def workflow_of(request: Request) -> str:
    """The workflow that a path names. Raises: NotFound: nothing can have that name."""
    name: str = request.path_params["workflow"]
    if not _NAME.fullmatch(name):
        raise NotFound(f"there is no workflow {_shown(name)}", remedy="see /api/v1/workflows")
    return name


def role_of(request: Request) -> str:
    """The role of whoever asks, as approvals and rights name it."""
    return principal_of(request).role.name


def run_of(request: Request) -> str:
    """The run that a path names. Raises: NotFound: nothing can have that id."""
    run: str = request.path_params["run"]
    if not _RUN.fullmatch(run):
        raise NotFound(f"there is no run {_shown(run)}", remedy="see /api/v1/runs")
    return run


def read_cursor_text(request: Request) -> str:
    """The cursor of a list. Raises: InvalidInput: it is none of ours."""
    cursor = request.query_params.get("cursor", "")
    if not _CURSOR.fullmatch(cursor):
        raise InvalidInput("the cursor is not one of ours", remedy="pass `next` of the page before", path="cursor")
    return cursor


def read_text(values: dict[str, Any], name: str, default: str | None = None) -> str:
    """A member that is a text. Raises: InvalidInput."""
    value = values.get(name)
    if value is None and default is not None:
        return default
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput(f"{name} is missing or no text", remedy=f'send {{"{name}": "..."}}', path=name)
    return value


def page_reply(page: Page) -> Json:
    """A page of views."""
    return Json(page.to_json())


def _shown(name: str) -> str:
    return ascii(name[:80])
