#!/bin/sh
# Builds dist/fetch.wasm. Needs Rust with `rustup target add wasm32-unknown-unknown`; Cargo.lock fixes the crates.
# tools: rust
set -eu
cd "$(dirname "$0")"
mkdir -p dist
CARGO="${CARGO_HOME:-$HOME/.cargo}"
RUSTFLAGS="-Clink-arg=-zstack-size=131072 --remap-path-prefix=$CARGO=/cargo" \
    cargo build --quiet --locked --release --target wasm32-unknown-unknown
cp "${CARGO_TARGET_DIR:-target}/wasm32-unknown-unknown/release/fetch.wasm" dist/fetch.wasm
python3 ../embed.py plugin.toml dist/fetch.wasm
