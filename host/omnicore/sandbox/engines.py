"""The engines, one for each kind of module."""

from __future__ import annotations

from pathlib import Path

from omnicore.config.settings import Settings
from omnicore.sandbox.budget import BUDGET, COOLING
from omnicore.sandbox.component.engine import ComponentEngine
from omnicore.sandbox.engine import EngineByKind, SandboxEngine
from omnicore.sandbox.extism.engine import ExtismEngine
from omnicore.sandbox.reference.engine import ReferenceEngine


def engine_for(settings: Settings, code: Path) -> SandboxEngine:
    """The engine that runs modules, each by its kind; compiled code is kept in the folder `code`.

    The budget of memory is the process's: the host that was made last sets it.
    """
    BUDGET.resize(settings.sandbox_memory_bytes, wait_s=settings.sandbox_wait_s)
    COOLING.kept_bytes = settings.warm_memory_bytes
    most = settings.max_instances
    core = ReferenceEngine() if settings.engine == "extism" else ExtismEngine(code, instances=most)
    return EngineByKind(core, ComponentEngine(code, instances=most))
