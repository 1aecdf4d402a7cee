"""Every door is what `specs/doors` says: names, requests, scopes, defaults."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from sdk.generate.contract import ROOT, Contract, Door, Field, Type, Verb, load
from tests.capabilities.double import CallDouble, House, ask, asks, plugin
from tests.capabilities.later import ConnectorsDouble, MemoryDouble, TasksDouble, VectorsDouble

from omnicore.capabilities.doors import DOORS, open_doors
from omnicore.capabilities.scope import REQUIRED
from omnicore.sandbox.abi import Doors, Limits

CONTRACT: Contract = load()
ALL = (*CONTRACT.doors, *CONTRACT.verbless)
VERBS = [(door, verb) for door in CONTRACT.doors for verb in door.verbs]
SCOPES: dict[str, dict[str, Any]] = {
    "http": {"hosts": ["*"], "methods": ["GET", "POST"]},
    "events": {"topics": ["**"], "subscribe": ["**"]},
    "tasks": {"functions": ["*"]},
    "vectors": {"collections": ["*"]},
    "connectors": {"connectors": ["*"]},
    "loops": {"lanes": ["adaptive"]},
}
# One value of each type, and what each type refuses.
GOOD: dict[str, Any] = {
    "text": "x",
    "bytes": "x",
    "integer": 1,
    "number": 1,
    "boolean": True,
    "json": 1,
    "list": [],
    "map": {},
}
# Fields whose text has a form of its own.
FORMS = {"url": "http://example.com/", "method": "GET", "tier": "session", "level": "info"}
WRONG: list[Any] = ["x", 0.5, True, [], {}, ["x"], [0.5], [{}]]


def value_of(field: Field, door: Door) -> Any:
    """A valid value of a field."""
    return FORMS[field.name] if field.name in FORMS else value_of_type(field.type, door)


def value_of_type(kind: Type, door: Door) -> Any:
    if kind.kind == "enum":
        return next(enum for enum in door.enums if enum.name == kind.name).values[0]
    if kind.kind == "record":
        record = next(record for record in door.records if record.name == kind.name)
        return {field.name: value_of(field, door) for field in record.fields}
    if kind.kind == "list" and kind.item is not None:
        return ["session" if kind.item.kind == "text" and door.name == "memory" else value_of_type(kind.item, door)]
    return GOOD[kind.kind]


def fits(kind: Type, value: Any) -> bool:
    """Whether a value of `WRONG` is one of the type after all."""
    match kind.kind:
        case "json":
            return True
        case "text":
            return isinstance(value, str)
        case "bytes":
            return isinstance(value, str)
        case "number":
            return value == 0.5
        case "map":
            return value == {} or (kind.item is not None and kind.item.kind == "json" and isinstance(value, dict))
        case "list":
            return isinstance(value, list) and len(value) > 0 and all(fits(kind.item, one) for one in value)
        case _:
            return False


@pytest.fixture
def doors(house: House) -> Doors:
    services = replace(
        house.services,
        tasks=TasksDouble(),
        memory=MemoryDouble(),
        vectors=VectorsDouble(),
        connectors=ConnectorsDouble(),
    )
    asked = [asks(door.name, SCOPES.get(door.name)) for door in ALL if door.grant]
    return open_doors(plugin(*asked, limits=Limits(http_requests=1000)), services)


def request_for(verb: Verb, door: Door) -> dict[str, Any]:
    return {field.name: value_of(field, door) for field in verb.request}


def code_of(doors: Doors, verb: Verb, request: dict[str, Any]) -> str | None:
    return ask(doors, verb.function, request, CallDouble(deadline=1e9)).get("error", {}).get("code")


def test_the_doors_are_those_of_the_specification_in_its_order() -> None:
    assert [(one.name, one.purpose, one.resource, one.needs_grant) for one in DOORS] == [
        (one.name, one.purpose, one.resource, one.grant) for one in (*CONTRACT.doors, *CONTRACT.verbless)
    ]


@pytest.mark.parametrize("door", ALL, ids=lambda door: door.name)
def test_a_door_links_the_functions_of_its_verbs(doors: Doors, door: Door) -> None:
    linked = [one.name for one in doors.functions if one.name.startswith(f"{door.name}_")]
    assert linked == list(dict.fromkeys(verb.function for verb in door.verbs))


@pytest.mark.parametrize("door", ALL, ids=lambda door: door.name)
def test_a_scope_has_the_fields_and_defaults_that_are_written(door: Door) -> None:
    scope = next(one for one in DOORS if one.name == door.name).scope
    assert list(scope) == [field.name for field in door.scope]
    for field in door.scope:
        default = scope[field.name].default
        expected = field.default
        if not isinstance(expected, (list, dict)):
            expected = {None: REQUIRED, "": None}.get(expected, expected)
        assert (list(default) if isinstance(default, tuple) else default) == expected, field.name


@pytest.mark.parametrize("door", ALL, ids=lambda door: door.name)
def test_a_scope_takes_values_of_its_types_only(door: Door) -> None:
    scope = next(one for one in DOORS if one.name == door.name).scope
    for field in door.scope:
        for wrong in ("x", 0.5, -1, 0, [], {"colour": 1}, [1], None):
            assert not scope[field.name].valid(wrong), (field.name, wrong)
        assert scope[field.name].valid(True) is (field.type.kind == "boolean")
        assert scope[field.name].valid(1) is (field.type.kind == "integer")
        assert scope[field.name].valid({}) is (field.type.kind == "map")


@pytest.mark.parametrize(("door", "verb"), VERBS, ids=lambda one: getattr(one, "name", ""))
def test_a_request_with_all_fields_is_served_with_the_fields_of_the_reply(doors: Doors, door: Door, verb: Verb) -> None:
    request = request_for(verb, door)
    if door.name == "kv" and verb.name == "list":
        del request["cursor"]
    reply = ask(doors, verb.function, request, CallDouble(deadline=1e9))
    assert set(reply) == {field.name for field in verb.reply}


@pytest.mark.parametrize(("door", "verb"), VERBS, ids=lambda one: getattr(one, "name", ""))
def test_optional_fields_may_be_left_out_or_null(doors: Doors, door: Door, verb: Verb) -> None:
    needed = {name: value for name, value in request_for(verb, door).items() if name in _required(verb)}
    nulls = {field.name: None for field in verb.request if field.optional}
    if verb.function == "memory_recall_v1":
        needed["text"] = nulls.pop("text") or "x"
    assert code_of(doors, verb, needed) is None
    assert code_of(doors, verb, {**needed, **nulls}) is None


@pytest.mark.parametrize(("door", "verb"), VERBS, ids=lambda one: getattr(one, "name", ""))
def test_an_unknown_field_is_refused(doors: Doors, door: Door, verb: Verb) -> None:
    assert code_of(doors, verb, {**request_for(verb, door), "colour": 1}) == "malformed-request"


@pytest.mark.parametrize(("door", "verb"), VERBS, ids=lambda one: getattr(one, "name", ""))
def test_every_required_field_is_needed(doors: Doors, door: Door, verb: Verb) -> None:
    for name in _required(verb):
        request = request_for(verb, door)
        del request[name]
        if (door.name, name) == ("config", "key"):  # the same function without a key returns all settings
            assert set(ask(doors, verb.function, request)) == {"values"}
        else:
            assert code_of(doors, verb, request) == "malformed-request", name


@pytest.mark.parametrize(("door", "verb"), VERBS, ids=lambda one: getattr(one, "name", ""))
def test_every_field_of_a_wrong_type_is_refused(doors: Doors, door: Door, verb: Verb) -> None:
    for field in verb.request:
        for wrong in WRONG:
            if not fits(field.type, wrong):
                request = {**request_for(verb, door), field.name: wrong}
                assert code_of(doors, verb, request) == "malformed-request", (field.name, wrong)


@pytest.mark.parametrize(("door", "verb"), VERBS, ids=lambda one: getattr(one, "name", ""))
def test_every_bound_is_kept(doors: Doors, door: Door, verb: Verb) -> None:
    for field in verb.request:
        if field.most is not None:
            over = field.most + 1 if field.type.kind == "integer" else "x" * (field.most + 1)
            request = {**request_for(verb, door), field.name: over}
            assert code_of(doors, verb, request) == "malformed-request", field.name


def _required(verb: Verb) -> list[str]:
    return [field.name for field in verb.request if not field.optional]


@pytest.mark.parametrize("door", [door for door in ALL if door.grant], ids=lambda door: door.name)
def test_the_schema_of_manifests_knows_the_scope(door: Door) -> None:
    known = json.loads((ROOT / "host/omnicore/plugins/plugin.schema.json").read_text())["$defs"][door.name]
    assert set(known["properties"]) == {field.name for field in door.scope}
    assert known.get("required", []) == [field.name for field in door.scope if field.default is None]
