"""Connectors that are data: each service's documented exchanges, and descriptions of operators."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from tests.connectors.local_server import Answer, Seen, reply, serve
from tests.connectors.rooms import Room, during, room
from tests.connectors.test_connectors import answers, failing, scene

from omnicore.connectors.described import SERVICES, kind_of, read_description
from omnicore.connectors.kind import Opening
from omnicore.connectors.openapi import import_openapi
from omnicore.errors import Conflict, InvalidInput, LimitExceeded, PermissionDenied, ServiceRefused

HERE = Path(__file__).parent
EXCHANGES: dict[str, Any] = yaml.safe_load((HERE / "exchanges.yaml").read_text())
NAMES = sorted(file.stem for file in SERVICES.glob("*.yaml"))


def turns(exchanges: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every request that the exchanges consist of, with the answer to it."""
    for one in exchanges:
        yield one
        if "then" in one:
            yield one["then"]


def agrees(seen: Seen, sends: dict[str, Any], shows: dict[str, str]) -> None:
    """The request over the wire is the documented one."""
    assert (seen.method, seen.target) == (sends["method"], sends["target"])
    expected = {**shows, **sends.get("headers", {})}
    assert {name: seen.headers.get(name) for name in expected} == expected
    if "json" in sends:
        assert json.loads(seen.body) == sends["json"]
        assert seen.headers["content-type"] == "application/json"
    elif "variables" in sends:
        assert json.loads(seen.body)["variables"] == sends["variables"]
    elif "form" in sends:
        form = {name: value if isinstance(value, list) else [value] for name, value in sends["form"].items()}
        assert parse_qs(seen.body.decode(), keep_blank_values=True) == form
        assert seen.headers["content-type"] == "application/x-www-form-urlencoded"
    else:
        assert seen.body == b""


def address(name: str, config: dict[str, str]) -> str:
    """The address that a description says, with its variables."""
    given = yaml.safe_load((SERVICES / f"{name}.yaml").read_text())
    found: str = given["base"]
    for variable, about in given.get("variables", {}).items():
        found = found.replace(f"{{{variable}}}", config.get(variable, about.get("default", "")))
    return found


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """A room with a connector of each service that was played."""
    with room(tmp_path_factory.mktemp("services")) as made:
        yield made


@pytest.mark.parametrize("name", NAMES)
def test_a_service_is_asked_and_understood_as_its_documentation_shows(name: str, shared: Room) -> None:
    about = EXCHANGES[name]
    script = list(turns(about["exchanges"]))
    assert address(name, about.get("config", {})) == about["at"]
    base, waiting = urlsplit(about["at"]).path, list(script)

    def play(seen: Seen) -> Answer:
        if "token" in about and seen.target == "/token":
            return answers(about["token"])
        given = waiting.pop(0)["answer"]
        fields = [one.replace("{base}", f"http://{seen.headers['host']}{base}") for one in given.get("headers", ())]
        if "json" in given:
            return answers(given["json"], given.get("status", 200), *fields)
        return reply(given.get("status", 200), given.get("text", "").encode(), "Connection: close", *fields)

    def work(local: str) -> list[Any]:
        config = {"base_url": local + base, **about.get("config", {})}
        config |= {"token_url": f"{local}/token"} if "token" in about else {}
        limits = {"retries": 0, "rate": 1e6, "plugin_rate": 1e6}
        shared.service.register.add(name, name, config, about["secrets"], limits)
        return [outcome(one) for one in about["exchanges"]]

    def outcome(one: dict[str, Any]) -> Any:
        asked = ("plugin:text", name, one["action"], one["input"])
        if "refuses" in one:
            return failing(lambda: shared.service.use_blocking(*asked, timeout_s=60))
        return shared.service.use_blocking(*asked, timeout_s=60)

    async def served() -> tuple[list[Any], list[Seen]]:
        async with serve(play) as server:
            return await during(lambda: work(server.url(""))), server.seen

    given, seen_all = asyncio.run(served())
    for found, one in zip(given, about["exchanges"], strict=True):
        if "refuses" in one:
            assert isinstance(found, ServiceRefused)
            assert one["refuses"] in found.fact
        else:
            assert found == one["gives"]
    assert not waiting
    asked = [seen for seen in seen_all if seen.target != "/token"]
    grants = [parse_qs(seen.body.decode())["grant_type"] for seen in seen_all if seen.target == "/token"]
    assert grants == ([["refresh_token"]] if "token" in about else [])
    for seen, one in zip(asked, script, strict=True):
        agrees(seen, one["sends"], about.get("shows", {}))


