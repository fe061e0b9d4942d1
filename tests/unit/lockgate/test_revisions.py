"""What becomes of a routes file's functions, and what is refused before anything is built."""

from pathlib import Path

import pytest

from executor.packages.store import PackageStore
from lockgate.configuration import load_with_bytes
from lockgate.errors import ConfigurationError
from lockgate.revisions import RevisionBuilder

ROUTES = """
version: 1
functions:
  notes: {code: code, handler: app.handler, runtime: python3.11, volumes: {DATA: data}}
routes:
  GET /notes: {function: notes, public: true}
"""


@pytest.mark.parametrize(
    ("state", "is_refused"),
    [
        pytest.param("data/state", True, id="in-it"),
        pytest.param("data", True, id="the-same"),
        pytest.param("database", False, id="beside-it"),
    ],
)
async def test_volume_that_holds_the_state_is_refused(tmp_path: Path, state: str, is_refused: bool) -> None:
    """A function that may write above the state folder could put another one in its place."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code/app.py").write_text("def handler(event, context):\n    return 1\n")
    (tmp_path / "routes.yaml").write_text(ROUTES)
    file, _ = load_with_bytes((tmp_path / "routes.yaml",))
    store = PackageStore(tmp_path / "packages")
    builder = RevisionBuilder(store, cache=tmp_path / state, say=lambda _: None)
    if is_refused:
        with pytest.raises(ConfigurationError, match="overlap"):
            await builder.build(file)
        assert not (tmp_path / "packages").exists()
    else:
        assert [each.config.name for each in await builder.build(file)] == ["notes"]
