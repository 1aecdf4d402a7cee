#!/bin/sh
# Builds dist/fetch.wasm. Needs Rust with `rustup target add wasm32-unknown-unknown`; Cargo.lock fixes every crate.
# tools: rust
set -eu
cd "$(dirname "$0")"
mkdir -p dist
cargo fetch --quiet --locked
# Messages of panics name source files: without where this machine got them from.
FLAGS="-Clink-arg=-zstack-size=131072"
for sources in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
    FLAGS="$FLAGS --remap-path-prefix=$sources=/crates"
done
RUSTFLAGS="$FLAGS" cargo build --quiet --locked --release --target wasm32-unknown-unknown
cp "${CARGO_TARGET_DIR:-target}/wasm32-unknown-unknown/release/fetch.wasm" dist/fetch.wasm
python3 ../embed.py plugin.toml dist/fetch.wasm
${PYTHON:-python3} ../licenses.py rust . >dist/LICENSES.txt
