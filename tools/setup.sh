#!/usr/bin/env bash
# Checks for what the build and the tests need, and installs what is missing where it may.
#
#   tools/setup.sh go cc postgres net sshd mistral golden chromium
#
# Go must be there. Without a C compiler the tests run without the race detector; without PostgreSQL's server the tests on
# PostgreSQL are skipped, without ip and nft the chaos tests cut no network, without OpenSSH's server the tests of std.ssh are
# skipped, without RabbitMQ that of event triggers, without the command mistral those of Mistral's client, without the golden
# corpus those of conformance. Packages are installed with apt-get when we are root or sudo asks for no password.
set -euo pipefail

say() { echo "setup: $*" >&2; }

as_root() {
	if [[ $(id -u) == 0 ]]; then
		"$@"
	elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
		sudo -n "$@"
	else
		return 1
	fi
}

# install NAME… gives 0 if the packages are there afterwards.
install() {
	command -v apt-get >/dev/null || return 1
	as_root true || return 1
	say "installing $*"
	as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq >&2 || true
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}

check_go() {
	if ! command -v go >/dev/null; then
		say "Go is missing: install it from https://go.dev/dl/ (any version from 1.21 on fetches the one that go.mod names)"
		exit 1
	fi
	go version >/dev/null || exit 1 # fetches the toolchain of go.mod, says why if it can't
}

check_cc() {
	command -v "${CC:-gcc}" >/dev/null && return
	install gcc libc6-dev || say "no C compiler: tests run WITHOUT the race detector (apt-get install gcc libc6-dev)"
}

check_postgres() {
	compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null && return
	command -v initdb >/dev/null && return
	install postgresql || say "no PostgreSQL server: its tests are SKIPPED (apt-get install postgresql)"
}

check_net() {
	command -v ip >/dev/null && command -v tc >/dev/null && command -v nft >/dev/null && return
	install iproute2 nftables || say "no ip, tc or nft: the chaos tests CUT NO NETWORK (apt-get install iproute2 nftables)"
}

check_sshd() {
	[[ -x /usr/sbin/sshd ]] && return
	command -v sshd >/dev/null && return
	install openssh-server || say "no sshd: the tests of std.ssh are SKIPPED (apt-get install openssh-server)"
}

check_rabbitmq() {
	[[ -x /usr/lib/rabbitmq/bin/rabbitmq-server ]] && return
	install rabbitmq-server || say "no RabbitMQ: its test is SKIPPED (apt-get install rabbitmq-server)"
}

check_mistral() {
	command -v mistral >/dev/null && return
	install python3-mistralclient || say "no command mistral: its tests are SKIPPED (apt-get install python3-mistralclient)"
}

check_golden() {
	local folder=${CIERZO_GOLDEN:-../shared/golden}
	[[ -d $folder/dsl && -d $folder/expr ]] && return
	say "no golden corpus in $folder: the tests of CONFORMANCE with Mistral are SKIPPED (set CIERZO_GOLDEN to its folder)"
}

check_chromium() {
	local path
	for path in chromium chromium-browser google-chrome; do
		command -v "$path" >/dev/null && return
	done
	install chromium fonts-inter fonts-jetbrains-mono && return
	say "no Chromium for the tests of the UI (apt-get install chromium)"
	exit 1
}

for what in "$@"; do
	"check_$what"
done
