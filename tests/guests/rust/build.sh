#!/bin/sh
# Builds rust.wasm. Needs Rust with `rustup target add wasm32-unknown-unknown`; Cargo.lock fixes every crate.
# tools: rust
set -eu
cd "$(dirname "$0")"
cargo fetch --quiet --locked
# Messages of panics name source files: without where this machine got them from.
FLAGS="-Clink-arg=-zstack-size=131072"
for sources in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
    FLAGS="$FLAGS --remap-path-prefix=$sources=/crates"
done
RUSTFLAGS="$FLAGS" cargo build --quiet --locked --release --target wasm32-unknown-unknown
cp "${CARGO_TARGET_DIR:-target}/wasm32-unknown-unknown/release/guest.wasm" rust.wasm
${PYTHON:-python3} ../../../plugins/licenses.py rust . >LICENSES.txt
