#!/bin/sh
# All tests: formatting, lints, unit and integration tests, the templates'
# lint, and the tests that need root, namespaces and a real Envoy.
set -eu
cd "$(dirname "$0")/.."

.ci/setup test
PATH="$PWD/target/test-tools/bin:$PATH"
COLORMESH_ENVOY=$(echo "$PWD"/target/test-tools/lib/python3*/site-packages/envoy/_bin/envoy)
export PATH COLORMESH_ENVOY

cargo fmt --all --check
cargo app
cargo clippy --workspace --all-targets -- -D warnings
cargo test --workspace --no-fail-fast -- --include-ignored
