#!/usr/bin/env bash
# Replays the recorded cases of the golden corpus (CIERZO_GOLDEN) over HTTP against a server that it starts, and prints how
# many of each area are answered as recorded. Cases whose better answer is written down (docs/compatibility.md) are named
# apart; any other difference ends with 1. Needs python3 with PyYAML, as the corpus' own driver does.
#   conformance.sh [AREA…]        all areas, or these
set -euo pipefail
cd "$(dirname "$0")/.."
golden=${CIERZO_GOLDEN:-../shared/golden}
level=${LEVEL:-semantic}
if [ ! -f "$golden/golden.py" ]; then
	echo "There is no golden corpus in $golden: set CIERZO_GOLDEN to its folder." >&2
	exit 1
fi
dir=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
# As the executor of the recording was called, and with the functions of Mistral 15: as the same corpus runs in-process.
bin/cierzo server --listen "127.0.0.1:$port" --store "sqlite://$dir/conformance.db" --log-level warn --targets executor1 \
	--legacy-functions true 2>"$dir/log" &
server=$!
for _ in $(seq 100); do
	python3 -c "import urllib.request as u; u.urlopen('http://127.0.0.1:$port/healthcheck', timeout=2)" 2>/dev/null && break
	kill -0 "$server" 2>/dev/null || { cat "$dir/log" >&2; exit 1; }
	sleep 0.2
done
areas=("$@")
[ ${#areas[@]} -gt 0 ] || mapfile -t areas < <(ls "$golden/dsl")
# Names of a list in words, those with a better answer or the others.
names() { # better|other, names
	python3 -c 'import json, sys
better = json.load(open("test/conformance/testdata/better.json"))
print(" ".join(n for n in sys.argv[2:] if (n in better) == (sys.argv[1] == "better")))' "$@"
}
total=0 same=0 wrong=0
for area in "${areas[@]}"; do
	# The driver ends with 1 when a case differs.
	out=$(python3 "$golden/golden.py" check "$golden/dsl/$area" --url "http://127.0.0.1:$port/v2" --jobs 8 --level "$level" || true)
	cases=$(sed -nE 's/^([0-9]+) cases, .*/\1/p' <<<"$out")
	differ=$(sed -nE 's/^[0-9]+ cases, ([0-9]+) differ.*/\1/p' <<<"$out")
	[ -n "$cases" ] || { echo "$area: the driver has failed: $out" >&2; exit 1; }
	mapfile -t differing < <(sed -nE 's/^DIFF ([^:]*):.*/\1/p' <<<"$out")
	other=$(names other "${differing[@]}") better=$(names better "${differing[@]}")
	printf '%-12s %3d/%-3d %s%s\n' "$area" $((cases - differ)) "$cases" "${other:+DIFFER: $other }" "${better:+better: $better}"
	wrong=$((wrong + $(wc -w <<<"$other")))
	total=$((total + cases)) same=$((same + cases - differ))
done
printf '%-12s %3d/%d\n' all "$same" "$total"
[ "$wrong" = 0 ]
