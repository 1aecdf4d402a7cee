#!/bin/sh
# Builds lib.wasm and main.wasm. Needs `pip install ziglang==0.17.0`.
# tools: zig
set -eu
cd "$(dirname "$0")"
for name in lib main; do
    python-zig cc -target wasm32-freestanding -Os -nostdlib -fno-builtin -Wall -Wextra -Werror \
        -Wl,--no-entry -Wl,-z,stack-size=65536 -Wl,--strip-all -o "$name.wasm" "$name.c"
done
