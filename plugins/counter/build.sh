#!/bin/sh
# Builds dist/counter.wasm. Needs Node 18 or later with npm; the compiler and the kit come from package-lock.json.
# tools: npm
set -eu
cd "$(dirname "$0")"
mkdir -p dist
npm ci --silent --no-audit --no-fund
npx asc assembly/index.ts assembly/abort.ts --outFile dist/counter.wasm -Os --converge --use abort=assembly/abort/onAbort
python3 ../embed.py plugin.toml dist/counter.wasm
${PYTHON:-python3} ../licenses.py npm . assemblyscript @extism/as-pdk > dist/LICENSES.txt
