"""An index outlives its process in a file, which is believed only when it is whole and of this database as it is."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.memory.conftest import SHIPPED
from tests.storage.stores import OpenStore

from omnicore.clock import ManualClock
from omnicore.config.settings import MemorySettings
from omnicore.memory import cache
from omnicore.memory.columns import COLUMNS, MemoryColumns, numbered
from omnicore.memory.embedder import Embedder, Sense
from omnicore.memory.index_file import IndexFileBroken, IndexFiles
from omnicore.memory.item import MemoryDraft
from omnicore.memory.memories import HOST, Memories
from omnicore.records import replace, to_text
from omnicore.storage.database import Database
from omnicore.storage.store import Store
from omnicore.storage.tables.memory import MemoryCare, MemoryTable

COUNT = 60
Start = Callable[..., Memories]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "memory"


@pytest.fixture
def start(open_store: OpenStore, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Begins another process on the same data, as it were."""
    monkeypatch.setattr(cache, "_CHANGES_LEAST", 0)
    started: list[Memories] = []

    def make(embedder: Embedder | None = SHIPPED, *, store: Store | None = None, **settings: Any) -> Memories:
        settings = {"file_least": 20, "exact_upto": 30, **settings}
        memories = Memories(
            store or open_store(),
            settings=MemorySettings(**settings),
            clock=ManualClock(1000.0 + len(started)),
            sense=Sense(embedder),
            tell=lambda topic, data: None,
            folder=folder,
        )
        started.append(memories)
        return memories

    yield make
    for memories in started:
        memories.close()


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The plugins whose index was made of the rows in the table."""
    found: list[str] = []
    load = cache.MemoryIndexes._load

    def noted(self: Any, plugin: str, *given: Any) -> None:
        found.append(plugin)
        load(self, plugin, *given)

    monkeypatch.setattr(cache.MemoryIndexes, "_load", noted)
    return found


def filled(memories: Memories, count: int = COUNT) -> list[str]:
    drafts = [
        MemoryDraft(
            f"The {number}th door is painted in colour {number * 37}",
            "semantic",
            0.5,
            tuple(np.random.default_rng(number).normal(size=8).tolist()),
            {"session": f"walk {number // 7}", "speaker": f"Painter{number % 5}"},
        )
        for number in range(count)
    ]
    return memories.store_many(drafts)


def kept(start: Start, count: int = COUNT) -> list[str]:
    """Ids of memories whose index is in a file."""
    memories = start()
    made = filled(memories, count)
    answers(memories)
    memories.close()
    return made


def answers(memories: Memories) -> list[tuple[str, float]]:
    found = []
    for text in ("the colour 37", "Painter3 and the door", "of a walk"):
        vector = np.random.default_rng(7).normal(size=8).tolist()
        items = memories.recall(text, embedding=vector, limit=20, touch=False).items
        found += [(item.id, round(item.score or 0, 4)) for item in items]
    return found


def file_of(folder: Path) -> Path:
    (found,) = folder.glob("*.columns")
    return found


def columns_of(memories: Memories) -> MemoryColumns:
    with memories.indexes.of(HOST) as opened:
        assert opened is not None
        return opened.columns


def test_a_start_takes_the_index_from_the_file_and_answers_alike(start: Start, folder: Path, loads: list[str]) -> None:
    memories = start()
    filled(memories)
    before = answers(memories)
    memories.close()
    assert loads == [HOST]
    assert stat.S_IMODE(file_of(folder).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert answers(start()) == before
    assert loads == [HOST]


def test_what_came_after_the_file_is_followed(start: Start, loads: list[str]) -> None:
    ids = kept(start)
    writer = start(file_least=1000)  # leaves the file as it is
    new = writer.store("A zebra walks through the last door", "semantic", metadata={"session": "walk 8"})
    writer.correct.pin(ids[3])
    again = start(file_least=1000)
    assert again.recall("zebra").items[0].id == new
    assert again.recall("zebra", touch=False).items[0].text.startswith("A zebra")
    fresh = MemoryColumns(SHIPPED.name)
    fresh.apply(again.table.outlines(HOST))
    found = columns_of(again)
    for name in COLUMNS:
        assert found.column(name).tolist() == fresh.column(name).tolist(), name
    assert loads == [HOST]


def test_a_file_holds_no_text_and_no_name(start: Start, folder: Path) -> None:
    kept(start)
    data = file_of(folder).read_bytes()
    for secret in (b"door", b"painted", b"Painter3", b"painter3", b"walk 3", b"semantic"):
        assert secret not in data
    assert numbered("Painter3").to_bytes(8, "little") in data


def shown(store: Store, item: str) -> list[bytes]:
    """What a file holds of a memory: its vectors, the hash of its text, its session."""
    sense, given, digest = store.rows("SELECT sense, given, hash FROM memories WHERE id = ?", (item,))[0]
    rows = [np.frombuffer(sense, np.float16).astype(np.float32), np.frombuffer(given, np.float32)]
    rows[1] = rows[1] / np.linalg.norm(rows[1])
    halves = [np.rint(np.clip(row, -1, 1) * np.float32(32767)).astype(np.int16).tobytes() for row in rows]
    return [*halves, int(digest[:15], 16).to_bytes(8, "little")]


def test_what_is_forgotten_is_gone_from_the_file_at_once_and_the_file_stays_whole(
    start: Start, folder: Path, loads: list[str]
) -> None:
    ids = kept(start)
    memories = start()
    traces = shown(memories.table.store, ids[9])
    assert all(trace in file_of(folder).read_bytes() for trace in traces)
    assert memories.forget(ids[9])
    assert not any(trace in file_of(folder).read_bytes() for trace in traces)
    before = answers(memories)
    assert ids[9] not in dict(before)
    again = start()
    assert answers(again) == before
    assert loads == [HOST]


def test_what_was_made_of_a_forgotten_memory_is_gone_from_the_file_too(start: Start, folder: Path) -> None:
    ids = kept(start)
    memories = start()
    memories.table.link(HOST, [(ids[20], "derived_from", ids[9], "")], 5.0)
    traces = shown(memories.table.store, ids[20])
    assert traces[0] in file_of(folder).read_bytes()
    assert memories.forget(ids[9]) == (ids[9], ids[20])
    assert not any(trace in file_of(folder).read_bytes() for trace in traces)


def test_what_another_process_forgets_without_the_file_is_erased_by_the_next_look(start: Start, folder: Path) -> None:
    ids = kept(start)
    memories = start()
    answers(memories)
    for item, look in ((ids[9], lambda: answers(memories)), (ids[11], memories.indexes.tend)):
        traces = shown(memories.table.store, item)
        kept_row = memories.table.get((HOST,), item)
        assert kept_row is not None
        memories.table.forget(HOST, [kept_row.seq], 5.0)  # on another machine, say
        assert traces[0] in file_of(folder).read_bytes()
        look()
        assert not any(trace in file_of(folder).read_bytes() for trace in traces)


def test_a_host_that_never_opened_the_index_follows_the_table_in_its_file(start: Start, folder: Path) -> None:
    ids = kept(start)
    memories = start()
    traces = shown(memories.table.store, ids[9])
    row = memories.table.get((HOST,), ids[9])
    assert row is not None
    memories.table.forget(HOST, [row.seq], 5.0)
    memories.indexes.tend()
    assert not any(trace in file_of(folder).read_bytes() for trace in traces)
    memories.indexes.tend()
    memories.table.clear(HOST)
    memories.indexes.tend()
    assert list(folder.glob("*.columns")) == []


def test_a_speaker_of_whom_nothing_is_left_is_gone_from_the_file(start: Start, folder: Path) -> None:
    ids = kept(start)
    memories = start()
    for item in ids[3::5]:
        memories.forget(item)
    data = file_of(folder).read_bytes()
    for name in ("Painter3", "painter3"):
        assert numbered(name).to_bytes(8, "little") not in data
    assert numbered("Painter2").to_bytes(8, "little") in data


def test_a_centre_that_would_show_the_few_left_is_erased_and_these_are_still_found(
    start: Start, folder: Path, loads: list[str]
) -> None:
    memories = start()
    ids = filled(memories, 200)
    with memories.indexes.of(HOST) as opened:
        assert opened is not None
        opened.near["sense"]._build(opened.columns)
    memories.close()
    files = IndexFiles(folder)
    found = files.open(HOST)
    assert found is not None
    lists = found.arrays["sense_lists"]
    assert len(np.unique(lists)) > 3
    smallest = int(np.argmin(np.bincount(lists)))
    members = np.flatnonzero(lists == smallest).tolist()
    memories = start()
    for place in members[2:]:
        memories.forget(ids[place])
    found = files.open(HOST)
    assert found is not None
    assert not found.arrays["sense_centres"][smallest].any()
    again = start()
    with again.indexes.of(HOST) as opened:
        assert opened is not None
        partition = opened.near["sense"].partition
        assert partition is not None
        assert smallest not in partition.lists[members[:2]]
        assert (partition.lists[members[:2]] >= 0).all()
    assert loads == [HOST]


def test_what_is_forgotten_while_the_file_is_written_is_not_in_it(
    start: Start, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memories = start()
    ids = filled(memories)
    traces = shown(memories.table.store, ids[9])
    row = memories.table.get((HOST,), ids[9])
    assert row is not None
    write = IndexFiles.write

    def forgetting(self: IndexFiles, draft: Any) -> Any:
        made = write(self, draft)
        assert traces[0] in made[1].read_bytes()
        memories.table.forget(HOST, [row.seq], 5.0)
        return made

    monkeypatch.setattr(IndexFiles, "write", forgetting)
    columns_of(memories)
    memories.close()
    assert not any(trace in file_of(folder).read_bytes() for trace in traces)


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size - 1)


def emptied(file: Path) -> None:
    os.truncate(file, 0)


def flipped(at: int) -> Callable[[Path], None]:
    def flip(file: Path) -> None:
        data = bytearray(file.read_bytes())
        data[at] ^= 4
        file.write_bytes(data)

    return flip


DAMAGES = {
    "cut short": cut,
    "empty": emptied,
    "a bit of the magic": flipped(1),
    "a bit of the head's length": flipped(9),
    "a bit of the head": flipped(200),
    "a bit of the first part": flipped(65536 + 4096 + 100),
    "a bit in the middle": flipped(110_000),
    "a bit of a checksum": flipped(-2),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_file_is_never_believed_and_made_anew(
    start: Start, folder: Path, loads: list[str], name: str, caplog: pytest.LogCaptureFixture
) -> None:
    memories = start()
    filled(memories)
    before = answers(memories)
    memories.close()
    DAMAGES[name](file_of(folder))
    again = start()
    assert answers(again) == before
    assert loads == [HOST, HOST]
    assert "is not used and made anew" in caplog.text
    again.close()
    assert answers(start()) == before
    assert loads == [HOST, HOST]


def test_a_file_in_the_place_of_another_is_not_believed(start: Start, folder: Path, loads: list[str]) -> None:
    kept(start)
    memories = start()
    memories.store_many(
        [MemoryDraft(f"{number} is mine", "semantic", 0.5, None, {}) for number in range(COUNT)], owner="p"
    )
    files = IndexFiles(folder)
    shutil.copy(files._path(HOST), files._path("p"))
    assert memories.recall("7 is mine", owner="p").items[0].text == "7 is mine"
    assert "p" in loads


def test_a_file_that_others_may_write_is_not_believed(start: Start, folder: Path, loads: list[str]) -> None:
    kept(start)
    file_of(folder).chmod(0o666)
    answers(start())
    assert loads == [HOST, HOST]


@pytest.fixture
def other_store(tmp_path: Path, sqlite_template: Path) -> Iterator[Store]:
    (tmp_path / "other").mkdir(mode=0o700)
    shutil.copy(sqlite_template, tmp_path / "other" / "omnicore.db")
    store = Database.open(tmp_path / "other" / "omnicore.db")
    yield store
    store.close()


def test_the_file_of_another_database_is_not_believed(other_store: Store, start: Start, loads: list[str]) -> None:
    kept(start)
    memories = start(store=other_store)
    drafts = [MemoryDraft(f"other {number}", "semantic", 0.5, None, {}) for number in range(2 * COUNT)]
    memories.store_many(drafts)
    assert memories.recall("other 100", touch=False).items[0].text == "other 100"
    assert loads == [HOST, HOST]


def test_the_file_of_a_time_that_a_restored_backup_has_undone_is_not_believed(
    start: Start, loads: list[str], open_store: OpenStore
) -> None:
    memories = start()
    filled(memories)
    columns_of(memories)
    table = memories.table
    before = table.store.rows("SELECT sequence, copies FROM memory_spaces")[0]
    memories.close()
    # As the database was before the file was written; then other things happen to it than before.
    with open_store().write() as session:
        session.execute("UPDATE memory_spaces SET sequence = ?, copies = ?", before)
    again = start()
    filled(again, COUNT + 30)
    assert again.recall("the colour 2960", touch=False).items[0].text.endswith("2960")
    assert loads == [HOST, HOST]


def test_what_was_erased_from_the_file_and_is_back_by_a_backup_is_found(
    start: Start, loads: list[str], open_store: OpenStore
) -> None:
    ids = kept(start)
    store = open_store()
    row = store.rows("SELECT text, state, hash FROM memories WHERE id = ?", (ids[9],))[0]
    memories = start(file_least=1000)
    memories.forget(ids[9])
    memories.close()
    with store.write() as session:
        session.execute("UPDATE memories SET text = ?, state = ?, hash = ?, changed = 1 WHERE id = ?", (*row, ids[9]))
    columns = columns_of(start())
    assert loads == [HOST, HOST]
    assert columns.column("kept").all()


def test_a_file_from_before_a_purge_is_not_believed(start: Start, loads: list[str]) -> None:
    ids = kept(start)
    memories = start(file_least=1000)
    memories.forget(ids[9])
    MemoryCare(memories.table).purge(1e12, 100)
    again = start()
    assert ids[9] not in dict(answers(again))
    assert loads == [HOST, HOST]


def test_after_a_purge_the_file_is_written_anew(start: Start, folder: Path, loads: list[str]) -> None:
    ids = kept(start)
    memories = start(file_every_s=0.0)
    memories.forget(ids[9])
    columns_of(memories)
    MemoryCare(memories.table).purge(1e12, 100)
    memories.close()
    answers(start())
    assert loads == [HOST]


def test_an_index_of_another_embedder_is_left_alone(start: Start, folder: Path, loads: list[str]) -> None:
    kept(start)
    data = file_of(folder).read_bytes()
    memories = start(None, file_least=1000)
    assert memories.recall("colour 37").items
    assert loads == [HOST, HOST]
    assert file_of(folder).read_bytes() == data


def test_an_owner_who_is_removed_leaves_no_file(start: Start, folder: Path) -> None:
    kept(start)
    start().clear(HOST)
    assert list(folder.glob("*.columns")) == []


def test_few_memories_have_no_file(start: Start, folder: Path) -> None:
    memories = start(file_least=COUNT + 1)
    filled(memories)
    answers(memories)
    memories.close()
    assert not folder.exists()


def test_a_folder_that_cannot_be_written_is_told_and_recall_goes_on(start: Start, folder: Path) -> None:
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    memories = start()
    filled(memories)
    before = answers(memories)
    memories.close()
    assert any("its file was not written" in problem for problem in memories.problems()) or before
    assert list(folder.glob("*.columns")) == []


HOLD = """
import sys
from pathlib import Path
from omnicore.memory.index_file import IndexFiles
files = IndexFiles(Path(sys.argv[1]))
print(files.may_write(), flush=True)
sys.stdin.readline()
"""


def test_one_process_writes_and_another_maps_what_it_wrote(start: Start, folder: Path, loads: list[str]) -> None:
    kept(start)
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "True\n"
        token = IndexFiles(folder).head(HOST).token  # type: ignore[union-attr]
        memories = start(file_every_s=0.0)
        memories.store("A zebra walks through the last door", "semantic")
        assert memories.recall("zebra").items[0].text.startswith("A zebra")
        memories.close()
        assert loads == [HOST]
        assert IndexFiles(folder).head(HOST).token == token  # type: ignore[union-attr]
    finally:
        child.communicate("\n")
    memories = start(file_every_s=0.0)
    memories.store("A lion walks through the last door", "semantic")
    answers(memories)
    memories.close()
    assert IndexFiles(folder).head(HOST).token != token  # type: ignore[union-attr]


def test_what_a_killed_writer_left_is_removed(start: Start, folder: Path) -> None:
    folder.mkdir(mode=0o700)
    (folder / "x.partial").write_bytes(b"vectors")
    kept(start)
    assert list(folder.glob("*.partial")) == []


def test_a_head_that_names_places_outside_of_the_file_is_refused(start: Start, folder: Path) -> None:
    from omnicore.memory import index_file

    kept(start)
    path = file_of(folder)
    head = index_file._head(path)
    for part in (
        replace(head.parts[0], rows=10**9),
        replace(head.parts[0], rows=-1),
        replace(head.parts[0], at=0),
        replace(head.parts[0], kind="object"),
    ):
        text = to_text(replace(head, parts=[part, *head.parts[1:]])).encode()
        data = bytearray(path.read_bytes())
        front = index_file._FRONT.pack(index_file._MAGIC, len(text), index_file.zlib.crc32(text))
        data[: len(front) + len(text)] = front + text
        path.write_bytes(data)
        with pytest.raises(IndexFileBroken):
            IndexFiles(folder).open(HOST)


def test_an_index_is_the_same_from_its_file_as_from_the_table(start: Start, loads: list[str]) -> None:
    chance = np.random.default_rng(11)
    memories = start(file_every_s=0.0)
    ids = filled(memories, 120)
    for round_ in range(4):
        for item in chance.permutation(ids)[:9].tolist():
            memories.forget(item)
        filled(memories, 120 + 40 * round_)
        if round_ == 2:
            columns_of(memories)
        memories.recall("the colour 37", limit=30)
        memories.flush()
        memories.close()
        memories = start(file_every_s=0.0)
    found, fresh = columns_of(memories), MemoryColumns(SHIPPED.name)
    fresh.apply(memories.table.outlines(HOST))
    places = found.placed(fresh.column("seq").astype(np.int64))
    assert (places >= 0).all()
    assert int(np.count_nonzero(found.column("kept"))) == fresh.count
    for name in set(COLUMNS) - {"before", "behind", "closeness"}:
        assert found.column(name)[places].tolist() == fresh.column(name).tolist(), name
    for name in ("before", "behind"):
        side = found.column(name)[places]
        wanted = fresh.column(name)
        assert (side >= 0).tolist() == (wanted >= 0).tolist(), name
        assert found.seqs(side[side >= 0]) == fresh.seqs(wanted[wanted >= 0])
    behind = np.flatnonzero(fresh.column("before") >= 0)
    assert np.allclose(found.column("closeness")[places][behind], fresh.column("closeness")[behind], atol=1e-3)
    for space in ("sense", "given"):
        ours, theirs = getattr(found, space), getattr(fresh, space)
        assert np.allclose(ours.rows(places), theirs.rows(np.arange(fresh.count)), atol=1e-4)
    assert loads == [HOST]


def test_a_token_is_vouched_for_only_while_the_space_is_the_same(store: Store) -> None:
    table = MemoryTable(store, lambda speaker, text: text.split())
    assert not table.vouch("p", 1, "a", None)
