"""The cases of a search: their division, the score of an output, and the proof that one candidate beats another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from omnicore.evolution.architecture import EvolutionCase, EvolutionJudge

_PART = 3  # one case of three is held out
_PARTIAL = 0.5
_RESAMPLES = 2_000
_LONGEST = 500


def division(cases: Sequence[EvolutionCase]) -> tuple[list[int], list[int]]:
    """The indexes of the cases for training, and of those that are held out: by the hash of each case.

    A case stays on its side when others are added. Equal cases are on the same side. Both sides have one at least.
    """
    hashes = [_hash(one) for one in cases]
    held = [at for at, found in enumerate(hashes) if found % _PART == 0]
    if not held or len(held) == len(cases):
        held = [hashes.index(min(hashes))]
    return [at for at in range(len(cases)) if at not in set(held)], held


def _hash(case: EvolutionCase) -> int:
    text = json.dumps([case.input, case.expect], sort_keys=True, separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big")


def score(judge: EvolutionJudge, expected: Any, output: Any) -> float:
    """1.0 where the output is what is expected, and at most half of that where it only resembles it."""
    if same(expected, output, judge.tolerance if judge.kind == "number" else 0.0):
        return 1.0
    return _PARTIAL * likeness(expected, output)


def same(expected: Any, output: Any, tolerance: float) -> bool:
    """Equal as JSON values; numbers may differ by the tolerance."""
    if isinstance(expected, bool) or isinstance(output, bool):
        return expected is output
    if isinstance(expected, int | float) and isinstance(output, int | float):
        return bool(abs(expected - output) <= tolerance)
    if isinstance(expected, list) and isinstance(output, list):
        pairs = zip(expected, output, strict=False)
        return len(expected) == len(output) and all(same(*pair, tolerance) for pair in pairs)
    if isinstance(expected, Mapping) and isinstance(output, Mapping):
        return expected.keys() == output.keys() and all(same(expected[k], output[k], tolerance) for k in expected)
    return bool(type(expected) is type(output) and expected == output)


def likeness(expected: Any, output: Any) -> float:
    """The resemblance of two JSON values, 0 to 1: a slope for the search to climb, no measure of quality."""
    if isinstance(expected, bool) or isinstance(output, bool) or expected is None or output is None:
        return float(expected is output)
    if isinstance(expected, int | float) and isinstance(output, int | float):
        return 0.2 + 0.8 / (1 + abs(expected - output))
    if isinstance(expected, str) and isinstance(output, str):
        return 0.2 + 0.8 * SequenceMatcher(None, expected[:_LONGEST], output[:_LONGEST], autojunk=False).ratio()
    if isinstance(expected, list) and isinstance(output, list):
        pairs = list(zip(expected, output, strict=False))[:_LONGEST]
        longest = max(len(expected), len(output))
        return 0.2 + 0.8 * (sum(likeness(*pair) for pair in pairs) / longest if longest else 1.0)
    if isinstance(expected, Mapping) and isinstance(output, Mapping):
        names = sorted({*expected, *output})[:_LONGEST]
        found = sum(likeness(expected[name], output[name]) for name in names if name in expected and name in output)
        return 0.2 + 0.8 * (found / len(names) if names else 1.0)
    return 0.0


def lower_bound(gains: Sequence[float], seed: int) -> float:
    """The 2.5th percentile of the mean gain over paired bootstrap samples; the mean itself for one case.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
    """
    chance, count = Random(seed), len(gains)  # noqa: S311  # statistics, and the same for the same seed
    means = sorted(sum(chance.choices(gains, k=count)) / count for _ in range(_RESAMPLES))
    return means[int(_RESAMPLES * 0.025)]
