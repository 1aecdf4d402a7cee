"""What comes of a call as the result of a tool: blocks of content, and a structured value."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

from omnicore.errors import GuestFailed, OmniError
from omnicore.mcp.tools import Tool, is_object
from omnicore.texts import is_whole

__all__ = ["answered", "failed"]

_JSON = "application/json"


def answered(tool: Tool, output: Any) -> dict[str, Any]:
    """The result of a call. Raises: GuestFailed: the output is no valid Unicode."""
    if isinstance(output, bytes):
        return {"content": [_of_bytes(tool, output)]}
    if not is_whole(output):
        raise GuestFailed(
            f"the output of {tool.reference} is no valid Unicode", remedy="correct the plugin, or answer with bytes"
        )
    text = output if isinstance(output, str) and tool.function.output_media != _JSON else _dumped(output)
    result: dict[str, Any] = {"content": [{"type": "text", "text": text}]}
    schema = tool.function.output
    if schema is not None:
        result["structuredContent"] = output if is_object(schema) else {"result": output}
    elif isinstance(output, dict):
        result["structuredContent"] = output
    return result


def failed(error: OmniError) -> dict[str, Any]:
    """The result of a call that failed: the fact and the remedy as text, the whole error beside it."""
    document = json.loads(json.dumps(error.to_json(), default=str))
    return {
        "content": [{"type": "text", "text": _harmless(str(error))}],
        "isError": True,
        "_meta": {"omnicore/error": document if is_whole(document) else {"code": error.code}},
    }


def _of_bytes(tool: Tool, output: bytes) -> dict[str, Any]:
    try:
        return {"type": "text", "text": output.decode()}
    except UnicodeDecodeError:
        place = f"omnicore:///{quote(tool.plugin)}/{quote(tool.function.name)}"
        blob = base64.b64encode(output).decode()
        media = tool.function.output_media
        return {"type": "resource", "resource": {"uri": place, "mimeType": media, "blob": blob}}


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _harmless(text: str) -> str:
    """The text without halves of characters, which no message can hold."""
    return text.encode("utf-8", "replace").decode()
