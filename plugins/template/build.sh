#!/bin/sh
# Builds dist/template.wasm. Needs Node 18 or later with npm, and `pip install omnicore`; package-lock.json fixes the rest.
# tools: npm
set -eu
cd "$(dirname "$0")"
mkdir -p dist
npm ci --silent --no-audit --no-fund
${PYTHON:-python3} -m omnicore build . -o dist/template.wasm
{
    for package in handlebars source-map; do
        printf '%s\n\n' "$package"
        cat "node_modules/$package/LICENSE"
        printf '\n\n'
    done
    ${PYTHON:-python3} -c 'from omnicore.toolchains.js import LICENSES; print(LICENSES.read_text("utf-8"), end="")'
} > dist/LICENSES.txt
