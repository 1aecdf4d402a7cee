"""Plugins over REST: list, upload, look, switch, remove."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.api.conftest import ASKS, ECHO, Site

WASM = {"content-type": "application/wasm"}
PLUGINS = "/api/v1/plugins"


def test_an_uploaded_file_is_a_plugin_that_can_be_called(site: Site) -> None:
    added = site.client.post(f"{PLUGINS}?filename=echo.wat", content=ECHO, headers=WASM)
    assert (added.status_code, added.headers["location"]) == (201, "/api/v1/plugins/echo")
    assert added.json()["state"] == "enabled"
    assert (site.settings.plugins / "echo.wat").read_text() == ECHO
    assert site.client.post(f"{PLUGINS}/echo/functions/echo", content=b"hi").content == b"hi"


def test_a_form_brings_a_module_and_its_manifest(site: Site) -> None:
    files = {"file": ("echo.wat", ECHO), "manifest": ("echo.toml", 'name = "parrot"\nversion = "2.0"\n')}
    added = site.client.post(PLUGINS, files=files)
    assert added.status_code == 201, added.text
    assert (added.json()["name"], added.json()["version"]) == ("parrot", "2.0")
    assert (site.settings.plugins / "echo.toml").exists()


def test_a_file_that_cannot_be_a_plugin_is_refused_and_not_written(site: Site) -> None:
    refused = site.client.post(f"{PLUGINS}?filename=bad.wasm", content=b"\0asm nonsense", headers=WASM)
    assert (refused.status_code, refused.json()["code"]) == (422, "module-rejected")
    assert list(site.settings.plugins.iterdir()) == []


def test_a_manifest_that_breaks_its_schema_says_where(site: Site) -> None:
    files = {"file": ("echo.wat", ECHO), "manifest": ("echo.toml", "\nwarm = -1\n")}
    refused = site.client.post(PLUGINS, files=files).json()
    assert (refused["status"], refused["code"]) == (422, "manifest-invalid")
    assert refused["line"] == 2


@pytest.mark.parametrize("name", ["../evil.wat", "/etc/x.wasm", "a/b.wasm", "x.so", ".hidden.wasm", "x.wasm\0"])
def test_names_that_lead_out_of_the_folder_are_refused(site: Site, name: str) -> None:
    refused = site.client.post(PLUGINS, params={"filename": name}, content=ECHO, headers=WASM)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid-input")
    assert list(site.settings.plugins.parent.rglob("*.so")) == list(site.settings.plugins.iterdir()) == []


def test_an_upload_without_a_name_or_with_another_media_type_is_refused(site: Site) -> None:
    assert site.client.post(PLUGINS, content=ECHO, headers=WASM).status_code == 422
    other = site.client.post(f"{PLUGINS}?filename=a.wat", content=ECHO, headers={"content-type": "text/html"})
    assert (other.status_code, other.json()["code"]) == (415, "wrong-media")


@pytest.mark.parametrize(
    ("body", "media"),
    [
        (b"no form at all", "multipart/form-data"),
        (b"no form at all", "multipart/form-data; boundary=x"),
        (
            b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nno file\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
        ),
    ],
)
def test_a_form_that_is_none_is_refused(site: Site, body: bytes, media: str) -> None:
    refused = site.client.post(PLUGINS, content=body, headers={"content-type": media})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid-input")


def test_an_upload_over_the_limit_is_refused(site_with: Callable[..., Site]) -> None:
    site = site_with(body_bytes=1000)
    refused = site.client.post(f"{PLUGINS}?filename=echo.wat", content=ECHO, headers=WASM)
    assert (refused.status_code, refused.json()["allowed"]) == (413, 1000)
    assert list(site.settings.plugins.iterdir()) == []


def test_a_name_that_is_taken_is_a_conflict(site: Site) -> None:
    site.drop("echo.wat", ECHO)
    files = {"file": ("other.wat", ECHO), "manifest": ("other.toml", 'name = "echo"')}
    assert site.client.post(PLUGINS, files=files).status_code == 409


def test_pages_follow_each_other_by_name(site: Site) -> None:
    for name in ("c", "a", "b"):
        site.drop(f"{name}.wat", ECHO)
    first = site.client.get(PLUGINS, params={"limit": 2}).json()
    assert [one["name"] for one in first["items"]] == ["a", "b"]
    second = site.client.get(PLUGINS, params={"limit": 2, "cursor": first["next"]}).json()
    assert ([one["name"] for one in second["items"]], second["next"]) == (["c"], None)
    assert site.client.put(f"{PLUGINS}/b/state", json={"state": "disabled"}).is_success
    totals = site.client.get(PLUGINS, params={"limit": 1, "totals": "true", "state": "enabled"}).json()["totals"]
    assert totals == {"enabled": 2, "disabled": 1}
    assert "totals" not in second


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=501", "limit=-1", "cursor=%C3%A4", "cursor=_w"])
def test_a_query_that_makes_no_sense_is_refused(site: Site, query: str) -> None:
    assert site.client.get(f"{PLUGINS}?{query}").status_code == 422


def test_a_list_that_did_not_change_is_not_sent_again(site: Site) -> None:
    tag = site.client.get(PLUGINS).headers["etag"]
    same = site.client.get(PLUGINS, headers={"if-none-match": f'"x", W/{tag}'})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    site.drop("echo.wat", ECHO)
    assert site.client.get(PLUGINS, headers={"if-none-match": tag}).status_code == 200


def test_one_plugin_is_shown_and_an_unknown_one_is_not_found(site: Site) -> None:
    site.drop("echo.wat", ECHO)
    assert site.client.get(f"{PLUGINS}/echo").json()["functions"].keys() == {"echo"}
    missing = site.client.get(f"{PLUGINS}/nobody")
    assert (missing.status_code, missing.json()["code"]) == (404, "not-found")


def test_a_plugin_is_switched_off_and_on(site: Site) -> None:
    site.drop("echo.wat", ECHO)
    off = site.client.put(f"{PLUGINS}/echo/state", json={"state": "disabled"})
    assert off.json()["state"] == "disabled"
    refused = site.client.post(f"{PLUGINS}/echo/functions/echo")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert "plugins enable echo" in refused.json()["remedy"]
    assert site.client.put(f"{PLUGINS}/echo/state", json={"state": "enabled"}).json()["state"] == "enabled"
    assert site.client.post(f"{PLUGINS}/echo/functions/echo").status_code == 200


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"state": "rejected"}', b'{"state": 1}', b'{"stat": "enabled"}'])
def test_a_switch_must_be_enabled_or_disabled(site: Site, body: bytes) -> None:
    site.drop("echo.wat", ECHO)
    assert site.client.put(f"{PLUGINS}/echo/state", content=body).status_code == 422


def test_the_diff_names_what_is_not_granted(site: Site) -> None:
    site.drop("counter.wat", ECHO, ASKS.format(name="counter"))
    changes = site.client.get(f"{PLUGINS}/counter/diff").json()["items"]
    assert {one["capability"] for one in changes} == {"kv", "events"}
    assert all(one["command"].startswith("omnicore plugins grant counter") for one in changes)
    assert site.client.get(f"{PLUGINS}/nobody/diff").status_code == 404


def test_a_removed_plugin_is_gone(site: Site) -> None:
    site.drop("echo.wat", ECHO)
    assert site.client.delete(f"{PLUGINS}/echo").status_code == 204
    assert site.client.get(f"{PLUGINS}/echo").status_code == 404
    assert not (site.settings.plugins / "echo.wat").exists()
    assert site.client.delete(f"{PLUGINS}/echo").status_code == 404
