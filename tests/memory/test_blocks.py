"""Core blocks: given with every recall, changed by who read the last version, gone with whom they are about."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.memory.conftest import MakeMind, Mind

from omnicore.errors import Conflict, InvalidInput, LimitExceeded, NotFound
from omnicore.memory.blocks import BLOCK_CHARACTERS, MemoryBlock
from omnicore.memory.item import MemoryScope
from omnicore.storage.tables.memory_blocks import MOST_BLOCKS, MOST_VERSIONS

HOST = "@host"
ADA = MemoryScope(user="ada").names


def write(mind: Mind, name: str, text: str, version: int = 0, **scope: str) -> MemoryBlock:
    return mind.memories.blocks.write(
        HOST, name, text, version=version, by="test", now=mind.clock.now(), scope=MemoryScope(**scope).names
    )


def given(mind: Mind, **asked: object) -> list[str]:
    return [block.text for block in mind.memories.recall("what shall I do?", **asked).blocks]  # type: ignore[arg-type]


def test_every_recall_gives_the_blocks_of_nobody_and_of_its_scope_alone(mind: Mind) -> None:
    write(mind, "policy", "Be kind.")
    write(mind, "persona", "I am a gardener.", agent="gardener")
    write(mind, "human", "Ada is allergic to nuts.", user="ada")
    write(mind, "human", "Bob likes figs.", user="bob")
    write(mind, "human", "Ada wants roses.", user="ada", agent="gardener")
    mind.memories.blocks.write("text", "policy", "Of a plugin.", version=0, by="test", now=0)
    assert given(mind) == ["Be kind."]
    assert given(mind, user="ada") == ["Ada is allergic to nuts.", "Be kind."]
    assert given(mind, user="ada", agent="gardener", session="s1") == [
        *("Ada is allergic to nuts.", "Ada wants roses.", "I am a gardener.", "Be kind.")
    ]
    assert given(mind, owner="text", user="ada") == ["Of a plugin."]


def test_blocks_come_first_in_a_budget(mind: Mind) -> None:
    write(mind, "long", "x" * 40)
    write(mind, "short", "y" * 10)
    mind.memories.store("a story that is nineteen"[:19])
    found = mind.memories.recall("story", budget=30)
    assert ([one.name for one in found.blocks], [len(one.text) for one in found.items]) == (["short"], [19])
    assert found.notes[-1] == "core blocks that do not fit into 30 characters: 1"
    found = mind.memories.recall("story", budget=50)
    assert ([one.name for one in found.blocks], found.items) == (["long", "short"], ())


def test_a_block_keeps_what_it_said_and_goes_back_to_it(mind: Mind) -> None:
    blocks = mind.memories.blocks
    write(mind, "human", "Ada lives in Rome.", user="ada")
    write(mind, "human", "Ada lives in Paris.", 1, user="ada")
    back = blocks.restore(HOST, "human", 1, version=2, by="ann", now=9.0, scope=ADA)
    assert (back.text, back.version, back.changed_by, back.changed_at) == ("Ada lives in Rome.", 3, "ann", 9.0)
    assert [(one.version, one.text) for one in blocks.versions(HOST, "human", ADA)] == [
        *((3, "Ada lives in Rome."), (2, "Ada lives in Paris."), (1, "Ada lives in Rome."))
    ]
    for version in range(3, 3 + MOST_VERSIONS):
        write(mind, "human", f"{version}", version, user="ada")
    assert [one.version for one in blocks.versions(HOST, "human", ADA)][-1] == 3
    with pytest.raises(NotFound, match="no earlier version 1"):
        blocks.restore(HOST, "human", 1, version=53, by="ann", now=9.0, scope=ADA)


def test_no_writer_takes_away_what_another_one_wrote(make_mind: MakeMind) -> None:
    minds = [make_mind(), make_mind()]
    with pytest.raises(NotFound):
        write(minds[0], "score", "1", 1)
    write(minds[0], "score", "0")
    with pytest.raises(Conflict, match="is at version 1, changed by test"):
        write(minds[1], "score", "lost")

    def add(mind: Mind) -> None:
        for _ in range(5):
            while True:
                known = mind.memories.blocks.get(HOST, "score")
                try:
                    write(mind, "score", str(int(known.text) + 1), known.version)
                except Conflict:
                    continue
                break

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(add, minds))
    found = minds[0].memories.blocks.get(HOST, "score")
    assert (found.text, found.version) == ("10", 11)


def test_blocks_are_bounded_and_bad_ones_refused(mind: Mind) -> None:
    for name in ("", "a b", "../x", "-x", "n" * 65, "a\n", "a\0"):
        with pytest.raises(InvalidInput, match="no name of a block"):
            write(mind, name, "text")
    for text in ("", " ", "a\0", "\ud800", "x" * (BLOCK_CHARACTERS + 1)):
        with pytest.raises(InvalidInput):
            write(mind, "block", text)
    with pytest.raises(InvalidInput, match="version"):
        write(mind, "block", "text", -1)
    for number in range(MOST_BLOCKS):
        write(mind, f"block{number}", "x" * BLOCK_CHARACTERS)
    with pytest.raises(LimitExceeded, match="16 blocks"):
        write(mind, "one-more", "text")
    assert write(mind, "one-more", "text", user="ada").version == 1
    assert mind.memories.blocks.remove(HOST, "block0")
    assert not mind.memories.blocks.remove(HOST, "block0")
    assert write(mind, "one-more", "text").version == 1


def test_blocks_go_with_their_scope_and_with_their_owner(mind: Mind) -> None:
    write(mind, "policy", "Be kind.")
    write(mind, "human", "Ada", user="ada", agent="gardener")
    write(mind, "human", "Ada again", 1, user="ada", agent="gardener")
    write(mind, "human", "Bob", user="bob")
    assert mind.memories.forget_all(user="ada", filter={"a": 1}).blocks == 0
    assert mind.memories.forget_all(user="ada").blocks == 1
    assert [one.text for one in mind.memories.blocks.page(HOST)[0]] == ["Be kind.", "Bob"]
    rows = mind.memories.table.store.rows
    assert rows("SELECT count(*) FROM memory_block_versions") == [(0,)]
    mind.memories.clear(HOST)
    assert rows("SELECT count(*) FROM memory_blocks") == [(0,)]
