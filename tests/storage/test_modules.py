from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest

from omnicore.errors import StorageFailed
from omnicore.storage.modules import ModuleStore


def test_bytes_come_back_by_their_hash(tmp_path: Path) -> None:
    store = ModuleStore(tmp_path / "modules")
    digest = store.put(b"module")
    assert digest == hashlib.sha256(b"module").hexdigest()
    assert store.put(b"module") == digest
    assert store.get(digest) == b"module"
    assert [path.name for path in (tmp_path / "modules").iterdir()] == [f"{digest}.wasm"]


def test_only_this_user_can_look_inside(tmp_path: Path) -> None:
    digest = ModuleStore(tmp_path / "modules").put(b"module")
    assert stat.S_IMODE((tmp_path / "modules").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "modules" / f"{digest}.wasm").stat().st_mode) == 0o600


def test_altered_bytes_are_not_given_out(tmp_path: Path) -> None:
    store = ModuleStore(tmp_path)
    digest = store.put(b"module")
    (tmp_path / f"{digest}.wasm").write_bytes(b"MODULE")
    with pytest.raises(StorageFailed, match="was altered; delete it"):
        store.get(digest)


def test_missing_bytes_are_a_storage_failure(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed, match="cannot be used: No such file"):
        ModuleStore(tmp_path).get("0" * 64)


def test_keeping_only_some_leaves_foreign_files_alone(tmp_path: Path) -> None:
    store = ModuleStore(tmp_path)
    kept, dropped = store.put(b"kept"), store.put(b"dropped")
    (tmp_path / "notes.txt").write_text("mine")
    begun, young = tmp_path / f".{dropped}.wasm.00000000", tmp_path / f".{dropped}.wasm.11111111"
    for half in (begun, young):
        half.write_bytes(b"dr")
    os.utime(begun, (0, 0))  # by a process that was killed
    assert store.keep_only({kept}) == 1
    assert {path.name for path in tmp_path.iterdir()} == {f"{kept}.wasm", "notes.txt", young.name}
    with pytest.raises(StorageFailed):
        store.get(dropped)


def test_a_place_that_is_no_folder_is_a_storage_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFailed, match="check that the folder exists"):
        ModuleStore(tmp_path / "file" / "modules")
