#!/usr/bin/env bash
# Brings what is missing, and only that:
#   tests/setup.sh run    .venv with the server
#   tests/setup.sh test   also what the tests need: dev and bench packages, Java, Apache Kafka, Node,
#                         nginx, Chromium …
# Python packages go into .venv, Kafka's jars into .cache/kafka, kafkajs into tests/kafka, axe-core
# into tests/browser; system packages come from apt, as root or by sudo. It may be run again at any
# time.
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

# Alone: the folder of a script is where Python looks for modules first.
is_optimised() { "$1" -I benchmarks/python_build.py; }

header_of() { "$1" -c 'import sysconfig; print(sysconfig.get_paths()["include"] + "/Python.h")'; }

# Its name among the distribution's packages.
package_of() { "$1" -c 'import sys; print("python%d.%d" % sys.version_info[:2])'; }

# Whether a .venv can be made with it and compiled for: now, or with what apt brings unasked.
is_usable() {
    "$1" -c 'import ensurepip' 2> /dev/null && [ -e "$(header_of "$1")" ] && return
    case $(command -v "$1") in /usr/bin/* | /bin/*) ;; *) return 1 ;; esac
    command -v apt-get > /dev/null && { [ "$(id -u)" -eq 0 ] || sudo -n true 2> /dev/null; }
}

# The first one that is optimised, or else the first one. PYTHON's goes before all.
find_python() {
    local name first=
    for name in ${PYTHON:-} python3 python3.{11..14} /usr/bin/python3; do
        is_python "$name" || continue
        if [ "$name" = "${PYTHON:-}" ] || { is_optimised "$name" && is_usable "$name"; }; then
            echo "$name"
            return
        fi
        first=${first:-$name}
    done
    [ -n "$first" ] || die "Python 3.11 or newer is needed; found" \
        "$(python3 --version 2> /dev/null || echo none)." \
        "Set PYTHON to its path where it is not on PATH."
    is_optimised "$first" \
        || echo "setup: $first it is, built without optimisations: pings cost a quarter more" >&2
    echo "$first"
}

make_venv() {
    [ -x .venv/bin/python ] && is_python .venv/bin/python && return
    local python
    python=$(find_python)
    if ! "$python" -c 'import ensurepip' 2> /dev/null; then
        apt_install "$(package_of "$python")-venv"
    fi
    rm -rf .venv
    "$python" -m venv .venv
}

# The hot path is compiled (setup.py), so from source a C compiler is needed.
install_compiler() {
    local python=.venv/bin/python
    local missing=()
    command -v cc > /dev/null || command -v gcc > /dev/null || missing+=(gcc libc6-dev)
    [ -e "$(header_of "$python")" ] || missing+=("$(package_of "$python")-dev")
    if [ ${#missing[@]} -gt 0 ]; then apt_install "${missing[@]}"; fi
}

# Whether a compiled module is missing, or older than what it is made from.
stale() {
    [ setup.py -nt "$1" ] && return
    local source compiled
    for source in ingest/*/*.pxd; do
        compiled=$(compgen -G "${source%.pxd}.*.so" | head -n 1) || return 0
        [ "$source" -nt "$compiled" ] && return
        [ "${source%.pxd}.py" -nt "$compiled" ] && return
    done
    return 1
}

# Installs the project with its extras $2 unless it is done since what it is made from last changed.
install_python() {
    local stamp=.venv/$1.stamp
    [ -e "$stamp" ] && [ ! pyproject.toml -nt "$stamp" ] && ! stale "$stamp" && return
    install_compiler
    echo "setup: installing and compiling into .venv: a minute or two, the first time"
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
    command -v chromium > /dev/null || missing+=(chromium)
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

# Installs what package.json in $1 names.
install_npm() {
    local stamp=$1/node_modules/stamp
    [ -e "$stamp" ] && [ ! "$1/package.json" -nt "$stamp" ] && return
    retry npm --prefix "$1" install --no-audit --no-fund --no-package-lock --loglevel error
    touch "$stamp"
}

case "${1:-}" in
    run)
        make_venv
        install_python run ""
        ;;
    test)
        make_venv
        install_python test "[dev,bench]"
        touch .venv/run.stamp
        install_tools
        install_kafka
        install_npm tests/kafka
        install_npm tests/browser
        ;;
    *) die "usage: tests/setup.sh run|test" ;;
esac