# -- kinds that operators add


PETS: dict[str, Any] = yaml.safe_load((HERE / "petstore.yaml").read_text())


def test_an_openapi_document_becomes_typed_actions_and_says_what_was_left_out(tmp_path: Path) -> None:
    found = import_openapi(PETS)
    actions = found.description["actions"]
    assert set(actions) == {"find_pets", "addPet", "deletePet", "order"}
    assert found.description["base"] == "https://{region}.pets.example.com/v2"
    assert actions["addPet"]["required"] == ["name"], "the service gives the id"
    assert actions["addPet"]["input"]["mother"] == {}, "a pet within a pet ends somewhere"
    assert actions["addPet"]["input"]["tag"]["type"] == ["string", "null"]
    assert "pattern" not in json.dumps(found.description), "a pattern of a stranger could take for ever"
    reasons = dict(found.left_out)
    assert reasons["POST /pets/{pet-id}/photo"] == "it takes image/png"
    assert "refers to another document" in reasons["GET /orders"]
    assert reasons["the parameter paths./pets.get.parameters.2"] == "is sent as cookie"

    def work(made: Room, url: str) -> Any:
        made.service.register.kinds.add(found.description)
        made.add("pets", "pet_store", url, {"key": "k3y-of-the-store"})
        made.use("pets", "find_pets", **{"tags": ["a", "b"], "filter_age": 3, "X-Trace": "t1"})
        made.service.use_blocking("cli", "pets", "addPet", {"name": "Rex"}, timeout_s=20)
        made.use("pets", "order", pet=7, gift=True)
        wrong = failing(lambda: made.use("pets", "order", gift="maybe"))
        return made.use("pets", "deletePet", pet_id=7), wrong, made.service.list()

    (gone, wrong, listed), server = scene(
        tmp_path, lambda seen: reply(204, b"", "Connection: close") if seen.method == "DELETE" else answers({}), work
    )
    assert gone is None
    assert isinstance(wrong, InvalidInput)
    assert listed[0].details[1].input["properties"]["name"] == {"type": "string", "maxLength": 80}
    assert [(seen.method, seen.target, seen.body) for seen in server.seen] == [
        ("GET", "/v1/pets?tags=a%2Cb&filter%5Bage%5D=3", b""),
        ("POST", "/v1/pets", b'{"name": "Rex"}'),
        ("POST", "/v1/orders", b"pet=7&gift=true"),
        ("DELETE", "/v1/pets/7", b""),
    ]
    assert {seen.headers["x-api-key"] for seen in server.seen} == {"k3y-of-the-store"}
    assert server.seen[0].headers["x-trace"] == "t1"


def test_only_named_operations_are_taken() -> None:
    assert set(import_openapi(PETS, only=["pets"]).description["actions"]) == {"find_pets", "addPet", "deletePet"}
    assert set(import_openapi(PETS, only=["DELETE *", "add*"]).description["actions"]) == {"deletePet", "addPet"}
    with pytest.raises(InvalidInput, match="no operation 'none'"):
        import_openapi(PETS, only=["none"])


def _wide(depth: int) -> dict[str, Any]:
    """Schemas of which each holds the next one twice."""
    twice = {f"s{i}": {"properties": {"a": _ref(i + 1), "b": _ref(i + 1)}} for i in range(depth)}
    return {**twice, f"s{depth}": {"type": "string"}, "loop": {"$ref": "#/components/schemas/loop"}}


def _ref(number: int) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/s{number}"}


