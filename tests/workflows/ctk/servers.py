"""A small pet store and a server that says what it was asked, on this machine."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.connectors.local_server import Seen, redirect, reply

__all__ = ["Web"]

JSON = "Content-Type: application/json"
_ID = {"name": "petId", "in": "path", "required": True, "type": "integer"}
STORE = {
    "swagger": "2.0",
    "basePath": "/v2",
    "schemes": ["http"],
    "paths": {
        "/pet/findByStatus": {
            "get": {
                "operationId": "findPetsByStatus",
                "parameters": [{"name": "status", "in": "query", "required": True, "type": "string"}],
            }
        },
        "/pet/{petId}": {"get": {"operationId": "getPetById", "parameters": [_ID]}},
    },
}


class Web:
    """Answers by path; remembers what was sent to it."""

    def __init__(self) -> None:
        self.pets = {
            number: {"id": number, "name": name, "status": status}
            for number, name, status in ((1, "Rex", "available"), (2, "Mia", "available"), (3, "Tom", "sold"))
        }
        self.posts: list[Any] = []
        self.failures: dict[str, list[int]] = {}
        """Statuses that a path answers with first."""

    def __call__(self, seen: Seen) -> bytes:
        """The answer to a request."""
        parts = urlsplit(seen.target)
        if self.failures.get(parts.path):
            return reply(self.failures[parts.path].pop(0), b"not now")
        steps, query = parts.path.strip("/").split("/"), {name: one[0] for name, one in parse_qs(parts.query).items()}
        if steps[:2] == ["v2", "pet"]:
            return self._pet(steps[2:], query)
        if steps == ["v2", "swagger.json"]:
            return _json(STORE)
        return self._other(steps, seen, query)

    def _pet(self, steps: list[str], query: dict[str, str]) -> bytes:
        if steps == ["findByStatus"]:
            return _json([pet for pet in self.pets.values() if pet["status"] == query.get("status")])
        pet = self.pets.get(int(steps[0])) if len(steps) == 1 and steps[0].isdigit() else None
        return _json(pet) if pet else _json({"message": "there is no such pet"}, 404)

    def _other(self, steps: list[str], seen: Seen, query: dict[str, str]) -> bytes:
        match steps:
            case ["basic-auth", user, password]:
                login = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
                good = seen.headers.get("authorization") == login
                return _json({"authenticated": good}, 200 if good else 401)
            case ["bearer"]:
                token = seen.headers.get("authorization", "").removeprefix("Bearer ")
                return _json({"token": token} if token else {}, 200 if token else 401)
            case ["oauth2", "token"]:
                return _json({"access_token": "given-by-the-tests", "expires_in": 60})
            case [".well-known", "openid-configuration"]:
                here = f"http://{seen.headers['host']}"
                return _json({"issuer": here, "token_endpoint": f"{here}/oauth2/token"})
            case ["moved"]:
                return redirect("/anything/there")
            case ["status", number]:
                return reply(int(number))
            case ["anything", *_]:
                body = json.loads(seen.body) if seen.body else None
                if body is not None:
                    self.posts.append(body)
                return _json({"method": seen.method, "path": seen.target, "args": query, "json": body})
        return reply(404, b"nothing is here")


def _json(value: Any, status: int = 200) -> bytes:
    return reply(status, json.dumps(value).encode(), JSON)
