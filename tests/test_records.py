"""A record's declaration gives its table, its rows, decoding, JSON Schema and its view."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Annotated, Any, Literal

import pytest

from omnicore.errors import InvalidInput
from omnicore.records import (
    HIDDEN,
    Json,
    MaybeJson,
    Meta,
    Record,
    Seconds,
    Time,
    checked,
    decode,
    field,
    schema,
)
from omnicore.storage.table import Table


class Toy(Record, frozen=True):
    shape: str


class Pet(Record, frozen=True, kw_only=True):
    name: Annotated[str, Meta(min_length=1, max_length=80, description="What it is called.")]
    legs: Annotated[int, Meta(ge=0, le=9)] = 4
    kind: Literal["cat", "dog"] | None = None
    tame: bool = False
    born_at: Time | None = None
    naps_s: Annotated[tuple[Annotated[Seconds, Meta(ge=0)], ...], Meta(max_length=20)] = ()
    traits: Json = None
    medal: MaybeJson = None
    toys: tuple[Toy, ...] = ()
    photo: bytes = b""
    meals: dict[str, int] = field(default_factory=dict)
    seal: Annotated[int, HIDDEN] = 7


PETS = Table(Pet, "pets", key="name", indexes=(("kind", "legs"),))


def test_a_row_holds_what_was_stored():
    pet = Pet(
        name="Tom",
        kind="cat",
        tame=True,
        born_at=1.5,
        naps_s=(1.0, 2.5),
        traits={"deep": [None]},
        toys=(Toy("ball"),),
        photo=b"\0",
        meals={"fish": 2},
    )
    with closing(sqlite3.connect(":memory:")) as database:
        for statement in PETS.sql("sqlite"):
            database.execute(statement)
        database.execute(f"INSERT INTO pets ({PETS.columns}) VALUES ({PETS.marks})", PETS.values(pet))
        assert PETS.row(database.execute(f"SELECT {PETS.columns} FROM pets").fetchone()) == pet
        assert database.execute("SELECT traits, medal, tame FROM pets").fetchone() == ('{"deep":[null]}', None, 1)


def test_a_table_says_the_same_in_both_dialects():
    create, index = PETS.sql("postgresql")
    assert '"legs" BIGINT NOT NULL' in create
    assert '"born_at" DOUBLE PRECISION,' in create
    assert index == 'CREATE INDEX idx_pets_kind_legs ON pets ("kind", "legs")'
    assert '"legs" INTEGER NOT NULL' in next(iter(PETS.sql("sqlite")))


def test_a_view_leaves_out_what_is_hidden():
    shown = Pet(name="Tom", toys=(Toy("ball"),)).to_json()
    assert "seal" not in shown
    assert shown["toys"] == [{"shape": "ball"}]


def test_a_schema_says_what_decoding_asks_for():
    found = schema(Pet)
    assert found["required"] == ["name"]
    assert found["properties"]["name"] == {
        **{"type": "string", "minLength": 1, "maxLength": 80},
        "description": "What it is called.",
    }
    assert found["properties"]["kind"] == {"enum": ["cat", "dog", None]}
    assert found["properties"]["born_at"] == {
        "type": ["number", "null"],
        "description": "Seconds since the Unix epoch.",
    }
    assert found["properties"]["toys"] == {"type": "array", "items": {"$ref": "#/components/schemas/Toy"}}
    assert found["properties"]["meals"] == {"type": "object", "additionalProperties": {"type": "integer"}}
    assert "seal" not in found["properties"]
    assert schema(Pet, shown=True)["required"] == list(found["properties"])


def test_null_stands_for_a_default():
    assert decode(Pet, {"name": "Tom", "legs": None, "kind": None}, "pet") == Pet(name="Tom")


@pytest.mark.parametrize(
    ("values", "path", "remedy"),
    [
        ([], "", "pass a JSON object"),
        ({}, "name", "pass text of 1 to 80 characters"),
        ({"name": ""}, "name", "pass text of 1 to 80 characters"),
        ({"name": "a\0"}, "name", "pass text of 1 to 80 characters"),
        ({"name": "\ud800"}, "name", "pass text of 1 to 80 characters"),
        ({"name": "a", "legs": True}, "legs", "pass a whole number from 0 to 9"),
        ({"name": "a", "kind": "cow"}, "kind", "pass one of cat, dog"),
        ({"name": "a", "tame": 1}, "tame", "pass true or false"),
        ({"name": "a", "naps_s": 3}, "naps_s", "pass a list of up to 20 numbers of seconds"),
        ({"name": "a", "naps_s": [1, -1]}, "naps_s[1]", "pass a number of seconds from 0"),
        ({"name": "a", "born_at": "now"}, "born_at", "pass a number"),
        ({"name": "a", "toys": [{"shape": 1}]}, "toys[0].shape", "pass text"),
        ({"name": "a", "toys": [{"shape": "x", "size": 1}]}, "toys[0].size", "remove it"),
        ({"name": "a", "wings": 2}, "wings", "fields are "),
        ({"name": "a", "seal": 1}, "seal", "fields are "),
    ],
)
def test_a_fault_is_refused_with_its_path_and_a_remedy(values: Any, path: str, remedy: str):
    with pytest.raises(InvalidInput) as refused:
        decode(Pet, values, "pet")
    assert refused.value.details["path"] == path
    assert refused.value.remedy.startswith(remedy)


def test_a_record_that_was_constructed_is_held_to_the_same():
    assert checked(Pet(name="Tom", seal=1), "pet").seal == 1
    with pytest.raises(InvalidInput, match="legs of the pet cannot be used"):
        checked(Pet(name="Tom", legs=10), "pet")
