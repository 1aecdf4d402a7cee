#!/bin/sh
# Builds dist/markdown.wasm. Needs Go 1.24 or later; go.sum fixes what it fetches.
# tools: go
set -eu
cd "$(dirname "$0")"
mkdir -p dist
GOOS=wasip1 GOARCH=wasm go build -trimpath -buildvcs=false -buildmode=c-shared -ldflags='-s -w -buildid=' \
    -o dist/markdown.wasm .
python3 ../embed.py plugin.toml dist/markdown.wasm
${PYTHON:-python3} ../licenses.py go . > dist/LICENSES.txt
