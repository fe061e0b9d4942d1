"""Scripts of ``tests/node`` that drive npm packages by others: run one, read the JSON that it prints."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

_FOLDER = Path(__file__).parent.parent / "node"
_PATIENCE_S = 50.0


def node_peers(script: str, *arguments: str) -> dict[str, Any]:
    """A machine without Node.js or its packages skips the test; CI fails there."""
    node = shutil.which("node")
    if node is None or not (_FOLDER / "node_modules" / "openid-client").is_dir():
        reason = "needs node and `npm ci` in tests/node"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    ran = subprocess.run(
        [node, _FOLDER / script, *arguments], capture_output=True, text=True, timeout=_PATIENCE_S, check=False
    )
    assert ran.returncode == 0, ran.stderr
    said: dict[str, Any] = json.loads(ran.stdout)
    return said
