"""Settings that cannot be used, told all at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from omnicore.errors import InvalidSetting


@dataclass(frozen=True, slots=True)
class Problem:
    """One setting that cannot be used: where it was set, what is wrong and what would do."""

    setting: str
    origin: str
    fact: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.origin}: {self.setting} {self.fact}"


def invalid(problems: Sequence[Problem]) -> InvalidSetting:
    """The error that tells every problem; details: `problems`, one object for each."""
    details = [asdict(problem) for problem in problems]
    if len(problems) == 1:
        return InvalidSetting(str(problems[0]), remedy=problems[0].remedy, problems=details)
    listed = "".join(f"\n  {problem}; {problem.remedy}" for problem in problems)
    return InvalidSetting(f"{len(problems)} settings cannot be used:{listed}", problems=details)
