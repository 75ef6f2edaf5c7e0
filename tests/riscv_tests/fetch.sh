#!/bin/bash
# tests/riscv_tests/fetch.sh - fetches the compiled RV32IM part of riscv-tests, which a published crate contains for its
# own tests. It uses a manifest outside the workspace, so the crate is not a dependency. Prints the folder.
set -euo pipefail
crate=risc0-circuit-rv32im
version=5.0.0-rc.1
cache=${REMU_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/remu}/riscv-tests
folder=$cache/$crate-$version
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9 # two tests may run this at the same time
if [ ! -d "$folder/riscv-tests" ]; then
    rm -rf "$folder.new"
    mkdir -p "$cache/manifest/src" "$folder.new"
    : >"$cache/manifest/src/lib.rs"
    cat >"$cache/manifest/Cargo.toml" <<END
[package]
name = "fetch"
version = "0.0.0"
edition = "2024"

[dependencies]
$crate = { version = "=$version", default-features = false }

[workspace]
END
    source=$(cargo metadata --quiet --format-version 1 --manifest-path "$cache/manifest/Cargo.toml" |
        tr ',{' '\n\n' | sed -n "s|.*\"manifest_path\":\"\(.*/$crate-$version\)/Cargo.toml\".*|\1|p" | head -1)
    [ -n "$source" ] || { echo "tests/riscv_tests/fetch.sh: $crate $version could not be fetched" >&2; exit 1; }
    tar -x -z -f "$source/src/testdata/riscv-tests.tgz" -C "$folder.new"
    mv "$folder.new" "$folder"
fi
echo "$folder/riscv-tests"
