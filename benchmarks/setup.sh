#!/usr/bin/env bash
# Brings what the benchmarks need and the tests do not: rsyslog with its module for Kafka, wrk, and
# what librdkafka is built with. As root or by sudo; it may be run again at any time.
# Go and Cargo are not installed: without them Telegraf and the Rust collector are named as missing.
set -euo pipefail

missing=()
[ -x /usr/sbin/rsyslogd ] || missing+=(rsyslog)
find /usr/lib -path '*rsyslog/omkafka.so' 2> /dev/null | grep -q . || missing+=(rsyslog-kafka)
command -v wrk > /dev/null || missing+=(wrk)
[ -n "$(find /usr/include -path '*curl/curl.h')" ] || missing+=(libcurl4-openssl-dev)
[ -n "$(find /usr/include -path '*openssl/ssl.h')" ] || missing+=(libssl-dev)
[ -n "$(find /usr/include -name zlib.h)" ] || missing+=(zlib1g-dev)
[ ${#missing[@]} -eq 0 ] && exit 0

command -v apt-get > /dev/null || { echo "please install: ${missing[*]}" >&2; exit 1; }
as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }
as_root apt-get update -q
as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -qy --no-install-recommends "${missing[@]}"
