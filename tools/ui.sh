#!/usr/bin/env bash
# Builds the user interface into web/dist, which the binary embeds, if its sources have changed since the last time. Where Node is
# missing, or its packages can't be had, the binary is built without: it says so on its page. With --must that is an error.
# --types writes the types of the REST API, web/src/schema.ts, from openapi.json; --types --check fails if they are others.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../web"

say() { echo "ui: $*" >&2; }

without() {
	say "$*"
	[[ ${must:-} ]] && exit 1
	[[ -f dist/index.html ]] && say "the binary keeps the UI that was built before" || say "the binary is built WITHOUT the user interface"
	exit 0
}

[[ -n ${1:-} ]] && must=yes
command -v npm >/dev/null || without "Node.js is missing (20.19 or later, with npm)"
node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || a == 20 && b >= 19 ? 0 : 1)' ||
	without "Node.js $(node --version) is too old (20.19 or later)"

if [[ ! -f node_modules/.package-lock.json || package-lock.json -nt node_modules/.package-lock.json ]]; then
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error || without "the packages in web/package-lock.json can't be had"
	touch node_modules/.package-lock.json
fi
if [[ ${1:-} == --types ]]; then
	exec node types.mjs ../openapi.json "${@:2}"
fi
if [[ -f dist/index.html && -z $(find src public index.html package-lock.json vite.config.ts tsconfig.json -newer dist/index.html -print -quit) ]]; then
	exit 0
fi
npm run --silent check
npm run --silent build -- --logLevel warn
if ! npm run --silent size; then
	rm -f dist/index.html # the next build tries again
	exit 1
fi
