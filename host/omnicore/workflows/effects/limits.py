"""What one effect of a workflow may take."""

from __future__ import annotations

from dataclasses import dataclass

from omnicore.sandbox.abi import MIB, Limits

__all__ = ["SCRIPT_LIMITS", "EffectLimits"]

SCRIPT_LIMITS = Limits(
    timeout_s=10.0,
    memory_bytes=64 * MIB,
    input_bytes=4 * MIB,
    output_bytes=4 * MIB,
    module_bytes=32 * MIB,
    component_bytes=64 * MIB,
    compile_s=120.0,
    compile_bytes=2048 * MIB,
)
"""Of a script. Its doors are closed, so it needs no others."""


@dataclass(frozen=True, slots=True)
class EffectLimits:
    """Settings of the effects, as the section `workflows` has them.

    Args:
        http_hosts: globs over the hosts that `call: http` and `call: openapi` may reach.
        http_private: hosts by their exact names or addresses that may be on a private network.
        costs: whether plugin calls tell their fuel and memory; it costs a look-up per call.

    Units: `http_bytes` of an answer, `output_bytes` of any output as JSON, `longest_s` of a call without a timeout.
    """

    http_hosts: tuple[str, ...] = ("*",)
    http_private: tuple[str, ...] = ()
    http_bytes: int = 4 * MIB
    output_bytes: int = 16 * MIB
    longest_s: float = 300.0
    costs: bool = False
    script: Limits = SCRIPT_LIMITS
