"""Builds the engine that JavaScript plugins run on: `python sdk/js/engine/build.py [--write]`.

QuickJS-NG comes from the source distribution `quickjs-ng`, fixed by version and hash, and is compiled by `ziglang`,
fixed by version. The same sources give the same bytes on every machine; without `--write` the result is only compared
with the `engine.wasm` that the package ships.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
SHIPPED = ROOT / "host" / "omnicore" / "toolchains" / "js" / "engine.wasm"

SDIST = "quickjs_ng-0.17.0.2"
SDIST_SHA256 = "43d2e48272208721a7aaea8e3f02d4b9318f12ef20cc4f5421b59d9a470706ef"
REQUIREMENT = "quickjs-ng==0.17.0.2"
ZIG = "0.17.0"

QUICKJS = ("libregexp.c", "libunicode.c", "dtoa.c")
# jobs.c includes quickjs.c. slots.c is the last: the imports of the last file are the last imports.
OURS = ("jobs.c", "engine.c", "native.c", "digest.c", "modules.c", "exchange.c", "heap.c", "wasi.c", "slots.c")
FLAGS = (
    *("-target", "wasm32-wasi", "-mexec-model=reactor", "-O2", "-s", "-w", "-std=gnu11", "-D_GNU_SOURCE", "-DNDEBUG"),
    # As where there is no computed goto: it takes twice the time of a switch here.
    "-DEMSCRIPTEN",
    *("-D_WASI_EMULATED_SIGNAL", "-D_WASI_EMULATED_PROCESS_CLOCKS", "-fno-sanitize=all"),
    # ziglang lays the stack lowest, so that what runs over it traps and never writes into the heap.
    "-Wl,-z,stack-size=262144",
)


def main() -> int:
    """Builds, then compares or writes. Returns: the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="keep what was built")
    parser.add_argument("--sdist", type=Path, help="the source distribution, where it is here already")
    chosen = parser.parse_args()
    check_zig()
    with tempfile.TemporaryDirectory(prefix="omnicore-engine-") as scratch:
        folder = Path(scratch)
        sources = unpacked(chosen.sdist or downloaded(folder), folder)
        wasm = compiled(sources, folder)
        texts = licences(sources)
    print(f"{len(wasm)} bytes, sha256 {hashlib.sha256(wasm).hexdigest()}")
    if chosen.write:
        SHIPPED.write_bytes(wasm)
        SHIPPED.with_name("LICENSES.txt").write_text(texts, encoding="utf-8")
    same = SHIPPED.is_file() and SHIPPED.read_bytes() == wasm
    print("the same as the shipped engine" if same else "DIFFERS from the shipped engine: run it with --write")
    return 0 if same else 1


def check_zig() -> None:
    """Ends the run where another compiler would give other bytes."""
    try:
        found = version("ziglang")
    except PackageNotFoundError:
        found = "none"
    if found != ZIG:
        sys.exit(f"needs ziglang {ZIG}, here is {found}: pip install ziglang=={ZIG}")


def downloaded(folder: Path) -> Path:
    """The source distribution, fetched by pip."""
    words = ["download", "--quiet", "--no-deps", "--no-binary", "quickjs-ng", "--dest", str(folder), REQUIREMENT]
    subprocess.run([sys.executable, "-m", "pip", *words], check=True)
    return folder / f"{SDIST}.tar.gz"


def unpacked(archive: Path, folder: Path) -> Path:
    """The folder of QuickJS-NG's own files."""
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != SDIST_SHA256:
        sys.exit(f"{archive.name} has sha256 {found}, not {SDIST_SHA256}")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    return folder / SDIST / "upstream-quickjs"


def compiled(sources: Path, folder: Path) -> bytes:
    """The engine, compiled with paths that say nothing of this machine."""
    made = folder / "engine.wasm"
    mapped = [f"-ffile-prefix-map={place}=." for place in (sources, HERE, folder)]
    inputs = [*(str(sources / name) for name in QUICKJS), *(str(HERE / name) for name in OURS)]
    words = [sys.executable, "-m", "ziglang", "cc", *FLAGS, *mapped, f"-I{sources}", f"-I{HERE}", "-o", str(made)]
    caches = os.environ.get("ZIG_GLOBAL_CACHE_DIR") or str(folder / "cache")
    subprocess.run([*words, *inputs], check=True, env={**os.environ, "ZIG_GLOBAL_CACHE_DIR": caches})
    return made.read_bytes()


def licences(sources: Path) -> str:
    """The licences of what is in the engine: QuickJS-NG, the C library and the compiler's own runtime."""
    libc = zig_folder() / "lib" / "libc"
    parts = {
        "QuickJS-NG": head_of(sources / "quickjs.c"),  # the source distribution holds its licence nowhere else
        "wasi-libc": (libc / "wasi" / "LICENSE-MIT").read_text(encoding="utf-8"),
        "musl": (libc / "musl" / "COPYRIGHT").read_text(encoding="utf-8"),
        "Zig": (zig_folder() / "LICENSE").read_text(encoding="utf-8"),
        "Unicode CLDR (in plugins that use Intl)": (HERE.parent / "src" / "globals" / "LICENSE-UNICODE").read_text(
            "utf-8"
        ),
    }
    return "\n\n".join(f"{name}\n{'=' * len(name)}\n\n{text.strip()}" for name, text in parts.items()) + "\n"


def head_of(file: Path) -> str:
    """The comment that a C file begins with."""
    text = file.read_text(encoding="utf-8")
    lines = text[2 : text.index("*/")].splitlines()
    return "\n".join(line.removeprefix(" *").removeprefix(" ").rstrip() for line in lines)


def zig_folder() -> Path:
    """Where the package `ziglang` is."""
    return Path(str(files("ziglang")))


if __name__ == "__main__":
    sys.exit(main())
