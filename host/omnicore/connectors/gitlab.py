"""The kind `gitlab`: projects, issues, merge requests, files and pipelines of gitlab.com or a server of one's own."""

from __future__ import annotations

from omnicore.connectors.kind import Kind, Opening, number, obj, text
from omnicore.connectors.rest import BASE, LIMIT, REQUEST, FixedAuth, JsonService, endpoint, open_session

_PROJECT = text("its path, such as group/name, or its number", most=500)
_IID = number("of the issue or merge request within its project", least=1)
_LABELS = text("names with commas between", most=1000)
_AT = "/projects/{project}"


_ENDPOINTS = (
    endpoint("get_project", "Reads a project.", "GET", _AT, obj("project", project=_PROJECT)),
    endpoint(
        *("list_issues", "Lists issues, the newest first.", "GET", _AT + "/issues"),
        obj(
            "project",
            project=_PROJECT,
            state={"enum": ["opened", "closed", "all"]},
            labels=_LABELS,
            search=text(most=1000),
            limit=LIMIT,
        ),
        query=("state", "labels", "search"),
        paged=True,
    ),
    endpoint(
        *("get_issue", "Reads an issue.", "GET", _AT + "/issues/{iid}"),
        obj("project", "iid", project=_PROJECT, iid=_IID),
    ),
    endpoint(
        *("create_issue", "Opens an issue.", "POST", _AT + "/issues"),
        obj(
            *("project", "title"),
            project=_PROJECT,
            title=text(most=255),
            description=text(least=0, most=1_048_576),
            labels=_LABELS,
        ),
    ),
    endpoint(
        *("update_issue", "Changes or closes an issue.", "PUT", _AT + "/issues/{iid}"),
        obj(
            *("project", "iid"),
            project=_PROJECT,
            iid=_IID,
            title=text(most=255),
            description=text(least=0, most=1_048_576),
            labels=_LABELS,
            state_event={"enum": ["close", "reopen"]},
        ),
    ),
    endpoint(
        *("comment", "Comments on an issue.", "POST", _AT + "/issues/{iid}/notes"),
        obj("project", "iid", "body", project=_PROJECT, iid=_IID, body=text(most=1_000_000)),
    ),
    endpoint(
        *("list_merge_requests", "Lists merge requests.", "GET", _AT + "/merge_requests"),
        obj("project", project=_PROJECT, state={"enum": ["opened", "closed", "merged", "all"]}, limit=LIMIT),
        query=("state",),
        paged=True,
    ),
    endpoint(
        *("create_merge_request", "Opens a merge request.", "POST", _AT + "/merge_requests"),
        obj(
            *("project", "title", "source_branch", "target_branch"),
            project=_PROJECT,
            title=text(most=255),
            source_branch=text(most=255),
            target_branch=text(most=255),
            description=text(least=0, most=1_048_576),
        ),
    ),
    endpoint(
        *("comment_merge_request", "Comments on a merge request.", "POST", _AT + "/merge_requests/{iid}/notes"),
        obj("project", "iid", "body", project=_PROJECT, iid=_IID, body=text(most=1_000_000)),
    ),
    endpoint(
        *("get_file", "Reads a file; its content is base64.", "GET", _AT + "/repository/files/{path}"),
        obj("project", "path", "ref", project=_PROJECT, path=text(most=1024), ref=text(most=255)),
        query=("ref",),
    ),
    endpoint(
        *("run_pipeline", "Starts a pipeline.", "POST", _AT + "/pipeline"),
        obj(
            *("project", "ref"),
            project=_PROJECT,
            ref=text(most=255),
            variables={"type": "array", "maxItems": 100, "items": obj("key", "value", key=text(), value=text(least=0))},
        ),
    ),
)


async def _open(opening: Opening) -> JsonService:
    return JsonService(
        opening.name,
        open_session(opening, "https://gitlab.com"),
        FixedAuth({"private-token": opening.credentials["token"]}),
        endpoints={one.action.name: one for one in _ENDPOINTS},
        clock=opening.clock,
        probe="/version",
        prefix="/api/v4",
    )


KIND = Kind(
    name="gitlab",
    says="GitLab at gitlab.com, or a server of one's own at its base_url",
    config=obj(**BASE),
    secrets={"token": "an access token of a person, a project or a group"},
    required=("token",),
    actions=(*(one.action for one in _ENDPOINTS), REQUEST),
    open=_open,
    hook="gitlab",
    echoes=True,
)
