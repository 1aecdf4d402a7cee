"""Native plugins in a host: found at its start, and run by a kernel of their own where no application does that."""

from __future__ import annotations

from typing import Any

from omnicore.config.settings import Settings
from omnicore.core.extensions import Extensions
from omnicore.core.kernel import Kernel

__all__ = ["native_kernel", "native_plugins"]


def native_plugins(settings: Settings) -> Extensions:
    """The plugins of installed packages, unless the settings say that there are to be none."""
    runtime = settings.runtime
    return Extensions.discover(deadline_s=runtime.native_plugin_s) if runtime.native_plugins else Extensions()


def native_kernel(host: Any, extensions: Extensions, *, alone: bool) -> tuple[Kernel, ...]:
    """What starts and stops them with a host.

    Args:
        alone: no application does that, and the host works on its own.
    """
    if not alone or not extensions.all():
        return ()
    kernel = Kernel("omnicore", stop_s=host.settings.drain_s, extensions=extensions, bus=host.bus)
    kernel.host = host
    return (kernel,)
