"""Where traces and metrics are sent: settings."""

from __future__ import annotations

from dataclasses import dataclass

from omnicore.config.setting import setting

__all__ = ["TelemetrySettings"]


@dataclass(frozen=True, slots=True)
class TelemetrySettings:
    """Where traces and metrics are sent, beside `/metrics`."""

    otlp: str | None = setting(None, "OpenTelemetry collector to send to, such as http://127.0.0.1:4318")
    otlp_interval_s: float = setting(15.0, "How often it is sent to", minimum=0.1)
    traces: bool = setting(True, "Send a trace of each call as well, not only metrics")
