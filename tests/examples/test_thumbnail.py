"""The thumbnail plugin makes pictures small, and is not hurt by pictures that lie."""

from __future__ import annotations

import json
import shutil
import struct
import zlib
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import pytest

from omnicore import BlockingHost, Host
from omnicore.errors import GuestFailed

PLUGIN = Path(__file__).parents[2] / "plugins" / "thumbnail"
JPEG = b64decode(json.loads((PLUGIN / "expected.json").read_text())[2]["input"]["base64"])
RED, BLUE = b"\xff\0\0", b"\0\0\xff"


@pytest.fixture(scope="module")
def host(tmp_path_factory) -> Iterator[BlockingHost]:
    plugins = tmp_path_factory.mktemp("plugins")
    shutil.copy(PLUGIN / "dist" / "thumbnail.wasm", plugins)
    with Host(plugins=plugins, data=tmp_path_factory.mktemp("data"), watch=False) as opened:
        opened.plugins.grant("thumbnail", who="test")
        yield opened


def png(width: int, height: int, pixels: bytes, *extra: bytes) -> bytes:
    """A PNG of 8-bit RGB that claims a size, with these bytes for its rows."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    parts = [head, *extra, chunk(b"IDAT", zlib.compress(pixels)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def size(data: bytes) -> tuple[int, int]:
    assert data.startswith(b"\x89PNG")
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def halves(width: int, height: int) -> bytes:
    """A picture that is red on the left and blue on the right."""
    return png(width, height, (b"\0" + RED * (width // 2) + BLUE * (width // 2)) * height)


def test_the_longer_side_is_as_the_setting_says(host):
    assert size(host.call("thumbnail.thumbnail", halves(400, 200))) == (128, 64)
    assert size(host.call("thumbnail.thumbnail", halves(200, 400))) == (64, 128)


def test_a_small_picture_stays_as_it_is(host):
    assert size(host.call("thumbnail.thumbnail", JPEG)) == (24, 16)


def test_facts_come_from_the_head(host):
    assert host.call("thumbnail.facts", JPEG) == {"format": "jpeg", "width": 24, "height": 16}
    assert host.call("thumbnail.facts", halves(400, 200)) == {"format": "png", "width": 400, "height": 200}


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "no PNG and no JPEG"),
        (b"GIF89a" + bytes(100), "no PNG and no JPEG"),
        (JPEG[:200], "damaged"),
        (JPEG[:20] + b"\xff" * 400, "damaged"),
        (png(0, 10, b""), "damaged"),
        (png(10, 10, b"\0" * 20), "damaged"),
        (png(60_000, 60_000, b"\0" * 100), "too big"),
        (png(13_000, 10, b"\0" * 100), "too big"),
        (png(5_000, 4_000, b"\0" * 100), "too big"),
    ],
)
def test_a_picture_that_lies_is_refused_with_the_reason(host, data, told):
    with pytest.raises(GuestFailed, match=told):
        host.call("thumbnail.thumbnail", data)


def test_a_profile_that_unpacks_to_much_more_than_the_picture_is_left_out(host):
    bomb = chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(200 << 20), 9))
    picture = png(10, 10, (b"\0" + RED * 10) * 10, bomb)
    assert len(picture) < 1 << 20
    assert size(host.call("thumbnail.thumbnail", picture)) == (10, 10)


def test_what_comes_after_a_hostile_picture_is_served(host):
    with pytest.raises(GuestFailed):
        host.call("thumbnail.thumbnail", png(60_000, 60_000, b""))
    assert size(host.call("thumbnail.thumbnail", halves(256, 256))) == (128, 128)
