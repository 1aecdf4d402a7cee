"""What git tracks: no state, no keys, no caches, nothing large without a reason, a licence beside each binary.

Without git, as in a source distribution, these tests are skipped: what is there was tracked when it was made.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MIB = 1024 * 1024

LARGE: Mapping[str, str] = {
    "host/omnicore/memory/static/pieces.npy": "the embedder's table: memory finds by meaning without a download",
    "host/omnicore/toolchains/js/engine.wasm": "QuickJS: plugins in JavaScript need no engine of their own",
    "plugins/csv/dist/csv.wasm": "an example in Go, whose library is part of each module",
    "plugins/markdown/dist/markdown.wasm": "an example in Go",
    "plugins/template/dist/template.wasm": "an example in JavaScript, with its engine",
    "sdk/go/conformance/dist/conformance.wasm": "what proves the kit for Go",
    "sdk/js/conformance/dist/conformance.wasm": "what proves the kit for JavaScript",
    "tests/guests/go/go.wasm": "a guest that Go's own compiler made",
    "tests/guests/wasi/upper-go.wasm": "a WASI command that Go's own compiler made",
}
"""Files above one MiB, and why each is here."""

OWN: Mapping[str, str] = {
    "plugins/redact/dist": "C without a library",
    "sdk/c/conformance/dist": "C without a library",
    "tests/guests/c": "C without a library",
    "tests/guests/link": "C without a library",
    "web/screenshots": "pictures of the console",
}
"""Folders of binaries that are made of this repository's sources alone, whose licence is LICENSE."""

_STATE_FOLDERS = {".omnicore", ".cache", ".local", ".config", ".hypothesis", ".pytest_cache", ".mypy_cache"}
_STATE_FOLDERS |= {".ruff_cache", ".tox", ".venv", "venv", "__pycache__", "node_modules", "target", ".idea", ".vscode"}
_STATE_FILES = re.compile(
    r"(.*\.(code|db|db-wal|db-shm|sqlite3?|key|pem|p12|pfx|secret|sock|lock\.pid|backup|pyc|pyo|log|jsonl\.part|env)"
    r"|key|master\.key|owner\.key|server\.json|host\.sock|restore\.json|trust\.json|audit\.head|\.env(\..*)?|\.netrc|id_[a-z0-9]+)"
)
_BINARIES = frozenset({".wasm", ".npy", ".npz", ".onnx", ".so", ".a", ".o", ".dylib", ".dll", ".exe", ".bin", ".dat"})
_BINARIES |= {
    ".png",
    ".jpg",
    ".jpeg",
    ".gif",
    ".webp",
    ".ico",
    ".woff",
    ".woff2",
    ".ttf",
    ".otf",
    ".zip",
    ".gz",
    ".whl",
}
_LICENCES = ("LICENSES.txt", "LICENSE", "LICENSE.txt", "NOTICE.txt")

Rule = Callable[[Path, Iterable[str]], list[str]]


def state(_root: Path, tracked: Iterable[str]) -> list[str]:
    """State folders and caches at any depth, databases, keys and compiled code."""
    found = []
    for name in tracked:
        parts = Path(name).parts
        if _STATE_FOLDERS & set(parts[:-1]) or _STATE_FILES.fullmatch(parts[-1]):
            found.append(f"{name} is state or a cache; delete it and name it in .gitignore")
    return found


def large(root: Path, tracked: Iterable[str]) -> list[str]:
    """Files above one MiB that are not on the list."""
    sizes = {name: (root / name).stat().st_size for name in tracked if (root / name).is_file()}
    return [
        f"{name} has {size / MIB:.1f} MiB; leave it out, or give a reason in LARGE"
        for name, size in sizes.items()
        if size > MIB and name not in LARGE
    ]


def licences(root: Path, tracked: Iterable[str]) -> list[str]:
    """Binaries whose folder has no licence."""
    known = set(tracked)
    return [
        f"{name} has no {_LICENCES[0]} beside it; see plugins/licenses.py"
        for name in sorted(known)
        if _is_binary(root / name)
        and str(Path(name).parent) not in OWN
        and not any(str(Path(name).parent / licence) in known for licence in _LICENCES)
    ]


