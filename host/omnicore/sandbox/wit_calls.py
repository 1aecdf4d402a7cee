"""How the bytes of a call become the arguments of a typed function, and its result bytes again.

No parameter: no input. One string: the input is the text. One `list<u8>`: the input as it is. One of another type:
its JSON value. Several: a JSON object of them by name. Results likewise; of a `result` the ok side.
"""

from __future__ import annotations

from typing import Literal

from omnicore.sandbox.wit_types import Signature, WitType

__all__ = ["Way", "input_way", "output_way", "returned"]

Way = Literal["nothing", "text", "bytes", "json"]


def input_way(signature: Signature) -> Way:
    """How a function's input travels."""
    if len(signature.params) > 1:
        return "json"
    return _way(signature.params[0][1] if signature.params else None)


def output_way(signature: Signature) -> Way:
    """How a function's output travels."""
    return _way(returned(signature))


def returned(signature: Signature) -> WitType | None:
    """What a call of the function gives when it succeeds."""
    kind = signature.result
    return kind.items[0] if kind is not None and kind.kind == "result" else kind


def _way(kind: WitType | None) -> Way:
    if kind is None:
        return "nothing"
    if kind.kind == "string":
        return "text"
    if kind.kind == "list" and kind.items[0] is not None and kind.items[0].kind == "u8":
        return "bytes"
    return "json"
