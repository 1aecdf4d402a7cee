"""Packs the plugins of this repository, signs them and makes an index of them: a folder that any web server serves.

`python host_build/release_index.py FOLDER`. The file that OMNICORE_RELEASE_KEY names is the secret key; its
password is read from standard input. Without one a key is made and thrown away:
such an index works, and nobody can renew it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from omnicore.cli.packages import packed
from omnicore.clock import SystemClock
from omnicore.packages.index import IndexEntry, IndexFolder, IndexKeys, IndexPublisher, entry_with, index_files
from omnicore.packages.keys import SecretKey, needs_password, read_secret_key, read_small
from omnicore.packages.package import Package, pack
from omnicore.packages.signature import sign, with_signature

ROOT = Path(__file__).parents[1]
DAYS = 365.0


def packages() -> list[Package]:
    """The plugins that are built, each with the licences of what is in it."""
    found = []
    for module in sorted((ROOT / "plugins").glob("*/dist/*.wasm")):
        plain = packed(module.parent.parent, "")
        files = {**plain.files, "LICENSE": (ROOT / "LICENSE").read_bytes()}
        if (others := module.with_name("LICENSES.txt")).is_file():
            files["LICENSES.txt"] = others.read_bytes()
        found.append(pack(plain.module, files, stem=module.stem, version=plain.version))
    return found


def release(folder: Path, key: SecretKey, found: list[Package]) -> str:
    """Writes the index, and returns the digest of its root."""
    clock, entries, files = SystemClock(), dict[str, IndexEntry](), dict[str, bytes]()
    publisher = IndexPublisher("omnicore", key.public.fingerprint, key.public.text())
    for one in found:
        comment = f"timestamp:{int(clock.now())} file:{one.name}-{one.version} {one.digest}"
        signed = with_signature(one, sign(one.manifest, key, comment=comment), key.public)
        entry = entry_with(None, signed, publishers=[publisher], added_at=clock.now())
        entries[one.name] = entry
        files |= index_files(signed, entry.versions[0])
    digest = IndexFolder(folder, IndexKeys(key, key), clock=clock, days=DAYS).write(entries, files)
    (folder / "omnicore.pub").write_text(key.public.text(), "utf-8")
    return digest


def secret_key(path: str | None, password: str) -> SecretKey:
    """The key that signs: the one in a file, else a new one."""
    if not path:
        return SecretKey.new()
    text = read_small(Path(path))
    return read_secret_key(text, password if needs_password(text) else "")


def main(folder: str) -> None:
    """Writes the folder and says how it is read."""
    path = os.environ.get("OMNICORE_RELEASE_KEY")
    key = secret_key(path, sys.stdin.readline().rstrip("\n") if path and not sys.stdin.isatty() else "")
    found = packages()
    digest = release(Path(folder), key, found)
    note = "" if path else " (signed with a key that was made for this and is gone)"
    sys.stdout.write(f'{len(found)} plugins in {folder}{note}\nindexes = ["omnicore=URL#sha256={digest}"]\n')


if __name__ == "__main__":
    main(sys.argv[1])
