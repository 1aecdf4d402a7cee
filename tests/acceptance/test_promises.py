"""Every promise of the project is listed once in `promises.toml`, and what is named there as its proof exists."""

from __future__ import annotations

import ast
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PROMISES: dict[str, dict[str, Any]] = tomllib.loads((Path(__file__).parent / "promises.toml").read_text())["promise"]
LISTED = [*(str(number) for number in range(1, 198))]
LISTED.insert(LISTED.index("122"), "121a")


@cache
def named_in(path: str) -> frozenset[str]:
    """The names of the test functions of a file, at its top level and in its classes."""
    tree = ast.parse((ROOT / path).read_text())
    bodies = [tree.body, *(node.body for node in tree.body if isinstance(node, ast.ClassDef))]
    functions = (node for body in bodies for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(function.name for function in functions if function.name.startswith("test_"))


def test_every_promise_is_listed_once_and_in_order() -> None:
    assert list(PROMISES) == LISTED  # a number that stands there twice does not parse


@pytest.mark.parametrize("number", PROMISES)
def test_what_a_promise_names_is_there(number: str) -> None:
    promise = PROMISES[number]
    assert promise.keys() <= {"words", "proof", "read", "later"}
    assert promise["words"].strip()
    assert promise.keys() & {"proof", "read", "later"}, "say what proves it, where it is read, or what comes later"
    for test in promise.get("proof", ()):
        path, _, name = test.partition("::")
        assert path.startswith("tests/"), test
        assert (ROOT / path).is_file(), test
        assert name in named_in(path), test
    for path in promise.get("read", ()):
        assert (ROOT / path).is_file(), path


def test_what_is_named_twice_for_one_promise_proves_no_more() -> None:
    assert [number for number, one in PROMISES.items() if len(set(proof := one.get("proof", []))) != len(proof)] == []
