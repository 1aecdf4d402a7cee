"""How functions of plugins do: what the metrics counted since the last look, kept for choosing among alternates."""

from __future__ import annotations

from collections.abc import Sequence

from omnicore.clock import Clock
from omnicore.errors import GuestError, OmniError
from omnicore.storage.tables.intelligences import IntelligencesTable, SkillRow
from omnicore.telemetry.metrics import BUCKETS_S, CallRecorder, Metrics

__all__ = ["Skills"]


class Skills:
    """Takes in what this process counted. `learn` belongs to one caller at a time."""

    def __init__(self, metrics: Metrics, table: IntelligencesTable, clock: Clock) -> None:
        self._metrics, self._table, self._clock = metrics, table, clock
        self._seen: dict[str, tuple[dict[str, int], list[int]]] = {}

    def learn(self) -> Sequence[SkillRow]:
        """Adds what was counted since the last time to the skills, and returns it."""
        now = self._clock.now()
        news, seen = [], {}
        for recorder in self._metrics.recorders():
            ref = f"{recorder.plugin}.{recorder.function}"
            counts, cumulative, _ = recorder.totals()
            seen[ref] = (counts, cumulative)
            note = self._since(ref, recorder, counts, cumulative, now)
            if note is not None:
                news.append(note)
        self._table.learn(news)
        self._seen = seen
        return news

    def _since(
        self, ref: str, recorder: CallRecorder, counts: dict[str, int], cumulative: list[int], now: float
    ) -> SkillRow | None:
        old_counts, old_cumulative = self._seen.get(ref, ({}, [0] * len(cumulative)))
        if cumulative[-1] < old_cumulative[-1]:  # removed and installed again: it began anew
            old_counts, old_cumulative = {}, [0] * len(cumulative)
        news = {outcome: count - old_counts.get(outcome, 0) for outcome, count in counts.items()}
        failures = sum(count for outcome, count in news.items() if outcome in _GUEST_CODES)
        calls = news.get("ok", 0) + failures  # what callers did wrong says nothing of a function
        if calls <= 0:
            return None
        taken = [new - old for new, old in zip(cumulative, old_cumulative, strict=True)]
        return SkillRow(ref, recorder.plugin, calls, failures, _percentile(taken, 0.95), now)


def _percentile(cumulative: Sequence[int], share: float) -> float:
    """The bound below which this share of the calls took. Units: seconds."""
    wanted = cumulative[-1] * share
    place = next((place for place, count in enumerate(cumulative) if count >= wanted), len(cumulative) - 1)
    return BUCKETS_S[min(place, len(BUCKETS_S) - 1)]


def _codes(kind: type[OmniError]) -> frozenset[str]:
    return frozenset({kind.code}).union(*(_codes(one) for one in kind.__subclasses__()))


_GUEST_CODES = _codes(GuestError)
