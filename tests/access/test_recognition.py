"""Sessions and tokens: recognised from memory, and worth nothing once they should not be."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest
from tests.access.people import PASSWORD, access_on, make

from omnicore.access.keys import SESSION, csrf_of, digest_of, is_key, new_key
from omnicore.access.principal import Principal, Role
from omnicore.access.service import Access, Arrival, Opened
from omnicore.clock import ManualClock
from omnicore.errors import Conflict, InvalidInput, NotFound, TooManyTries, WrongCredentials
from omnicore.storage.store import Store

HERE = Arrival("10.0.0.1", "a browser")
Scene = Callable[[], Awaitable[None]]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def access(store: Store, clock: ManualClock) -> Iterator[Access]:
    with access_on(store, clock, session_s=1000, session_idle_s=300) as made:
        yield made


async def known(access: Access, opened: Opened | str) -> Principal | None:
    return await access.recognition.principal(opened if isinstance(opened, str) else opened.key)


def test_a_login_opens_a_session_that_is_whose_it_should_be(access: Access) -> None:
    async def scene() -> None:
        user = make(access, "ada", Role.operator, plugins={"text": Role.admin})
        opened = await access.log_in("Ada", PASSWORD, HERE)
        found = await known(access, opened)
        assert found == opened.principal
        assert found == Principal(
            "ada", Role.operator, "session", {"text": Role.admin}, user=user.id, key=opened.principal.key
        )
        assert opened.csrf == csrf_of(opened.key) != csrf_of(new_key(SESSION))
        assert access.users.get("ada").last_login_at is not None

    asyncio.run(scene())


def test_a_login_on_its_way_opens_nothing_once_the_password_is_another(access: Access, clock: ManualClock) -> None:
    async def scene() -> None:
        user = make(access, "ada")  # whose old password was found right just now
        clock.advance(1)
        access.users.change("ada", password="$argon2id$another")
        with pytest.raises(WrongCredentials):
            await access.open(user, "password", HERE)

    asyncio.run(scene())
    assert access.sessions("", 10, user=None) == []


@pytest.mark.parametrize("name", ["ada", "nobody", "off", "foreign", "x" * 5000, "\ud800"])
def test_all_wrong_logins_fail_alike(access: Access, name: str) -> None:
    make(access, "ada")
    make(access, "off")
    access.users.change("off", disabled=True)
    access.users.add("foreign", Role.viewer, password=None, second=("oidc", "somebody"))
    password = PASSWORD if name == "off" else "something else"
    with pytest.raises(WrongCredentials, match="the name or the password is wrong"):
        asyncio.run(access.log_in(name, password, HERE))


def test_many_logins_at_once_are_no_way_round_the_lock(access: Access) -> None:
    make(access, "ada")

    async def scene() -> list[object]:
        tries = [access.log_in("ada", f"guess {at}", HERE) for at in range(12)]
        return list(await asyncio.gather(*tries, return_exceptions=True))

    outcomes = [type(one) for one in asyncio.run(scene())]
    assert outcomes.count(WrongCredentials) == 5
    assert outcomes.count(TooManyTries) == 7


def test_a_login_ends_the_session_from_before_and_always_makes_a_new_key(access: Access) -> None:
    async def scene() -> None:
        make(access, "ada")
        first = await access.log_in("ada", PASSWORD, HERE)
        second = await access.log_in("ada", PASSWORD, Arrival(key=first.key))
        assert second.key != first.key
        assert await known(access, first) is None
        planted = new_key(SESSION)
        third = await access.log_in("ada", PASSWORD, Arrival(key=planted))
        assert third.key != planted
        assert await known(access, planted) is None

    asyncio.run(scene())


def test_a_session_ends_when_it_was_not_used_and_when_it_is_old(access: Access, clock: ManualClock) -> None:
    async def scene() -> None:
        make(access, "ada")
        idle, used = [await access.log_in("ada", PASSWORD, HERE) for _ in range(2)]
        for _ in range(4):
            clock.advance(240)
            assert await known(access, used)
        assert await known(access, idle) is None
        clock.advance(100)
        assert await known(access, used) is None

    asyncio.run(scene())


def test_to_wait_is_no_use_of_a_session(access: Access, clock: ManualClock) -> None:
    async def scene() -> None:
        make(access, "ada")
        opened = await access.log_in("ada", PASSWORD, HERE)
        for _ in range(5):
            assert await access.recognition.principal(opened.key, quiet=True)
            clock.advance(60)
        assert await access.recognition.principal(opened.key, quiet=True) is None

    asyncio.run(scene())


@pytest.mark.parametrize(
    "change",
    [
        lambda access: access.users.change("ada", role=Role.viewer),
        lambda access: access.users.change("ada", plugins={}),
        lambda access: access.users.change("ada", disabled=True),
        lambda access: access.users.change("ada", password="$argon2id$another"),
        lambda access: access.users.remove("ada"),
    ],
    ids=["role", "plugins", "disabled", "password", "removed"],
)
def test_a_change_ends_all_sessions_of_the_user_at_once(access: Access, change: Callable[[Access], object]) -> None:
    async def scene() -> None:
        make(access, "root", Role.admin)
        make(access, "ada", Role.operator)
        opened = await access.log_in("ada", PASSWORD, HERE)
        other = await access.log_in("root", PASSWORD, HERE)
        assert await known(access, opened)
        change(access)
        assert await known(access, opened) is None
        assert await known(access, other)

    asyncio.run(scene())


def test_what_another_process_revokes_is_worth_nothing_within_seconds(
    access: Access, store: Store, clock: ManualClock
) -> None:
    async def scene() -> None:
        user = make(access, "ada", Role.operator)
        opened = await access.log_in("ada", PASSWORD, HERE)
        row, key = access.tokens.add("ci", owner=user.id, role=Role.operator)
        assert await known(access, opened)
        assert await known(access, key)
        with access_on(store, clock) as elsewhere:
            elsewhere.end(opened.principal.key or "")
            elsewhere.tokens.remove(row.id)
        clock.advance(1.5)
        assert await known(access, opened) is None
        assert await known(access, key) is None

    asyncio.run(scene())


def test_one_sees_and_ends_ones_own_sessions(access: Access) -> None:
    async def scene() -> None:
        ada, eve = make(access, "ada"), make(access, "eve")
        opened = await access.log_in("ada", PASSWORD, HERE)
        await access.log_in("eve", PASSWORD, HERE)
        assert [one["user"] for one in access.sessions("", 10, user=ada.id)] == ["ada"]
        assert {one["user"] for one in access.sessions("", 10, user=None)} == {"ada", "eve"}
        with pytest.raises(NotFound):
            access.end(opened.principal.key or "", user=eve.id)
        access.end(opened.principal.key or "", user=ada.id)
        assert await known(access, opened) is None

    asyncio.run(scene())


def test_one_user_has_only_so_many_sessions(store: Store) -> None:
    async def scene(access: Access) -> None:
        make(access, "ada")
        opened = [await access.log_in("ada", PASSWORD, HERE) for _ in range(5)]
        assert [await known(access, one) is not None for one in opened] == [False, False, True, True, True]

    with access_on(store, sessions=3) as access:
        asyncio.run(scene(access))


def test_ones_own_password_is_changed_with_the_old_one_and_the_browser_stays_in(access: Access) -> None:
    async def scene() -> None:
        make(access, "ada")
        opened = await access.log_in("ada", PASSWORD, HERE)
        elsewhere = await access.log_in("ada", PASSWORD, HERE)
        with pytest.raises(WrongCredentials):
            await access.change_own_password(opened.principal, "not it", "another password", HERE)
        with pytest.raises(InvalidInput):
            await access.change_own_password(opened.principal, PASSWORD, "short", HERE)
        after = await access.change_own_password(opened.principal, PASSWORD, "another password", HERE)
        assert await known(access, after)
        assert await known(access, opened) is None
        assert await known(access, elsewhere) is None
        await access.log_in("ada", "another password", HERE)

    asyncio.run(scene())


def test_a_stronger_setting_hashes_a_password_anew_at_its_next_login(store: Store) -> None:
    with access_on(store) as access:
        make(access, "ada")
    with access_on(store, hash_passes=2) as access:
        asyncio.run(access.log_in("ada", PASSWORD, HERE))
        assert "t=2" in (access.users.get("ada").password or "")
        asyncio.run(access.log_in("ada", PASSWORD, HERE))


def test_a_token_is_its_owners_until_it_is_over(access: Access, clock: ManualClock) -> None:
    async def scene() -> None:
        user = make(access, "ada", Role.operator)
        _, key = access.tokens.add("ci", owner=user.id, role=Role.admin, scopes=["calls"], expires_at=clock.now() + 100)
        found = await known(access, key)
        assert found is not None
        assert (found.name, found.role, found.via, found.scopes) == (
            "ada",
            Role.operator,
            "token",
            frozenset({"calls"}),
        )
        access.users.change("ada", disabled=True)
        assert await known(access, key) is None
        access.users.change("ada", disabled=False, role=Role.nobody)
        again = await known(access, key)
        assert again is not None
        assert again.role is Role.nobody
        clock.advance(101)
        assert await known(access, key) is None

    make(access, "root", Role.admin)
    asyncio.run(scene())


def test_a_token_is_kept_as_a_digest_and_goes_with_its_owner(access: Access, store: Store) -> None:
    make(access, "root", Role.admin)
    user = make(access, "ada")
    _, key = access.tokens.add("ci", owner=user.id, role=Role.viewer)
    assert key not in str(store.rows("SELECT * FROM tokens"))
    assert digest_of(key) in str(store.rows("SELECT digest FROM tokens"))
    access.users.remove("ada")
    assert asyncio.run(known(access, key)) is None
    assert access.tokens.page() == []


def test_the_use_of_a_token_is_written_at_most_once_a_minute(access: Access, clock: ManualClock, store: Store) -> None:
    async def scene() -> None:
        user = make(access, "ada")
        row, key = access.tokens.add("ci", owner=user.id, role=Role.viewer)
        written = []
        for _ in range(9):
            await known(access, key)
            await asyncio.gather(*access.recognition._notes)
            written.append(access.tokens.page()[0]["last_used_at"])
            clock.advance(20)
        assert len(set(written)) == 3
        assert row.last_used_at is None

    asyncio.run(scene())


def test_only_so_many_tokens_and_none_that_is_over_already(store: Store, clock: ManualClock) -> None:
    with access_on(store, clock, tokens=2) as access:
        for name in ("a", "b"):
            access.tokens.add(name, owner=None, role=Role.viewer)
        with pytest.raises(Conflict):
            access.tokens.add("c", owner=None, role=Role.viewer)
        with pytest.raises(InvalidInput):
            access.tokens.add("d", owner=None, role=Role.viewer, expires_at=clock.now())


@pytest.mark.parametrize("key", ["", "oms_", "omc_short", "x" * 10_000, "oms_" + "\ud800" * 43, "oms_" + "a" * 44])
def test_what_is_no_key_is_not_looked_for(access: Access, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_key(key)
    if key.isascii():
        assert asyncio.run(known(access, key)) is None


def test_the_memory_of_keys_is_bounded(access: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omnicore.access.service._MOST_SEEN", 3)

    async def scene() -> None:
        for name in "abcdef":
            user = make(access, name)
            _, key = access.tokens.add("t", owner=user.id, role=Role.viewer)
            assert await known(access, key)
        assert len(access.recognition._seen) <= 3

    asyncio.run(scene())
