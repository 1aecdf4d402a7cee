"""The data around a task: what is let in, and what is handed on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnicore.workflows.flow.frames import Frame
from omnicore.workflows.flow.schemas import conform
from omnicore.workflows.graph import PLAIN, Data

__all__ = ["admitted", "handed_on"]


def admitted(data: Data, raw: Any, scope: Mapping[str, Any]) -> Any:
    """A raw input, checked and made into the task's input. Raises: Fault."""
    if data is PLAIN:
        return raw
    if data.input_schema is not None:
        conform(raw, data.input_schema, "input")
    return raw if data.input_from is None else data.input_from(raw, scope)


def handed_on(frame: Frame, data: Data, value: Any, scope: Mapping[str, Any]) -> Any:
    """A raw output, made into what the next task gets, checked; and the context that is exported. Raises: Fault."""
    frame.raw_output = frame.output = value
    if data is PLAIN:
        return value
    frame.output = None
    output = value if data.output_as is None else data.output_as(value, scope)
    frame.output = output
    if data.output_schema is not None:
        conform(output, data.output_schema, "output")
    if data.export_as is not None:
        context = data.export_as(output, scope)
        if data.export_schema is not None:
            conform(context, data.export_schema, "export")
        frame.machine.context = context
    elif data.export_schema is not None:
        conform(frame.machine.context, data.export_schema, "export")
    return output
