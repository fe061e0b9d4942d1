"""Packages that are in use stay, however old; others go after a week; a failure is told and ends nothing."""

import io
import os
import time
from pathlib import Path

import pytest

from executor.packages.store import PackageStore
from lockgate import janitor as module
from lockgate.console import Console
from lockgate.janitor import PACKAGE_AGE_S, Janitor


def build(store: PackageStore, folder: Path, text: str) -> str:
    """A package as old as the janitor looks for."""
    code = folder / text
    code.mkdir()
    (code / "app.py").write_text(text)
    digest = store.build(code, interpreter=None).digest
    old = time.time() - PACKAGE_AGE_S - 60
    os.utime(folder / "packages" / f"{digest}.json", (old, old))
    return digest


async def test_packages_of_generations_in_use_stay(tmp_path: Path) -> None:
    store = PackageStore(tmp_path / "packages")
    used, unused = build(store, tmp_path, "used"), build(store, tmp_path, "unused")
    printed = io.StringIO()
    janitor = Janitor(store, lambda: {used}, Console(printed, dev=True))
    janitor.clean()
    await janitor.finish()
    assert [store.open(digest) is not None for digest in (used, unused)] == [True, False]
    assert printed.getvalue() == "packages_removed 1\n"


async def test_it_cleans_again_after_a_while_not_with_every_reload(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = PackageStore(tmp_path / "packages")
    asked: list[int] = []

    def in_use() -> set[str]:
        asked.append(1)
        return set()

    janitor = Janitor(store, in_use, Console(io.StringIO(), dev=True))
    for _ in range(3):
        janitor.clean()
        await janitor.finish()
    assert len(asked) == 1
    monkeypatch.setattr(module, "EVERY_S", 0.0)
    janitor.clean()
    await janitor.finish()
    assert len(asked) == 2


async def test_failure_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = PackageStore(tmp_path / "packages")

    def fail(*_: object) -> list[str]:
        raise OSError("disk gone")

    monkeypatch.setattr(store, "collect", fail)
    printed = io.StringIO()
    janitor = Janitor(store, set, Console(printed, dev=True))
    janitor.clean()
    await janitor.finish()
    assert printed.getvalue() == "janitor_failed disk gone\n"
