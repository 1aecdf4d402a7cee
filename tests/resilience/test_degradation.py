"""Features that go off together, come back together, and what steps in meanwhile."""

from __future__ import annotations

import asyncio

import pytest

from omnicore.errors import Conflict, InvalidInput, NotFound, Unavailable
from omnicore.resilience.degradation import Degradation


@pytest.fixture
def told() -> list[tuple[str, bool, str]]:
    return []


@pytest.fixture
def features(told: list[tuple[str, bool, str]]) -> Degradation:
    features = Degradation(lambda *change: told.append(change))
    features.register("storage", "the database")
    features.register("index", needs=["storage"], fallback=lambda text: f"exact {text}")
    features.register("recall", needs=["index"])
    features.register("other")
    return features


def on(features: Degradation) -> set[str]:
    return {one.name for one in features.features() if one.enabled}


def broken(*arguments: object) -> str:
    raise OSError("gone")


def test_switching_off_takes_along_what_leans_on_it(features: Degradation, told: list[object]) -> None:
    features.disable("storage", reason="disk full")
    assert on(features) == {"other"}
    assert features.info("recall").reason == "index is off: storage is off: disk full"
    assert told[0] == ("storage", False, "disk full")
    assert len(told) == 3


def test_switching_on_brings_back_just_what_was_off_because_of_it(features: Degradation) -> None:
    features.disable("index")
    features.disable("storage")
    features.enable("storage")
    assert on(features) == {"storage", "other"}
    features.enable("index")
    assert on(features) == {"storage", "index", "recall", "other"}


def test_what_is_enabled_while_its_need_is_off_comes_with_it(features: Degradation) -> None:
    features.disable("storage", "index")
    features.enable("index")
    assert not features.enabled("index")
    features.enable("storage")
    assert features.enabled("index")


def test_a_fallback_steps_in_when_it_is_off_and_when_it_fails(features: Degradation) -> None:
    assert features.run("index", str.upper, "x") == "X"
    assert features.run("index", broken, "x") == "exact x"
    features.disable("storage")
    assert features.run("index", str.upper, "x") == "exact x"
    assert features.info("index").fallbacks_used == 2


def test_without_a_fallback_failures_and_refusals_come_through(features: Degradation) -> None:
    with pytest.raises(OSError, match="gone"):
        features.run("other", broken)
    features.disable("other", reason="repaired")
    with pytest.raises(Unavailable, match=r"other is off \(repaired\)"):
        features.run("other", str.upper, "x")


def test_a_wrong_request_is_no_reason_to_fall_back(features: Degradation) -> None:
    def wrong(text: str) -> str:
        raise InvalidInput("no such thing")

    with pytest.raises(InvalidInput):
        features.run("index", wrong, "x")


def test_coroutines_fall_back_on_coroutines_and_functions(features: Degradation) -> None:
    async def fails(text: str) -> str:
        raise OSError("again")

    async def well(text: str) -> str:
        return text * 2

    async def scene() -> None:
        assert await features.run_async("index", well, "x") == "xx"
        assert await features.run_async("index", fails, "x") == "exact x"
        features.set_fallback("index", well)
        assert await features.run_async("index", fails, "x") == "xx"
        with pytest.raises(OSError, match="again"):
            await features.run_async("other", fails, "x")

    asyncio.run(scene())


def test_features_cannot_need_each_other(features: Degradation) -> None:
    with pytest.raises(Conflict, match="cannot need each other"):
        features.add_dependency("storage", "recall")
    with pytest.raises(Conflict):
        features.add_dependency("storage", "storage")
    features.disable("other")
    features.add_dependency("storage", "other")
    assert on(features) == set()


def test_names_that_are_not_there_or_there_already_are_refused(features: Degradation) -> None:
    with pytest.raises(Conflict, match="there is a feature index"):
        features.register("index")
    for wrong in (features.enabled, features.info, features.disable, features.enable):
        with pytest.raises(NotFound):
            wrong("nothing")
    with pytest.raises(NotFound):
        features.register("new", needs=["nothing"])
    features.clear()
    assert features.features() == []
