#!/bin/sh
# Builds rust.wasm. Needs Rust with `rustup target add wasm32-unknown-unknown`; Cargo.lock fixes the crates.
# tools: rust
set -eu
cd "$(dirname "$0")"
CARGO="${CARGO_HOME:-$HOME/.cargo}"
RUSTFLAGS="-Clink-arg=-zstack-size=131072 --remap-path-prefix=$CARGO=/cargo" \
    cargo build --quiet --locked --release --target wasm32-unknown-unknown
cp "${CARGO_TARGET_DIR:-target}/wasm32-unknown-unknown/release/guest.wasm" rust.wasm
