"""What a setting is: a dataclass field with its documentation and bounds."""

from __future__ import annotations

from dataclasses import field
from typing import Any

__all__ = ["is_secret", "setting"]

_SECRET_WORDS = ("token", "secret", "password", "passwd", "credential", "apikey", "api_key", "private_key")


def setting(
    default: Any,
    doc: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    secret: bool = False,
) -> Any:
    """A field with what the loader checks and what `config show --doc` prints; secrets stay out of `repr`."""
    about = {"doc": doc, "minimum": minimum, "maximum": maximum, "secret": secret}
    if isinstance(default, dict):
        return field(default_factory=default.copy, metadata=about, repr=not secret)
    return field(default=default, metadata=about, repr=not secret)


def is_secret(name: str) -> bool:
    """Whether a free-form key, such as `api_key`, names something that is never shown."""
    return any(word in name.lower().replace("-", "_") for word in _SECRET_WORDS)
