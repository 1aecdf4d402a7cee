"""The bill of materials of a release, as CycloneDX 1.6: the Python dependencies, and what is in the shipped binaries.

    python host_build/sbom.py DIST

It is read from the locks (requirements/runtime.txt, Cargo.lock, go.sum, package-lock.json): it says what they say and
needs no network. Beside it `SHA256SUMS` is written, over everything in DIST.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
import tomllib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["bill", "main"]

ROOT = Path(__file__).parents[1]
_ASKED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==(\S+)")
_PLUGINS = ("csv", "counter", "fetch", "jq", "markdown", "redact", "template", "text", "thumbnail")

Component = dict[str, Any]

_LIBC = ("wasi-libc", "as ziglang 0.17.0 carries it", "pkg:pypi/ziglang@0.17.0", "MIT")

_QUICKJS = (("quickjs-ng", "0.17.0.2", "pkg:pypi/quickjs-ng@0.17.0.2", "MIT"), _LIBC)
_BY_HAND: Mapping[str, Sequence[tuple[str, str, str, str]]] = {
    "plugins/jq/dist/jq.wasm": (
        ("jq", "1.8.2", "pkg:github/jqlang/jq@jq-1.8.2", "MIT"),
        ("oniguruma", "as jq 1.8.2 carries it", "pkg:github/jqlang/jq@jq-1.8.2#vendor/oniguruma", "BSD-2-Clause"),
        ("decNumber", "as jq 1.8.2 carries it", "pkg:github/jqlang/jq@jq-1.8.2#vendor/decNumber", "ICU"),
        _LIBC,
    ),
    "host/omnicore/toolchains/js/engine.wasm": _QUICKJS,
    "plugins/template/dist/template.wasm": _QUICKJS,
    "host/omnicore/memory/static/pieces.npy": (
        ("all-MiniLM-L6-v2", "distilled", "pkg:huggingface/sentence-transformers/all-MiniLM-L6-v2", "Apache-2.0"),
    ),
}
"""What no lock names, by the binary that holds it: name, version, where it is from, licence.

