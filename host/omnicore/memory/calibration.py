"""The probability that a memory answers a question, from signals before they are stretched.

Ranking stretches each signal by its range among the candidates of one question: it finds the best, and says nothing of
whether the best is good. This does: cosines, and the share of the question's words that a memory holds, rare ones
counting more, go through a logistic model.

Source: fitted by `python -m tests.eval.calibrate` on generated lives in English and German (half of the topics) and on
dialogues, as many questions with an answer as without. On the other half of the topics the best score tells questions
with an answer from those without by an AUC of 0.99, by words alone too; on dialogues whose words differ, by 0.80. The
cosines are those of the table that ships; with another embedder a score is a good guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from omnicore.vectors.numeric import np

if TYPE_CHECKING:
    from omnicore.memory.columns import Floats

__all__ = ["BY_BOTH", "BY_MEANING", "BY_WORDS", "RawSignals", "probabilities"]

# Each: what is always there, and the weights of the highest cosine, of `covered` and of `around`.
BY_BOTH = (-5.85, 3.93, 6.77, 0.97)
BY_WORDS = (-3.63, 0.0, 8.35, -0.82)
BY_MEANING = (-5.89, 6.52, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class RawSignals:
    """Signals of memories before they are stretched; None where there is no such signal.

    Args:
        cosine: the highest of the cosines.
        covered, around: the share of the question's words, by rarity, that each holds, alone and with its neighbours.

    Shapes: `float32[memories]` each.
    """

    cosine: Floats | None = None
    covered: Floats | None = None
    around: Floats | None = None

    def named(self) -> dict[str, Floats]:
        """Those that are there, by name."""
        named = {"cosine": self.cosine, "covered": self.covered, "around": self.around}
        return {name: values for name, values in named.items() if values is not None}


def probabilities(raw: RawSignals, count: int) -> Floats:
    """The probability of each of so many memories that it answers, 0 to 1; without any signal, 0.

    >>> some = RawSignals(*(np.array(values, np.float32) for values in ([0.6, 0.1], [1, 0], [1, 0])))
    >>> (probabilities(some, 2) > 0.5).tolist()
    [True, False]
    """
    named = raw.named()
    if not named:
        return np.zeros(count, np.float32)
    by_words = BY_WORDS if raw.cosine is None else BY_BOTH
    first, *weights = by_words if raw.covered is not None else BY_MEANING
    total = np.full(count, first, np.float32)
    for name, weight in zip(("cosine", "covered", "around"), weights, strict=True):
        if name in named:
            total += np.float32(weight) * np.maximum(named[name], np.float32(0))
    return np.asarray(1 / (1 + np.exp(-total)), np.float32)
