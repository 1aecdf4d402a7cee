"""The first user, made by whoever holds the link that `omnicore run` has printed."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from omnicore.api.operation import JSON, Operation, Reply, ref
from omnicore.api.session import MOST_BYTES, access_of, arrival_of, read_texts, with_cookie

__all__ = ["OPERATIONS"]


async def set_up(request: Request) -> Response:
    """Makes the first user, an admin, and logs that one in."""
    key, name, password = await read_texts(request, "key", "name", "password")
    opened = await access_of(request).set_up(key, name, password, arrival_of(request))
    return await with_cookie(request, opened, 201)


OPERATIONS = (
    Operation(
        *("POST", "/api/v1/setup", set_up, "setUp", "Makes the first user", "session"),
        replies={201: Reply("The session of the new user; its cookie comes along.", schema=ref("Session"))},
        body={JSON: ref("SetupOrder")},
        body_bytes=MOST_BYTES,
        problems=(409, 413, 422),
        open=True,
    ),
)
