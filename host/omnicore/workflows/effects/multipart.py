"""Bodies of `multipart/form-data`: fields and files of an object. Pure.

A member that is a text, a number or a truth value is a field, a list repeats it, and null is left out. An object with
`base64` or `text`, and with `filename` and `type` if they matter, is a file; any other object is a field of JSON.

Source: RFC 7578; HTML, multipart/form-data encoding algorithm.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from omnicore.errors import InvalidInput

__all__ = ["MULTIPART", "is_file", "multipart"]

MULTIPART = "multipart/form-data"
_MEMBERS = frozenset({"base64", "text", "filename", "type"})
_MEDIA = re.compile(
    r"[A-Za-z0-9!#$&^_.+-]{1,100}/[A-Za-z0-9!#$&^_.+-]{1,100}(; ?[A-Za-z0-9-]{1,40}=[A-Za-z0-9_.-]{1,80})?"
)
_MOST = 1000


def is_file(value: Any) -> bool:
    """Whether a value is a file's: its contents, and what it is called."""
    return isinstance(value, Mapping) and value.keys() <= _MEMBERS and ("base64" in value) != ("text" in value)


def multipart(body: Mapping[str, Any]) -> tuple[bytes, str]:
    """The body, and its media type with the boundary, which is the same for the same contents. Raises: InvalidInput."""
    parts = list(_parts(body))
    if len(parts) > _MOST:
        raise InvalidInput(f"the body has over {_MOST} parts", remedy="send fewer fields and files", path="body")
    digest = hashlib.sha256(b"\0".join(part for pair in parts for part in pair)).hexdigest()[:48]
    mark = f"omnicore-{digest}".encode()
    while any(mark in content for _, content in parts):
        mark = b"x" + mark
    lines = (b"--" + mark + b"\r\n" + head + b"\r\n\r\n" + content + b"\r\n" for head, content in parts)
    return b"".join((*lines, b"--" + mark + b"--\r\n")), f"{MULTIPART}; boundary={mark.decode()}"


def _parts(body: Mapping[str, Any]) -> Iterator[tuple[bytes, bytes]]:
    """The headers and the content of each part."""
    for name, value in body.items():
        for one in value if isinstance(value, (list, tuple)) else [value]:
            if one is not None:
                yield _file(str(name), one) if is_file(one) else _field(str(name), one)


def _field(name: str, value: Any) -> tuple[bytes, bytes]:
    head = f'content-disposition: form-data; name="{_quoted(name)}"'
    if isinstance(value, str):
        return _bytes(head), _bytes(value)
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidInput(f"the field {name[:80]!a} is no JSON value", remedy="correct it", path="body") from error
    media = "\r\ncontent-type: application/json" if isinstance(value, (Mapping, list, tuple)) else ""
    return _bytes(head + media), _bytes(text)


def _file(name: str, value: Mapping[str, Any]) -> tuple[bytes, bytes]:
    filename = value.get("filename", name)
    media = value.get("type", "text/plain; charset=utf-8" if "text" in value else "application/octet-stream")
    if not isinstance(filename, str) or not isinstance(media, str) or not _MEDIA.fullmatch(media):
        raise InvalidInput(f"the file {name[:80]!a} has no sound filename or type", remedy="correct it", path="body")
    where = f'content-disposition: form-data; name="{_quoted(name)}"; filename="{_quoted(filename)}"'
    return _bytes(f"{where}\r\ncontent-type: {media}"), _content(name, value)


def _content(name: str, value: Mapping[str, Any]) -> bytes:
    given = value.get("text", value.get("base64"))
    try:
        if not isinstance(given, str):
            raise ValueError
        return _bytes(given) if "text" in value else base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError) as error:
        fact = f"the file {name[:80]!a} is neither a text nor base64"
        raise InvalidInput(fact, remedy="give text or base64", path="body") from error


def _bytes(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput("the body holds half of a character", remedy="give whole texts", path="body") from error


def _quoted(name: str) -> str:
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
