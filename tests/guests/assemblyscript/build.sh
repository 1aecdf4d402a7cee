#!/bin/sh
# Builds assemblyscript.wasm. Needs Node 18 or later with npm; package-lock.json fixes the compiler and the kit.
# tools: npm
set -eu
cd "$(dirname "$0")"
npm ci --silent --no-audit --no-fund
npx asc assembly/index.ts --outFile assemblyscript.wasm -Os --converge --use abort=assembly/index/onAbort
${PYTHON:-python3} ../../../plugins/licenses.py npm . assemblyscript @extism/as-pdk > LICENSES.txt
