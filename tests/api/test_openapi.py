"""The OpenAPI document: valid, complete, and the same as the file in `specs/`."""

from __future__ import annotations

from pathlib import Path

from openapi_spec_validator import validate
from tests.api.conftest import ASKS, DOUBLE, ECHO, Site

from omnicore.api.__main__ import text
from omnicore.api.openapi import document
from omnicore.api.operations import OPERATIONS
from omnicore.plugins.schemas import embedded

SPEC = Path(__file__).parents[2] / "specs" / "openapi.json"


def test_the_document_is_valid() -> None:
    validate(document(OPERATIONS))


def test_the_file_is_what_the_route_table_gives() -> None:
    assert SPEC.read_text() == text(), "run `python -m omnicore.api > specs/openapi.json`"


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [operation.name for operation in OPERATIONS]
    assert len(set(names)) == len(names)


def test_a_plugins_functions_are_described_with_their_schemas(site: Site) -> None:
    site.drop("double.wat", ECHO, DOUBLE)
    site.drop("bytes.wat", ECHO)
    found = site.client.get("/openapi.json").json()
    ours = {path: item for path, item in found["paths"].items() if path.startswith("/api/v1/plugins/")}
    validate({**found, "paths": ours})
    operation = found["paths"]["/api/v1/plugins/double/functions/echo"]["post"]
    assert operation["summary"] == "Gives the value back"
    given = operation["requestBody"]["content"]["application/json"]["schema"]
    assert given == {"$ref": "#/components/schemas/double.echo.input"}
    schema = found["components"]["schemas"]["double.echo.input"]
    assert schema["properties"]["value"]["$ref"] == "#/components/schemas/double.echo.input/$defs/number"
    plain = found["paths"]["/api/v1/plugins/bytes/functions/echo"]["post"]
    assert plain["requestBody"]["content"] == {"application/octet-stream": {"schema": {}}}


def test_plugins_that_answer_no_calls_are_left_out(site: Site) -> None:
    site.drop("counter.wat", ECHO, ASKS.format(name="counter"))
    assert not any("counter" in path for path in site.client.get("/openapi.json").json()["paths"])


def test_the_document_has_a_tag_that_changes_with_the_plugins(site: Site) -> None:
    tag = site.client.get("/openapi.json").headers["etag"]
    assert site.client.get("/openapi.json", headers={"if-none-match": tag}).status_code == 304
    site.drop("echo.wat", ECHO)
    assert site.client.get("/openapi.json", headers={"if-none-match": tag}).status_code == 200


def test_references_follow_a_schema_and_values_do_not() -> None:
    schema = {
        "$id": "urn:x",
        "properties": {"$ref": {"$ref": "#"}, "a": {"enum": [{"$ref": "#/no"}]}},
        "anyOf": [{"$ref": "#/$defs/b"}, True],
        "default": {"$ref": "#/no"},
        "$defs": {"b": {"not": {"$ref": "#/properties/a"}}},
    }
    assert embedded(schema, "#/at") == {
        "properties": {"$ref": {"$ref": "#/at"}, "a": {"enum": [{"$ref": "#/no"}]}},
        "anyOf": [{"$ref": "#/at/$defs/b"}, True],
        "default": {"$ref": "#/no"},
        "$defs": {"b": {"not": {"$ref": "#/at/properties/a"}}},
    }