def test_a_document_that_grows_without_end_is_cut_and_one_at_fault_is_refused_with_its_place() -> None:
    body = {"content": {"application/json": {"schema": _ref(0)}}}
    document = {**PETS, "paths": {"/a": {"post": {"requestBody": body}}}, "components": {"schemas": _wide(60)}}
    assert len(json.dumps(import_openapi(document).description)) < 20_000
    looped = {"schema": {"$ref": "#/components/schemas/loop"}, "in": "query", "name": "q"}
    document["paths"] = {"/a": {"get": {"parameters": [looped, {"$ref": "#/paths/~1a/get/parameters/1"}]}}}
    with pytest.raises(InvalidInput, match=r"paths\./a\.get\.parameters\.1 refers to itself"):
        import_openapi(document)
    for other, place in (({"swagger": "2.0"}, "openapi"), ({"openapi": "3.1.0", "paths": []}, "paths"), ([], "")):
        with pytest.raises(InvalidInput) as caught:
            import_openapi(other)
        assert caught.value.details["path"] == place


def test_an_address_of_this_machine_or_without_a_host_is_never_taken_from_a_document() -> None:
    for url in ("http://127.0.0.1:8000/api", "https://169.254.169.254/", "/api/v3", "https://u:p@a.example"):
        found = import_openapi({**PETS, "servers": [{"url": url}]})
        assert "base" not in found.description
        assert "base_url" in find_config(found.description)["required"]
    hidden = {"url": "https://{a}.{b}/", "variables": {"a": {"default": "10.0"}, "b": {"default": "0.1"}}}
    assert "base" not in import_openapi({**PETS, "servers": [hidden]}).description
    flows = {"clientCredentials": {"tokenUrl": "http://127.0.0.1:8200/token", "scopes": {}}}
    schemes = {"securitySchemes": {"o": {"type": "oauth2", "flows": flows}}}
    found = import_openapi({**PETS, "security": [{"o": []}], "components": {**PETS["components"], **schemes}})
    assert "oauth2" not in found.description["auth"]


def test_a_variable_of_a_connector_leads_to_no_address_of_this_machine() -> None:
    action = {"says": "Reads.", "method": "GET", "path": "/"}
    given = {"kind": "mine", "title": "Mine", "says": "It.", "base": "http://{host}", "actions": {"a": action}}
    kind = kind_of(read_description({**given, "variables": {"host": {"says": "Its host."}}}))

    async def call() -> None:
        client = await kind.open(Opening("mine", {"host": "127.0.0.1"}))
        try:
            await client.call("a", {}, timeout_s=5.0)
        finally:
            await client.close()

    with pytest.raises(PermissionDenied, match="not an address of the public internet"):
        asyncio.run(call())


def test_pages_together_are_bounded_as_one_answer_is() -> None:
    pages = {"items": "items", "next": "next", "cursor": "at"}
    listed = {"says": "Lists.", "method": "GET", "path": "/", "pages": pages}
    given = {"kind": "mine", "title": "Mine", "says": "It.", "actions": {"list": listed}}
    kind, count = kind_of(read_description(given)), iter(range(100))

    async def asked() -> int:
        async with serve(lambda _: answers({"items": ["x" * 700], "next": str(next(count))})) as server:
            client = await kind.open(Opening("mine", {"base_url": server.url("")}, output_bytes=1000))
            try:
                with pytest.raises(LimitExceeded, match="more than 1000 bytes"):
                    await client.call("list", {"limit": 1000}, timeout_s=60.0)
            finally:
                await client.close()
            return len(server.seen)

    assert asyncio.run(asked()) < 8


def test_a_document_that_takes_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omnicore.connectors.openapi._MOST_STEPS", 100)
    with pytest.raises(InvalidInput, match="after more than 100 steps"):
        import_openapi(
            {
                **PETS,
                "components": {**PETS["components"], "schemas": _wide(6)},
                "paths": {
                    "/a": {
                        "get": {
                            "parameters": [
                                {"in": "query", "name": "q", "content": {"application/json": {"schema": _ref(0)}}}
                            ]
                        }
                    }
                },
            }
        )


