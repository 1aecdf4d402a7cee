"""The life of a runtime: six states, eight steps, and no others."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from omnicore.core.lifecycle import TRANSITIONS, Lifecycle, RuntimeState, may_become
from omnicore.errors import Conflict

S = RuntimeState
STEPS = {
    (S.Uninitialized, S.Initializing),
    (S.Initializing, S.Running),
    (S.Initializing, S.Stopped),
    (S.Running, S.Paused),
    (S.Running, S.ShuttingDown),
    (S.Paused, S.Running),
    (S.Paused, S.ShuttingDown),
    (S.ShuttingDown, S.Stopped),
}
WAYS = {
    S.Uninitialized: [],
    S.Initializing: [S.Initializing],
    S.Running: [S.Initializing, S.Running],
    S.Paused: [S.Initializing, S.Running, S.Paused],
    S.ShuttingDown: [S.Initializing, S.Running, S.ShuttingDown],
    S.Stopped: [S.Initializing, S.Stopped],
}


def at(state: RuntimeState) -> Lifecycle:
    life = Lifecycle("thing")
    for step in WAYS[state]:
        life.become(step)
    return life


def test_there_are_six_states_and_eight_steps():
    assert len(S) == 6
    assert {(state, to) for state, allowed in TRANSITIONS.items() for to in allowed} == STEPS


def test_the_specification_has_these_steps():
    text = (Path(__file__).parents[2] / "specs/lifecycle.md").read_text()
    rows = re.findall(r"^\| (\w+) \| ([\w, ]+) \|$", text, re.MULTILINE)
    written = {(S[state], S[to]) for state, others in rows if state != "from" for to in others.split(", ")}
    assert written == STEPS


@pytest.mark.parametrize(("state", "to"), list(itertools.product(S, S)), ids=str)
def test_a_step_is_taken_if_it_is_one_of_the_eight_and_refused_otherwise(state, to):
    life = at(state)
    assert may_become(state, to) == ((state, to) in STEPS)
    if (state, to) in STEPS:
        assert life.become(to) is state
        assert life.state is to
    else:
        with pytest.raises(Conflict) as caught:
            life.become(to)
        assert life.state is state
        assert caught.value.details == {"state": state.value, "wanted": to.value}
        assert caught.value.remedy


def test_the_end_says_that_another_one_is_needed():
    with pytest.raises(Conflict, match="runs once: make another one"):
        at(S.Stopped).become(S.Initializing)
