"""Code handed out as a sealed file is what was written, cannot be changed, and is nothing where anything is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from omnicore.sandbox.compiler import CodeCache

CODE = os.urandom(200_000)


@pytest.fixture
def cache(tmp_path: Path) -> CodeCache:
    made = CodeCache(tmp_path / "code")
    made.put("one", CODE)
    return made


def test_it_holds_what_was_written_and_nobody_can_write_to_it(cache: CodeCache) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with cache.sealed("one") as path:
        assert path is not None
        assert Path(os.fsdecode(path)).read_bytes() == CODE
        with pytest.raises(PermissionError):
            os.pwrite(int(os.path.basename(path)), b"x", 0)
    assert len(os.listdir("/proc/self/fd")) <= before  # files of earlier tests may be freed meanwhile


def test_it_is_gone_when_the_block_ends(cache: CodeCache) -> None:
    with cache.sealed("one") as path:
        assert path is not None
    assert not os.path.exists(path)


@pytest.mark.parametrize("at", [0, 20, 60, 100_000, -1])
def test_altered_code_is_not_handed_out(cache: CodeCache, tmp_path: Path, at: int) -> None:
    file = tmp_path / "code" / "one.code"
    data = bytearray(file.read_bytes())
    data[at] ^= 1
    file.write_bytes(data)
    with cache.sealed("one") as path:
        assert path is None


@pytest.mark.parametrize("size", [0, 10, 48, 49, 100_000])
def test_cut_code_is_not_handed_out(cache: CodeCache, tmp_path: Path, size: int) -> None:
    os.truncate(tmp_path / "code" / "one.code", size)
    with cache.sealed("one") as path:
        assert path is None


def test_code_of_another_name_or_that_others_may_write_is_not_handed_out(cache: CodeCache, tmp_path: Path) -> None:
    file = tmp_path / "code" / "one.code"
    (tmp_path / "code" / "two.code").write_bytes(file.read_bytes())
    file.chmod(0o666)
    for name in ("one", "two", "three"):
        with cache.sealed(name) as path:
            assert path is None
