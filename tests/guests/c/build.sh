#!/bin/sh
# Builds c.wasm. Needs `pip install ziglang==0.17.0`.
# tools: zig
set -eu
cd "$(dirname "$0")"
python-zig cc -target wasm32-freestanding -Os -nostdlib -fno-builtin -Wall -Wextra -Werror \
    -Wl,--no-entry -Wl,-z,stack-size=65536 -Wl,--strip-all -o c.wasm guest.c
