"""The owner's key: a file that only its owner can read, or it is worth nothing."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from omnicore.access.keys import OwnerKey, is_own
from omnicore.clock import ManualClock
from omnicore.errors import PermissionDenied


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def owner(tmp_path: Path, clock: ManualClock) -> OwnerKey:
    return OwnerKey(tmp_path / "data", clock)


def test_it_is_made_once_for_its_owner_alone_and_lasts(tmp_path: Path, owner: OwnerKey, clock: ManualClock) -> None:
    umask = os.umask(0)
    try:
        key = owner.made()
    finally:
        os.umask(umask)
    file = tmp_path / "data" / "owner.key"
    assert (is_own(key), file.stat().st_mode & 0o777) == (True, 0o600)
    again = OwnerKey(tmp_path / "data", clock)
    assert again.made() == key
    assert again.matches(key)


def test_before_there_is_one_nobody_is_the_owner(owner: OwnerKey) -> None:
    for given in ("", "own_", "own_" + "x" * 43, "\u00e9"):
        assert not owner.matches(given)


def test_many_starts_at_once_make_one_key(tmp_path: Path, clock: ManualClock) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: OwnerKey(tmp_path, clock).made(), range(32)))
    assert len(keys) == 1


def test_a_new_one_counts_within_a_second_and_the_one_before_does_not(
    tmp_path: Path, owner: OwnerKey, clock: ManualClock
) -> None:
    before = owner.made()
    assert owner.matches(before)
    after = OwnerKey(tmp_path / "data", clock).rotated()
    clock.advance(1.1)
    assert owner.matches(after)
    assert not owner.matches(before)


def test_a_removed_one_lets_nobody_in(tmp_path: Path, owner: OwnerKey, clock: ManualClock) -> None:
    key = owner.made()
    assert owner.matches(key)
    (tmp_path / "data" / "owner.key").unlink()
    clock.advance(1.1)
    assert not owner.matches(key)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_one_that_others_can_read_or_write_is_refused_with_what_to_do(
    tmp_path: Path, owner: OwnerKey, clock: ManualClock, mode: int
) -> None:
    key = owner.made()
    assert owner.matches(key)
    (tmp_path / "data" / "owner.key").chmod(mode)
    clock.advance(1.1)
    assert not owner.matches(key)
    with pytest.raises(PermissionDenied, match="omnicore auth --rotate"):
        owner.made()
    assert owner.matches(owner.rotated())  # what to do helps


@pytest.mark.parametrize("kind", ["link", "text", "folder"])
def test_what_is_no_such_file_is_refused(tmp_path: Path, owner: OwnerKey, kind: str) -> None:
    file = tmp_path / "data" / "owner.key"
    file.parent.mkdir()
    if kind == "link":
        (tmp_path / "stranger").write_text("own_" + "x" * 43)
        (tmp_path / "stranger").chmod(0o600)
        file.symlink_to(tmp_path / "stranger")
    elif kind == "text":
        file.write_text("own_short")
        file.chmod(0o600)
    else:
        file.mkdir(mode=0o700)
    with pytest.raises(PermissionDenied):
        owner.made()
    assert not owner.matches("own_" + "x" * 43)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_one_of_another_user_is_refused(tmp_path: Path, owner: OwnerKey) -> None:
    owner.made()
    os.chown(tmp_path / "data" / "owner.key", 65534, 65534)
    with pytest.raises(PermissionDenied):
        owner.made()
