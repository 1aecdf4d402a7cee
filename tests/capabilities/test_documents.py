"""What the specifications say is what the code does: every function, field, code and limit stands there."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from omnicore.capabilities import clock, connectors, events, kv, memory, tasks, vectors
from omnicore.capabilities.doors import _EXPECTED, DOORS
from omnicore.errors import DoorRefused, InvalidInput, LimitExceeded
from omnicore.sandbox.abi import Limits
from omnicore.sandbox.extism.engine import ENV
from omnicore.sandbox.extism.links import KERNEL_TYPES

SPECS = Path(__file__).parents[2] / "specs"
ABI = (SPECS / "abi.md").read_text()
LIMITS = (SPECS / "limits.md").read_text()


def rows(text: str) -> dict[str, list[list[str]]]:
    """Table rows by their first cell, without its backquotes."""
    found: dict[str, list[list[str]]] = {}
    for line in text.splitlines():
        if line.startswith("| `"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            found.setdefault(cells[0].strip("`"), []).append(cells[1:])
    return found


@pytest.mark.parametrize("function", [f"{door.name}_{verb}_v1" for door in DOORS for verb in door.verbs])
def test_every_verb_of_every_door_is_described(function: str) -> None:
    assert function in rows(ABI)


def test_no_door_is_described_that_does_not_exist() -> None:
    described = {name for name in rows(ABI) if re.fullmatch(r"[a-z]+_[a-z]+_v\d+", name)}
    assert described == {f"{door.name}_{verb}_v1" for door in DOORS for verb in door.verbs} | set(clock.NAMES)


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)
def test_every_door_has_a_section_with_its_scope(door: object) -> None:
    section = ABI.split(f"### `{door.name}`")[1].split("\n## ")[0].split("\n### ")[0]  # type: ignore[attr-defined]
    for field in door.scope:  # type: ignore[attr-defined]
        assert f"`{field}`" in section


def test_every_function_of_the_environment_is_described_with_its_type() -> None:
    types = {**KERNEL_TYPES, **{one.name: (one.params, one.results) for one in ENV}}
    described = rows(ABI)
    for name, (params, results) in types.items():
        written = described[name][0][0]
        before, _, after = written.partition("→")
        assert re.findall(r"i\d\d", before) == list(params), name
        assert re.findall(r"i\d\d", after) == list(results), name


def test_every_error_code_a_door_gives_is_described() -> None:
    # A refusal of an application has the application's own code, which its kit describes.
    codes = {error.code for error in _EXPECTED} - {InvalidInput.code, DoorRefused.code}
    codes |= {one.code for one in LimitExceeded.__subclasses__() if one.code == "deadline-exceeded"}
    assert codes | {"malformed-request"} <= set(rows(ABI))


def test_every_limit_is_described_with_its_default() -> None:
    described = rows(LIMITS.split("\n## ")[0])
    assert set(described) == {field.name for field in fields(Limits)}
    for field in fields(Limits):
        unit, default, *rest = described[field.name][0]
        assert default == ("none" if field.default is None else str(field.default)), field.name
        assert unit
        assert len(rest) == 2


def test_the_doors_own_bounds_are_described() -> None:
    assert f"| key of `kv` | {kv.KEY_BYTES} bytes |" in LIMITS
    assert f"| value of `kv` | {kv.VALUE_BYTES // 1024} KiB |" in LIMITS
    assert f"| event data | {events.DATA_BYTES // 1024} KiB of JSON |" in LIMITS
    assert f"| input of a task | {tasks.INPUT_BYTES // 1024} KiB of JSON |" in LIMITS
    bounds = f"{memory.TEXT_BYTES // 1024} KiB, and {memory.METADATA_BYTES // 1024} KiB of JSON"
    assert f"| text, and metadata, of a memory | {bounds} |" in LIMITS
    assert f"| embedding, and vector | {vectors.DIMENSIONS} numbers |" in LIMITS
    most = f"1,000, in at most {vectors.REQUEST_BYTES >> 20} MiB; metadata {vectors.METADATA_BYTES // 1024} KiB of JSON"
    assert f"| vectors and ids in a request of `vectors` | {most} each |" in LIMITS
    assert f"| input of a connector | {connectors.INPUT_BYTES >> 20} MiB of JSON |" in LIMITS
    assert f"| events published | {events.RATE_PER_S} a second for each plugin |" in LIMITS
