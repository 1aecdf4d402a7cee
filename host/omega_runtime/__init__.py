"""The names of omega-runtime, over the same host as `omnicore`.

```python
runtime = await OmegaRuntime.new(OmegaConfig.default())
await runtime.start()
api = OmegaAPI.new(runtime)
await api.store_memory(MemoryTier.Semantic, "Rust is a systems programming language", [0.1] * 768, 0.9)
```
"""

from omnicore.core.lifecycle import RuntimeState
from omnicore.events.typed import OmegaEvent
from omnicore.intelligences.intelligence import Budget, Intelligence, IntelligenceSpec, IntelligenceStatus
from omnicore.loops.lane import (
    CycleInput,
    CycleOutput,
    Improvement,
    LoopStatus,
    LoopType,
    extract_improvements,
)
from omnicore.memory.tiers import MemoryTier
from omnicore.omega.runtime import (
    AgentDBConfig,
    HealthReport,
    LoopsConfig,
    Memory,
    MemoryConfig,
    MetaSONAConfig,
    OmegaAPI,
    OmegaConfig,
    OmegaRuntime,
    RuntimeMetrics,
)
from omnicore.resilience.status import CircuitState, HealthStatus

__all__ = [
    "AgentDBConfig",
    "Budget",
    "CircuitState",
    "CycleInput",
    "CycleOutput",
    "HealthReport",
    "HealthStatus",
    "Improvement",
    "Intelligence",
    "IntelligenceSpec",
    "IntelligenceStatus",
    "LoopStatus",
    "LoopType",
    "LoopsConfig",
    "Memory",
    "MemoryConfig",
    "MemoryTier",
    "MetaSONAConfig",
    "OmegaAPI",
    "OmegaConfig",
    "OmegaEvent",
    "OmegaRuntime",
    "RuntimeMetrics",
    "RuntimeState",
    "extract_improvements",
]
