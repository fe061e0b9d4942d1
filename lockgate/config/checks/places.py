"""Paths of the file as places on disk. Whatever a text holds, nothing here raises."""

from collections.abc import Callable
from pathlib import Path

STATE_FOLDER = ".lockgate"


def resolved(folder: Path, text: str) -> Path | None:
    """The absolute place of *text*, symlinks followed; None when it is no path (NUL, loops, too long)."""
    try:
        return (folder / text).resolve()
    except (OSError, ValueError, RuntimeError):
        return None


def overlap(one: Path, other: Path) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)


def why_unreadable(look: Callable[[], object]) -> str | None:
    """Run *look*, which may touch the disk; why it could not, or None."""
    try:
        look()
    except OSError as error:
        return error.strerror or "it cannot be read"
    except (ValueError, RuntimeError):
        return "it is not a path"
    return None
