"""The pieces of docs/routes.md, put together, are a file without mistakes."""

import re
from pathlib import Path

import pytest

from lockgate.config.loader import load_bytes

TEXT = (Path(__file__).parents[3] / "docs/routes.md").read_text()
SECTIONS = ("user_pools", "authorizers", "cors", "stages")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for name in ("notes", "check_device"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "app.py").write_text("def handler(event, context): ...\n")
    return tmp_path


def example_of(section: str) -> str:
    """The indented block of a section, without its indentation."""
    body = TEXT.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    block = re.search(r"(?m)(?:^    .*\n|^\n(?=    ))+", body)
    assert block is not None, section
    return re.sub(r"(?m)^    ", "", block[0])


def test_the_documented_example_loads(site: Path) -> None:
    text = "version: 1\n" + "".join(example_of(section) for section in SECTIONS)
    loaded = load_bytes(text.encode(), site / "routes.yaml", {})
    assert loaded.problems == ()
    assert loaded.file is not None
    assert set(loaded.file.authorizers) == {"users", "partner", "device"}
    assert loaded.file.cors is not None
    assert set(loaded.file.stage_throttles) == {"$default", "beta"}
