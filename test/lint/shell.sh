#!/bin/sh
# Checks the syntax of every shell script with the shell that its first line names.
set -eu
cd "$(dirname "$0")/../.."

failed=0
scripts=$(find . \( -name node_modules -o -name .git -o -name bin \) -prune -o -type f \( -name '*.sh' -o -path './.ci/run' \) -print | sort)
for script in $scripts; do
	case $(head -n 1 "$script") in
	'#!'*bash*) shell=bash ;;
	'#!'*sh*) shell=sh ;;
	*)
		echo "$script: the first line must name sh or bash" >&2
		failed=1
		continue
		;;
	esac
	"$shell" -n "$script" || failed=1
done
exit "$failed"
