"""Puts a plugin's manifest into its module: `embed.py plugin.toml plugin.wasm`.

The manifest goes in as JSON, in the custom section `omnicore:manifest`; one that is there already is replaced.
Needs nothing but Python 3.11.
"""

import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

SECTION = b"omnicore:manifest"


def with_manifest(wasm: bytes, manifest: bytes) -> bytes:
    """The module with this manifest and no other. Raises: ValueError for what is no module."""
    if wasm[:8] != b"\0asm\1\0\0\0":
        raise ValueError("this is no WebAssembly module")
    kept = [raw for kind, name, raw in sections(wasm) if (kind, name) != (0, SECTION)]
    body = uleb(len(SECTION)) + SECTION + manifest
    return b"".join([wasm[:8], *kept, b"\0", uleb(len(body)), body])


def sections(wasm: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Kind, name (of a custom section) and all bytes of each section."""
    at = 8
    while at < len(wasm):
        size, body = read_uleb(wasm, at + 1)
        name = b""
        if wasm[at] == 0:
            length, start = read_uleb(wasm, body)
            name = wasm[start : start + length]
        yield wasm[at], name, wasm[at : body + size]
        at = body + size


def uleb(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def read_uleb(data: bytes, at: int) -> tuple[int, int]:
    """The number at `at`, and where the next byte is."""
    number = shift = 0
    while True:
        byte = data[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at


def main(manifest: str, module: str) -> None:
    """Embeds the manifest of the first file in the second."""
    values = tomllib.loads(Path(manifest).read_text(encoding="utf-8"))
    text = json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    path = Path(module)
    path.write_bytes(with_manifest(path.read_bytes(), text.encode()))


if __name__ == "__main__":
    main(*sys.argv[1:])
