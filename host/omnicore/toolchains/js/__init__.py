"""JavaScript and TypeScript: the source is run once in a JavaScript engine, and its memory becomes the plugin.

Plain JavaScript needs nothing but this package. TypeScript, and sources that import npm packages, are bundled by
esbuild first.
"""

from __future__ import annotations

from omnicore.toolchains.js.toolchain import JavaScript

__all__ = ["KIT_FILES", "TOOLCHAIN"]

KIT_FILES = ("index.d.ts", "omnicore.d.ts", "package.json", "testing.d.ts", "testing.mjs", "src/nouns")
"""What `omnicore new` copies of sdk/js: types for editors and a host for unit tests; a build needs none of it."""

TOOLCHAIN = JavaScript()
