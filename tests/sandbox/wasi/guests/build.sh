#!/bin/sh
# Builds the guests of these tests. Needs `pip install ziglang`; the built modules are kept beside their sources.
set -e
cd "$(dirname "$0")"
python-zig cc -target wasm32-wasi -Os -s -o files.wasm files.c
${PYTHON:-python3} ../../../../plugins/licenses.py wasi . > LICENSES.txt