def find_config(description: Any) -> dict[str, Any]:
    return dict(kind_of(read_description(description)).config)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"base": "http://localhost/"}, "base"),
        ({"base": "https://{site}.example.com"}, "base"),
        ({"base": "https://{site}", "variables": {"site": {"says": "x", "default": "10.0.0.1"}}}, "base"),
        (
            {
                "secrets": {"client_id": "x", "client_secret": "x"},
                "auth": {"oauth2": {"token_url": "http://127.0.0.1:8200/"}},
            },
            "auth.oauth2.token_url",
        ),
        ({"auth": {"headers": {"X-Key": "{other}"}}}, "auth.headers.X-Key"),
        ({"webhook": "none"}, "webhook"),
        ({"limits": {"colour": 1}}, "limits.colour"),
        ({"variables": {"base_url": {"says": "x"}}}, "variables.base_url"),
        ({"actions": {}}, "actions"),
        ({"actions": {"a b": {}}}, "actions.a b"),
        ({"actions": {"a": {"says": "x", "method": "GET", "path": "/{id}"}}}, "actions.a.path"),
        ({"actions": {"a": {"says": "x", "method": "TRACE", "path": "/"}}}, "actions.a.method"),
        ({"input": {"q": {"type": "text"}}}, "actions.a.input.q.type"),
        ({"input": {"q": {"items": {"pattern": "(a+)+$"}}}}, "actions.a.input.q.items.pattern"),
        ({"input": {"q": {"$ref": "#/a"}}}, "actions.a.input.q.$ref"),
        ({"input": {"q": {"minimum": 10**400}}}, "actions.a.input.q.minimum"),
        ({"headers": {"q": "Authorization"}}, "actions.a.headers"),
        ({"query": []}, "actions.a.input"),
    ],
)
def test_a_description_at_fault_is_refused_with_its_place(change: dict[str, Any], path: str) -> None:
    action = {"says": "Reads.", "method": "GET", "path": "/", "input": {"q": {"type": "string"}}, "query": ["q"]}
    whole = change.keys() & {"base", "auth", "webhook", "limits", "variables", "actions"}
    given = {
        "kind": "mine",
        "title": "Mine",
        "says": "A service.",
        "actions": {"a": action | ({} if whole else change)},
    }
    with pytest.raises(InvalidInput) as caught:
        read_description({**given, **(change if whole else {})})
    assert caught.value.details["path"] == path


def test_credentials_go_nowhere_else_when_a_kind_changes_and_a_used_kind_stays(tmp_path: Path) -> None:
    found = import_openapi(PETS).description
    with room(tmp_path) as made:
        kinds = made.service.register.kinds
        kinds.add(found)
        with pytest.raises(Conflict, match="already"):
            kinds.add(found)
        with pytest.raises(Conflict, match="of its own"):
            kinds.add({**found, "kind": "slack"})
        made.add("pets", "pet_store", secrets={"key": "k3y"}, region="us")
        fewer = {**found, "actions": {"deletePet": found["actions"]["deletePet"]}}
        assert [action.name for action in kinds.add(fewer, replace=True).actions] == ["deletePet"]
        assert made.service.list()[0].actions == ("deletePet",)
        with pytest.raises(Conflict, match="another place"):
            kinds.add({**fewer, "base": "https://elsewhere.example.com", "variables": {}}, replace=True)
        with pytest.raises(Conflict, match="there are connectors"):
            kinds.remove("pet_store")
        with pytest.raises(InvalidInput, match="region"):
            made.service.register.change("pets", config={"region": "eu"})
        with pytest.raises(InvalidInput, match="region"):
            made.service.register.change("pets", config={"region": "x.evil"}, credentials={"key": "k3y"})
        made.service.register.remove("pets")
        assert kinds.remove("pet_store")


def test_a_key_is_shown_beside_a_token_that_is_fetched(tmp_path: Path) -> None:
    described = {
        **{"kind": "mine", "title": "Mine", "says": "A service.", "base": "https://mine.example.com"},
        "secrets": {"client_id": "id", "client_secret": "secret", "key": "key"},
        "auth": {"headers": {"X-Key": "{key}"}, "oauth2": {"token_url": "https://mine.example.com/token"}},
        "actions": {"read": {"says": "Reads.", "method": "GET", "path": "/"}},
    }

    def work(made: Room, url: str) -> Any:
        made.service.register.kinds.add(described)
        secrets = {"client_id": "c1ient-of-mine", "client_secret": "s3cret-of-mine", "key": "k3y-of-mine"}
        made.add("it", "mine", url, secrets, token_url=f"{url}/token")
        return made.use("it", "read")

    given, server = scene(tmp_path, lambda seen: answers({"access_token": "t0ken-of-mine"}), work)
    assert given == {"access_token": "[redacted]"}
    assert server.seen[1].headers["x-key"] == "k3y-of-mine"
    assert server.seen[1].headers["authorization"] == "Bearer t0ken-of-mine"
