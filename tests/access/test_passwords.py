"""Passwords are hashed by argon2, a few at a time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from tests.access.people import CHEAP

from omnicore.access.passwords import Passwords
from omnicore.config.settings import AccessSettings
from omnicore.errors import CapacityReached, InvalidInput


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    with closing(Passwords(AccessSettings(**CHEAP))) as made:
        yield made


def test_a_hash_is_argon2id_salted_and_fits_its_password_only(passwords: Passwords) -> None:
    async def scene() -> None:
        first, second = [await passwords.hash("ein langes Wort") for _ in range(2)]
        assert first.startswith("$argon2id$")
        assert first != second
        assert await passwords.matches(first, "ein langes Wort")
        assert not await passwords.matches(first, "ein anderes Wort")

    asyncio.run(scene())


def test_the_same_letters_match_however_they_were_typed(passwords: Passwords) -> None:
    kept = passwords.hash_blocking("caf\u00e9 au lait")
    assert asyncio.run(passwords.matches(kept, "cafe\u0301 au lait"))


def test_nobody_has_the_password_of_nobody(passwords: Passwords) -> None:
    async def scene() -> None:
        assert not await passwords.matches(None, "the password of nobody")
        assert not await passwords.matches("no hash at all", "something")
        assert not await passwords.matches(None, "\ud800" * 5000)

    asyncio.run(scene())


def test_an_unknown_user_costs_as_many_hashes_as_a_known_one(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, counted = passwords.hash_blocking("the right one"), []
    asyncio.run(passwords.matches(None, "warm"))
    verify = passwords._hasher.verify
    monkeypatch.setattr(type(passwords._hasher), "verify", lambda _, *given: counted.append(given[0]) or verify(*given))
    for known in (kept, None, kept):
        asyncio.run(passwords.matches(known, "a wrong one"))
    assert len(counted) == 3
    assert {one.split("$")[3] for one in counted} == {kept.split("$")[3]}, "the same parameters"


def test_logins_beyond_the_bound_are_turned_away_and_the_bound_frees_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = AccessSettings(**CHEAP, hash_threads=1, hash_waiting=1)
    gate = threading.Event()
    with closing(Passwords(settings)) as passwords:
        monkeypatch.setattr(passwords, "hash_blocking", lambda _: gate.wait(30) and "done")

        async def scene() -> None:
            both = [asyncio.ensure_future(passwords.hash("x")) for _ in range(2)]
            await asyncio.sleep(0)
            with pytest.raises(CapacityReached):
                await passwords.hash("x")
            both[1].cancel()
            gate.set()
            assert await both[0] == "done"
            while passwords._running:
                await asyncio.sleep(0)
            assert await passwords.hash("x") == "done"

        asyncio.run(scene())


@pytest.mark.parametrize(
    "bad", ["short", "", "x" * 1025, "with\0a zero byte", "half \ud800 a character", "Adelheid.Ada"]
)
def test_passwords_that_nobody_should_take_are_refused(passwords: Passwords, bad: str) -> None:
    with pytest.raises(InvalidInput):
        passwords.check_new(bad, name="adelheid.ada")


def test_a_hash_of_older_parameters_is_told(passwords: Passwords) -> None:
    with closing(Passwords(AccessSettings(hash_passes=2, hash_memory_kib=16))) as stronger:
        kept = passwords.hash_blocking("something long")
        assert stronger.is_weak(kept)
        assert not passwords.is_weak(kept)
