"""`call: openapi` against a described service on this machine."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.connectors.local_server import LocalServer, Seen, redirect, reply
from tests.workflows.effects.bench import Bench, action, call, run_of, short

from omnicore.errors import InvalidInput
from omnicore.workflows.faults import Fault
from omnicore.workflows.steps.http import NO_BODY
from omnicore.workflows.steps.openapi import find_operation, plan_of

JSON = "Content-Type: application/json"
PETS: dict[str, Any] = {
    "openapi": "3.1.0",
    "servers": [{"url": "/v1/{stage}", "variables": {"stage": {"default": "live"}}}, {"url": "/v2"}],
    "components": {
        "parameters": {"trace": {"name": "X-Trace", "in": "header"}},
        "requestBodies": {"pet": {"required": True, "content": {"application/json": {}}}},
    },
    "paths": {
        "/pets": {
            "parameters": [{"$ref": "#/components/parameters/trace"}],
            "get": {
                "operationId": "list",
                "parameters": [
                    {"name": "status", "in": "query", "required": True, "schema": {}},
                    {"name": "ids", "in": "query", "explode": False, "schema": {}},
                    {"name": "deep", "in": "query", "style": "deepObject", "schema": {}},
                    {"name": "session", "in": "cookie", "schema": {}},
                ],
            },
            "post": {"operationId": "add", "requestBody": {"$ref": "#/components/requestBodies/pet"}},
        },
        "/pets/{id}": {
            "get": {"operationId": "show", "parameters": [{"name": "id", "in": "path", "required": True}]},
            "delete": {"operationId": "drop", "servers": [{"url": "http://127.0.0.9/x"}]},
        },
    },
}
SWAGGER: dict[str, Any] = {
    "swagger": "2.0",
    "basePath": "/v2",
    "schemes": ["http"],
    "consumes": ["application/json"],
    "paths": {
        "/pet/findByStatus": {
            "get": {
                "operationId": "findPetsByStatus",
                "parameters": [
                    {"name": "status", "in": "query", "required": True, "type": "array", "collectionFormat": "multi"},
                    {"name": "tags", "in": "query", "type": "array"},
                ],
            }
        },
        "/pet": {"post": {"operationId": "addPet", "parameters": [{"name": "pet", "in": "body", "required": True}]}},
        "/pet/{petId}": {
            "get": {"operationId": "getPetById", "parameters": [{"name": "petId", "in": "path", "required": True}]},
            "post": {
                "operationId": "rename",
                "parameters": [
                    {"name": "petId", "in": "path", "required": True},
                    {"name": "name", "in": "formData"},
                ],
            },
        },
    },
}


def shop(document: Any = PETS, **more: str) -> Any:
    """A server that has a document, and answers with what it was asked."""

    def answer(seen: Seen) -> bytes:
        if seen.target == "/openapi.json":
            if more.get("ETag") and seen.headers.get("if-none-match") == more["ETag"]:
                return reply(304)
            body = document if isinstance(document, bytes) else json.dumps(document).encode()
            return reply(200, body, *(f"{name}: {value}" for name, value in more.items()))
        said = {"asked": f"{seen.method} {seen.target}", "headers": seen.headers, "body": seen.body.decode()}
        return reply(200, json.dumps(said).encode(), JSON)

    return answer


def asks(operation: str, parameters: Any = None, **more: Any) -> Any:
    def given(server: LocalServer) -> Any:
        document = {"endpoint": server.url("/openapi.json")}
        return {"document": document, "operationId": operation, "parameters": parameters or {}, **more}

    return given


def test_parameters_go_where_the_document_says(bench: Bench) -> None:
    parameters = {"status": ["a", "b"], "ids": [1, 2], "deep": {"k": "v"}, "session": "s 1", "X-Trace": 5}
    done, _ = bench.ask(shop(), asks("list", parameters), target="openapi")
    assert done.output["asked"] == "GET /v1/live/pets?status=a&status=b&ids=1%2C2&deep%5Bk%5D=v"
    assert (done.output["headers"]["cookie"], done.output["headers"]["x-trace"]) == ("session=s%201", "5")
    done, _ = bench.ask(shop(), asks("show", {"id": "a/b"}, server="/v2"), target="openapi")
    assert done.output["asked"] == "GET /v2/pets/a%2Fb"


def test_a_body_is_given_whole_or_by_its_members(bench: Bench) -> None:
    for parameters in ({"body": {"name": "Milou"}}, {"name": "Milou"}):
        done, _ = bench.ask(shop(), asks("add", parameters), target="openapi")
        assert json.loads(done.output["body"]) == {"name": "Milou"}
        assert done.output["headers"]["content-type"] == "application/json"


def test_swagger_documents_are_understood(bench: Bench) -> None:
    parameters = {"status": ["a", "b"], "tags": ["x", "y"]}
    done, _ = bench.ask(shop(SWAGGER), asks("findPetsByStatus", parameters), target="openapi")
    assert done.output["asked"] == "GET /v2/pet/findByStatus?status=a&status=b&tags=x%2Cy"
    done, _ = bench.ask(shop(SWAGGER), asks("addPet", {"pet": {"id": 1}}), target="openapi")
    assert done.output["body"] == '{"id":1}'
    done, _ = bench.ask(shop(SWAGGER), asks("rename", {"petId": 1, "name": "ä b"}), target="openapi")
    assert (done.output["asked"], done.output["body"]) == ("POST /v2/pet/1", "name=%C3%A4+b")


def test_output_authentication_and_redirects_are_those_of_http(bench: Bench) -> None:
    more = {"authentication": {"bearer": {"token": "t"}}, "output": "response"}
    done, _ = bench.ask(shop(), asks("show", {"id": 1}, **more), target="openapi")
    assert done.output["statusCode"] == 200
    assert done.output["content"]["headers"]["authorization"] == "Bearer t"

    def moved(seen: Seen) -> bytes:
        return redirect("/v1/live/pets/2") if seen.target.endswith("/1") else shop()(seen)

    assert short(bench.refused(moved, asks("show", {"id": 1}), target="openapi")) == ("communication", 302)
    done, _ = bench.ask(moved, asks("show", {"id": 1}, redirect=True), target="openapi")
    assert done.output["asked"] == "GET /v1/live/pets/2"


def test_a_document_may_be_yaml(bench: Bench) -> None:
    text = b"openapi: 3.0.0\npaths:\n  /on:\n    get:\n      operationId: on\n"
    done, _ = bench.ask(shop(text), asks("on"), target="openapi")
    assert done.output["asked"] == "GET /on"


def test_a_document_is_read_once_a_minute_and_kept_while_its_tag_stays(bench: Bench) -> None:
    async def scene(server: LocalServer) -> None:
        for seconds in (0, 1, 61, 1):
            bench.clock.advance(seconds)
            await bench.effects.perform(action(call("openapi"), asks("show", {"id": 1})(server)), run_of())

    _, server = bench.served(shop(ETag='"1"'), scene)
    reads = [seen.headers.get("if-none-match") for seen in server.seen if seen.target == "/openapi.json"]
    assert reads == [None, '"1"']


def test_a_guarded_document_is_kept_for_those_who_may_read_it(bench: Bench) -> None:
    def guarded(seen: Seen) -> bytes:
        known = seen.target != "/openapi.json" or seen.headers.get("authorization") == "Bearer reader"
        return shop()(seen) if known else reply(401)

    async def scene(server: LocalServer) -> list[str]:
        told = []
        for token in ("reader", "reader", "stranger"):
            endpoint = {"uri": server.url("/openapi.json"), "authentication": {"bearer": {"token": token}}}
            given = {"document": {"endpoint": endpoint}, "operationId": "show", "parameters": {"id": 1}}
            try:
                done = await bench.effects.perform(action(call("openapi"), given), run_of())
                told.append(done.output["headers"].get("authorization", "open"))
            except Fault as fault:
                told.append(str(fault.status))
        return told

    told, server = bench.served(guarded, scene)
    assert told == ["open", "open", "401"]
    assert [seen.target for seen in server.seen].count("/openapi.json") == 2


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("nothing", {}),
        ("list", {}),
        ("show", {}),
        ("show", {"id": ".."}),
        ("show", {"id": 1, "surely": 2}),
        ("add", {}),
        ("list", "text"),
        ("list", {"status": {"a": {"b": 1}}}),
    ],
)
def test_what_the_document_does_not_allow_is_a_fault(bench: Bench, operation: str, parameters: Any) -> None:
    fault = bench.refused(shop(), asks(operation, parameters), target="openapi")
    assert short(fault) == ("validation", 400)


@pytest.mark.parametrize(
    "document", [b"", b"[]", b"{}", b"\x00", b"a: &a [*a]", b'{"paths": 5}', b"- " * 500, b'{"paths": {"/": 5}}']
)
def test_a_broken_document_is_a_fault(bench: Bench, document: bytes) -> None:
    assert short(bench.refused(shop(document), asks("x"), target="openapi")) == ("validation", 400)


def test_a_document_that_is_not_there_or_refers_in_circles_is_a_fault(bench: Bench) -> None:
    fault = bench.refused(lambda seen: reply(404), asks("x"), target="openapi")
    assert short(fault) == ("communication", 404)
    circle = {"paths": {"/": {"$ref": "#/paths/~1"}}}
    assert short(bench.refused(shop(circle), asks("x"), target="openapi")) == ("validation", 400)
    other = {"paths": {"/": {"$ref": "https://example.com/#/x"}}}
    assert short(bench.refused(shop(other), asks("x"), target="openapi")) == ("validation", 400)


def test_a_service_that_the_document_puts_on_a_private_host_is_refused(bench: Bench) -> None:
    document = {"paths": PETS["paths"], "servers": [{"url": "http://10.0.0.1/"}]}
    fault = bench.refused(shop(document), asks("show", {"id": 1}), target="openapi")
    assert short(fault) == ("authorization", 403)


def test_servers_are_joined_with_the_place_of_the_document() -> None:
    document = {"paths": {"/a": {"get": {"operationId": "a"}}}, "servers": [{"url": "../v3"}]}
    plan = plan_of(document, find_operation(document, "a"), {}, base="https://x.example/docs/api.json")
    assert (plan.url, plan.body is NO_BODY) == ("https://x.example/v3/a", True)
    with pytest.raises(InvalidInput):
        plan_of(document, find_operation(document, "a"), {}, base="https://x.example/", server="/v4")
