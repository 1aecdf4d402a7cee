"""Topics and patterns: dotted names such as `plugin.added`. In a pattern `*` stands for one segment, and `**` as the
last segment for all that follow.
"""

from __future__ import annotations

import re

from omnicore.errors import InvalidInput

__all__ = ["HOST_TOPICS", "check_pattern", "check_topic", "fits", "pattern_covers", "segments", "topic_matches"]

_TOPIC = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_PATTERN = re.compile(r"(?:\*\*|(?:[A-Za-z0-9_-]+|\*)(?:\.(?:[A-Za-z0-9_-]+|\*))*(?:\.\*\*)?)")
_TOPIC_CHARACTERS = 256

HOST_TOPICS = frozenset(
    {
        *("architecture", "config", "connector", "error", "event", "health", "host", "intelligence", "loop"),
        *("memory", "plugin", "system", "task", "vector", "webhook", "workflow"),
    }
)
"""First segments of what the host itself tells. To publish there takes a grant that names them, `**` is not enough."""


def check_topic(topic: str) -> str:
    """The topic itself. Raises: InvalidInput."""
    if len(topic) > _TOPIC_CHARACTERS or not _TOPIC.fullmatch(topic):
        raise InvalidInput(f"{topic[:80]!r} is no topic", remedy="write names of a-z 0-9 _ - between dots")
    return topic


def check_pattern(pattern: str) -> str:
    """The pattern itself. Raises: InvalidInput when it cannot match any topic."""
    if len(pattern) > _TOPIC_CHARACTERS or not _PATTERN.fullmatch(pattern):
        raise InvalidInput(
            f"{pattern[:80]!r} is no topic pattern", remedy="write names, `*` or a last `**` between dots"
        )
    return pattern


def segments(pattern: str) -> tuple[tuple[str, ...], bool]:
    """A pattern's segments without a last `**`, and whether it had one: what `fits` wants."""
    wanted = pattern.split(".")
    if wanted[-1] == "**":
        return tuple(wanted[:-1]), True
    return tuple(wanted), False


def fits(wanted: tuple[str, ...], rest: bool, parts: list[str]) -> bool:
    """True when a pattern that was cut by `segments` covers a topic that was cut at its dots."""
    if rest:
        if len(parts) <= len(wanted):
            return False
    elif len(parts) != len(wanted):
        return False
    return all(want in ("*", part) for want, part in zip(wanted, parts, strict=False))


def topic_matches(pattern: str, topic: str) -> bool:
    """True when the pattern covers the topic.

    >>> topic_matches("plugin.*", "plugin.added"), topic_matches("plugin.*", "plugin.call.failed")
    (True, False)
    """
    return fits(*segments(pattern), topic.split("."))


def pattern_covers(wide: str, narrow: str) -> bool:
    """True when every topic that `narrow` matches is matched by `wide` too."""
    wanted, wide_rest = segments(wide)
    parts, narrow_rest = segments(narrow)
    if wide_rest:
        # `a.**` asks for at least one segment more than `a`; so does a narrow `**` of its own.
        if len(parts) + narrow_rest <= len(wanted):
            return False
    elif narrow_rest or len(parts) != len(wanted):
        return False
    return all(want in ("*", part) for want, part in zip(wanted, parts, strict=False))
