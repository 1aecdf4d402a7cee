"""Every route of the table, asked by everybody there is: who is let through, and who is told what is missing."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.websockets import WebSocket
from tests.access.people import CHEAP, make

from omnicore.access.principal import OWNER, Role
from omnicore.api.app import create_app
from omnicore.api.operation import Operation
from omnicore.api.operations import OPERATIONS
from omnicore.api.parts import Rooms
from omnicore.api.principals import NAMED, principal_of
from omnicore.assembly import Host
from omnicore.config.settings import AccessSettings, Settings

OPEN = {
    "index",
    *("alive", "ready", "deliver", "showSession", "logIn", "logInPlainly", "setUp", "beginOidc", "finishOidc"),
    *("toConsole", "console", "joinFleet"),
}
ADMIN_READS = {
    *("exportMemories", "listDrafts", "showDraft", "listPins"),
    *("listAudit", "diagnostics", "listSettings", "showSetting", "listBackups", "downloadBackup", "listUsers"),
    *("showUser",),
}
OPERATOR_READS = {"planRetry", "listPluginHosts", "showPluginConfig", "showHostLogs"}
ANYBODYS_READS = {
    *("listCallFigures", "listKeptCalls", "showKeptCall"),
    "listPackages",
    "listOutdated",
    "listPlugins",
    "listPluginsPlain",
    "listRollouts",
    "index",
    "openapi",
    "listSessions",
    "listTokens",
    "openMcpStream",
    "liveLogs",
}
VIEWER_CHANGES = {"recallMemories", "searchVectors", "decide"}
ANYBODYS_CHANGES = {
    *("logOut", "changePassword", "endSession", "addToken", "removeToken", "sendMcpMessage", "endMcpSession"),
}
OPERATOR_CHANGES = {
    *("callFunction", "executePlugin", "switchPlugin", "submitTask", "cancelTask", "retryTask", "addSchedule"),
    *(
        "switchSchedule",
        "removeSchedule",
        "storeMemory",
        "consolidateMemories",
        "eraseMemories",
        "changeMemory",
        "forgetMemory",
        "removeFact",
        "stateFact",
        "writeBlock",
        "removeBlock",
    ),
    *("upsertVectors", "deleteVectors", "testConnector", "triggerConnector", "redeliver", "runCycle"),
    *(
        "callIntelligence",
        "practiseIntelligence",
        "retryDeadTasks",
        "validateWorkflow",
        "evaluateExpression",
        "startRun",
    ),
    *("cancelRun", "suspendRun", "resumeRun", "retryRun", "forkRun", "executeWorkflow", "publishEvents"),
}
"""Everything else: reads need a viewer, changes an admin."""

CLOSED = [operation for operation in OPERATIONS if not operation.open]
PLUGIN = "text"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, with the role outside of plugins, the one for the plugin `text`, and the tags a token is bound to."""

    key: str
    role: Role
    plugin: Role
    scopes: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """The application with every endpoint but the measured one replaced by one that says who asks."""

    app: Any
    runner: asyncio.Runner
    people: Mapping[str, Person]

    def ask(self, operation: Operation, key: str | None, **scoped: Any) -> tuple[int, bytes]:
        """The status and the body of the answer."""
        return self.runner.run(_asked(self.app, operation, key, **scoped))


async def who(connection: Request) -> Response:
    """Stands for what a route does."""
    return PlainTextResponse(principal_of(connection).name)


async def who_live(socket: WebSocket) -> None:
    """The same for a WebSocket."""
    principal_of(HTTPConnection(socket.scope))
    await socket.accept()


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with asyncio.Runner() as runner, _opened(runner, tmp_path_factory.mktemp("matrix")) as (host, app):
        yield Scene(app, runner, _people(host))


