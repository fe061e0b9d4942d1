"""Which known ways out of a container a version of runc has (C11)."""

import pytest

from lockgate.doctor.versions import open_escapes, parse

OLD = "CVE-2024-21626"
NEW = ("CVE-2025-31133", "CVE-2025-52565", "CVE-2025-52881")


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        pytest.param("1.1.5+ds1", (OLD, *NEW), id="debian-12"),
        pytest.param("1.1.11", (OLD, *NEW), id="last-before-the-first"),
        pytest.param("1.1.12", NEW, id="first-mended"),
        pytest.param("1.1.99", NEW, id="a-line-that-was-not-mended"),
        pytest.param("1.2.7", NEW, id="1.2.7"),
        pytest.param("1.2.8", (), id="1.2.8"),
        pytest.param("v1.2.9", (), id="with-a-letter"),
        pytest.param("1.3.2", NEW, id="1.3.2"),
        pytest.param("1.3.3", (), id="1.3.3"),
        pytest.param("1.3.3-0ubuntu1", (), id="of-a-distribution"),
        pytest.param("1.4.0-rc.2", NEW, id="1.4.0-rc.2"),
        pytest.param("1.4.0-rc.3", (), id="1.4.0-rc.3"),
        pytest.param("1.4.0", (), id="1.4.0"),
        pytest.param("2.0.0", (), id="later"),
        pytest.param("unknown", (), id="no-number"),
    ],
)
def test_open_escapes(version: str, expected: tuple[str, ...]) -> None:
    """C11: CVE-2024-21626 until 1.1.12; the three of 2025 until 1.2.8, 1.3.3 and 1.4.0-rc.3."""
    assert open_escapes(version) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20.10.24+dfsg1", (20, 10, 24)),
        ("27.0", (27, 0, 0)),
        ("v28.2.2", (28, 2, 2)),
        ("", None),
        ("dev", None),
    ],
)
def test_numbers(text: str, expected: tuple[int, ...] | None) -> None:
    assert parse(text) == expected
