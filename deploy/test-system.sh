#!/bin/sh
# Install the system packages that some tests need: gcc builds a C function. As root on Debian or Ubuntu only.
set -eu
missing=""
command -v gcc >/dev/null 2>&1 || missing="$missing gcc libc6-dev"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # shellcheck disable=SC2086  # a list of names
    apt-get install -y -qq --no-install-recommends $missing >/dev/null
elif [ "${CI:-}" = true ]; then
    echo "CI needs:$missing, and this user cannot install it" >&2
    exit 1
else
    echo "Not installed, so some tests are skipped:$missing"
fi