`sdk/js/engine/build.py` and `plugins/jq/build.sh` fix these versions.
"""


def main(arguments: list[str]) -> int:
    """Writes the bill and the checksums. Returns: the exit code."""
    dist = Path(arguments[0])
    version = _project()["version"]
    document = bill()
    text = json.dumps(document, indent=2, sort_keys=True) + "\n"
    (dist / f"omnicore-{version}.cdx.json").write_text(text, "utf-8")
    files = sorted(path for path in dist.iterdir() if path.is_file() and path.name != "SHA256SUMS")
    sums = "".join(f"{_digest(path)}  {path.name}\n" for path in files)
    (dist / "SHA256SUMS").write_text(sums, "utf-8")
    print(f"{len(document['components'])} components; {len(files)} files in SHA256SUMS")
    return 0


def bill() -> dict[str, Any]:
    """The document. The same locks and binaries give the same one: its serial number is made of its content."""
    project = _project()
    root: Component = {
        "type": "application",
        "bom-ref": "omnicore",
        "name": "omnicore",
        "version": project["version"],
        "purl": f"pkg:pypi/omnicore@{project['version']}",
        "licenses": [{"license": {"id": project["license"]}}],
    }
    python, needs = _python(project)
    binaries = list(_binaries())
    console = list(_npm(ROOT / "web", "console"))
    shipped = {**_group("console", "framework", "web/"), "components": console}
    components = [*python, *binaries, shipped]
    content = json.dumps(components, sort_keys=True).encode()
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.UUID(bytes=hashlib.sha256(content).digest()[:16], version=4)}",
        "version": 1,
        "metadata": {"component": root},
        "components": components,
        "dependencies": [
            {"ref": "omnicore", "dependsOn": sorted([*needs["omnicore"], *(one["bom-ref"] for one in binaries)])},
            *({"ref": name, "dependsOn": sorted(below)} for name, below in sorted(needs.items()) if name != "omnicore"),
        ],
    }


def _project() -> dict[str, Any]:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    return dict(document["project"])


def _python(project: Mapping[str, Any]) -> tuple[list[Component], dict[str, set[str]]]:
    """The packages of the lock, and who needs whom; what an extra alone brings is optional."""
    found: dict[str, Component] = {}
    needs: dict[str, set[str]] = {"omnicore": set()}
    current = ""
    for line in (ROOT / "requirements" / "runtime.txt").read_text("utf-8").splitlines():
        if asked := _ASKED.match(line):
            name, version = asked[1].lower(), asked[2]
            current = f"pypi:{name}@{version}"
            needs.setdefault(current, set())
            component = _component("library", current, name, version, f"pkg:pypi/{name}@{version}")
            found[current] = {**component, "scope": "optional", "hashes": []}
        elif digest := re.search(r"--hash=sha256:([0-9a-f]{64})", line):
            found[current]["hashes"].append({"alg": "SHA-256", "content": digest[1]})
        elif parent := re.search(r"#\s+(?:via )?([A-Za-z0-9._-]+)(?: \(pyproject\.toml\))?$", line):
            needs.setdefault(f"?{parent[1]}", set()).add(current)
    byname: dict[str, list[str]] = {}
    for reference, component in found.items():
        byname.setdefault(component["name"], []).append(reference)
    for parent in [name for name in needs if name.startswith("?")]:
        below = needs.pop(parent)
        for reference in ["omnicore"] if parent == "?omnicore" else byname.get(parent[1:], []):
            needs[reference] |= below
    direct = {re.split(r"[<>=!~\[ ;]", text)[0].lower() for text in project["dependencies"]}
    for reference in _closure([one for name in direct for one in byname.get(name, [])], needs):
        found[reference]["scope"] = "required"
    return list(found.values()), needs


def _closure(first: Sequence[str], needs: Mapping[str, set[str]]) -> set[str]:
    reached, waiting = set(first), list(first)
    while waiting:
        for name in needs.get(waiting.pop(), ()):
            if name not in reached:
                reached.add(name)
                waiting.append(name)
    return reached


def _binaries() -> Iterator[Component]:
    """The binaries of this repository that people get, each with what is in it."""
    places = [f"plugins/{name}/dist/{name}.wasm" for name in _PLUGINS]
    for place in (*places, "host/omnicore/toolchains/js/engine.wasm", "host/omnicore/memory/static/pieces.npy"):
        file, folder = ROOT / place, (ROOT / place).parents[1]
        inside = [
            _component("library", f"{place}#{name}", name, version, source, licence)
            for name, version, source, licence in _BY_HAND.get(place, ())
        ]
        if place.startswith("plugins/"):
            inside += [*_crates(folder, place), *_modules(folder, place), *_npm(folder, place)]
        kind = "machine-learning-model" if file.suffix == ".npy" else "file"
        yield {
            **_group(place, kind, place),
            "hashes": [{"alg": "SHA-256", "content": _digest(file)}],
            "components": inside,
        }


def _crates(folder: Path, place: str) -> Iterator[Component]:
    lock = folder / "Cargo.lock"
    for one in tomllib.loads(lock.read_text("utf-8"))["package"] if lock.is_file() else ():
        if "checksum" in one:
            name, version = one["name"], one["version"]
            component = _component("library", f"{place}#{name}@{version}", name, version, f"pkg:cargo/{name}@{version}")
            yield {**component, "hashes": [{"alg": "SHA-256", "content": one["checksum"]}]}


def _modules(folder: Path, place: str) -> Iterator[Component]:
    """The modules of go.sum; its hashes are of Go's own kind, which CycloneDX does not know."""
    sums = folder / "go.sum"
    for line in sorted(set(sums.read_text("utf-8").splitlines())) if sums.is_file() else ():
        name, version, _ = line.split()
        if not version.endswith("/go.mod"):
            yield _component("library", f"{place}#{name}@{version}", name, version, f"pkg:golang/{name}@{version}")


def _npm(folder: Path, place: str) -> Iterator[Component]:
    """What npm brings that is not for building alone."""
    lock = folder / "package-lock.json"
    packages = json.loads(lock.read_text("utf-8")).get("packages", {}) if lock.is_file() else {}
    seen = set()
    for path, one in sorted(packages.items()):
        name, version = path.rpartition("node_modules/")[2], one.get("version", "")
        if not path or one.get("dev") or one.get("link") or (name, version) in seen:
            continue
        seen.add((name, version))
        purl = f"pkg:npm/{name.replace('@', '%40')}@{version}"
        component = _component("library", f"{place}#{name}@{version}", name, version, purl, one.get("license"))
        digest = base64.b64decode(one["integrity"].partition("-")[2]).hex()
        yield {**component, "hashes": [{"alg": "SHA-512", "content": digest}]}


def _component(kind: str, ref: str, name: str, version: str, purl: str, licence: str | None = None) -> Component:
    told = {"licenses": [{"license": {"name": licence}}]} if licence else {}
    return {"type": kind, "bom-ref": ref, "name": name, "version": version, "purl": purl, **told}


def _group(ref: str, kind: str, name: str) -> Component:
    return {"type": kind, "bom-ref": ref, "name": name}


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
