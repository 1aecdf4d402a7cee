#!/bin/sh
# Builds guest.wasm. Needs Rust with `rustup target add wasm32-wasip2`; crates.txt fixes every crate.
set -eu
cd "$(dirname "$0")"
if [ ! -f Cargo.lock ]; then
    cargo generate-lockfile --quiet
    while read -r crate version; do
        cargo update --quiet "$crate" --precise "$version" </dev/null
    done <crates.txt
fi
cargo fetch --quiet --locked
# Messages of panics name source files: without where this machine got them from.
FLAGS="--remap-path-prefix=$PWD=/guest"
for sources in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
    FLAGS="$FLAGS --remap-path-prefix=$sources=/crates"
done
RUSTFLAGS="$FLAGS" cargo build --quiet --locked --release --target wasm32-wasip2
cp "${CARGO_TARGET_DIR:-target}/wasm32-wasip2/release/component_guest.wasm" guest.wasm
