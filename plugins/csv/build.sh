#!/bin/sh
# Builds dist/csv.wasm. Needs Go 1.24 or later and `pip install omnicore`; go.sum fixes what it fetches.
# tools: go
set -eu
cd "$(dirname "$0")"
mkdir -p dist
${PYTHON:-python3} -m omnicore build . -o dist/csv.wasm
# Go's own library, which is in the module too, has the licence of golang.org/x/text.
for module in github.com/extism/go-pdk github.com/gogs/chardet golang.org/x/text; do
    printf '%s\n\n' "$module"
    cat "$(go list -m -f '{{.Dir}}' "$module")/LICENSE"
done > dist/LICENSES.txt
