"""OmniCore: a host for WebAssembly plugins.

`Host` is the whole product as one object; the error classes are in `omnicore.errors`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from omnicore.version import __version__

if TYPE_CHECKING:
    from omnicore.assembly import Host
    from omnicore.capabilities.application import PluginCaller, door
    from omnicore.portal import BlockingHost
    from omnicore.sandbox.abi import HostFunction, Limits

__all__ = ["BlockingHost", "Host", "HostFunction", "Limits", "PluginCaller", "__version__", "door"]

_HOMES = {
    "Host": "omnicore.assembly",
    "BlockingHost": "omnicore.portal",
    "HostFunction": "omnicore.sandbox.abi",
    "Limits": "omnicore.sandbox.abi",
    "PluginCaller": "omnicore.capabilities.application",
    "door": "omnicore.capabilities.application",
}


def __getattr__(name: str) -> Any:
    # Names load when first used, so that `omnicore --help` does not wait for engines and servers.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
