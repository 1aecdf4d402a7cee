"""How much a text matters when nobody said so, and how that fades. No model is asked."""

from __future__ import annotations

import math
import re

from omnicore.memory.tiers import TierPolicy

__all__ = ["judged_importance", "standing"]

_ASKED_TO_KEEP = re.compile(
    r"\b(remember|don'?t forget|never forget|keep in mind|important|note that|from now on|always|never)\b",
    re.IGNORECASE,
)
_ABOUT_SOMEONE = re.compile(
    r"\b(my name is|i am called|i (?:really )?(?:like|love|hate|prefer|need|want|live|work)|my favou?rite|allergic)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d")
_NAME = re.compile(r"(?<=[a-z,;] )[A-Z][a-z]+")
_WORD = re.compile(r"\w+")
_SHORT, _LONG = 3, 8
_READ = 4096  # characters; what matters about a text shows early


def judged_importance(text: str) -> float:
    """From 0 to 1, by what the text itself shows: a wish to keep it, a preference, numbers, names, its length.

    >>> judged_importance("ok") < judged_importance("The meeting is at 10") < judged_importance("Remember: I hate figs")
    True
    """
    text = text[:_READ]
    words = len(_WORD.findall(text))
    value = 0.3
    value += 0.3 * bool(_ASKED_TO_KEEP.search(text))
    value += 0.2 * bool(_ABOUT_SOMEONE.search(text))
    value += 0.1 * bool(_NUMBER.search(text))
    value += 0.1 * bool(_NAME.search(text))
    value += 0.1 * (words >= _LONG)
    value -= 0.2 * (words < _SHORT)
    return round(min(max(value, 0.0), 1.0), 3)


def standing(importance: float, age_s: float, hits: int, policy: TierPolicy) -> float:
    """What decides who goes first when a tier is full; never what is recalled.

    Source: the forgetting curve of MemoryBank (2023) over importance, and the logarithm of use of ACT-R.
    """
    fades = 1.0 if policy.half_life_s is None else 0.5 ** (max(age_s, 0.0) / policy.half_life_s)
    return importance * fades + 0.1 * math.log1p(hits)
