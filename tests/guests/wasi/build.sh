#!/bin/sh
# Builds upper-c.wasm and upper-go.wasm. Needs `pip install ziglang==0.17.0`, and Go 1.24 or later.
# tools: zig go
set -eu
cd "$(dirname "$0")"
python-zig cc -target wasm32-wasi -Os -s -Wall -Wextra -Werror -Wl,-z,stack-size=65536 -o upper-c.wasm upper.c
cd go
GOOS=wasip1 GOARCH=wasm go build -trimpath -buildvcs=false -ldflags='-s -w -buildid=' -o ../upper-go.wasm .
{
    ${PYTHON:-python3} ../../../../plugins/licenses.py wasi .
    ${PYTHON:-python3} ../../../../plugins/licenses.py go .
} > ../LICENSES.txt
