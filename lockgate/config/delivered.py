"""What this version does not do yet: refused by name, never skipped.

Two tables of paths (``*`` stands for any name): keys of the grammar whose behaviour comes later, and keys
that are no part of it but reserved, so that an old file never changes its meaning.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from kit.positioned_yaml import KeyPath, YamlValue
from lockgate.config.problems import Problem
from lockgate.config.report import Report

NOT_IN_THIS_VERSION: tuple[str, ...] = (
    "user_pools",
    "authorizers.*.user_pool",
    "authorizers.*.clients",
    "server.auth_url",
    "server.database",
    "server.smtp",
    "functions.*.image",
    "functions.*.command",
    "functions.*.layers",
    "functions.*.network",
    "functions.*.concurrency.provisioned",
    "routes.*.http",
    "routes.*.request",
    "routes.*.response",
    "routes.*.streaming",
)

# The value of a key, where other values of the same key are delivered.
VALUES_NOT_IN_THIS_VERSION: tuple[tuple[str, str], ...] = (("functions.*.cpu", "strict"),)

# Where "remove it" would be the wrong thing to do.
_HINTS = {
    "authorizers.*.user_pool": "write issuer: URL and audience: [CLIENT]",
    "routes.*.http": "write function: NAME or respond: {…}",
    "functions.*.image": "write code: FOLDER",
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

RUNTIMES = (*(f"python3.{minor}" for minor in range(9, 15)), "provided", "provided.al2", "provided.al2023")
LATER_LANGUAGES = ("nodejs", "ruby", "java", "dotnet")


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
    for pattern, later in VALUES_NOT_IN_THIS_VERSION:
        for path, value in _matches(data, pattern.split("."), ()):
            if value == later:
                reason = f'"{path[-1]}: {later}" is not in this version'
                report.add("not-in-this-version", path, reason)


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