@pytest.fixture(scope="module")
def first_start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A host of which nobody knows but its owner: there are no users yet."""
    with asyncio.Runner() as runner, _opened(runner, tmp_path_factory.mktemp("first")) as (host, app):
        yield Scene(app, runner, {"owner": Person(host.access.owner.made(), Role.admin, Role.admin)})


@contextmanager
def _opened(runner: asyncio.Runner, folder: Path) -> Iterator[tuple[Host, Any]]:
    (folder / "plugins").mkdir()
    settings = Settings(plugins=folder / "plugins", data=folder / "data", access=AccessSettings(**CHEAP))
    host = Host(settings=settings, watch=False, work=False)
    runner.run(host.__aenter__())
    table = [replace(one, endpoint=who_live if one.websocket else who) for one in OPERATIONS]
    yield (
        host,
        create_app(
            host.plugins,
            settings=host.settings,
            metrics=host.metrics,
            bus=host.bus,
            logs=host.logs,
            ready=host.ready,
            rooms=Rooms(access=host.access),
            operations=table,
        ),
    )
    runner.run(host.__aexit__(None, None, None))


def _people(host: Host) -> Mapping[str, Person]:
    tokens, people = host.access.tokens, {}
    for role in Role:
        user = make(host.access, role.name, role)
        people[role.name] = Person(tokens.add("t", owner=user.id, role=Role.admin)[1], role, role)
    user = make(host.access, "scoped", Role.nobody, plugins={PLUGIN: Role.operator})
    people["scoped"] = Person(tokens.add("t", owner=user.id, role=Role.admin)[1], Role.nobody, Role.operator)
    key = tokens.add("t", owner=user.id, role=Role.nobody, plugins={PLUGIN: Role.admin})[1]
    people["scoped-token"] = Person(key, Role.nobody, Role.operator)
    admin = host.access.users.get("admin").id
    key = tokens.add("t", owner=admin, role=Role.admin, scopes=["calls", "users"])[1]
    people["bound-token"] = Person(key, Role.admin, Role.admin, frozenset({"calls", "users"}))
    key = tokens.add("t", owner=admin, role=Role.viewer)[1]
    people["weak-token"] = Person(key, Role.viewer, Role.viewer)
    return people


async def _asked(app: Any, operation: Operation, key: str | None, **scoped: Any) -> tuple[int, bytes]:
    path = re.sub(r"{(\w+)(?::path)?}", lambda match: PLUGIN if match[1] == "plugin" else "none", operation.path)
    headers = [(b"host", b"localhost"), *([(b"authorization", f"Bearer {key}".encode())] if key else [])]
    scope = {
        "type": "websocket" if operation.websocket else "http",
        "http_version": "1.1",
        "method": operation.method,
        "scheme": "ws" if operation.websocket else "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("10.0.0.1", 1),
        "server": ("localhost", 80),
        "extensions": {"websocket.http.response": {}},
        **scoped,
    }
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect" if operation.websocket else "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    if sent[0]["type"] == "websocket.accept":
        return 101, b""
    return sent[0]["status"], b"".join(one.get("body", b"") for one in sent[1:])


def expected_role(operation: Operation) -> Role:
    """What an operation needs, as people decided it."""
    name, reads = operation.name, operation.method == "GET"
    if name in ANYBODYS_READS | ANYBODYS_CHANGES:
        return Role.nobody
    if name in OPERATOR_READS | OPERATOR_CHANGES:
        return Role.operator
    if name in VIEWER_CHANGES or (reads and name not in ADMIN_READS):
        return Role.viewer
    return Role.admin


def test_what_is_open_is_open_on_purpose() -> None:
    assert {operation.name for operation in OPERATIONS if operation.open} <= OPEN


@pytest.mark.parametrize("operation", CLOSED, ids=[operation.name for operation in CLOSED])
def test_an_operation_is_done_for_those_with_the_role_and_for_nobody_else(scene: Scene, operation: Operation) -> None:
    needs, plugins = expected_role(operation), "{plugin}" in operation.path
    for name, person in scene.people.items():
        status, body = scene.ask(operation, person.key)
        role = max(person.role, person.plugin) if plugins else person.role
        bound = person.scopes is not None and operation.tag not in person.scopes
        if role >= needs and not bound:
            assert status not in (401, 403), (name, body)
        else:
            assert status == 403, (name, status, body)
            assert b'"code": "forbidden"' in body
            assert (operation.tag if bound else f"the role {needs.name}").encode() in body
    for key in (None, "omc_" + "x" * 43, "wrong"):
        status, body = scene.ask(operation, key)
        assert status == 401
        assert b'"code": "unauthenticated"' in body


@pytest.mark.parametrize("operation", CLOSED, ids=[operation.name for operation in CLOSED])
def test_before_there_is_a_user_this_machine_is_nobody_and_the_owners_key_opens(
    first_start: Scene, operation: Operation
) -> None:
    named = (b"host", b"localhost"), (b"omnicore.principal", b"owner"), (b"x-forwarded-for", b"127.0.0.1")
    for scoped in ({"client": ("127.0.0.1", 1)}, {"client": ("::1", 1)}, {"client": None}):
        for headers in (named[:1], named):
            status, body = first_start.ask(operation, None, **scoped, headers=list(headers))
            assert (status, b'"code": "unauthenticated"' in body) == (401, True)
        assert first_start.ask(operation, "own_" + "x" * 43, **scoped)[0] == 401
        assert first_start.ask(operation, first_start.people["owner"].key, **scoped)[0] not in (401, 403)
    assert first_start.ask(operation, None, **{NAMED: OWNER})[0] not in (401, 403)  # as by the Unix socket
