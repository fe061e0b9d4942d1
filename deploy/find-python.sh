#!/bin/sh
# Print the newest Python >= 3.11 with venv and ensurepip; explain what to install when there is none.
for name in python3.14 python3.13 python3.12 python3.11 python3; do
    path=$(command -v "$name" 2>/dev/null) || continue
    if "$path" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        echo "$path"
        exit 0
    fi
done
echo "Lockgate needs Python 3.11 or newer with venv (Debian, Ubuntu: apt install python3 python3-venv)." >&2
echo "false"
