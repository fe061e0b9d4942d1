#!/bin/sh
# Build Lockgate's image: deploy/image.sh [TAG [BASE]]. BASE is an image with Python 3.11 or newer on glibc.
# Packages come from the lock file with their hashes, for the base's Python; BUILD_NETWORK=none
# builds on a base that has iptables.
set -eu
cd "$(dirname "$0")/.."
tag=${1:-lockgate:latest}
base=${2:-python:3.13-slim-bookworm}
pip=${PIP:-.venv/bin/pip}
context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
asked='import platform, sys; print("%d.%d" % sys.version_info[:2], platform.machine(), platform.libc_ver()[1].split(".")[1])'
set -- $(docker run --rm --network none --entrypoint python3 "$base" -I -c "$asked")
python=$1 machine=$2 glibc=$3
platforms=""
for minor in $(seq "$glibc" -1 17); do platforms="$platforms --platform manylinux_2_${minor}_$machine"; done
# shellcheck disable=SC2086  # a list of options
"$pip" install --quiet --disable-pip-version-check --target "$context/site" --no-deps --no-compile --only-binary :all: \
    --require-hashes --python-version "$python" --implementation cp $platforms --platform "manylinux2014_$machine" \
    -r requirements/run.txt
rm -rf "$context/site/bin"
"$pip" wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir "$context" .
python3 -m zipfile -e "$context"/lockgate-*.whl "$context/site"
rm "$context"/lockgate-*.whl
cp deploy/lockgate "$context/lockgate"
docker build --quiet --network "${BUILD_NETWORK:-default}" --build-arg "BASE=$base" --tag "$tag" --file deploy/Dockerfile "$context"
