from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.errors import LimitExceeded
from omnicore.sandbox.abi import Variables

ENTRY = 48


def test_what_was_set_can_be_got_and_nothing_else():
    variables = Variables(1000)
    variables.set("a", b"1")
    assert (variables.get("a"), variables.get("b")) == (b"1", None)
    variables.set("a", b"2")
    assert variables.get("a") == b"2"


def test_none_deletes_and_deleting_what_is_not_there_does_nothing():
    variables = Variables(1000)
    variables.set("a", b"1")
    variables.set("a", None)
    variables.set("a", None)
    assert variables.get("a") is None


def test_an_empty_value_is_a_value():
    variables = Variables(1000)
    variables.set("a", b"")
    assert variables.get("a") == b""


def test_entries_keys_and_values_count_and_the_limit_itself_fits():
    Variables(ENTRY + 3 + 10).set("key", bytes(10))
    with pytest.raises(LimitExceeded, match=r"Variable store is full.*limits\.var_bytes") as caught:
        Variables(ENTRY + 3 + 10).set("key", bytes(11))
    assert caught.value.details == {"limit": "var_bytes", "allowed": ENTRY + 13}


def test_a_key_counts_as_its_utf_8_bytes():
    Variables(ENTRY + 3).set("€", b"")
    with pytest.raises(LimitExceeded):
        Variables(ENTRY + 2).set("€", b"")


def test_an_overwrite_needs_room_for_both_values_and_keeps_the_old_one_when_there_is_none():
    variables = Variables(2 * (ENTRY + 1) + 30)
    variables.set("a", bytes(20))
    with pytest.raises(LimitExceeded):
        variables.set("a", bytes(11))
    assert variables.get("a") == bytes(20)
    variables.set("a", bytes(10))
    assert variables.get("a") == bytes(10)


def test_a_limit_of_zero_turns_variables_off_and_deleting_too():
    variables = Variables(0)
    assert variables.get("a") is None
    for value in (b"1", None):
        with pytest.raises(LimitExceeded, match="Vars are disabled by this host"):
            variables.set("a", value)


def test_clearing_forgets_all_and_gives_the_room_back():
    variables = Variables(ENTRY + 11)
    variables.set("a", bytes(10))
    variables.clear()
    assert variables.get("a") is None
    variables.set("b", bytes(10))


@given(st.lists(st.tuples(st.sampled_from("abc€"), st.none() | st.binary(max_size=60)), max_size=60))
def test_the_room_used_is_always_that_of_the_values_held(changes):
    limit = 400
    variables, model = Variables(limit), {}

    def cost(values):
        return sum(ENTRY + len(key.encode()) + len(value) for key, value in values.items())

    for key, value in changes:
        if value is None:
            variables.set(key, None)
            model.pop(key, None)
        elif cost(model) + cost({key: value}) > limit:
            with pytest.raises(LimitExceeded):
                variables.set(key, value)
        else:
            variables.set(key, value)
            model[key] = value
        assert {name: variables.get(name) for name in model} == model
        assert variables._used == cost(model)


def test_threads_that_set_and_delete_leave_the_count_right():
    variables = Variables(100_000)

    def work(name):
        for turn in range(2000):
            variables.set(f"{name}{turn % 5}", bytes(turn % 50))
            variables.set(f"shared{turn % 3}", None if turn % 2 else bytes(turn % 50))

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    held = variables._values
    assert variables._used == sum(ENTRY + len(key) + len(value) for key, value in held.items())
