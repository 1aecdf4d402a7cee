"""The http door: requests to the hosts that were granted, by both ways guests know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from omnicore.capabilities.capability import Capability, DoorCall, PluginScope, Verb
from omnicore.capabilities.request import Request, to_value
from omnicore.capabilities.scope import REQUIRED, flag, maximum, patterns
from omnicore.capabilities.services import Services
from omnicore.connectors.http import METHODS
from omnicore.connectors.policy import (
    ANY_PORT,
    METADATA,
    SAYS,
    HttpPolicy,
    destination_covers,
    is_destination,
    is_metadata,
    is_this_machine,
    parse_destination,
)
from omnicore.errors import InvalidInput
from omnicore.sandbox.abi import KIB, HttpRequest, HttpResponse, HttpSend


def _policy(plugin: PluginScope, scope: Mapping[str, Any]) -> HttpPolicy:
    return HttpPolicy(
        hosts=tuple(scope["hosts"]),
        methods=tuple(scope["methods"]),
        private="named" if scope["private"] else "deny",
        plugin=plugin.name,
        max_request_bytes=plugin.limits.http_request_bytes,
    )


def _max_bytes(plugin: PluginScope, scope: Mapping[str, Any]) -> int:
    granted = scope["max_response_bytes"]
    return min(plugin.limits.http_response_bytes, granted or plugin.limits.http_response_bytes)


def extism_send(plugin: PluginScope, scope: Mapping[str, Any], services: Services) -> HttpSend:
    """The function behind `http_request` of `extism:host/env`: it needs the same grant as the door."""
    policy, most = _policy(plugin, scope), _max_bytes(plugin, scope)

    async def send(request: HttpRequest) -> HttpResponse:
        return await services.http.send(replace(request, max_bytes=min(request.max_bytes, most)), policy)

    return send


def _open(plugin: PluginScope, scope: Mapping[str, Any], services: Services) -> Mapping[str, Verb]:
    policy, most = _policy(plugin, scope), _max_bytes(plugin, scope)

    async def fetch(call: DoorCall, request: Request) -> Mapping[str, Any]:
        wanted = HttpRequest(
            method=request.text("method", "GET"),
            url=request.text("url"),
            headers=_headers(request),
            body=request.blob("body", b"", most=plugin.limits.http_request_bytes),
            timeout_s=max(0.001, call.deadline - services.clock.monotonic()),
            max_bytes=most,
        )
        request.done()
        call.spend_http()
        response = await services.http.send(wanted, policy)
        return {
            "status": response.status,
            "headers": dict(response.headers),
            "body": to_value(response.body),
        }

    return {"fetch": fetch}


def _headers(request: Request) -> dict[str, str]:
    headers = request.table("headers")
    if not all(isinstance(value, str) for value in headers.values()):
        raise InvalidInput("`headers` of the request must map names to text", remedy="see specs/abi.md")
    return headers


def warnings(scope: Mapping[str, Any], concerns: Callable[[str], str] = lambda entry: "") -> list[str]:
    """Warnings for the person who reviews the scope, a sentence for each entry.

    Args:
        concerns: of an entry, the address of the host's own that it writes out, where the host is known.
    """
    found = []
    for entry in scope.get("hosts", ()):
        named = parse_destination(entry) if isinstance(entry, str) else None
        if named is None:
            continue
        if what := concerns(entry) or (is_metadata(named.host) and METADATA):
            found.append(f"{entry} is {what}")
        elif named.literal and named.port is not None and is_this_machine(named.host):
            found.append(f"{entry} is whatever listens there on this machine")
        elif named.port == ANY_PORT:
            found.append(f"{entry} is every port")
        elif named.host.strip("*") == "":
            found.append(f"{entry} is every host")
    return found


DOOR = Capability(
    name="http",
    purpose="Send HTTP requests",
    verbs=("fetch",),
    resource="url",
    open=_open,
    scope={
        "hosts": patterns(REQUIRED, SAYS, valid=is_destination, covers=destination_covers),
        "methods": patterns(
            ("GET",),
            f"a list of {', '.join(METHODS)}",
            valid=METHODS.__contains__,
            covers=str.__eq__,
        ),
        "max_response_bytes": maximum(None),
        "private": flag(),
    },
    request_bytes=lambda limits: 2 * limits.http_request_bytes + 64 * KIB,  # base64 is longer
    large=frozenset({"fetch"}),
)
