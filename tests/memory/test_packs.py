"""Memories as files."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from tests.memory.conftest import MakeMind, Mind

from omnicore.errors import InvalidInput
from omnicore.memory.service import export_pack, import_pack
from omnicore.storage.tables.memory import SHARED_SPACE


def pack(mind: Mind, version: str = "1", texts: tuple[str, ...] = ("the door is blue", "the roof is red")) -> bytes:
    for text in texts:
        mind.memories.store(text, "semantic", owner="facts", embedding=[1, 2], metadata={"speaker": "Ann"})
    file = io.BytesIO()
    export_pack(mind.memories, file, owner="facts", name="facts", version=version)
    mind.memories.clear("facts")
    return file.getvalue()


def test_what_is_exported_comes_back_and_again_is_the_same(mind: Mind) -> None:
    data = pack(mind)
    for _ in range(2):
        found = import_pack(mind.memories, io.BytesIO(data), owner="other")
        assert (found.pack, found.version, found.memories) == ("facts", "1", 2)
    first = mind.memories.recall("door", owner="other").items[0]
    assert (first.text, first.embedding, first.metadata) == ("the door is blue", (1.0, 2.0), {"speaker": "Ann"})
    assert (first.source, first.writer) == ("pack:facts@1", "operator")
    assert [total.items for total in mind.memories.table.totals("other")] == [2]


def test_a_new_version_takes_the_place_of_the_old_one_in_the_planetary_tier(mind: Mind) -> None:
    import_pack(mind.memories, io.BytesIO(pack(mind)), owner="@host", tier="planetary")
    assert mind.texts("door", owner="anyone")[0] == "the door is blue"
    newer = pack(mind, "2", ("the door is green",))
    assert import_pack(mind.memories, io.BytesIO(newer), owner="@host", tier="planetary").replaced == 2
    assert mind.texts("door roof", owner="anyone") == ["the door is green"]
    assert [total.items for total in mind.memories.table.totals(SHARED_SPACE)] == [1]


def line(**values: Any) -> bytes:
    return json.dumps(values).encode() + b"\n"


def test_what_is_no_pack_is_refused_before_anything_is_kept(make_mind: MakeMind) -> None:
    mind = make_mind()
    data = pack(mind)
    lines = data.splitlines(keepends=True)
    broken = [
        b"",
        b"\n",
        b"{}\n",
        b"\x00\xff",
        b"[" * 100_000,
        data.replace(b"blue", b"pink"),
        b"".join(lines[:-1]),
        b"".join(lines[1:]),
        data + lines[1],
        data[:-20],
        b"x" * 600_000,
    ]
    for one in broken:
        with pytest.raises(InvalidInput):
            import_pack(mind.memories, io.BytesIO(one), owner="other")
    assert mind.memories.table.totals("other") == []
