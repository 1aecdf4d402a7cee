"""Functions of an application that embeds the host. `omnicore kit` writes typed modules that call them."""

from __future__ import annotations

from omnicore_sdk import _core

__all__ = ["call"]


def call(function: str, request: _core.Wire) -> _core.Wire:
    """Calls a function by the name under which plugins import it, such as `orders_get_order_v1`.

    Args:
        request: a field for each parameter.

    Returns: the reply, with the result as `value` where there is one.
    Raises: DoorError: the door refused or failed.
    """
    _core.OF_APPLICATIONS.add(function)
    return _core.call(function, request)
