"""The bill of materials of a release names every package and every binary that people get."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import pytest
from host_build.sbom import bill, main

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def document() -> dict:
    """The bill."""
    return bill()


def test_the_bill_has_every_package_of_the_lock_with_its_hashes(document):
    lines = (ROOT / "requirements" / "runtime.txt").read_text("utf-8").splitlines()
    locked = {line.partition("==")[0].lower() for line in lines if "==" in line and not line.startswith((" ", "#"))}
    python = {one["name"]: one for one in document["components"] if one.get("purl", "").startswith("pkg:pypi/")}
    assert python.keys() == {name.partition("[")[0] for name in locked}
    assert all(one["hashes"] for one in python.values())
    assert python["wasmtime"]["scope"] == "required"
    assert python["psycopg"]["scope"] == "optional"


def test_the_bill_has_every_shipped_binary_as_it_is(document):
    binaries = [*ROOT.glob("plugins/*/dist/*.wasm"), *ROOT.glob("host/**/*.wasm"), *ROOT.glob("host/**/*.npy")]
    told = {one["name"]: one["hashes"][0]["content"] for one in document["components"] if "/" in one["name"][:-1]}
    assert told == {str(file.relative_to(ROOT)): hashlib.sha256(file.read_bytes()).hexdigest() for file in binaries}


def test_the_bill_has_what_binaries_are_made_of(document):
    inside = {one["name"]: {part["name"] for part in one.get("components", ())} for one in document["components"]}
    crates = tomllib.loads((ROOT / "plugins/fetch/Cargo.lock").read_text("utf-8"))["package"]
    assert inside["plugins/fetch/dist/fetch.wasm"] == {one["name"] for one in crates if "checksum" in one}
    assert "golang.org/x/text" in inside["plugins/csv/dist/csv.wasm"]
    assert "quickjs-ng" in inside["host/omnicore/toolchains/js/engine.wasm"]
    assert {"jq", "oniguruma"} <= inside["plugins/jq/dist/jq.wasm"]
    assert "react" in inside["web/"] or len(inside["web/"]) > 50


def test_references_are_single_and_lead_somewhere(document):
    components = [document["metadata"]["component"], *document["components"]]
    references = [one["bom-ref"] for one in components]
    references += [part["bom-ref"] for one in components for part in one.get("components", ())]
    assert len(references) == len(set(references))
    led = [name for row in document["dependencies"] for name in (row["ref"], *row["dependsOn"])]
    assert set(led) - set(references) == set()


def test_a_release_gets_the_bill_and_checksums_twice_the_same(tmp_path, capsys):
    (tmp_path / "omnicore.whl").write_bytes(b"a wheel")
    first = [main([str(tmp_path)]), (tmp_path / "SHA256SUMS").read_text()]
    assert first == [main([str(tmp_path)]), (tmp_path / "SHA256SUMS").read_text()]
    assert f"{hashlib.sha256(b'a wheel').hexdigest()}  omnicore.whl" in first[1]
    assert ".cdx.json" in first[1]
    assert "components" in capsys.readouterr().out
