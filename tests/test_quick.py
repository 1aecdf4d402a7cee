"""Quick values are the dataclasses that they were."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, replace

import pytest

from omnicore.records import quick


@dataclass(frozen=True, slots=True)
class Plain:
    a: int
    b: str = "b"
    c: list[int] = field(default_factory=list)


@quick
@dataclass(frozen=True, slots=True)
class Quick:
    a: int
    b: str = "b"
    c: tuple[int, ...] = field(default_factory=tuple)


def test_a_quick_value_is_made_compared_and_copied_as_any_other() -> None:
    one = Quick(1, c=(2,))
    assert (one, hash(one)) == (Quick(a=1, b="b", c=(2,)), hash(Quick(1, "b", (2,))))
    assert replace(one, b="x") == Quick(1, "x", (2,))
    assert copy.copy(one) == copy.deepcopy(one) == pickle.loads(pickle.dumps(one)) == one
    assert Quick(1).c == ()
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'a'"):
        Quick()  # type: ignore[call-arg]
    with pytest.raises(AttributeError):
        one.other = 1  # type: ignore[attr-defined]


def test_other_frozen_values_stay_as_they_are() -> None:
    with pytest.raises(FrozenInstanceError):
        Plain(1).a = 2  # type: ignore[misc]


def test_only_frozen_dataclasses_can_be_quick() -> None:
    for wrong in (int, dataclass(slots=True)(type("Loose", (), {}))):
        with pytest.raises(TypeError, match="is no frozen dataclass"):
            quick(wrong)
