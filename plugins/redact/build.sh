#!/bin/sh
# Builds dist/redact.wasm. Needs `pip install ziglang==0.17.0` (clang with a Wasm back end).
# tools: zig
set -eu
cd "$(dirname "$0")"
mkdir -p dist
python-zig cc -target wasm32-freestanding -Os -nostdlib -fno-builtin -Wall -Wextra -Werror \
    -Wl,--no-entry -Wl,-z,stack-size=65536 -Wl,--strip-all -o dist/redact.wasm redact.c
python3 ../embed.py plugin.toml dist/redact.wasm
