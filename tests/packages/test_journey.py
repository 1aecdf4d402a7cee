"""From a key to a revocation: a plugin is signed, published to a real registry, and lives on another host."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.cli.conftest import Run, run_here
from tests.packages.packs import other_module, package
from tests.packages.registries import RegistryServer

from omnicore.packages.package import write_omni

__all__ = ["run_here"]

MORE = '[[capabilities]]\nname = "kv"\nreason = "Counts what it is told"\n'


def test_a_signed_plugin_is_installed_by_digest_updated_held_back_rolled_back_and_revoked(
    run_here: Run, registry: RegistryServer, tmp_path: Path
) -> None:
    second = tmp_path / "second"
    second.mkdir()
    environ = {"OMNICORE_TRUST__UNSIGNED": "refuse", "OMNICORE_DATA": str(second / "data")}
    place = f"oci://{registry.host}/journey/echo"

    def here(*arguments: str) -> Any:
        done = run_here(*arguments, "-o", "json")
        assert done.code == 0, done.err
        return json.loads(done.out)

    def there(*arguments: str, code: int = 0) -> Any:
        done = run_here(*arguments, "-o", "json", folder=second, **environ)
        assert done.code == code, done.err
        return json.loads(done.out) if done.out else done.err

    def published(version: str, letter: str, more: str = "") -> str:
        (tmp_path / "echo.omni").write_bytes(write_omni(package(version, module=other_module(letter), more=more)))
        here("sign", "echo.omni", "--key", "acme.key")
        return str(here("publish", f"{place}:{version}", "echo.omni")["reference"])

    here("keys", "new", "acme", "--no-password", "--to", ".")
    first = published("1.0.0", "a")
    refused = there("plugins", "install", first, "-y", code=3)
    assert "which nobody trusts" in refused
    there("keys", "trust", str(tmp_path / "acme.pub"), "--name", "acme")
    assert there("plugins", "install", first, "-y")["package"]["publisher"]["names"] == ["acme"]
    assert there("plugins", "ls")[0]["version"] == "1.0.0"

    published("1.1.0", "b", MORE)
    assert [one["newest"] for one in there("outdated")] == ["1.1.0"]
    (updated,) = there("update", "-y")["updated"]
    assert updated["state"] in ("needs-grant", "needs-review")
    assert run_here("call", "echo.echo", "-o", "text", folder=second, **environ).out.startswith("a")
    there("plugins", "upgrade", "echo", "--approve")
    assert run_here("call", "echo.echo", "-o", "text", folder=second, **environ).out.startswith("b")
    there("plugins", "rollback", "echo")
    assert run_here("call", "echo.echo", "-o", "text", folder=second, **environ).out.startswith("a")

    assert there("audit", "plugins")["findings"] == []
    there("keys", "revoke", "acme", "--reason", "stolen")
    (finding, *_) = there("audit", "plugins", code=1)["findings"]
    assert (finding["plugin"], finding["finding"], finding["summary"]) == (
        "echo",
        "revoked",
        "the key acme was revoked: stolen",
    )
    published("1.2.0", "c")
    assert "revoked: stolen" in there("update", "-y", code=3)
