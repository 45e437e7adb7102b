#!/usr/bin/env bash
# Runs `slipway wait` with what the action was given. It comes by the environment, so no value is ever part of a script.
set -eo pipefail

words=(wait)
# option NAME VALUE: as one word, so that a value with a dash in front is no option itself.
option() {
    if [ -n "$2" ]; then words+=("--$1=$2"); fi
}
option tag "$TAG"
option digest "$DIGEST"
option for "$STAGE"
option timeout "$TIMEOUT"
option accept "$ACCEPT"
option stack "$STACK"
option region "$REGION"
# On one line or on several. `*` is a target here, and no name of a file.
read -r -d '' -a targets <<<"$TARGETS" || true
exec slipway "${words[@]}" -- "${targets[@]}"
