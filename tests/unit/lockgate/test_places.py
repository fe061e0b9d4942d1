"""Looking at a path never raises, and a volume that contains a folder overlaps it too."""

from pathlib import Path

import pytest

from lockgate.config.checks.places import overlap, resolved, why_unreadable


def test_what_is_no_path_resolves_to_nothing(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert resolved(tmp_path, "a\x00b") is None
    assert resolved(tmp_path, "../x") == tmp_path.parent / "x"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PermissionError(13, "Permission denied"), "Permission denied"),
        (ValueError("embedded null byte"), "it is not a path"),
    ],
)
def test_why_a_look_failed(error: Exception, words: str) -> None:
    def look() -> None:
        raise error

    assert why_unreadable(look) == words
    assert why_unreadable(lambda: None) is None


@pytest.mark.parametrize(
    ("other", "expected"), [("a", True), ("a/b", True), (".", True), ("ab", False), ("b", False)]
)
def test_overlap_is_either_way_and_by_whole_names(other: str, expected: bool) -> None:
    assert overlap(Path("/site/a"), Path("/site") / other) is expected
