# Made from specs/doors by `python -m sdk.generate`; change it there.
"""Keep keys and values between calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from omnicore_sdk import _core

__all__ = ["Entry", "Page", "Swap", "cas", "delete", "get", "list", "put"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A value and its version."""

    value: bytes
    """What was put."""
    version: int
    """Changes with every write."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the keys."""

    keys: Sequence[str]
    """In the order of their bytes."""
    cursor: str | None
    """For the next page; None after the last."""


@dataclass(frozen=True, slots=True)
class Swap:
    """What a conditional write did."""

    swapped: bool
    """Whether the value was written."""
    version: int | None
    """The one that stands now; None when there is no value."""


def _read_entry(reply: _core.Wire) -> Entry:
    return Entry(value=_core.to_bytes(reply["value"]), version=reply["version"])


def _read_page(reply: _core.Wire) -> Page:
    return Page(keys=reply["keys"], cursor=reply["cursor"])


def _read_swap(reply: _core.Wire) -> Swap:
    return Swap(swapped=reply["swapped"], version=reply["version"])


def get(key: str) -> Entry | None:
    """The value of a key, or nothing.

    Args:
        key: 1 to 512 bytes of UTF-8.

    Raises: DoorError: the door refused or failed.
    """
    request: _core.Wire = {"key": key}
    reply = _core.call("kv_get_v1", request)
    if all(value is None for value in reply.values()):
        return None
    return _read_entry(reply)


def put(key: str, value: bytes | str, *, ttl_s: float | None = None) -> int:
    """Writes a value and returns its new version.

    Args:
        key: 1 to 512 bytes of UTF-8.
        value: at most 256 KiB.
        ttl_s: seconds after which the value is gone.

    Raises: DoorError: the door refused or failed.
    """
    request = _core.present(ttl_s=ttl_s)
    request |= {"key": key, "value": _core.to_wire(value)}
    reply = _core.call("kv_put_v1", request)
    version: int = reply["version"]
    return version


def delete(key: str) -> bool:
    """Deletes a key; returns whether there was something.

    Args:
        key: 1 to 512 bytes of UTF-8.

    Raises: DoorError: the door refused or failed.
    """
    request: _core.Wire = {"key": key}
    reply = _core.call("kv_delete_v1", request)
    deleted: bool = reply["deleted"]
    return deleted


def list(*, prefix: str | None = None, limit: int | None = None, cursor: str | None = None) -> Page:
    """A page of keys, in the order of their bytes.

    Args:
        prefix: how the keys begin.
        limit: 1 to 1000; 100 when left out.
        cursor: of the page before.

    Raises: DoorError: the door refused or failed.
    """
    request = _core.present(prefix=prefix, limit=limit, cursor=cursor)
    return _read_page(_core.call("kv_list_v1", request))


def cas(key: str, expected: int | None, value: bytes | str, *, ttl_s: float | None = None) -> Swap:
    """Writes only if the version is still the expected one, or with None only if the key does not exist.

    Args:
        key: 1 to 512 bytes of UTF-8.
        expected: the version that was read; None for a new key.
        value: at most 256 KiB.
        ttl_s: seconds after which the value is gone.

    Raises: DoorError: the door refused or failed.
    """
    request = _core.present(ttl_s=ttl_s)
    request |= {"key": key, "expected": expected, "value": _core.to_wire(value)}
    return _read_swap(_core.call("kv_cas_v1", request))
