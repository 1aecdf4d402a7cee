"""What a function of a plugin costs, measured on a host of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import quantiles
from time import perf_counter
from typing import Any

from omnicore.sandbox.engine import Instance
from omnicore.testing.trial import Subject, Trial, trial

__all__ = ["Costs", "Times", "measured"]

_FEW = 20  # new instances that are looked at; the warm calls are many


@dataclass(frozen=True, slots=True)
class Times:
    """How long something took, many times over. Units: seconds."""

    count: int
    p50_s: float
    p95_s: float
    p99_s: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Times:
        """The percentiles of a sample."""
        if len(seconds) == 1:
            return cls(1, seconds[0], seconds[0], seconds[0])
        cuts = quantiles(seconds, n=100, method="inclusive")
        return cls(len(seconds), cuts[49], cuts[94], cuts[98])


@dataclass(frozen=True, slots=True)
class Costs:
    """What a plugin and one of its functions cost.

    Args:
        compile_s: from the module's bytes to machine code.
        load_s: the same with the machine code in the cache.
        fresh: a new instance and its first call.
        warm: a further call on that instance.
        hosted: a call as callers make it, with whatever the host does around it.
        fuel: instructions of one call.
        memory_bytes: of the instance after it.
    """

    function: str
    input_bytes: int
    output_bytes: int
    compile_s: float
    load_s: float
    fresh: Times
    warm: Times
    hosted: Times
    fuel: int | None
    memory_bytes: int

    @property
    def per_second(self) -> float:
        """How many warm calls one thread makes in a second."""
        return 1 / self.warm.p50_s if self.warm.p50_s else 0.0

    def to_json(self) -> dict[str, Any]:
        """The costs as `-o json` shows them."""
        return {**asdict(self), "calls_per_s": round(self.per_second, 1)}


def measured(subject: Subject, function: str, payload: bytes, *, count: int | None, seconds: float) -> Costs:
    """Measures a function.

    Args:
        count: how many warm calls; None for as many as there is time.
        seconds: how long the warm calls may take, where no count is given.

    Raises: what the call raises.
    """
    with tempfile.TemporaryDirectory(prefix="omnicore-bench-") as folder:
        cache = Path(folder)
        with trial(subject, cache=cache) as counting:
            output = counting.host.plugins.call_bytes(_reference(subject, function), payload)
            usage = counting.usage
        with trial(subject, counted=False, cache=cache) as first:
            compile_s = first.load_s
        with trial(subject, counted=False, cache=cache) as plain:
            fresh, warm = _instances(plain, function, payload, count=count, seconds=seconds)
            hosted = _timed(lambda: _hosted(plain, function, payload), count, min(seconds, 1.0))
            return Costs(
                function=_reference(subject, function),
                input_bytes=len(payload),
                output_bytes=len(output),
                compile_s=compile_s,
                load_s=plain.load_s,
                fresh=fresh,
                warm=warm,
                hosted=hosted,
                fuel=usage.fuel,
                memory_bytes=usage.memory_bytes,
            )


def _reference(subject: Subject, function: str) -> str:
    return f"{subject.manifest.name}.{function}"


def _hosted(on: Trial, function: str, payload: bytes) -> None:
    on.host.plugins.call_bytes(f"{on.manifest.name}.{function}", payload)


def _instances(on: Trial, function: str, payload: bytes, *, count: int | None, seconds: float) -> tuple[Times, Times]:
    """Fresh and warm calls; an instance that has had enough after a call is replaced, outside of the clock."""
    held: list[Instance] = [on.template.instance()]

    def fresh() -> None:
        held.append(on.template.instance())
        held[-1].call(function, payload)

    def warm() -> None:
        held[-1].call(function, payload)

    def renew() -> None:
        if len(held) > 1 or not held[-1].healthy:
            last = held.pop()
            while held:
                held.pop().close()
            held.append(last if last.healthy else on.template.instance())

    try:
        return _timed(fresh, _FEW, seconds, renew), _timed(warm, count, seconds, renew)
    finally:
        for one in held:
            one.close()


def _timed(run: Callable[[], None], most: int | None, seconds: float, after: Callable[[], object] = int) -> Times:
    """Runs until there are `most`, or without that until the time is over. `after` is not timed."""
    took: list[float] = []
    end = perf_counter() + seconds
    while most is None or len(took) < most:
        started = perf_counter()
        run()
        now = perf_counter()
        took.append(now - started)
        after()
        if most is None and now >= end:
            break
    return Times.of(took)
