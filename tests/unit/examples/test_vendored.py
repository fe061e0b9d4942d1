"""Code by others that the sample brings along is what its note says, and what its makers have published."""

import hashlib
import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
VENDOR = ROOT / "examples" / "web" / "vendor"
FILE = VENDOR / "oidc-client-ts.min.js"
PACKAGE = ROOT / "tests" / "node" / "node_modules" / "oidc-client-ts"


def test_the_note_names_the_hash_of_the_file() -> None:
    note = (VENDOR / "README.md").read_text()
    noted = re.search(r"sha256 `([0-9a-f]{64})`", note)
    assert noted is not None
    assert hashlib.sha256(FILE.read_bytes()).hexdigest() == noted[1]


@pytest.mark.parametrize("name", ["oidc-client-ts", "jwt-decode"])
def test_its_licence_lies_beside_it(name: str) -> None:
    assert f"`{name}.LICENSE`" in (VENDOR / "README.md").read_text()
    assert "icen" in (VENDOR / f"{name}.LICENSE").read_text()


def test_the_file_is_the_one_that_npm_has() -> None:
    if not PACKAGE.exists():
        if os.environ.get("CI") == "true":
            pytest.fail("npm ci was not run in tests/node")
        pytest.skip("tests/node/node_modules is not there: make .venv/node")
    assert (PACKAGE / "dist" / "browser" / FILE.name).read_bytes() == FILE.read_bytes()
    version = re.search(r'"version": "([0-9.]+)"', (PACKAGE / "package.json").read_text())
    assert version is not None
    assert f"oidc-client-ts {version[1]}," in (VENDOR / "README.md").read_text()
