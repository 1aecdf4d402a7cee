"""Uploads as an attacker would send them: nothing leaves the folder, and nothing is written that was not inspected."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from tests.api.conftest import ASKS, ECHO, MANY, Site

PLUGINS = "/api/v1/plugins"
NAMES = [
    *("../evil.wat", "..\\evil.wat", "/etc/evil.wat", "a/../../evil.wat", "./a.wat", "a/dist/a.wat"),
    *("a.wat\0.png", "a\0.wat", "a.wat\n", "a\r\n.wat", "a.wat ", " a.wat", "a.wat/", "a b.wat"),
    *("a\u202etaw.wat", "\uff0e\uff0e\uff0fevil.wat", "\u0430.wat", "a\u200b.wat", "a.wat\u0000", "\ufeffa.wat"),
    *("CON.wat", "con.wasm", "aux.wat", "nul.tar.wat", "COM1.wat", "lpt9.wasm", "prn.wat"),
    *(
        ".wat",
        "..wat",
        ".a.wat",
        "-a.wat",
        "~a.wat",
        "a.cwasm",
        "a.toml",
        "a.wat.toml",
        "a.so",
        "a",
        "1.wat",
        "---.wat",
    ),
    *("%2e%2e%2fevil.wat", "x" * 130 + ".wat", "native:a.wat", "$(id).wat", "`id`.wat", "a;b.wat", "a'b.wat"),
]


def whole_tree(site: Site) -> set[str]:
    return {str(path) for path in site.settings.plugins.parent.rglob("*") if "data" not in path.parts}


@pytest.mark.parametrize("way", ["query", "form"])
def test_names_that_are_no_plain_names_are_refused(site: Site, way: str) -> None:
    before = whole_tree(site)
    for name in NAMES:
        if way == "query":
            refused = site.client.post(PLUGINS, params={"filename": name}, content=ECHO)
        else:
            refused = site.client.post(PLUGINS, files={"file": (name, ECHO)})
        assert refused.status_code == 422, (name, refused.text)
        assert refused.json()["code"] in ("invalid-input", "manifest-invalid"), name
        assert whole_tree(site) == before, name


def test_the_second_name_of_a_form_is_not_looked_at(site: Site) -> None:
    files = {"file": ("a.wat", ECHO), "manifest": ("../../evil.toml", b'version = "1"\n')}
    assert site.client.post(PLUGINS, files=files).status_code == 201
    assert sorted(path.name for path in site.settings.plugins.iterdir()) == ["a.toml", "a.wat"]


def test_a_form_has_no_more_parts_than_it_needs(site: Site) -> None:
    parts = [("file", ("a.wat", ECHO)), ("manifest", ("a.toml", b"")), ("more", ("b.wat", ECHO))]
    assert site.client.post(PLUGINS, files=parts).status_code == 422
    assert site.client.post(PLUGINS, files={"file": ("a.wat", ECHO)}, data={"field": "x"}).status_code == 422
    assert list(site.settings.plugins.iterdir()) == []


@pytest.mark.parametrize(
    ("body", "manifest"),
    [
        (b"\0asm\1\0\0\0" + b"\x01\xff\xff\xff\xff\x0f", None),
        (b"\x7fELF" + b"\0" * 100, None),
        (b"(module", None),
        (b"(module " * 100_000, None),
        (b"#!/bin/sh\nid", None),
        (ECHO, b"\xff\xfe"),
        (ECHO, b"x" * (256 * 1024 + 1)),
        (ECHO, b'name = "../evil"\n'),
        (ECHO, b'name = "a\\nb"\n'),
        (ECHO, b"a = " + b"[" * 5_000),
        (ECHO, b'[functions."../x"]\n'),
        (ECHO, b'[[capabilities]]\nname = "root"\nreason = "Why not"\n'),
    ],
    ids=range(12),
)
def test_what_cannot_be_a_plugin_is_refused_before_anything_is_written(
    site: Site, body: bytes, manifest: bytes | None
) -> None:
    name = "a.wat" if body == ECHO or body[:1] == b"(" else "a.wasm"
    files = {"file": (name, body), **({"manifest": ("a.toml", manifest)} if manifest is not None else {})}
    refused = site.client.post(PLUGINS, files=files)
    assert refused.status_code == 422, refused.text
    assert refused.json()["remedy"]
    assert list(site.settings.plugins.iterdir()) == []


def test_a_module_over_its_limit_is_refused(site_with: Callable[..., Site]) -> None:
    site = site_with()
    most = site.settings.limits.module_bytes
    body = b"\0asm\1\0\0\0" + b"\0" + (most).to_bytes(5, "little") + b"\0" * most
    refused = site.client.post(f"{PLUGINS}?filename=big.wasm", content=body)
    assert refused.status_code in (413, 422)
    assert list(site.settings.plugins.iterdir()) == []


def test_a_body_over_the_limit_is_refused_before_it_is_read(site_with: Callable[..., Site]) -> None:
    site = site_with(body_bytes=1000)
    assert site.client.post(f"{PLUGINS}?filename=a.wat", content=b" " * 1001).status_code == 413
    assert site.client.post(PLUGINS, files={"file": ("a.wat", b" " * 1001)}).status_code == 413


def test_an_upload_takes_no_other_plugins_manifest_over(site: Site) -> None:
    site.drop("a.wat", ECHO, 'version = "1.0"\n')
    files = {"file": ("a.wasm", b"\0asm\1\0\0\0"), "manifest": ("a.toml", ASKS.format(name="other"))}
    refused = site.client.post(PLUGINS, files=files)
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert site.client.get(f"{PLUGINS}?state=rejected").json()["items"] == []


def test_a_bare_module_is_judged_with_the_manifest_that_lies_there(site: Site) -> None:
    site.drop("a.wat", MANY, "[functions.warn]\n")
    refused = site.client.post(f"{PLUGINS}?filename=a.wat", content=ECHO)
    assert (refused.status_code, refused.json()["code"]) == (422, "manifest-invalid")
    assert (site.settings.plugins / "a.wat").read_text() == MANY


def test_a_link_in_the_folder_is_replaced_and_not_followed(site: Site) -> None:
    outside = site.settings.plugins.parent / "outside"
    outside.write_text("mine")
    os.symlink(outside, site.settings.plugins / "a.wat")
    os.symlink(outside, site.settings.plugins / "a.toml")
    added = site.client.post(PLUGINS, files={"file": ("a.wat", ECHO), "manifest": ("a.toml", b'version = "1"\n')})
    assert (added.status_code, outside.read_text()) == (201, "mine")
    assert not (site.settings.plugins / "a.wat").is_symlink()
    assert not (site.settings.plugins / "a.toml").is_symlink()
