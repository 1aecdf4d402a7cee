#!/bin/sh
# Builds plugins/@name@.wasm. Any clang that knows wasm32 does; `pip install ziglang` brings one.
set -e
cd "$(dirname "$0")"
${WASM_CC:-python3 -m ziglang cc} --target=wasm32-freestanding -Os -nostdlib \
  -Wl,--no-entry -Wl,-z,stack-size=65536 -o plugins/@name@.wasm plugin.c
