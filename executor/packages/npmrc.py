"""Settings beside a function's code (``.npmrc``): which of them npm may have, and what no such file can change.

npm runs as the user of this server, and a setting can name a program for it, or a place to write to. Lines are read
as npm reads them: at every carriage return, too, and with ``${NAME}`` and quotes in keys, which nobody needs.
Source: npm's documentation, "npmrc" and "config"; the ini format of its package ``ini``.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from executor.packages.errors import PackageError

FILE = ".npmrc"
_WANTS_SCRIPTS = re.compile(r"(?m)^\s*ignore-scripts\s*=\s*false\s*$")
_LINE_ENDS = re.compile(r"[\r\n]+")
_PLAIN_KEY = re.compile(r"[A-Za-z0-9@/:._-]+")
_REFUSED = frozenset(
    {
        # programs, and files with further settings
        "browser", "editor", "git", "globalconfig", "init-module", "init.module", "node-gyp", "node-options",
        "onload-script", "python", "script-shell", "shell", "userconfig", "viewer",
        # places that npm writes to, or reads code from
        "cache", "global", "globaldir", "local-prefix", "location", "logs-dir", "prefix", "tmp", "workspace",
        "workspaces", "workspaces-update",
    }
)  # fmt: skip


def wants_scripts(text: bytes) -> bool:
    return _WANTS_SCRIPTS.search(text.decode("utf-8", "replace")) is not None


def check(text: bytes, source: Path) -> None:
    """:raises PackageError: a setting that is not taken from here."""
    for line in _LINE_ENDS.split(text.decode("utf-8", "replace")):
        key = line.partition("=")[0].strip(" \t\v\f\ufeff\xa0").removesuffix("[]").rstrip()
        if not key or key[0] in ";#[":
            continue
        if not _PLAIN_KEY.fullmatch(key):
            raise PackageError("dependencies", f"{key[:60]!r} is no plain name of a setting", source)
        if key in _REFUSED:
            message = f"{key} is not taken from beside the code: set it for the user of this server"
            raise PackageError("dependencies", message, source)


def pinned(environ: Mapping[str, str], *, scripts: bool) -> dict[str, str]:
    """Variables that outdo every ``.npmrc`` but not the operator's own: also those inside of dependencies from git."""
    pins = {"npm_config_git": "git", "npm_config_global": "false", "npm_config_location": "project"}
    if not scripts:
        pins["npm_config_ignore_scripts"] = "true"
    said = {name.lower().replace("-", "_") for name in environ}
    return {name: value for name, value in pins.items() if name not in said}
