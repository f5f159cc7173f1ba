#!/bin/sh
# The whole walkthrough on this machine: builds colormesh and the colour app,
# deploys the five stacks to the local target, and proves that the mesh holds.
# Arguments go to `up`, such as `--internet stand-in`.
set -eu
cd "$(dirname "$0")/.."

.ci/setup run
cargo app
# Without EC2's SDK crate, which alone takes 7 GB of memory to compile; it is
# only for key pairs, and the local target needs none.
cargo build --no-default-features
target/debug/colormesh up "$@"
target/debug/colormesh verify
