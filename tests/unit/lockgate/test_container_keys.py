"""What only containers can do is refused where functions are processes; its twin without the key is not."""

from pathlib import Path

import pytest

from lockgate.config.grammar.file import RoutesFile
from lockgate.config.loader import load_bytes
from lockgate.container_keys import refuse_container_keys
from lockgate.errors import ConfigurationError

FILE = """\
version: 1
functions:
  notes:
    code: notes
    handler: app.handler
    KEY
"""


def file_with(tmp_path: Path, key: str) -> RoutesFile:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/app.py").touch()
    loaded = load_bytes(FILE.replace("KEY", key).encode(), tmp_path / "routes.yaml", {})
    assert loaded.file is not None, loaded.problems
    return loaded.file


@pytest.mark.parametrize(
    ("key", "word"),
    [
        ("network: {egress: none}", "network"),
        ("network: {join: [db-net]}", "network"),
        ('network: {allow: ["10.0.0.5"]}', "network"),
        ("sandbox: runsc", "sandbox"),
        ("cpu: strict", "cpu"),
    ],
)
def test_key_that_needs_containers_is_refused_by_name_and_line(tmp_path: Path, key: str, word: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"line 6: functions\.notes\.{word}: ") as caught:
        refuse_container_keys(file_with(tmp_path, key))
    assert "--driver docker" in caught.value.instead


@pytest.mark.parametrize(
    "key", ["network: {egress: internet}", "cpu: shared", "isolation: invocation", "memory: 256"]
)
def test_key_that_says_what_holds_anyway_is_accepted(tmp_path: Path, key: str) -> None:
    refuse_container_keys(file_with(tmp_path, key))


def test_image_is_refused_and_every_function_named(tmp_path: Path) -> None:
    file = file_with(tmp_path, "cpu: strict\n  report: {image: 'r:4'}")
    with pytest.raises(ConfigurationError) as caught:
        refuse_container_keys(file)
    assert [line.partition(":")[0] for line in caught.value.what.splitlines()] == ["line 6", "line 7"]
