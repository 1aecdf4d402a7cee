"""Who fails too often to log in has to wait, by name and by address."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.access.passwords import Lockout, LockoutRule, Tries, counted
from omnicore.clock import ManualClock
from omnicore.config.settings import AccessSettings
from omnicore.errors import TooManyTries
from omnicore.storage.store import Store
from omnicore.storage.tables.access import AccessTable, TriesRow

SETTINGS = AccessSettings(login_tries=3, login_lock_s=60)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def lockout(store: Store, clock: ManualClock) -> Lockout:
    return Lockout(AccessTable(store), SETTINGS, clock)


def test_a_name_is_locked_after_its_failures_and_free_again_after_a_while(lockout: Lockout, clock: ManualClock) -> None:
    for at in range(3):
        lockout.begin(Tries.of("ada", f"10.0.0.{at}"))
    with pytest.raises(TooManyTries) as locked:
        lockout.begin(Tries.of("ada", "10.0.0.9"))
    assert locked.value.details["retry_after_s"] == 60
    lockout.begin(Tries.of("grace", "10.0.0.9"))
    clock.advance(60)
    lockout.begin(Tries.of("ada", "10.0.0.9"))


def test_an_address_is_locked_after_four_times_as_many(lockout: Lockout) -> None:
    for at in range(12):
        lockout.begin(Tries.of(f"user{at}", "10.0.0.1"))
    with pytest.raises(TooManyTries):
        lockout.begin(Tries.of("another", "10.0.0.1"))
    lockout.begin(Tries.of("another", "10.0.0.2"))


def test_ipv6_addresses_of_one_customer_count_as_one(lockout: Lockout) -> None:
    for at in range(12):
        lockout.begin(Tries.of(f"user{at}", f"2001:db8:0:1::{at}"))
    with pytest.raises(TooManyTries):
        lockout.begin(Tries.of("another", "2001:db8:0:1:ffff::1"))
    lockout.begin(Tries.of("another", "2001:db8:0:2::1"))


def test_a_login_that_succeeds_counts_against_nobody(lockout: Lockout) -> None:
    for _ in range(50):
        lockout.begin(Tries.of("ada", "10.0.0.1"))
        lockout.succeeded(Tries.of("ada", "10.0.0.1"))
    for _ in range(3):
        lockout.begin(Tries.of("ada", "10.0.0.1"))


def test_a_lock_survives_a_restart_and_holds_on_every_host(store: Store, lockout: Lockout, clock: ManualClock) -> None:
    for _ in range(3):
        lockout.begin(Tries.of("ada", "10.0.0.1"))
    with pytest.raises(TooManyTries):
        Lockout(AccessTable(store), SETTINGS, clock).begin(Tries.of("ada", "10.0.0.2"))


def test_a_new_password_frees_the_name(lockout: Lockout) -> None:
    for _ in range(3):
        lockout.begin(Tries.of("ada", "10.0.0.1"))
    lockout.forget("ada")
    lockout.begin(Tries.of("ada", "10.0.0.1"))


def test_only_a_locked_name_is_told_how_to_unlock_it(lockout: Lockout) -> None:
    for _ in range(3):
        lockout.begin(Tries.of("ada", "10.0.0.1"))
    with pytest.raises(TooManyTries) as named:
        lockout.begin(Tries.of("ada", "10.0.0.2"))
    assert "users unlock" in named.value.remedy
    for at in range(9):
        lockout.begin(Tries.of(f"user{at}", "10.0.0.1"))
    with pytest.raises(TooManyTries, match="from this address") as placed:
        lockout.begin(Tries.of("grace", "10.0.0.1"))
    assert "unlock" not in placed.value.remedy


def test_a_known_browser_counts_for_itself_alone(lockout: Lockout) -> None:
    for at in range(12):
        lockout.begin(Tries.of("ada" if at < 3 else f"user{at}", "10.0.0.1"))
    known = Tries.of("ada", "10.0.0.1", "omd_hers")
    for _ in range(3):
        lockout.begin(known)
    with pytest.raises(TooManyTries):
        lockout.begin(known)
    lockout.begin(Tries.of("ada", "10.0.0.1", "omd_another"))


def test_old_tries_leave_the_database(store: Store, lockout: Lockout, clock: ManualClock) -> None:
    for at in range(20):
        lockout.begin(Tries.of(f"user{at}", f"10.0.1.{at}"))
    clock.advance(61)
    lockout.begin(Tries.of("ada", "10.0.0.1"))
    assert store.rows("SELECT count(*) FROM login_tries") == [(2,)]


def test_names_are_kept_as_digests_for_people_type_passwords_into_them(store: Store, lockout: Lockout) -> None:
    lockout.begin(Tries.of("my secret password", "10.0.0.1"))
    assert "secret" not in str(store.rows("SELECT * FROM login_tries"))


@given(st.lists(st.floats(0, 100), max_size=40), st.integers(1, 5))
def test_within_any_lock_time_no_more_tries_begin_than_the_rule_says(waits: list[float], most: int) -> None:
    tries, now, begun = TriesRow("name:a"), 1000.0, []
    for wait in waits:
        now += wait
        after = counted(tries, LockoutRule(most, 60.0), now)
        if isinstance(after, TriesRow):
            tries = after
            begun.append(now)
    for start in begun:
        assert sum(start <= at < start + 60 for at in begun) <= 2 * most, "a window may end as another one begins"
