"""From a JavaScript or TypeScript source to a plugin."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omnicore.errors import BuildFailed, GuestError
from omnicore.sandbox.inspect import inspect
from omnicore.sandbox.snapshot.guest import Evaluation
from omnicore.toolchains.js.bindings import Bindings
from omnicore.toolchains.js.bundle import Bundle, bundled
from omnicore.toolchains.js.declared import Declared, declared
from omnicore.toolchains.js.engine import guest, prelude
from omnicore.toolchains.js.files import Files
from omnicore.toolchains.manifest import toml_values
from omnicore.toolchains.toolchain import Built, Report, Source

__all__ = ["JavaScript"]

_TYPED = (".ts", ".mts", ".cts", ".tsx")
_SUFFIXES = (".js", ".mjs", ".cjs", ".jsx", *_TYPED)
_NAMES = ("plugin.ts", "plugin.js", "plugin.mjs", "plugin.cjs", "src/index.ts", "src/index.js", "index.ts", "index.js")
_FUNCTION_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]{0,127}")


class JavaScript:
    """See `omnicore.toolchains.toolchain.Toolchain`."""

    language = "js"
    watched: tuple[str, ...] = (*(f"**/*{suffix}" for suffix in _SUFFIXES), "**/*.json", "plugin.toml")

    def find(self, path: Path) -> Source | None:
        """A source file, or a folder with `plugin.js`, `plugin.ts` or a package's index."""
        if path.is_file() and path.suffix in _SUFFIXES and not path.name.endswith(".d.ts"):
            return Source(self.language, path.parent, path, path.stem)
        entry = next((path / name for name in _NAMES if (path / name).is_file()), None)
        return None if entry is None else Source(self.language, path, entry, path.name)

    def build(self, source: Source, report: Report) -> Built:
        """Runs the source once and keeps what it became. See `Toolchain.build` for what it raises."""
        text = _read(source.entry)
        if source.entry.suffix in _TYPED or source.entry.suffix == ".jsx":
            return self._build(source, bundled(source, report), report)
        name = source.entry.relative_to(source.folder).as_posix()
        files = Files(source.folder)
        try:
            return self._build(source, Bundle(name, text), report, files)
        except BuildFailed:
            if not files.packages:
                raise
        # It imports a package: that takes a bundler.
        return self._build(source, bundled(source, report), report)

    def _build(self, source: Source, bundle: Bundle, report: Report, files: Files | None = None) -> Built:
        files = files or Files(source.folder)
        says = declared(source.entry)
        bindings = Bindings(says.imports)
        report(f"running {bundle.name} once, to keep what it makes")
        evaluation = Evaluation(files.answer)
        given = _given(source, bundle, bindings, says)

        def bind(_said: bytes) -> bytes:
            return bindings.chosen([bundle.text, *files.sources.values()], omnicore=files.omnicore)

        try:
            engine = guest()
            said = json.loads(
                engine.evaluate(evaluation, prelude=prelude(), plugin=json.dumps(given).encode(), bind=bind)
            )
        except GuestError as error:
            lines = "".join(f"\n{line}" for line in evaluation.lines)
            raise BuildFailed(
                f"{bundle.name} does not run: {error.fact}{lines}", remedy="mend the source", output=error.fact
            ) from error
        names = [one["name"] for one in said["functions"]]
        _check(names, bundle.name, says)
        wasm = engine.module(evaluation, functions=names, imports=bindings.imports())
        inspect(wasm)
        described = {one["name"]: one["spec"] for one in said["functions"]}
        return Built(wasm, {"functions": described}, tuple(evaluation.lines))


def _given(source: Source, bundle: Bundle, bindings: Bindings, says: Declared) -> Mapping[str, Any]:
    _, values = toml_values(source.folder)
    settings = values.get("functions", {})
    return {
        "name": bundle.name,
        "source": bundle.text,
        "doors": bindings.table,
        "settings": settings if isinstance(settings, dict) else {},
        "only": list(says.functions) if says.functions else None,
        "map": bundle.map,
    }


def _check(names: list[str], name: str, says: Declared) -> None:
    missing = sorted(set(says.functions) - set(names))
    if missing:
        raise BuildFailed(
            f"{name} has no function {missing[0]}, which its declarations promise",
            remedy='export it, or take it out of `declare module "main"`',
        )
    odd = next((one for one in names if not _FUNCTION_NAME.fullmatch(one)), None)
    if odd is not None:
        raise BuildFailed(
            f"{name} exports {odd[:100]!r}, which nobody could call", remedy="use plain letters and digits"
        )
    if not names:
        raise BuildFailed(
            f"{name} exports no function",
            remedy="write `export function greet(input) { ... }`, or set module.exports",
        )


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BuildFailed(f"{path.name} cannot be read: {error}", remedy="save it as UTF-8") from error
