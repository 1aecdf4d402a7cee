"""The gallery over signed indexes in folders: what it tells, what it keeps in mind, and which icons it shows."""

from __future__ import annotations

import shutil
import struct
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from host_build.release_index import release
from tests.api.hosting import Served
from tests.packages.packs import ICON, MODULE, package, sidecar

from omnicore.assembly import Host
from omnicore.clock import ManualClock, SystemClock
from omnicore.config.settings import Settings, TrustSettings
from omnicore.errors import InvalidInput, NotFound, PackageRejected
from omnicore.packages.gallery import Gallery, icon_media
from omnicore.packages.index import IndexAdvisory, IndexFolder, IndexKeys
from omnicore.packages.keys import SecretKey
from omnicore.packages.package import pack
from omnicore.packages.reference import parse_reference
from omnicore.packages.service import InstallOrder
from omnicore.packages.source import PackageSources
from omnicore.packages.trust import Publishers
from omnicore.portal import BlockingHost
from omnicore.records import replace as changed

KV = '[[capabilities]]\nname = "kv"\nreason = "counts"\n'
ACTIVE = b'<svg xmlns="http://www.w3.org/2000/svg"><script>parent.hacked=1</script></svg>'
KEY = SecretKey.new()


@pytest.fixture
def address(tmp_path: Path) -> str:
    """An index of three plugins, one with a capability, one with an icon that would run."""
    files = {"plugin.toml": sidecar(name="loud"), "README.md": b"# loud\n<script>hacked=1</script>", "icon.svg": ACTIVE}
    found = [package("1.2.0", more=KV), package("2.0.0", name="again"), pack(MODULE, files, stem="loud")]
    return f"own={tmp_path}/site#sha256={release(tmp_path / 'site', KEY, found)}"


@pytest.fixture
def host(tmp_path: Path, address: str) -> Iterator[BlockingHost]:
    """A host with this index, and behind it one that cannot be read."""
    indexes = (address, f"away={tmp_path}/nowhere#sha256={'0' * 64}")
    settings = Settings(plugins=tmp_path / "plugins", data=tmp_path / "data", watch=False)
    with Host(settings=replace(settings, trust=TrustSettings(indexes=indexes))) as opened:
        yield opened


def test_the_gallery_tells_the_facts_whom_the_owner_trusts_and_what_is_here(host: BlockingHost) -> None:
    gallery = host.packages.gallery
    page = gallery.search("ECHO kv", limit=1)
    assert [one.name for one in page.items] == ["echo"]
    assert page.next is None
    [first, second], [third] = gallery.search(limit=2).items, gallery.search(limit=2, after="echo").items
    assert (first.name, second.name, third.name) == ("again", "echo", "loud")
    assert [(one.name, one.plugins, bool(one.problem)) for one in page.indexes] == [
        ("own", 3, False),
        ("away", 0, True),
    ]
    newest = second.newest
    assert [(one.name, one.reason) for one in newest.capabilities] == [("kv", "counts")]
    assert (newest.licence, newest.publisher, newest.verified) == ("MIT", "omnicore", False)
    assert "nobody trusts" in newest.trust
    assert (second.installed, second.newer) == (None, False)

    order = InstallOrder("again", host.packages.look("again", named=True).package.digest, accept_publisher=True)
    host.packages.install(order, who="test", named=True)
    pinned = gallery.show("again").entry.newest  # and not by the name that the index gives the key
    assert (pinned.publisher, pinned.verified) == (f"key {KEY.public.fingerprint[:16]}", True)

    host.plugins.install("echo.wasm", MODULE, manifest=sidecar("1.0.0"))
    Publishers(host.store, SystemClock()).trust(KEY.public, "acme", who="test")
    shown = gallery.show("echo")
    assert (shown.entry.installed, shown.entry.newer) == ("1.0.0", True)
    assert (shown.entry.newest.publisher, shown.entry.newest.verified) == ("acme", True)
    assert shown.readme.startswith("# echo")
    assert [one.version for one in shown.versions] == ["1.2.0"]
    assert gallery.icon("echo").data == ICON
    with pytest.raises(NotFound, match="no icon that can be shown"):
        gallery.icon("loud")
    with pytest.raises(NotFound, match="no index has"):
        gallery.show("nobody")
    with pytest.raises(InvalidInput, match="17 words"):
        gallery.search("a " * 17)


