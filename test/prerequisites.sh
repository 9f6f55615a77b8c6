#!/bin/sh
# Installs what the tests need and this machine lacks. When all is there it does nothing, quickly and without network.
#
#   test/prerequisites.sh [test|lint|bench]...
#
#   test   (default) PostgreSQL's server, Chromium, Arabic letters, a C compiler (for -race), Node and its tools, curl, openssl, nginx
#   lint   Node and its tools
#   bench  PostgreSQL's server, pgbench, wrk
set -eu
cd "$(dirname "$0")/.."

has() { command -v "$1" >/dev/null 2>&1; }

# Debian, Red Hat and Alpine keep the server's programs off PATH; test/pgtest looks in the same places.
has_postgresql() {
	if has initdb && has pg_ctl; then
		return 0
	fi
	for dir in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/libexec/postgresql*; do
		if [ -x "$dir/initdb" ] && [ -x "$dir/pg_ctl" ]; then
			return 0
		fi
	done
	return 1
}

# The names under which chromedp looks for a browser.
has_chromium() {
	has chromium || has chromium-browser || has google-chrome || has google-chrome-stable || has headless-shell
}

has_pgbench() {
	has pgbench || [ -n "$(find /usr/lib/postgresql /usr/libexec -name pgbench 2>/dev/null)" ]
}

# Debian keeps it where only root looks.
has_nginx() { has nginx || [ -x /usr/sbin/nginx ]; }

has_node() { has node && has npm; }

# Letters to show the pages in all their languages; without fontconfig nobody can tell, and it comes with the browser.
has_arabic() { has fc-list && [ -n "$(fc-list :lang=ar)" ]; }

# missing prints those of the given needs that this machine lacks.
missing() {
	for need in "$@"; do
		case $need in
		postgresql) has_postgresql || echo "$need" ;;
		chromium) has_chromium || echo "$need" ;;
		pgbench) has_pgbench || echo "$need" ;;
		node) has_node || echo "$need" ;;
		nginx) has_nginx || echo "$need" ;;
		arabic) has_arabic || echo "$need" ;;
		*) has "$need" || echo "$need" ;;
		esac
	done
}

# One function per package manager turns needs into that manager's package names.
packages_apt_get() {
	case $1 in
	postgresql | pgbench) echo postgresql ;;
	chromium) echo chromium fonts-liberation ;;
	arabic) echo fontconfig fonts-noto-core ;;
	gcc) echo gcc libc6-dev ;;
	node) echo nodejs npm ;;
	*) echo "$1" ;;
	esac
}

packages_dnf() {
	case $1 in
	postgresql) echo postgresql-server ;;
	pgbench) echo postgresql-contrib ;;
	chromium) echo chromium liberation-fonts ;;
	arabic) echo fontconfig google-noto-sans-arabic-fonts ;;
	gcc) echo gcc glibc-devel ;;
	node) echo nodejs npm ;;
	*) echo "$1" ;;
	esac
}

packages_apk() {
	case $1 in
	postgresql) echo postgresql ;;
	pgbench) echo postgresql-contrib ;;
	chromium) echo chromium font-liberation ;;
	arabic) echo fontconfig font-noto-arabic ;;
	gcc) echo gcc musl-dev ;;
	node) echo nodejs npm ;;
	*) echo "$1" ;;
	esac
}

packages_pacman() {
	case $1 in
	postgresql | pgbench) echo postgresql ;;
	chromium) echo chromium ttf-liberation ;;
	arabic) echo fontconfig noto-fonts ;;
	node) echo nodejs npm ;;
	*) echo "$1" ;;
	esac
}

# install_command prints the command that installs the given needs here.
install_command() {
	for manager in apt-get dnf apk pacman; do
		if has "$manager"; then
			names=$(for need in "$@"; do "packages_$(echo "$manager" | tr - _)" "$need"; done | tr '\n' ' ')
			case $manager in
			apt-get) echo "apt-get update -q && apt-get install -q -y --no-install-recommends $names" ;;
			dnf) echo "dnf install -y $names" ;;
			apk) echo "apk add --no-cache $names" ;;
			pacman) echo "pacman -Sy --noconfirm --needed $names" ;;
			esac
			return 0
		fi
	done
	return 1
}

# install_needs installs what of the given needs is missing, or says in one line why it cannot.
install_needs() {
	lacking=$(missing "$@" | tr '\n' ' ')
	if [ -z "$lacking" ]; then
		return 0
	fi
	# shellcheck disable=SC2086 # a list of words
	if ! command=$(install_command $lacking); then
		echo "prerequisites: missing: $lacking- and no apt-get, dnf, apk or pacman here: install them by hand" >&2
		return 1
	fi
	if [ "$(id -u)" = 0 ]; then
		root="sh -c"
	elif has sudo && sudo -n true 2>/dev/null; then
		root="sudo -n sh -c"
	else
		echo "prerequisites: missing: $lacking- run as root: $command" >&2
		return 1
	fi
	echo "prerequisites: installing: $lacking"
	$root "export DEBIAN_FRONTEND=noninteractive; $command" </dev/null
	lacking=$(missing "$@" | tr '\n' ' ')
	if [ -n "$lacking" ]; then
		echo "prerequisites: still missing after the installation: $lacking" >&2
		return 1
	fi
}

# The Node tools are those of package-lock.json; a copy of it inside node_modules tells which ones are installed.
install_node_tools() (
	cd test/node
	if cmp -s package-lock.json node_modules/.installed-lock.json; then
		return 0
	fi
	echo "prerequisites: installing the Node tools in test/node"
	if ! npm ci --ignore-scripts --no-audit --no-fund; then
		echo "prerequisites: missing: the packages of test/node/package-lock.json, which npm could not fetch" >&2
		return 1
	fi
	cp package-lock.json node_modules/.installed-lock.json
)

if [ $# = 0 ]; then
	set -- test
fi
for purpose in "$@"; do
	case $purpose in
	test)
		install_needs postgresql chromium arabic gcc node curl openssl nginx
		install_node_tools
		;;
	lint)
		install_needs node
		install_node_tools
		;;
	bench) install_needs postgresql pgbench wrk ;;
	*)
		echo "prerequisites: unknown purpose $purpose: one of test, lint, bench" >&2
		exit 2
		;;
	esac
done
