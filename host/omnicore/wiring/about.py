"""What a host says of itself and the place it runs at."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from omnicore.adapters.environment import surroundings_of
from omnicore.adapters.machine import look
from omnicore.clock import Clock
from omnicore.config.settings import Settings
from omnicore.plugins.host import PluginHost
from omnicore.storage.store import Store
from omnicore.version import __version__
from omnicore.wiring.advisories import EngineAbout, engines, known

__all__ = ["about_host", "about_versions", "without_password"]

_PASSWORD = re.compile(r"(?<=://)[^/\s]*@")
_IN_QUERY = re.compile(r"(?i)\b(password|passwd|token|secret|sslpassword|key)=[^&\s]*")


def about_host(settings: Settings, plugins: PluginHost, store: Store, clock: Clock) -> Callable[[], Mapping[str, Any]]:
    """What tells it, from the start of the host on."""
    started_at, begun = clock.now(), clock.monotonic()
    versions = about_versions(settings)

    def tell() -> Mapping[str, Any]:
        return {
            **versions,
            "started_at": started_at,
            "uptime_s": round(clock.monotonic() - begun, 3),
            "data": str(settings.data.absolute()),
            "storage": without_password(store.place),
            "counts": dict(plugins.states()),
        }

    return tell


def about_versions(settings: Settings) -> dict[str, Any]:
    """What does not change while a host runs: versions, the platform, and what is known against the engines."""
    place = surroundings_of(settings.runtime.environment, look(os.environ))
    return {
        "name": "OmniCore",
        "version": __version__,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": platform.platform(),
        "environment": place.name,
        "engines": [_engine(one) for one in engines()],
        "advisories_of": known().dated,
    }


def without_password(place: str) -> str:
    """A path or URL without what would let somebody in.

    >>> without_password("postgresql://me:hush@db/core?password=x")
    'postgresql://db/core?password=...'
    """
    return _IN_QUERY.sub(r"\1=...", _PASSWORD.sub("", place))


def _engine(one: EngineAbout) -> dict[str, Any]:
    told = [{**asdict(advisory), "affected": ", ".join(advisory.affected)} for advisory in one.advisories]
    for advisory in told:
        del advisory["package"]
    return {"name": one.name, "version": one.version, "advisories": told}
