#!/bin/sh
# Builds dist/thumbnail.wasm. Needs Rust with `rustup target add wasm32-unknown-unknown` and `pip install omnicore`;
# crates.txt fixes every crate.
# tools: rust
set -eu
cd "$(dirname "$0")"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
sh ../../sdk/rust/pinned.sh . "$scratch"
mkdir -p dist
${PYTHON:-python3} -m omnicore build "$scratch" -o dist/thumbnail.wasm
sources=$(echo "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*)
(cd "$scratch" && cargo tree --target wasm32-unknown-unknown -e normal --prefix none --no-dedupe -f '{p} {l}') |
    grep -v -e proc-macro -e "$scratch" | sort -u | while read -r crate version licence; do
    printf '%s %s: %s\n\n' "$crate" "${version#v}" "$licence"
    folder=$sources/$crate-${version#v}
    for text in "$folder"/LICENSE-MIT* "$folder"/LICENSE* "$folder"/COPYING; do
        if [ -f "$text" ]; then
            cat "$text"
            printf '\n\n'
            break
        fi
    done
done >dist/LICENSES.txt
