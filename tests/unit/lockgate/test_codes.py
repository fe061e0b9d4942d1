"""The table of codes is the documentation, and the code uses no other."""

import re
from pathlib import Path

from kit.positioned_yaml import PROBLEM_CODES
from lockgate.config.codes import CODES, reference

ROOT = Path(__file__).parents[3]


def test_the_documentation_is_the_table() -> None:
    assert (ROOT / "docs/errors.md").read_text() == reference()


def test_codes_are_short_words() -> None:
    assert [code for code in CODES if not re.fullmatch(r"[a-z]+(-[a-z0-9]+){0,3}", code)] == []


def test_the_yaml_reader_uses_documented_codes() -> None:
    assert set(CODES) >= PROBLEM_CODES


def test_every_code_is_used_somewhere() -> None:
    sources = [*(ROOT / "lockgate/config").rglob("*.py"), *(ROOT / "kit").glob("*.py")]
    text = "".join(path.read_text() for path in sources if path.name != "codes.py")
    assert [code for code in CODES if f'"{code}"' not in text] == []
