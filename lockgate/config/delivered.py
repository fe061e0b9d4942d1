"""What this version does not do yet: refused by name, never skipped.

Two tables of paths (``*`` stands for any name): keys of the grammar whose behaviour comes later, and keys
that are no part of it but reserved, so that an old file never changes its meaning.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from executor.language import KNOWN_RUNTIMES
from kit.positioned_yaml import KeyPath, YamlValue
from lockgate.config.problems import Problem
from lockgate.config.report import Report

NOT_IN_THIS_VERSION: tuple[str, ...] = (
    "user_pools.*.identity_providers",
    "functions.*.layers",
    "routes.*.http",
    "routes.*.request",
    "routes.*.response",
    "routes.*.streaming",
)

# Where "remove it" would be the wrong thing to do.
_HINTS = {
    "routes.*.http": "write function: NAME or respond: {…}",
}

NOT_YET: tuple[str, ...] = (
    "functions.*.aliases",
    "functions.*.events",
    "functions.*.build",
    "routes.*.static",
    "routes.*.redirect",
    "routes.*.scopes_all",
    "routes.*.cors",
    "routes.*.encoded_slash",
    "routes.*.allow_private",
    "authorizers.*.allow_private",
    "server.encoded_slash",
    "server.allow_private",
)

# Debian 12's Ruby, which AWS never had: it is what an image made without a registry holds.
RUNTIMES = (*KNOWN_RUNTIMES, "ruby3.1")
LATER_LANGUAGES = ("dotnet",)


def report_undelivered(data: YamlValue, report: Report) -> None:
    """Report every reserved key and every key of a later version in *data*."""
    for pattern in NOT_YET:
        for path, _ in _matches(data, pattern.split("."), ()):
            reason = f'"{path[-1]}" is reserved and does not exist yet'
            report.add("not-yet", path, reason, "remove it", at="key")
            report.poison(path)  # the grammar does not know it: what it would say is a consequence
    for pattern in NOT_IN_THIS_VERSION:
        for path, _ in _matches(data, pattern.split("."), ()):
            hint = _HINTS.get(pattern, "remove it")
            report.add("not-in-this-version", path, f'"{path[-1]}" is not in this version', hint, at="key")


def several_files(paths: Sequence[Path]) -> Problem | None:
    """What to say when more than one configuration file was given; None when it was one."""
    if len(paths) < 2:
        return None
    return Problem(
        code="several-files",
        severity="error",
        file=str(paths[1]),
        line=0,
        column=0,
        key_path=(),
        reason="several configuration files do not exist yet",
        suggestion=f"give one: -c {paths[0]}",
    )


def _matches(node: YamlValue, steps: Sequence[str], path: KeyPath) -> Iterator[tuple[KeyPath, YamlValue]]:
    if not steps:
        yield path, node
    elif isinstance(node, dict):
        keys = list(node) if steps[0] == "*" else [steps[0]] if steps[0] in node else []
        for key in keys:
            yield from _matches(node[key], steps[1:], (*path, key))
