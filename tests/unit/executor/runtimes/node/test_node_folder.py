"""With real npm, against a registry on loopback."""

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from executor.language import Installation
from executor.languages import find_programs
from executor.packages import PackageError
from executor.runtimes.node import folder
from tests.support.npm_registry import NpmRegistry, lock

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(60),
    pytest.mark.skipif(shutil.which("npm") is None, reason="there is no npm"),
]

CLIENT = {
    "index.js": "exports.client = 1;",
    "index.d.ts": "export {};",
    "dist-types/index.d.ts": "export {};",
}


@pytest.fixture(scope="module")
def node() -> Installation:
    return replace(find_programs(None)["nodejs"][0], version=(20, 1, 0))


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[NpmRegistry]:
    """A lock that names one small package, in the place of ours."""
    with NpmRegistry({"client": {"1.0.0": CLIENT}}) as running:
        for name, value in running.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm-cache"))
        here = tmp_path / "lock"
        here.mkdir()
        (here / "package.json").write_text('{"dependencies": {"client": "1.0.0"}}')
        (here / "package-lock.json").write_text(lock(running, client="1.0.0"))
        monkeypatch.setattr(folder, "HERE", here)
        monkeypatch.setattr(folder, "LOCK", here / "package-lock.json")
        yield running


def test_what_the_lock_names_is_there_for_every_user_and_without_types(
    tmp_path: Path, node: Installation, registry: NpmRegistry
) -> None:
    state, said = tmp_path / "state", list[str]()
    assert folder.installed(state, node) is None
    old = os.umask(0o077)
    try:
        place = folder.install(state, node, said.append)
    finally:
        os.umask(old)
    assert folder.installed(state, node) == place
    files = {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}
    assert files - {"node_modules/.package-lock.json"} == {
        "node_modules/client/index.js",
        "node_modules/client/package.json",
    }
    assert all(path.stat().st_mode & 0o004 for path in place.rglob("*"))
    assert said[0] == "installing @aws-sdk"


def test_it_is_made_once(tmp_path: Path, node: Installation, registry: NpmRegistry) -> None:
    place = folder.install(tmp_path / "state", node)
    registry.asked.clear()
    assert folder.install(tmp_path / "state", node) == place
    assert registry.asked == []


def test_a_version_that_the_clients_do_not_support_has_none(
    tmp_path: Path, node: Installation, registry: NpmRegistry
) -> None:
    folder.install(tmp_path / "state", node)
    old = replace(node, version=(18, 20, 0))
    assert folder.installed(tmp_path / "state", old) is None
    assert not folder.supports(old)


def test_a_failure_leaves_nothing_behind(
    tmp_path: Path, node: Installation, registry: NpmRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("npm_config_registry", f"{registry.url}nowhere/")
    with pytest.raises(PackageError, match="npm could not install"):
        folder.install(tmp_path / "state", node)
    assert list((tmp_path / "state/runtimes/nodejs").iterdir()) == []


def test_our_lock_has_a_hash_for_every_package_and_names_no_registry() -> None:
    packages = json.loads(folder.LOCK.read_text())["packages"]
    named = {name: each for name, each in packages.items() if name}
    assert len(named) > 50
    assert all(each["integrity"].startswith("sha512-") for each in named.values())
    assert not any("resolved" in each for each in named.values())
