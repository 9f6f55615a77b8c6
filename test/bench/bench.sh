#!/usr/bin/env bash
# Measures create, status, start, memory, lists and what trust costs beside the floors of this machine: doc.go says how.
#
#   test/bench/bench.sh [-clients 16] [-rounds 5] [-seconds 4] [-starts 5] [-lists] [-full]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

dir=$(mktemp -d "${TMPDIR:-/tmp}/consentd-bench.XXXXXX")
pid=
# The program ends all that it has started, the database with it, when it is told to end.
cleanup() {
	if [ -n "$pid" ] && kill -TERM "$pid" 2>/dev/null; then
		wait "$pid" || true
	fi
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

make build
go build -o "$dir/" ./test/bench ./test/bench/floor
go test -c -o "$dir/tpp.test" ./internal/tpp

"$dir/bench" -consentd "$PWD/bin/consentd" -floor "$dir/floor" -verify "$dir/tpp.test" -dir "$dir" "$@" &
pid=$!
status=0
wait "$pid" || status=$?
pid=
exit "$status"
