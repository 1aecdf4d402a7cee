#!/bin/sh
# Builds dist/conformance.wasm. Needs Rust with `rustup target add wasm32-unknown-unknown` and `pip install omnicore`;
# Cargo.lock fixes every crate.
# tools: rust
set -eu
cd "$(dirname "$0")"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
sh ../pinned.sh . "$scratch"
cp ../../../specs/conformance/plugin.toml "$scratch"
mkdir -p dist
${PYTHON:-python3} -m omnicore build "$scratch" -o dist/conformance.wasm
${PYTHON:-python3} ../../../plugins/licenses.py rust "$scratch" >dist/LICENSES.txt
