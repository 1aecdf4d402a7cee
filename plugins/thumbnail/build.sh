#!/bin/sh
# Builds dist/thumbnail.wasm. Needs Rust with `rustup target add wasm32-unknown-unknown` and `pip install omnicore`;
# Cargo.lock fixes every crate.
# tools: rust
set -eu
cd "$(dirname "$0")"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
sh ../../sdk/rust/pinned.sh . "$scratch"
mkdir -p dist
${PYTHON:-python3} -m omnicore build "$scratch" -o dist/thumbnail.wasm
${PYTHON:-python3} ../licenses.py rust "$scratch" >dist/LICENSES.txt
