#!/usr/bin/env bash
# Brings what is missing, and only that:
#   tests/setup.sh run    .venv with the server
#   tests/setup.sh test   also what the tests need: dev packages, Java, Apache Kafka, Node, nginx …
# Python packages go into .venv, Kafka's jars into .cache/kafka, kafkajs into tests/kafka; system
# packages come from apt, as root or by sudo. It may be run again at any time.
set -euo pipefail
cd "$(dirname "$0")/.."

die() { echo "setup: $*" >&2; exit 1; }

# A registry may be away for a moment.
retry() {
    local attempt
    for attempt in 1 2 3; do
        "$@" && return
        echo "setup: attempt $attempt of 3 failed: $*" >&2
        sleep $((attempt * 5))
    done
    die "gave up: $*"
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

apt_install() {
    command -v apt-get > /dev/null || die "please install: $* (no apt-get here to do it)"
    [ "$(id -u)" -eq 0 ] || command -v sudo > /dev/null \
        || die "please install: $* (neither root nor sudo to do it)"
    export DEBIAN_FRONTEND=noninteractive
    retry as_root apt-get update -q
    retry as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$@"
}

is_python() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; }

find_python() {
    local name
    for name in ${PYTHON:-} python3 python3.11 python3.12 python3.13 python3.14; do
        if is_python "$name"; then echo "$name"; return; fi
    done
    die "Python 3.11 or newer is needed; found $(python3 --version 2> /dev/null || echo none)." \
        "Set PYTHON to its path where it is not on PATH."
}

make_venv() {
    [ -x .venv/bin/python ] && is_python .venv/bin/python && return
    local python
    python=$(find_python)
    if ! "$python" -c 'import ensurepip' 2> /dev/null; then
        apt_install python3-venv
    fi
    rm -rf .venv
    "$python" -m venv .venv
}

# Installs the project with its extras $2 unless it is done since pyproject.toml last changed.
install_python() {
    local stamp=.venv/$1.stamp
    [ -e "$stamp" ] && [ ! pyproject.toml -nt "$stamp" ] && return
    retry .venv/bin/python -m pip install -q --disable-pip-version-check -e ".$2"
    touch "$stamp"
}

java_is_17() { java -version 2>&1 | grep -Eq 'version "(1[7-9]|[2-9][0-9])'; }

install_tools() {
    local missing=()
    java_is_17 || missing+=(openjdk-17-jre-headless)
    command -v mvn > /dev/null || missing+=(maven)
    command -v node > /dev/null || missing+=(nodejs)
    command -v npm > /dev/null || missing+=(npm)
    command -v nginx > /dev/null || [ -x /usr/sbin/nginx ] || missing+=(nginx-light)
    command -v strace > /dev/null || missing+=(strace)
    command -v curl > /dev/null || missing+=(curl)
    if [ ${#missing[@]} -gt 0 ]; then apt_install "${missing[@]}"; fi
}

install_kafka() {
    local jars=.cache/kafka stamp=.cache/kafka.stamp
    [ -e "$stamp" ] && [ ! tests/kafka/pom.xml -nt "$stamp" ] && return
    rm -rf "$jars"
    retry mvn -q -B -f tests/kafka/pom.xml dependency:copy-dependencies \
        -DoutputDirectory="$PWD/$jars" -DincludeScope=runtime
    touch "$stamp"
}

install_kafkajs() {
    local stamp=tests/kafka/node_modules/stamp
    [ -e "$stamp" ] && [ ! tests/kafka/package.json -nt "$stamp" ] && return
    retry npm --prefix tests/kafka install --no-audit --no-fund --no-package-lock --loglevel error
    touch "$stamp"
}

case "${1:-}" in
    run)
        make_venv
        install_python run ""
        ;;
    test)
        make_venv
        install_python test "[dev]"
        touch .venv/run.stamp
        install_tools
        install_kafka
        install_kafkajs
        ;;
    *) die "usage: tests/setup.sh run|test" ;;
esac
