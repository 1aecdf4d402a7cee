"""The engines, one for each kind of module."""

from __future__ import annotations

from pathlib import Path

from omnicore.config.settings import Settings
from omnicore.sandbox.by_kind import EngineByKind
from omnicore.sandbox.component.engine import ComponentEngine
from omnicore.sandbox.engine import Engine
from omnicore.sandbox.extism.engine import ExtismEngine
from omnicore.sandbox.reference.engine import ReferenceEngine

__all__ = ["engine_for"]


def engine_for(settings: Settings, code: Path) -> Engine:
    """What runs the modules, each by its kind; compiled code is kept in the folder `code`."""
    most = settings.max_instances
    core = ReferenceEngine() if settings.engine == "extism" else ExtismEngine(code, instances=most)
    return EngineByKind(core, ComponentEngine(code, instances=most))
