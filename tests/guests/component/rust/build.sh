#!/bin/sh
# Builds guest.wasm. Needs Rust with `rustup target add wasm32-wasip2`; Cargo.lock fixes every crate.
set -eu
cd "$(dirname "$0")"
cargo fetch --quiet --locked
# Messages of panics name source files: without where this machine got them from.
FLAGS="--remap-path-prefix=$PWD=/guest"
for sources in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
    FLAGS="$FLAGS --remap-path-prefix=$sources=/crates"
done
RUSTFLAGS="$FLAGS" cargo build --quiet --locked --release --target wasm32-wasip2
cp "${CARGO_TARGET_DIR:-target}/wasm32-wasip2/release/component_guest.wasm" guest.wasm
${PYTHON:-python3} ../../../../plugins/licenses.py rust . wasm32-wasip2 >LICENSES.txt
