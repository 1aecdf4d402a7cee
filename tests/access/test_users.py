"""Users: names, roles, and that somebody is always left who may do everything."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.access.people import PASSWORD, access_on, make

from omnicore.access.principal import Role
from omnicore.access.service import Access, Arrival
from omnicore.access.users import checked_plugins, checked_role
from omnicore.errors import Conflict, InvalidInput, NotFound, WrongCredentials
from omnicore.storage.store import Store
from omnicore.storage.tables.access import UserRow


@pytest.fixture
def access(store: Store) -> Iterator[Access]:
    with access_on(store) as made:
        yield made


def test_a_user_is_found_by_name_in_any_case_and_listed_by_name(access: Access) -> None:
    for name in ("grace", "Ada", "linus"):
        make(access, name, plugins={"text": Role.operator})
    assert access.users.get("ADA").name == "ada"
    assert access.users.get("ada").plugins == {"text": "operator"}
    assert [row.name for row in access.users.page()] == ["ada", "grace", "linus"]
    assert [row.name for row in access.users.page("ada", 1)] == ["grace"]


@pytest.mark.parametrize("name", ["", " ", "a b", "-a", "a-", "x" * 65, "a/b", "\ud800", "a\0", "é", "a\n", "İstanbul"])
def test_a_name_that_could_mislead_is_no_name(access: Access, name: str) -> None:
    with pytest.raises(InvalidInput):
        make(access, name)
    with pytest.raises(NotFound):
        access.users.get(name)


def test_a_name_is_taken_once(access: Access) -> None:
    make(access, "ada")
    with pytest.raises(Conflict):
        make(access, "ADA")


def test_the_last_admin_is_neither_removed_nor_demoted_nor_disabled(access: Access) -> None:
    make(access, "ada", Role.admin)
    make(access, "grace", Role.admin)
    access.users.change("grace", disabled=True)
    changes: tuple[dict[str, Any], ...] = ({"role": Role.operator}, {"disabled": True})
    for change in changes:
        with pytest.raises(Conflict, match="only admin"):
            access.users.change("ada", **change)
    with pytest.raises(Conflict, match="only admin"):
        access.users.remove("ada")
    access.users.change("grace", disabled=False)
    access.users.remove("ada")
    assert [row.name for row in access.users.page()] == ["grace"]


def test_of_two_changes_at_once_neither_takes_the_other_back(access: Access) -> None:
    make(access, "ada")
    ready, role_read = threading.Barrier(2), access.users.get

    def both_have_read(name: str) -> UserRow:
        row = role_read(name)
        ready.wait(30)
        return row

    access.users.get = both_have_read  # type: ignore[method-assign]
    with ThreadPoolExecutor(2) as threads:
        changes = [
            threads.submit(access.users.change, "ada", disabled=True),
            threads.submit(access.users.change, "ada", role=Role.operator),
        ]
        for change in changes:
            change.result()
    row = access.users.find("ada")
    assert row is not None
    assert (row.disabled, row.role) == (True, "operator")


def test_who_knows_the_old_password_only_takes_no_new_one_back(access: Access) -> None:
    old = make(access, "ada").password
    access.users.change("ada", password="$argon2id$new")
    with pytest.raises(Conflict, match="meanwhile"):
        access.users.change("ada", password="$argon2id$stolen", kept=old)
    assert access.users.get("ada").password == "$argon2id$new"


def test_only_one_of_two_becomes_the_first_user(access: Access) -> None:
    async def scene() -> list[object]:
        made = [access.add_user(name, Role.admin, password=PASSWORD, first=True) for name in ("ada", "eve")]
        return list(await asyncio.gather(*made, return_exceptions=True))

    outcomes = asyncio.run(scene())
    assert sorted(isinstance(one, Conflict) for one in outcomes) == [False, True]
    assert len(access.users.page()) == 1


def test_the_setup_key_makes_one_admin_and_dies(access: Access) -> None:
    async def scene() -> None:
        old, key = access.make_setup_key(), access.make_setup_key()
        assert old != key
        assert old is not None
        assert key is not None
        for wrong in (old, "", key[:-1], "\ud800"):
            with pytest.raises(WrongCredentials):
                await access.set_up(wrong, "eve", PASSWORD, Arrival())
        with pytest.raises(InvalidInput):
            await access.set_up(key, "ada", "short", Arrival())
        opened = await access.set_up(key, "ada", PASSWORD, Arrival())
        assert (opened.principal.name, opened.principal.role) == ("ada", Role.admin)
        with pytest.raises(WrongCredentials):
            await access.set_up(key, "eve", PASSWORD, Arrival())

    asyncio.run(scene())
    assert access.make_setup_key() is None


def test_a_setup_key_is_worth_nothing_once_somebody_was_made_elsewhere(access: Access) -> None:
    key = access.make_setup_key()
    make(access, "ada", Role.admin)
    with pytest.raises(Conflict):
        asyncio.run(access.set_up(key or "", "eve", PASSWORD, Arrival()))


@pytest.mark.parametrize("given", [None, 1, [], "root", "Admin", ""])
def test_what_is_no_role_is_refused(given: object) -> None:
    with pytest.raises(InvalidInput):
        checked_role(given)
    with pytest.raises(InvalidInput):
        checked_plugins({"text": given})


@pytest.mark.parametrize("given", [None, [], "x", {"a/b": "viewer"}, {"": "viewer"}, {"\ud800": "viewer"}])
def test_what_is_no_table_of_plugins_is_refused(given: object) -> None:
    with pytest.raises(InvalidInput):
        checked_plugins(given)


def test_passwords_are_kept_as_hashes_only(access: Access, store: Store) -> None:
    row = make(access, "ada")
    assert PASSWORD not in str(store.rows("SELECT * FROM users"))
    assert PASSWORD not in repr(row)
    assert "argon2" not in repr(row)
