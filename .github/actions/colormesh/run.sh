#!/usr/bin/env bash
# One command of colormesh as a step of a job: builds it where no binary is
# given, and hands it the files of the job.
set -euo pipefail

command=${COLORMESH_COMMAND:?is not set: plan, up, verify or down}
case $command in
    plan | up | verify | down) ;;
    *)
        echo "::error title=colormesh::\`$command\` is none of plan, up, verify and down" >&2
        exit 2
        ;;
esac

binary=${COLORMESH_BINARY:-}
if [ -z "$binary" ]; then
    root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
    target=${CARGO_TARGET_DIR:-$root/target}
    echo '::group::Build'
    # The colour app, and colormesh without EC2's SDK crate, which alone takes
    # 7 GB of memory to compile: name a key pair that exists, or none.
    (cd "$root" && cargo app && cargo build --locked --no-default-features)
    echo '::endgroup::'
    binary=$target/debug/colormesh
fi

arguments=("$command")
[ -z "${GITHUB_STEP_SUMMARY:-}" ] || arguments+=(--summary "$GITHUB_STEP_SUMMARY")
[ -z "${GITHUB_OUTPUT:-}" ] || arguments+=(--outputs "$GITHUB_OUTPUT")
[ -z "${COLORMESH_SETTINGS:-}" ] || arguments+=(--file "$COLORMESH_SETTINGS")
if [ "$command" = verify ] && [ -n "${COLORMESH_JUNIT:-}" ]; then
    arguments+=(--junit "$COLORMESH_JUNIT")
fi
while IFS= read -r argument; do
    [ -z "$argument" ] || arguments+=("$argument")
done <<<"${COLORMESH_ARGUMENTS:-}"

exec "$binary" "${arguments[@]}"
