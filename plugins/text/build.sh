#!/bin/sh
# Builds dist/text.wasm. Needs Rust with `rustup target add wasm32-unknown-unknown`; crates.txt fixes every crate.
# tools: rust
set -eu
cd "$(dirname "$0")"
mkdir -p dist
if [ ! -f Cargo.lock ]; then
    cargo generate-lockfile --quiet
    while read -r crate version; do
        cargo update --quiet "$crate" --precise "$version" </dev/null
    done <crates.txt
fi
cargo fetch --quiet --locked
# Messages of panics name source files: without where this machine got them from.
FLAGS="-Clink-arg=-zstack-size=131072"
for sources in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
    FLAGS="$FLAGS --remap-path-prefix=$sources=/crates"
done
RUSTFLAGS="$FLAGS" cargo build --quiet --locked --release --target wasm32-unknown-unknown
cp "${CARGO_TARGET_DIR:-target}/wasm32-unknown-unknown/release/text.wasm" dist/text.wasm
python3 ../embed.py plugin.toml dist/text.wasm
