#!/bin/sh
# pinned.sh CRATE FOLDER: copies a crate that leads to this kit into an empty folder, with the kit in it and all crates in
# the versions of its Cargo.lock. Where a kit outside of the folder lies would be part of what is built.
set -eu
kit=$(cd "$(dirname "$0")" && pwd)
mkdir "$2/sdk" "$2/sdk/macros"
cp -r "$1"/src "$1"/Cargo.lock "$2"
if [ -f "$1/plugin.toml" ]; then cp "$1/plugin.toml" "$2"; fi
sed 's|^omnicore-sdk = .*|omnicore-sdk = { path = "sdk" }|' "$1/Cargo.toml" >"$2/Cargo.toml"
cp -r "$kit/Cargo.toml" "$kit/src" "$2/sdk"
cp -r "$kit/macros/Cargo.toml" "$kit/macros/src" "$2/sdk/macros"
