"""What a killed executor comes back with: all of it, or nothing."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from executor.catalog import Generation
from executor.revision import FunctionConfig, ImageConfig, NetworkConfig, Revision
from lockgate.config.loader import load_bytes
from lockgate.parts.document import document_of, file_of, same
from lockgate.parts.kept import keep, kept
from lockgate.served import Served, snapshot_of
from lockgate.supervisor.supervisor import nameless_file

REVISIONS = [
    Revision.of(
        FunctionConfig(
            name="f",
            runtime="python3.11",
            handler="app.handler",
            environment={"SECRET": "s"},
            volumes={"V": "/v"},
        ),
        "package",
    ),
    Revision.of(
        FunctionConfig(
            name="g",
            runtime="image",
            handler="",
            network=NetworkConfig(egress="none", join=("db",), allow=("10.0.0.5:5432",)),
            image=ImageConfig(command=("a", "b")),
        ),
        "",
        "sha256:1",
    ),
]


@pytest.fixture
def fd() -> Iterator[int]:
    fd = nameless_file("test")
    yield fd
    os.close(fd)


def served(folder: Path, number: int = 7, body: str = "${env:WORD}") -> Served:
    (folder / "f").mkdir(exist_ok=True)
    (folder / "f" / "app.py").write_text("def handler(event, context): ...")
    data = json.dumps(
        {
            "version": 1,
            "functions": {
                "f": {"code": "f", "handler": "app.handler", "environment": {"SECRET": "${env:WORD}"}}
            },
            "routes": {
                "GET /f": {"public": True, "function": "f"},
                "GET /w": {"public": True, "respond": {"body": body}},
            },
        }
    ).encode()
    loaded = load_bytes(data, folder / "routes.yaml", os.environ)
    assert loaded.file is not None, loaded.problems

    async def run(*_: object) -> None: ...

    functions = Generation(run, REVISIONS)  # type: ignore[arg-type]  # never called
    return Served(
        number=number,
        file=loaded.file,
        snapshot=snapshot_of(loaded.file, functions),
        functions=functions,
        data=data,
    )


@pytest.fixture(autouse=True)
def word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORD", "spoken")


def test_what_was_kept_comes_back(fd: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what the environment said then, and though code and file are gone."""
    assert kept(fd) is None
    before = served(tmp_path)
    keep(fd, before, tmp_path / "routes.yaml", account="1" * 12, region="eu-west-1")
    monkeypatch.setenv("WORD", "other")
    (tmp_path / "f" / "app.py").unlink()
    found = kept(fd)
    assert found is not None
    assert (found.number, found.account, found.region, found.data) == (7, "1" * 12, "eu-west-1", before.data)
    assert found.revisions == REVISIONS
    assert [each.config for each in found.revisions] == [each.config for each in REVISIONS]
    assert found.file.resolved_functions()["f"].environment == {"SECRET": "spoken"}
    assert found.file.resolved_functions()["f"].code == (tmp_path / "f").resolve()


def test_shorter_one_takes_the_place_of_a_longer_one(fd: int, tmp_path: Path) -> None:
    path = tmp_path / "routes.yaml"
    keep(fd, served(tmp_path, 1, "x" * 10_000), path, account="0" * 12, region="us-east-1")
    keep(fd, served(tmp_path, 2, "x"), path, account="0" * 12, region="us-east-1")
    found = kept(fd)
    assert found is not None
    assert found.number == 2


@pytest.mark.parametrize("cut", [0, 1, 31, 32, 33, 500])
def test_half_of_it_is_nothing(fd: int, tmp_path: Path, cut: int) -> None:
    keep(fd, served(tmp_path), tmp_path / "routes.yaml", account="0" * 12, region="us-east-1")
    os.ftruncate(fd, cut)
    assert kept(fd) is None


def test_changed_byte_makes_it_nothing(fd: int, tmp_path: Path) -> None:
    keep(fd, served(tmp_path), tmp_path / "routes.yaml", account="0" * 12, region="us-east-1")
    os.pwrite(fd, b"\0", 100)
    assert kept(fd) is None


def test_edges_are_told_all_but_the_variables_of_functions(tmp_path: Path) -> None:
    """C9."""
    document = document_of(served(tmp_path), tmp_path / "routes.yaml")
    assert "SECRET" not in json.dumps(document)
    file = file_of(document["value"], document["folder"])
    assert [route.respond.body for route in file.resolved_routes() if route.respond] == ["spoken"]
    assert document["digests"] == {"f": REVISIONS[0].digest, "g": REVISIONS[1].digest}


def test_same_generation_is_known_by_all_of_it(tmp_path: Path) -> None:
    path = tmp_path / "routes.yaml"
    document = document_of(served(tmp_path), path)
    assert same(document, document_of(served(tmp_path), path))
    assert not same(document, None)
    assert not same(document, document_of(served(tmp_path, 8), path))
    assert not same(document, document_of(served(tmp_path, 7, "other"), path))
