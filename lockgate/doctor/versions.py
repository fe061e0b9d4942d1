"""Versions of the engine and of runc, and the known ways out of containers that each has closed (C11)."""

import re
from dataclasses import dataclass

Version = tuple[int, int, int]

ENGINE_FLOOR: Version = (27, 0, 0)
_NUMBERS = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?(-rc[.]?(\d+))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Escape:
    """Ways out of a container. :param fixed: the first good version of each line of releases, oldest line first."""

    names: tuple[str, ...]
    fixed: tuple[Version, ...]
    candidate: tuple[Version, int] | None = None


# Source: runc's release notes and security advisories.
ESCAPES = (
    Escape(names=("CVE-2024-21626",), fixed=((1, 1, 12),)),
    Escape(
        names=("CVE-2025-31133", "CVE-2025-52565", "CVE-2025-52881"),
        fixed=((1, 2, 8), (1, 3, 3)),
        candidate=((1, 4, 0), 3),
    ),
)


def parse(text: str) -> Version | None:
    """The numbers of ``1.1.5+ds1`` or ``28.2.2``; None where there are none."""
    match = _NUMBERS.match(text)
    return None if match is None else (int(match[1]), int(match[2]), int(match[3] or 0))


def open_escapes(runc: str) -> tuple[str, ...]:
    """Those that a runc of this version still has, by its number; a distribution may have mended it without."""
    version = parse(runc)
    if version is None:
        return ()
    return tuple(name for escape in ESCAPES if not _is_closed(escape, version, runc) for name in escape.names)


def _is_closed(escape: Escape, version: Version, text: str) -> bool:
    same_line = [fixed for fixed in escape.fixed if fixed[:2] == version[:2]]
    if same_line:
        return version >= same_line[0]
    if escape.candidate is not None and version == escape.candidate[0]:
        match = _NUMBERS.match(text)
        return match is not None and (match[5] is None or int(match[5]) >= escape.candidate[1])
    return version > escape.fixed[-1]
