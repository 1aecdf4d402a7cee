#!/bin/sh
# Builds dist/thumbnail.wasm. Needs Rust with `rustup target add wasm32-unknown-unknown` and `pip install omnicore`;
# Cargo.lock fixes every crate.
# tools: rust
set -eu
cd "$(dirname "$0")"
scratch=$(mktemp -d)
omnicore="${PYTHON:-python3} -m omnicore"
trap '$omnicore trust --revoke "$scratch" >/dev/null; rm -rf "$scratch"' EXIT
sh ../../sdk/rust/pinned.sh . "$scratch"
$omnicore trust "$scratch" --yes >/dev/null
mkdir -p dist
$omnicore build "$scratch" -o dist/thumbnail.wasm
${PYTHON:-python3} ../licenses.py rust "$scratch" >dist/LICENSES.txt
