"""Thirty small tasks with a program that fails, and how many of them a search mends: `tox -e evolve`.

Each task is a failing jq program and the program that is meant, which makes the expectations and is never shown to the
search. A task counts as solved when the proposed candidate gets all of 40 further cases right, which the search has
not seen either. Without a model, on what cores there are.

Before that, a search whose host is killed (SIGKILL) at places where it writes something down ends as one that was not.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import signal
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

from tests.evolution.killed import outcome, places_of, points_told

from omnicore import Host
from omnicore.evolution.architecture import EvolutionCase, EvolutionOrder, Knob

_CASES, _HIDDEN = 60, 40
_WORDS = ("ada", "Bo", " cy ", "dee", "Eli", "fay-x", "gus,1", "")
Make = Callable[[Random], Any]


def _items(chance: Random) -> Any:
    return {
        "items": [
            {
                "name": chance.choice(_WORDS),
                "n": chance.randrange(12),
                "price": chance.randrange(1, 9),
                "ok": chance.random() < 0.5,
            }
            for _ in range(chance.randrange(1, 6))
        ]
    }


def _numbers(chance: Random) -> Any:
    return {"values": [chance.randrange(-9, 20) for _ in range(chance.randrange(1, 7))], "limit": chance.randrange(10)}


def _text(chance: Random) -> Any:
    return {
        "text": chance.choice(("a,b,c", "Hello World", " x ", "id-42", "B,A", "2,3,1")) + chance.choice(("", ",z", "!"))
    }


def _person(chance: Random) -> Any:
    return {
        "user": {
            "first": chance.choice(_WORDS[:2]),
            "last": chance.choice(("Lee", "Ray")),
            "age": chance.choice((None, 15, 17, 18, 30, 65, 66)),
            **({"nick": "zed"} if chance.random() < 0.5 else {}),
        }
    }


TASKS: Sequence[tuple[str, str, str, Make]] = (
    ("count large", ".items | map(select(.n > 3)) | length", ".items | map(select(.n > 6)) | length", _items),
    ("at least", ".items | map(select(.n > 6)) | length", ".items | map(select(.n >= 6)) | length", _items),
    ("names sorted", ".items | map(.name)", ".items | map(.name) | sort", _items),
    ("names once", ".items | map(.name)", ".items | map(.name) | unique", _items),
    ("wrong member", ".items | map(.n) | add", ".items | map(.price) | add", _items),
    ("product", ".items | map(.n + .price)", ".items | map(.n * .price)", _items),
    ("total of products", ".items | map(.n * .price)", ".items | map(.n * .price) | add", _items),
    ("only good ones", ".items | map(.name)", ".items | map(select(.ok)) | map(.name)", _items),
    ("bad ones", ".items | map(select(.ok == true)) | length", ".items | map(select(.ok == false)) | length", _items),
    ("dearest", ".items | map(.price) | min", ".items | map(.price) | max", _items),
    ("last by number", ".items | sort_by(.price) | last", ".items | sort_by(.n) | last", _items),
    ("first by price", ".items | sort_by(.price) | last", ".items | sort_by(.price) | first", _items),
    ("none left out", ".items | map(select(.n > 2 and .ok))", ".items | map(select(.n > 2))", _items),
    ("both", ".items | map(select(.n > 5)) | length", ".items | map(select(.n > 5 and .ok)) | length", _items),
    ("either", ".items | map(select(.n > 5 and .ok)) | length", ".items | map(select(.n > 5 or .ok)) | length", _items),
    ("sum", ".values | length", ".values | add", _numbers),
    ("positive", ".values | map(select(. > 5))", ".values | map(select(. > 0))", _numbers),
    ("doubled", ".values | map(. + 2)", ".values | map(. * 2)", _numbers),
    ("difference", ".values | map(. + 1)", ".values | map(. - 1)", _numbers),
    ("under the limit", ".values | map(select(. < 9))", "(.limit) as $l | .values | map(select(. < $l))", _numbers),
    ("descending", ".values | sort", ".values | sort | reverse", _numbers),
    ("largest", ".values | sort | first", ".values | max", _numbers),
    ("average", ".values | add", ".values | add / length", _numbers),
    ("lower case", ".text", ".text | ascii_downcase", _text),
    ("parts", '.text | split("-")', '.text | split(",")', _text),
    ("number of parts", '.text | split(",")', '.text | split(",") | length', _text),
    ("turned round", '.text | split(",") | join("-")', '.text | split(",") | reverse | join("-")', _text),
    ("of age", ".user.age > 21", ".user.age >= 18", _person),
    ("nick or first", ".user.nick", ".user.nick // .user.first", _person),
    ("default age", ".user.age", ".user.age // 0", _person),
)


async def main(seed: int, candidates: int, only: str) -> int:
    """Runs all tasks; prints a line for each. Returns the number of those that were solved."""
    solved, began, tasks = 0, time.monotonic(), [one for one in TASKS if only in one[0]]
    with tempfile.TemporaryDirectory(prefix="omnicore-evolve-") as folder:
        (Path(folder) / "plugins").mkdir()
        async with Host(plugins=Path(folder) / "plugins", data=Path(folder) / "data", watch=False) as host:
            for name, failing, meant, make in tasks:
                right, count = await _solve(host, failing, meant, make, seed, candidates)
                solved += right
                print(f"{'solved' if right else 'not   '}  {count:4} candidates  {name}", flush=True)
    print(f"{solved} of {len(tasks)} solved in {time.monotonic() - began:.0f} s")
    return solved


async def _posed(
    host: Host, failing: str, meant: str, make: Make, seed: int, candidates: int
) -> tuple[EvolutionOrder, list[Any], list[Any]]:
    """The order of a task, and its hidden cases: inputs, and what is wanted."""
    chance = Random(seed)  # the same tasks for the same seed
    inputs = [make(chance) for _ in range(_CASES + _HIDDEN)]
    wanted = [await host.workflows.evaluate(meant, one) for one in inputs]
    document = {
        "document": {"dsl": "1.0.3", "namespace": "default", "name": "task", "version": "1.0.0"},
        "do": [{"answer": {"set": f"${{ {failing} }}"}}],
    }
    order = EvolutionOrder(
        workflow=document,
        cases=[EvolutionCase(*pair) for pair in zip(inputs[:_CASES], wanted, strict=False)],
        knobs=[Knob("program", "/do/0/answer/set", "jq")],
        candidates=candidates,
        seed=seed,
    )
    return order, inputs[_CASES:], wanted[_CASES:]


async def _solve(host: Host, failing: str, meant: str, make: Make, seed: int, candidates: int) -> tuple[bool, int]:
    order, inputs, wanted = await _posed(host, failing, meant, make, seed, candidates)
    one = await host.evolution.begin(order, who="campaign")
    while (one := await host.evolution.get(one.id)).state == "running":
        await asyncio.sleep(0.05)
    if one.best is None:
        print(f"              {one.reason}", flush=True)
        return False, one.count
    found = (await host.evolution.candidates(one.id, limit=1, cursor=one.best - 1))[0][0].genes.values["program"]
    try:
        answers = [await host.workflows.evaluate(found, given) for given in inputs]
    except Exception:  # it fails for one of them, and so it is not solved
        return False, one.count
    if answers != wanted:
        print(f"              {found} is right for the cases that were given alone", flush=True)
    return answers == wanted, one.count


async def killed(kills: int, seed: int) -> bool:
    """Tells if a search that is killed at so many places ends as one that was not."""
    _, failing, meant, make = TASKS[0]
    with tempfile.TemporaryDirectory(prefix="omnicore-evolve-") as folder:
        whole, cut = Path(folder) / "whole", Path(folder) / "cut"
        points: list[str] = []
        with points_told(points.append):
            expected = await _carried(whole, await _order_of(whole, failing, meant, make, seed))
        order = await _order_of(cut, failing, meant, make, seed)
        async with _host(cut) as host:
            begun = await host.evolution.begin(order, who="campaign")
        deaths = 0
        for point in places_of(points, kills):
            child = multiprocessing.get_context("spawn").Process(target=_carry_until, args=(cut, begun.id, point))
            child.start()
            await asyncio.to_thread(child.join, 120)
            deaths += child.exitcode == -signal.SIGKILL
            print(f"killed {point}" if child.exitcode == -signal.SIGKILL else f"not killed {point}", flush=True)
        same = await _carried(cut, begun.id) == expected
    print(f"{'the same' if same else 'ANOTHER'} archive after {deaths} of {kills} kills")
    return same and deaths == kills


def _host(folder: Path) -> Host:
    (folder / "plugins").mkdir(parents=True, exist_ok=True)
    return Host(plugins=folder / "plugins", data=folder / "data", watch=False)


async def _order_of(folder: Path, failing: str, meant: str, make: Make, seed: int) -> EvolutionOrder:
    async with _host(folder) as host:
        return (await _posed(host, failing, meant, make, seed, 12))[0]


async def _carried(folder: Path, given: EvolutionOrder | str) -> list[Any]:
    async with _host(folder) as host:
        id_ = given if isinstance(given, str) else (await host.evolution.begin(given, who="campaign")).id
        while (one := await host.evolution.get(id_)).state == "running":
            await asyncio.sleep(0.05)
        return outcome(one, (await host.evolution.candidates(id_))[0])


def _carry_until(folder: Path, id_: str, last: str) -> None:
    def tell(point: str) -> None:
        if point == last:
            os.kill(os.getpid(), signal.SIGKILL)

    with points_told(tell):
        asyncio.run(_carried(folder, id_))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--candidates", type=int, default=400)
    parser.add_argument("--only", default="", help="only tasks with this in their name")
    parser.add_argument("--kills", type=int, default=10, help="how often the host of a search is killed")
    given = parser.parse_args()
    if given.kills and not asyncio.run(killed(given.kills, given.seed)):
        raise SystemExit("a search that was killed ended with another archive")
    least = 0.6 * sum(given.only in one[0] for one in TASKS)
    raise SystemExit(0 if asyncio.run(main(given.seed, given.candidates, given.only)) >= least else 1)
