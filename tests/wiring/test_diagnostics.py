"""Diagnostics hold what somebody needs who helps, and no secret of the host, wherever one was written."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import pytest

from omnicore.assembly import Host
from omnicore.config.settings import ConnectorSettings, Settings, TelemetrySettings
from omnicore.diagnostics import Sources, Veil, bundle

TOKEN, VAULT, VARIABLE, KEY = "hush-token-0001", 'hush-vault-"0002"', "hush-variable-0003", "hush-env-key-0004"
PLUGIN, APPLICATION, FILE, MASTER = "hush-plugin-0005", "hush-app-0006", "hush-file-0007", "A" * 20 + "hushmaster0008"
LATE = "never-told-hush-0009"
SECRETS = (TOKEN, VAULT, VARIABLE, KEY, PLUGIN, APPLICATION, FILE, MASTER)


def unpacked(data: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode() for name in archive.namelist()}


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The diagnostics of a host full of secrets that were written wherever something can be written."""
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "text.wat").write_text('(module (func (export "run") (result i32) (i32.const 0)))')
    (secrets / "mail").write_text(FILE + "\n")
    monkeypatch.setenv("CONNECTOR_MAIL", VARIABLE)
    monkeypatch.setenv("SOMEBODYS_API_KEY", KEY)
    settings = replace(
        Settings(),
        data=tmp_path / "data",
        plugins=tmp_path / "plugins",
        watch=False,
        token=TOKEN,
        app={"mail": {"greeting": APPLICATION}},
        plugin_settings={"text": {"dsn": PLUGIN, "short": "de"}},
        connectors=ConnectorSettings(secret_folders=(secrets,)),
        telemetry=TelemetrySettings(otlp=None),
    )
    with Host(settings=settings, work=False) as host:
        host.connectors.vault.set("mail", VAULT)
        for number, secret in enumerate(SECRETS[:-1]):
            coded = base64.b64encode(f"user:{secret}".encode()).decode()
            for text in (
                secret,
                f"before{secret}after",
                quote(secret),
                json.dumps(secret),
                coded,
                secret.encode().hex(),
            ):
                host.logs.sink("text")("info", f"{number}: {text}")
                host.bus.publish("said", {"text": text, secret: [text, {"deep": text}], "number": number})
        host.logs.sink("text")("info", f"Authorization: Bearer {LATE}")
        host.logs.sink("text")("info", f"connecting to redis://me:{LATE}@cache/0 with password={LATE}")
        host.bus.publish("said", {"api_key": LATE, "nested": {"client_secret": [LATE]}, "url": f"https://x:{LATE}@h/"})
        return unpacked(host.operations.diagnostics({"also.json": {"said": TOKEN}}))


def test_no_secret_of_a_host_with_many_is_in_them(parts: dict[str, str]) -> None:
    text = "\n".join(parts.values())
    assert not [secret for secret in (*SECRETS, LATE) if secret in text or json.dumps(secret)[1:-1] in text]
    assert not [secret for secret in SECRETS if secret.encode().hex() in text or quote(secret) in text]
    assert "hush" not in text.replace("[redacted]", "")


def test_what_helps_is_in_them(parts: dict[str, str]) -> None:
    assert "text  0: [redacted]" in parts["logs.txt"]
    assert json.loads(parts["also.json"]) == {"said": "[redacted]"}
    assert not [name for name, text in parts.items() if "could not be made" in text], parts
    settings = {one["name"]: one for one in json.loads(parts["settings.json"])}
    assert settings["threads"]["value"] == 8
    assert settings["token"]["value"] == "********"
    assert settings["data"]["origin"] == "override data"
    assert settings["plugin_settings.text.short"]["value"] == "********"
    assert json.loads(parts["health.json"])["overall"]
    assert json.loads(parts["host.json"])["packages"]["wasmtime"]


def test_a_part_that_fails_says_so_and_leaves_the_others_be() -> None:
    def broken() -> bytes:
        raise OSError("the database hush-1 is away")

    parts = unpacked(
        bundle(Sources(about=lambda: {"name": "x"}, settings=list, secrets=lambda: ["hush-1"], metrics=broken))
    )
    assert parts["metrics.txt"] == "could not be made: OSError: the database [redacted] is away"
    assert json.loads(parts["host.json"])["name"] == "x"


def test_what_is_too_much_is_cut() -> None:
    lines = [SimpleNamespace(at=1.0, level="info", message="x" * 8000)] * 50
    plugins = [{"name": f"p{number}", "config": {"default": "hush-2"}} for number in range(1000)]
    sources = Sources(
        about=dict,
        settings=list,
        secrets=list,
        plugins=lambda: plugins,
        logs=lambda *_: lines,
        metrics=lambda: b"\xff" * 9,
    )
    data = bundle(sources)
    parts = unpacked(data)
    assert len(parts["logs.txt"]) < 1024 * 1024 + 100
    assert parts["logs.txt"].endswith("[cut]\n")
    assert len(json.loads(parts["plugins.json"])) == 200
    assert "hush" not in parts["plugins.json"]


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer hush123456",
        "basic aHVzaDpodXNo",
        "https://user:hush@host/path",
        '{"password": "hush"}',
        "client_secret=hush&x=1",
        f"{'long-' * 20}password-of-mine: hush",
        "X-Api-Key: hush",
        f"https://host/?t=omc_{'hush' * 10}abc",
        "set-cookie: hush=1",
        "-----BEGIN RSA PRIVATE KEY-----\nhush\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nhush",
        "eyJhbGciOiJIUzI1NiJ9.eyJodXNoIjoxfQ.hush-signature",
    ],
)
def test_what_looks_like_a_secret_is_taken_out(text: str) -> None:
    shown = Veil(()).text(f"seen: {text} end")
    assert "hush" not in shown
    assert "aHVzaDpodXNo" not in shown
    assert shown.startswith("seen: ")


def test_a_long_hostile_text_takes_no_long_time_to_veil() -> None:
    for text in (
        "a" * 300_000,
        "token" * 60_000,
        "://" * 100_000,
        "-----BEGIN " * 30_000,
        "bearer " * 40_000,
        "eyJ" * 90_000,
        "eyJ-" * 70_000,
        "a-" * 150_000,
        "token-" * 50_000,
    ):
        assert len(Veil(["nothing"]).text(text)) > 0


def test_figures_whose_names_sound_secret_are_kept() -> None:
    assert Veil(()).value({"tokens": 12, "password_length": 8, "secret": None}) == {
        "tokens": 12,
        "password_length": 8,
        "secret": None,
    }
