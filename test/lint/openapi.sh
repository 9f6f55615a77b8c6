#!/bin/sh
# Lints every description in openapi/ by the rules of test/node/redocly.yaml. Works without network.
set -eu
cd "$(dirname "$0")/../.."

export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true

set -- openapi/*.yaml
if [ ! -e "$1" ]; then
	echo "openapi/ has no description to lint"
	exit 0
fi

# The tool is chatty, also about its own plans for other Node versions: show its words only when a description fails.
if ! out=$(test/node/node_modules/.bin/redocly lint --config test/node/redocly.yaml "$@" 2>&1); then
	printf '%s\n' "$out" >&2
	exit 1
fi
echo "linted: $*"
