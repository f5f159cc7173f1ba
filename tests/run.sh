#!/bin/sh
# All tests: formatting, lints, unit and integration tests, the templates'
# lint, and the tests that need root, namespaces and a real Envoy.
set -eu
cd "$(dirname "$0")/.."

.ci/setup test
PATH="$PWD/target/test-tools/bin:$PATH"
export PATH

cargo fmt --all --check
cargo app
cargo clippy --workspace --all-targets -- -D warnings
cargo test --workspace -- --include-ignored
