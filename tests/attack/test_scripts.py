"""Markup in all that a plugin can say: no browser takes an answer of the interface for a page."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from tests.api.conftest import MANY
from tests.api.hosting import Served

PAYLOADS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"'><svg/onload=alert(1)>",
    "javascript:alert(1)",
    "</script><script>alert(1)</script>",
    "{{constructor.constructor('alert(1)')()}}",
    "\u2028alert(1)\u2029",
)
TYPES = {"application/json", "application/problem+json", "text/plain", "application/octet-stream", "text/css"}


def manifest(text: str) -> str:
    quoted = json.dumps(text)
    return f"""
description = {quoted}
author = {quoted}
[[capabilities]]
name = "kv"
reason = {quoted}
[functions.echo]
description = {quoted}
[functions.echo.input]
title = {quoted}
[functions.fail]
[functions.warn]
[functions.trap]
"""


@pytest.mark.parametrize("number", range(len(PAYLOADS)))
def test_whatever_a_plugin_says_comes_as_data(admin: httpx.Client, number: int) -> None:
    text, plugin = PAYLOADS[number], f"/api/v1/plugins/loud{number}"
    sidecar = manifest(text).encode()
    files = {"file": (f"loud{number}.wat", MANY.encode(), "text/plain"), "manifest": ("plugin.toml", sidecar)}
    assert admin.post("/api/v1/plugins", files=files).status_code == 201
    assert admin.post(f"{plugin}/grants").status_code == 200
    sent = {"content-type": "application/json", "accept": "text/html"}
    answers = [
        admin.post(f"{plugin}/functions/{name}", content=json.dumps(text), headers=sent)
        for name in ("echo", "fail", "warn", "trap")
    ]
    assert [answer.status_code for answer in answers] == [200, 502, 200, 502], answers
    answers += [
        admin.get(path, headers={"accept": "text/html,*/*"})
        for path in (plugin, "/api/v1/plugins", f"{plugin}/logs", f"{plugin}/grants", "/openapi.json", "/metrics",
                     f"/api/v1/plugins/{text}", f"/{text}", f"/api/v1/plugins?state={text}", "/api/v1/events",
                     "/api/v1/audit")
    ]  # fmt: skip
    for answer in answers:
        assert answer.headers["content-type"].partition(";")[0] in TYPES, answer.headers
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "script-src" not in answer.headers["content-security-policy"]
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert admin.get(plugin).json()["description"] == text  # as it was said: nothing is cut out that only looks clean
    assert json.dumps(text) in admin.get(f"{plugin}/logs").json()["items"][0]["message"]


def test_a_module_cannot_be_uploaded_as_a_page(target: Served, admin: httpx.Client, tmp_path: Path) -> None:
    pages = {"x.html": b"<script>alert(1)</script>", "x.svg": b"<svg onload=alert(1)>", "x.js": b"alert(1)"}
    for name, data in pages.items():
        refused = admin.post(f"/api/v1/plugins?filename={name}", content=data)
        assert refused.status_code == 422, refused.text
        assert not list(target.settings.plugins.glob(f"**/{name}"))
