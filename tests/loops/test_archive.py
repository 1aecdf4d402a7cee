"""Archives are whole or not there, and what is damaged later is found."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from omnicore.loops.duties import MANIFEST, old_bundles, verify, write_bundle


def _export(folder: Path) -> Mapping[str, int]:
    (folder / "rows").mkdir()
    (folder / "rows" / "kv.jsonl").write_text('{"key": 1}\n')
    (folder / "host.db").write_bytes(b"pages" * 1000)
    return {"kv": 1}


def test_an_archive_lists_every_file_with_its_hash(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "archives", "one", _export, at=5.0, versions={"omnicore": "1"})
    manifest = json.loads((bundle.path / MANIFEST).read_text())
    assert set(manifest["sha256"]) == {"rows/kv.jsonl", "host.db"}
    assert manifest["sha256"]["host.db"] == hashlib.sha256(b"pages" * 1000).hexdigest()
    assert (manifest["counts"], manifest["versions"], bundle.files) == ({"kv": 1}, {"omnicore": "1"}, 2)
    assert bundle.digest == hashlib.sha256((bundle.path / MANIFEST).read_bytes()).hexdigest()
    assert verify(bundle.path) == []
    assert old_bundles(tmp_path / "archives") == [bundle.path]


def test_damage_is_found_file_by_file(tmp_path: Path) -> None:
    path = write_bundle(tmp_path, "one", _export, at=5.0, versions={}).path
    (path / "host.db").write_bytes(b"other")
    (path / "rows" / "kv.jsonl").unlink()
    (path / "strange").write_text("?")
    assert verify(path) == ["host.db was changed", "rows/kv.jsonl is missing", "strange is not in the manifest"]
    (path / MANIFEST).write_text("{")
    assert verify(path)[0].startswith(f"{MANIFEST} cannot be read")


def test_an_archive_that_is_broken_off_is_not_there_and_goes_with_the_next(tmp_path: Path) -> None:
    def full(folder: Path) -> Mapping[str, int]:
        _export(folder)
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="space"):
        write_bundle(tmp_path, "one", full, at=5.0, versions={})
    assert old_bundles(tmp_path) == []
    write_bundle(tmp_path, "two", _export, at=6.0, versions={})
    assert [path.name for path in tmp_path.iterdir()] == ["two"]


def test_a_file_the_manifest_names_outside_of_the_archive_is_missing(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    path = write_bundle(tmp_path / "a", "one", _export, at=5.0, versions={}).path
    manifest = json.loads((path / MANIFEST).read_text())
    manifest["sha256"]["../../secret"] = "0"
    (path / MANIFEST).write_text(json.dumps(manifest))
    assert verify(path) == ["../../secret is missing"]
