#!/bin/sh
# Install the system packages that some tests need, as root on Debian or Ubuntu; else say what is skipped.
set -eu
missing=""
need() { # COMMAND PACKAGE… : the packages, when the command is not there
    command -v "$1" >/dev/null 2>&1 && return 0
    shift
    missing="$missing $*"
}
need gcc gcc libc6-dev # compiles a function that is a C program
need wrk wrk           # the load generator of the benchmarks
need git git           # clones the project as a newcomer does
need caddy caddy       # a front proxy, as people put before a server
need nginx nginx-light # another one
need slowhttptest slowhttptest # slow clients by the thousand
need openssl openssl   # a TLS client
need node nodejs       # runs an OpenID provider by others
need npm npm           # installs it
need autoreconf autoconf automake libtool # with the three below: AWS's runtime client for Node.js builds itself
need cmake cmake
need g++ g++
need make make
need ruby ruby         # runs functions in Ruby, as the three below functions in their languages
need javac default-jdk-headless
need mvn maven
need go golang-go
need cargo cargo       # and rustc with it
need dockerd docker.io iptables # an engine for functions in containers
need mmdebstrap mmdebstrap # makes base images without a registry
need docker-compose docker-compose # reads compose.yaml
need docker-registry docker-registry # images that are pulled
need pg_ctlcluster postgresql # a database of servers; the tests run a private one
need chromium chromium fonts-liberation # a browser; letters for it
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