async def test_an_index_is_read_once_a_minute_and_a_revoked_version_is_not_offered(
    tmp_path: Path, address: str
) -> None:
    site, clock = tmp_path / "site", ManualClock(time.time())
    settings = Settings(plugins=tmp_path / "plugins", data=tmp_path / "data", watch=False)
    sources = PackageSources(settings.packages, {}, indexes=(address,), state=tmp_path / "state", clock=clock)
    async with Host(settings=settings) as host:
        gallery = Gallery(host.plugins, Publishers(host.store, clock), clock, sources=sources, settings=settings)
        shutil.move(site, tmp_path / "away")
        assert (await gallery.search()).indexes[0].problem
        shutil.move(tmp_path / "away", site)
        clock.advance(11.0)
        assert len((await gallery.search()).items) == 3
        folder = IndexFolder(site, IndexKeys(KEY, KEY), clock=clock)
        entries = folder.entries()
        leaks = IndexAdvisory("A-1", "echo", (">=1.0.0",), "high", "leaks", revoked=True)
        folder.write({**entries, "echo": changed(entries["echo"], advisories=(leaks,))}, {})
        [found] = (await gallery.search("echo kv")).items
        assert (found.newest.revoked, found.newest.advisories) == (False, ())
        clock.advance(61.0)
        [found] = (await gallery.search("echo kv")).items
        assert (found.newest.revoked, [one.id for one in found.newest.advisories]) == (True, ["A-1"])
        with pytest.raises(PackageRejected, match=r"echo 1\.2\.0 was revoked \(A-1: leaks\)"):
            await sources.fetch(parse_reference("echo@1.2.0"))


def test_over_rest_an_icon_can_run_nothing_and_a_reader_is_told_no_addresses(tmp_path: Path, address: str) -> None:
    indexes = (address, f"away={tmp_path}/nowhere#sha256={'0' * 64}")
    with Served(tmp_path / "served", {}, trust=TrustSettings(indexes=indexes)) as served:
        icon = served.client.get("/api/v1/gallery/echo/icon")
        assert (icon.content, icon.headers["content-type"]) == (ICON, "image/svg+xml; charset=utf-8")
        assert icon.headers["content-security-policy"].startswith("default-src 'none'")
        assert "sandbox" in icon.headers["content-security-policy"]
        assert icon.headers["x-content-type-options"] == "nosniff"
        assert served.client.get("/api/v1/gallery/loud/icon").status_code == 404
        told = served.client.get("/api/v1/gallery", params={"limit": 2}).json()
        assert "nowhere" in told["indexes"][1]["problem"]
        rest = served.client.get("/api/v1/gallery", params={"limit": 2, "cursor": told["next"]}).json()
        assert [one["name"] for one in told["items"] + rest["items"]] == ["again", "echo", "loud"]
        made = served.client.post("/api/v1/tokens", json={"name": "reader", "role": "viewer"}).json()
        reader = httpx.Client(base_url=served.url, headers={"authorization": f"Bearer {made['secret']}"}, timeout=60)
        with reader:
            assert reader.get("/api/v1/gallery").json()["indexes"][1]["problem"] == "it cannot be read"
            assert "<script>" in reader.get("/api/v1/gallery/loud").json()["readme"]


def _svg(inside: str, head: str = "", before: str = "") -> bytes:
    return f'{before}<svg xmlns="http://www.w3.org/2000/svg"{head}>{inside}</svg>'.encode()


def _png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + b"\x08\x06\0\0\0"


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"GIF89a", b"<html><svg/></html>", b"<svg/>", ACTIVE, _png(1025, 1), _png(0, 1), b"\x89PNG\r\n\x1a\n"),
        *(
            _svg("", ' onload="x()"'),
            _svg("", ' ONLOAD="x()"'),
            _svg("<a/>"),
            _svg("<foreignObject/>"),
            _svg("<style/>"),
        ),
        *(
            _svg('<use href="#a"/>'),
            _svg('<image href="data:,"/>'),
            _svg("<animate/>"),
            _svg("<svg/>"),
            _svg("<pattern/>"),
        ),
        *(
            _svg('<rect fill="url(http://x/)"/>'),
            _svg('<rect style="fill:url(#a)"/>'),
            _svg('<rect fill="u\\72l(x)"/>'),
        ),
        _svg('<linearGradient xmlns:x="http://www.w3.org/1999/xlink" x:href="http://x/"/>'),
        _svg('<clipPath id="a"><rect clip-path="url(#b)"/></clipPath>'),
        _svg("", before='<?xml-stylesheet href="x.css"?>'),
        _svg("", before='<!DOCTYPE svg [<!ENTITY a "aaaa">]>'),
        _svg("<g>" * 40 + "</g>" * 40),
        _svg("").decode().encode("utf-16"),
    ],
)
def test_an_icon_that_does_more_than_draw_is_not_shown(data: bytes) -> None:
    assert icon_media(data) == ""


def test_an_icon_that_draws_is_shown() -> None:
    inside = '<defs><linearGradient id="a"><stop offset="0"/></linearGradient></defs><path fill="url(#a)" d="M0 0h9"/>'
    assert icon_media(_svg(inside, before='<?xml version="1.0" encoding="UTF-8"?>')) == "image/svg+xml"
    assert icon_media(_png(512, 512)) == "image/png"
