"""Text modules become binary ones before anything else looks at them."""

from __future__ import annotations

from omnicore.errors import ModuleRejected
from omnicore.sandbox.capi.modules import text_to_binary

__all__ = ["wat_to_wasm"]

_MOST_BYTES = 1024 * 1024  # the parser is fast, but text names nothing a plugin needs a megabyte of


def wat_to_wasm(text: bytes) -> bytes:
    """A `.wat` file as a binary module.

    Raises: ModuleRejected: it is too long, not UTF-8, or does not parse (with line and column).
    """
    if len(text) > _MOST_BYTES:
        raise ModuleRejected(f"the text has {len(text)} bytes, {_MOST_BYTES} are allowed", remedy="drop a .wasm file")
    try:
        text.decode()
    except UnicodeDecodeError as error:
        raise ModuleRejected(f"the text is not UTF-8 at byte {error.start}", remedy="save it as UTF-8") from error
    return text_to_binary(text)
