"""The kind `github`: repositories, issues, pull requests and files of GitHub or a GitHub Enterprise server."""

from __future__ import annotations

from functools import partial

from omnicore.connectors.kind import Kind, Opening, Schema, number, obj, text
from omnicore.connectors.rest import BASE, LIMIT, REQUEST, FixedAuth, JsonService, endpoint, open_session

_REPO = text("owner/name", most=140, pattern=r"^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$")
_NUMBER = number("of the issue or pull request", least=1)
_NAMES: Schema = {"type": "array", "maxItems": 100, "items": text(most=100)}
_STATE: Schema = {"enum": ["open", "closed", "all"]}
_AT = "/repos/{repo}"
_endpoint = partial(endpoint, raw=("repo", "path"))

_ENDPOINTS = (
    _endpoint("get_repository", "Reads a repository.", "GET", _AT, obj("repo", repo=_REPO)),
    _endpoint(
        *("list_issues", "Lists issues and pull requests, the newest first.", "GET", _AT + "/issues"),
        obj("repo", repo=_REPO, state=_STATE, labels=text(most=1000), since=text(most=40), limit=LIMIT),
        query=("state", "labels", "since"),
        paged=True,
    ),
    _endpoint(
        *("get_issue", "Reads an issue.", "GET", _AT + "/issues/{number}"),
        obj("repo", "number", repo=_REPO, number=_NUMBER),
    ),
    _endpoint(
        *("create_issue", "Opens an issue.", "POST", _AT + "/issues"),
        obj(
            *("repo", "title"),
            repo=_REPO,
            title=text(most=256),
            body=text(least=0),
            labels=_NAMES,
            assignees=_NAMES,
        ),
    ),
    _endpoint(
        *("update_issue", "Changes or closes an issue.", "PATCH", _AT + "/issues/{number}"),
        obj(
            *("repo", "number"),
            repo=_REPO,
            number=_NUMBER,
            title=text(most=256),
            body=text(least=0),
            state={"enum": ["open", "closed"]},
            labels=_NAMES,
            assignees=_NAMES,
        ),
        repeat="always",
    ),
    _endpoint(
        *("comment", "Comments on an issue or a pull request.", "POST", _AT + "/issues/{number}/comments"),
        obj("repo", "number", "body", repo=_REPO, number=_NUMBER, body=text()),
    ),
    _endpoint(
        *("list_comments", "Lists comments.", "GET", _AT + "/issues/{number}/comments"),
        obj("repo", "number", repo=_REPO, number=_NUMBER, limit=LIMIT),
        paged=True,
    ),
    _endpoint(
        *("list_pulls", "Lists pull requests.", "GET", _AT + "/pulls"),
        obj("repo", repo=_REPO, state=_STATE, head=text(most=255), base=text(most=255), limit=LIMIT),
        query=("state", "head", "base"),
        paged=True,
    ),
    _endpoint(
        *("create_pull", "Opens a pull request.", "POST", _AT + "/pulls"),
        obj(
            *("repo", "title", "head", "base"),
            repo=_REPO,
            title=text(most=256),
            head=text(most=255),
            base=text(most=255),
            body=text(least=0),
            draft={"type": "boolean"},
        ),
    ),
    _endpoint(
        *("get_file", "Reads a file; its content is base64.", "GET", _AT + "/contents/{path}"),
        obj("repo", "path", repo=_REPO, path=text(most=1024), ref=text(most=255)),
        query=("ref",),
    ),
    _endpoint(
        *("dispatch_workflow", "Starts a workflow.", "POST", _AT + "/actions/workflows/{workflow}/dispatches"),
        obj(
            *("repo", "workflow", "ref"),
            repo=_REPO,
            workflow=text("its file's name or number", most=255),
            ref=text(most=255),
            inputs={"type": "object", "maxProperties": 25},
        ),
    ),
)


async def _open(opening: Opening) -> JsonService:
    return JsonService(
        opening.name,
        open_session(opening, "https://api.github.com"),
        FixedAuth({"authorization": f"Bearer {opening.credentials['token']}"}),
        endpoints={one.action.name: one for one in _ENDPOINTS},
        clock=opening.clock,
        probe="/rate_limit",
        headers={"accept": "application/vnd.github+json", "x-github-api-version": "2022-11-28"},
    )


KIND = Kind(
    name="github",
    says="GitHub, or a GitHub Enterprise server at its base_url",
    config=obj(**BASE),
    secrets={"token": "a personal access token, or one of an app's installation"},
    required=("token",),
    actions=(*(one.action for one in _ENDPOINTS), REQUEST),
    open=_open,
    hook="github",
    echoes=True,
)
