#!/usr/bin/env bash
# Runs one fuzz test for a while: tools/fuzz.sh FOLDER NAME TIME [FLAGS]. It prints the end of what go test says, and fails when an input
# fails, or for any other reason but one: when the time is over at a bad moment, go test itself says that a deadline was exceeded
# (https://go.dev/issue/75804), and no input has failed.
set -euo pipefail
folder=$1 name=$2 time=$3
shift 3
said=$(mktemp)
trap 'rm -f "$said"' EXIT
code=0
# To make an interesting input smaller may take all of the time; it needn't be small.
go test "./$folder" -run '^$' -fuzz "^$name\$" -fuzztime "$time" -fuzzminimizetime 50x "$@" >"$said" 2>&1 || code=$?
echo "$folder $name"
tail -40 "$said"
if [ $code -ne 0 ] && grep -A1 "^--- FAIL: $name " "$said" | tail -1 | grep -qx ' *context deadline exceeded' &&
	! grep -q -e 'Failing input written' -e '^panic:' "$said"; then
	echo "$folder $name: the time was over, and no input has failed"
	code=0
fi
exit $code
