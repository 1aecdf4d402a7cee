#!/bin/sh
# Builds go.wasm. Needs Go 1.24 or later; go.sum fixes what it fetches.
# tools: go
set -eu
cd "$(dirname "$0")"
GOOS=wasip1 GOARCH=wasm go build -trimpath -buildvcs=false -buildmode=c-shared -ldflags='-s -w -buildid=' -o go.wasm .
${PYTHON:-python3} ../../../plugins/licenses.py go . > LICENSES.txt
