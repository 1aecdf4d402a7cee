"""Who is to blame for failures: the plugin, which rests for all, or a caller, who is refused alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.plugins.conftest import Rig
from tests.plugins.guests import ECHO, MOODY

from omnicore.access.principal import LOCAL, Principal, Role
from omnicore.clock import ManualClock
from omnicore.errors import GuestTrapped, Unavailable
from omnicore.plugins.callers import Blame, Callers, CallOutcome, caller, verdict

CALLS = st.lists(st.tuples(st.sampled_from("abcde"), st.booleans()), max_size=60)


def outcomes(calls: list[tuple[str, bool]]) -> list[CallOutcome]:
    return [CallOutcome(who, well, 0.0) for who, well in calls]


@given(CALLS, st.integers(1, 8))
def test_one_caller_never_stops_a_plugin_for_others(calls: list[tuple[str, bool]], threshold: int) -> None:
    mixed = outcomes([(who, well or who != "a") for who, well in calls] + [("a", False)])
    assert verdict(mixed, threshold=threshold, alone=False) != "plugin"


@given(CALLS, st.integers(1, 8))
def test_failures_in_a_row_of_the_only_caller_stop_it(calls: list[tuple[str, bool]], threshold: int) -> None:
    row = outcomes([("application", well) for _, well in calls] + [("application", False)] * threshold)
    assert verdict(row, threshold=threshold, alone=True) == "plugin"


@given(CALLS, st.integers(3, 8))
def test_failures_in_a_row_of_several_callers_stop_it(calls: list[tuple[str, bool]], threshold: int) -> None:
    row = [("abc"[place % 3], False) for place in range(threshold)]
    assert verdict(outcomes([*calls, *row]), threshold=threshold, alone=False) == "plugin"


@given(CALLS, st.integers(1, 8))
def test_failures_in_a_row_of_one_caller_stop_that_one(calls: list[tuple[str, bool]], threshold: int) -> None:
    others = [(who, True) for who, _ in calls]
    row = [one for other in ([*others, ("b", True)] * threshold)[-threshold:] for one in (other, ("z", False))]
    assert verdict(outcomes(row), threshold=threshold, alone=False) == "caller"


@given(CALLS, st.integers(2, 8))
def test_answers_alone_never_stop_anything(calls: list[tuple[str, bool]], threshold: int) -> None:
    assert verdict(outcomes([*((who, True) for who, _ in calls), ("a", False)]), threshold=threshold, alone=True) in (
        "none",
    )


def test_a_high_share_of_failures_of_two_callers_stops_it() -> None:
    calls = [(who, well) for _ in range(5) for who, well in (("a", False), ("c", True), ("b", False), ("d", True))]
    assert verdict(outcomes([*calls, ("a", False)]), threshold=5, alone=False) == "plugin"
    assert verdict(outcomes([*calls[:-4], ("a", False)]), threshold=5, alone=False) != "plugin"


def test_callers_that_do_not_come_back_take_no_room() -> None:
    clock = ManualClock()
    blame = Blame(1, 60.0, clock)
    for number in range(1000):
        blame.failed(f"user {number}", alone=False)
    assert blame.figures()[1] <= 256
    clock.advance(121)
    assert blame.answered("ada")
    assert blame.figures() == (0, 0)


def test_a_user_is_one_caller_whatever_with() -> None:
    callers = Callers()
    session = Principal("ada", Role.operator, "session", user="u1", key="s1")
    token = Principal("ada", Role.operator, "token", user="u1", key="t1")
    seen = []
    for who in (session, token, LOCAL, None):
        with callers.of(who):
            seen.append(caller())
    assert seen == ["u1", "u1", "owner", "stranger"]
    assert caller() == "application"


# -- in a host


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def moody(rig_at: Callable[..., Rig], tmp_path: Path, clock: ManualClock) -> Rig:
    rig = rig_at(tmp_path, clock=clock)
    rig.drop("moody.wat", MOODY)
    rig.drop("echo.wat", ECHO)
    rig.scan()
    return rig


def fails(rig: Rig, who: str, times: int = 5) -> None:
    with rig.host.callers.named(who):
        for _ in range(times):
            with pytest.raises(GuestTrapped):
                rig.host.call_blocking("moody.trap")


def well(rig: Rig, who: str) -> bytes:
    with rig.host.callers.named(who):
        return rig.host.call_blocking("moody.well")


def test_a_caller_whose_calls_fail_is_refused_alone_and_told_until_when(moody: Rig) -> None:
    fails(moody, "user ada")
    with pytest.raises(Unavailable, match="for this caller, and answers others; correct what is sent") as no:
        well(moody, "user ada")
    assert no.value.details["retry_after_s"] == 60
    assert well(moody, "user bob") == b"w"
    assert moody.host.get("moody").state == "enabled"
    status = moody.host.status("moody").breaker
    assert (status.state, status.refused) == ("closed", 1)


def test_a_refused_caller_is_tried_again_after_the_pause(moody: Rig, clock: ManualClock) -> None:
    fails(moody, "user ada")
    clock.advance(60)
    fails(moody, "user ada", times=1)
    with pytest.raises(Unavailable):
        well(moody, "user ada")
    clock.advance(60)
    assert well(moody, "user ada") == b"w"
    assert well(moody, "user ada") == b"w"
    assert moody.host.status("moody").breaker.refused == 0


def test_failures_of_several_callers_put_a_plugin_in_quarantine(moody: Rig, clock: ManualClock) -> None:
    for who, times in (("user ada", 2), ("user bob", 2), ("hook orders", 1)):
        fails(moody, who, times)
    assert moody.host.get("moody").state == "quarantined"
    with pytest.raises(Unavailable, match="in quarantine"):
        well(moody, "user cleo")
    clock.advance(60)
    assert well(moody, "user cleo") == b"w"
    assert moody.host.get("moody").state == "enabled"
    assert moody.host.status("moody").breaker.state == "closed"


def test_a_caller_that_is_refused_does_not_prolong_a_quarantine(moody: Rig, clock: ManualClock) -> None:
    fails(moody, "user ada")
    for who, times in (("user bob", 1), ("user cleo", 1)):
        fails(moody, who, times)
    assert moody.host.get("moody").state == "quarantined"
    clock.advance(60)
    fails(moody, "user ada", times=1)
    assert well(moody, "user bob") == b"w"


def test_the_owner_quarantines_it_only_as_long_as_nobody_else_calls(moody: Rig) -> None:
    fails(moody, "owner")
    assert moody.host.get("moody").state == "quarantined"
    moody.host.enable("moody")
    assert well(moody, "user bob") == b"w"
    fails(moody, "owner")
    assert moody.host.get("moody").state == "enabled"
    assert well(moody, "user bob") == b"w"


def test_an_operator_ends_all_refusals(moody: Rig) -> None:
    fails(moody, "user ada")
    for who, times in (("user bob", 1), ("user cleo", 1)):
        fails(moody, who, times)
    moody.host.enable("moody")
    assert well(moody, "user ada") == b"w"
