"""Functions as tools of the Model Context Protocol: settings."""

from __future__ import annotations

from dataclasses import dataclass

from omnicore.config.setting import setting

__all__ = ["McpSettings"]


@dataclass(frozen=True, slots=True)
class McpSettings:
    """Functions as tools of the Model Context Protocol."""

    sessions: int = setting(100, "Sessions of MCP clients at the same time", minimum=1)
    idle_s: float = setting(900.0, "Seconds after which a session that nobody uses ends", minimum=1)
