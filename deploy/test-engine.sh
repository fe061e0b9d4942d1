#!/bin/sh
# Make a Docker engine and the offline base images that tests run on. As root on Debian or Ubuntu; what is there
# already is left as it is. One image holds all languages and carries a tag for each: it is made in 50 s instead of 150.
set -eu
SUITE=bookworm
PACKAGES=python3-minimal,libpython3-stdlib,ca-certificates,netbase,tzdata,nodejs,ruby,default-jre-headless,iptables
RUNTIMES="python3.11 nodejs18 ruby3.1 java17 provided"
WAIT_S=60 # a first start makes its storage and a network

give_up() {
    if [ "${CI:-}" = true ]; then
        echo "CI needs a Docker engine with offline images: $1" >&2
        exit 1
    fi
    echo "Tests with containers are skipped: $1"
    exit 0
}

answers() { docker version >/dev/null 2>&1; }

start_engine() {
    if [ -d /run/systemd/system ]; then
        systemctl start docker && answers && return 0
    fi
    log=$(mktemp -d)/dockerd.log
    # A session of its own: the engine outlives make, and no signal meant for the tests reaches it.
    setsid dockerd >"$log" 2>&1 </dev/null &
    waited=0
    until answers; do
        waited=$((waited + 1))
        if [ "$waited" -gt "$WAIT_S" ] || ! kill -0 $! 2>/dev/null; then
            tail -n 20 "$log" >&2
            give_up "dockerd did not start"
        fi
        sleep 1
    done
    echo "Docker engine started; its log is $log"
}

recipe() { # what the image is made of, by content
    { echo "$SUITE $PACKAGES" && sed -n '/^make_image/,/^}/p' "$0"; } | sha256sum | cut -c 1-16
}

recipe_of() { # IMAGE: empty when it was made by somebody else; fails when there is none
    docker image inspect --format '{{with .Config.Labels}}{{index . "lockgate.recipe"}}{{end}}' "$1" 2>/dev/null
}

has_images() {
    for runtime in $RUNTIMES; do
        [ "$(recipe_of "lockgate-test/$runtime:offline")" = "$1" ] || return 1
        recipe_of "lockgate/$runtime:offline" >/dev/null || return 1
    done
}

make_image() {
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    # The JRE's scripts need the folder of manual pages, not the pages. Containers cannot keep what Python compiles.
    if ! mmdebstrap --quiet --variant=minbase --include="$PACKAGES" \
        --setup-hook='mkdir -p "$1/usr/share/man/man1"' \
        --dpkgopt='path-exclude=/usr/share/man/man1/*.gz' --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        --customize-hook='chroot "$1" python3 -m compileall -q /usr/lib/python3.11' \
        "$SUITE" "$scratch/base.tar" 2>"$scratch/log"; then
        tail -n 20 "$scratch/log" >&2
        give_up "mmdebstrap could not make the base image"
    fi
    image=$(docker import --change "LABEL lockgate.recipe=$1" "$scratch/base.tar")
    for runtime in $RUNTIMES; do
        docker tag "$image" "lockgate-test/$runtime:offline"
        # The name that Lockgate looks for by itself; an image that somebody made for their own use keeps it.
        before=$(recipe_of "lockgate/$runtime:offline" || echo none)
        [ "$before" = "" ] || docker tag "$image" "lockgate/$runtime:offline"
    done
}

exec 9>"${TMPDIR:-/tmp}/lockgate-test-engine.$(id -u).lock"
flock 9
if ! answers; then
    command -v dockerd >/dev/null 2>&1 || give_up "docker is not installed"
    [ "$(id -u)" = 0 ] || give_up "no engine answers, and only root can start one"
    start_engine 9>&-
fi
wanted=$(recipe)
has_images "$wanted" && exit 0
command -v mmdebstrap >/dev/null 2>&1 || give_up "mmdebstrap is not installed"
[ "$(id -u)" = 0 ] || give_up "only root can make the offline images: sudo $0"
make_image "$wanted"