def links(root: Path, tracked: Iterable[str]) -> list[str]:
    """Symbolic links."""
    return [f"{name} is a link; track the file itself" for name in tracked if (root / name).is_symlink()]


RULES: Mapping[str, Rule] = {rule.__name__: rule for rule in (state, large, licences, links)}


def _is_binary(file: Path) -> bool:
    if file.suffix in _BINARIES:
        return True
    if not file.is_file():
        return False
    with file.open("rb") as stream:
        return b"\0" in stream.read(8192)


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    """The names that git tracks here."""
    return tracked_files(ROOT)


def tracked_files(root: Path) -> list[str]:
    """The names that git tracks in a folder. The test is skipped where that is no repository."""
    if shutil.which("git") is None or not (root / ".git").exists():
        pytest.skip("no git repository: nothing says what is tracked")
    plain = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    said = subprocess.run(["git", "ls-files", "-z"], cwd=root, env=plain, capture_output=True, check=True).stdout
    return [os.fsdecode(name) for name in said.split(b"\0") if name]


@pytest.mark.parametrize("rule", RULES)
def test_what_git_tracks_keeps(tracked: list[str], rule: str) -> None:
    there = [name for name in tracked if os.path.lexists(ROOT / name)]
    assert RULES[rule](ROOT, there) == []


def test_every_exception_is_needed(tracked: list[str]) -> None:
    assert [name for name in LARGE if name not in tracked or (ROOT / name).stat().st_size <= MIB] == []
    folders = {str(Path(name).parent) for name in tracked if _is_binary(ROOT / name)}
    assert sorted(OWN.keys() - folders) == []


@pytest.mark.parametrize(
    "name",
    [
        *(".omnicore/code/key", "plugins/csv/.omnicore/code/a.code", "a/b/c/.omnicore/overrides.json", "x/omnicore.db"),
        *("tests/omnicore.db-wal", "plugins/owner.key", "master.key", "server.json", "a/.cache/omnicore/x", ".env"),
        *("deploy/.env.local", "token.secret", "tests/__pycache__/a.pyc", "web/node_modules/x/index.js", "mine.backup"),
        *("sdk/rust/target/release/x.d", ".tox/log", "tests/id_ed25519", "a.code", "a/b.sqlite3", "notes.pem"),
    ],
)
def test_state_is_found_at_any_depth(name: str) -> None:
    assert state(ROOT, [name])
    assert state(ROOT, ["README.md", "host/omnicore/cli/client.py", "tests/access/keys.py"]) == []


def test_a_large_file_a_binary_without_a_licence_and_a_link_are_found(tmp_path: Path) -> None:
    (tmp_path / "big.txt").write_bytes(b"x" * (MIB + 1))
    (tmp_path / "a.wasm").write_bytes(b"\0asm")
    (tmp_path / "unnamed").write_bytes(b"\x7fELF\0")
    (tmp_path / "link").symlink_to("big.txt")
    names = ["big.txt", "a.wasm", "unnamed", "link"]
    assert [line.split()[0] for line in large(tmp_path, names[:1])] == ["big.txt"]
    assert [line.split()[0] for line in licences(tmp_path, names)] == ["a.wasm", "unnamed"]
    assert [line.split()[0] for line in links(tmp_path, names)] == ["link"]
    (tmp_path / "LICENSES.txt").write_text("MIT")
    assert licences(tmp_path, [*names, "LICENSES.txt"]) == []


def test_git_ignores_state_at_any_depth(tmp_path: Path, tracked: list[str]) -> None:
    shutil.copyfile(ROOT / ".gitignore", tmp_path / ".gitignore")
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    for name in (
        ".omnicore/omnicore.db",
        "a/b/.omnicore/code/key",
        "plugins/csv/.omnicore/code/x.code",
        "token.secret",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    subprocess.run(["git", "add", "-A"], cwd=tmp_path, check=True)
    assert tracked_files(tmp_path) == [".gitignore"]
    assert tracked
