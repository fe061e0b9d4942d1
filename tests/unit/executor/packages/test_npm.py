"""Against a small registry on loopback, by npm itself; nothing is fetched from elsewhere."""

import json
import shutil
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from executor.language import Installation
from executor.languages import find_programs
from executor.packages import PackageError, PackageStore, installer, npm, npmrc
from executor.packages.store import Package
from tests.support.npm_registry import NpmRegistry, lock

pytestmark = [
    pytest.mark.slow,  # npm takes a second to start
    pytest.mark.timeout(120),
    pytest.mark.skipif(shutil.which("npm") is None, reason="there is no npm"),
]

POSTINSTALL = "require('fs').writeFileSync(require('path').join(__dirname, 'built.js'), 'exports.built = 1')"
PACKAGES = {
    "left": {"1.0.0": {"index.js": "exports.version = 1;"}, "2.0.0": {"index.js": "exports.version = 2;"}},
    "tool": {"1.0.0": {"index.js": "exports.tool = 1;"}},
    "built": {
        "1.0.0": {
            "index.js": "",
            "package.json": json.dumps(
                {"name": "built", "version": "1.0.0", "scripts": {"postinstall": f'node -e "{POSTINSTALL}"'}}
            ),
        }
    },
}


@pytest.fixture(scope="module")
def node() -> Installation:
    return find_programs(None)["nodejs"][0]


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[NpmRegistry]:
    with NpmRegistry(PACKAGES) as running:
        for name, value in running.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm-cache"))
        yield running


def code(
    tmp_path: Path, *, lock_text: str | None = None, npmrc: str | None = None, **manifest: object
) -> Path:
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "index.js").write_text("exports.handler = async () => 1;\n")
    (folder / "package.json").write_text(json.dumps(manifest))
    if lock_text is not None:
        (folder / "package-lock.json").write_text(lock_text)
    if npmrc is not None:
        (folder / ".npmrc").write_text(npmrc)
    return folder


def build(tmp_path: Path, folder: Path, node: Installation, said: list[str] | None = None) -> Package:
    store = PackageStore(tmp_path / "store")
    return store.build(folder, interpreter=None, program=node, on_progress=(said or []).append)


def files(package: Package) -> set[str]:
    found = (path for path in package.folder.rglob("*") if path.is_file())
    return {path.relative_to(package.folder).as_posix() for path in found}


def refusal(tmp_path: Path, folder: Path, node: Installation) -> str:
    with pytest.raises(PackageError) as caught:
        build(tmp_path, folder, node)
    assert caught.value.code == "dependencies"
    left = [path.name for path in (tmp_path / "store").rglob("*") if path.name != "deps"]
    assert left == []
    return str(caught.value)


def test_what_the_lock_names_is_installed_without_what_is_for_developers(
    tmp_path: Path, node: Installation, registry: NpmRegistry
) -> None:
    folder = code(
        tmp_path,
        lock_text=lock(registry, left="1.0.0"),
        dependencies={"left": "1.0.0"},
    )
    said = [""]
    package = build(tmp_path, folder, node, said)
    assert files(package) == {
        *("index.js", "package.json", "package-lock.json"),
        *("node_modules/left/index.js", "node_modules/left/package.json"),
    }
    assert said[1] == f"installing package-lock.json for nodejs{node.version[0]}"


def test_without_a_lock_npm_chooses_and_says_so_and_the_choice_stays(
    tmp_path: Path, node: Installation, registry: NpmRegistry
) -> None:
    folder = code(tmp_path, dependencies={"left": "*"}, devDependencies={"tool": "*"})
    store, said = PackageStore(tmp_path / "store"), [""]
    package = store.build(folder, interpreter=None, program=node, on_progress=said.append)
    assert (package.folder / "node_modules/left/index.js").read_text() == "exports.version = 2;"
    assert not (package.folder / "node_modules/tool").exists()
    assert "without a lock" in said[1]
    registry.asked.clear()
    (folder / "index.js").write_text("exports.handler = async () => 2;\n")
    again = store.build(folder, interpreter=None, program=node)
    assert again.digest != package.digest
    assert (again.folder / "node_modules/left/index.js").read_text() == "exports.version = 2;"
    assert registry.asked == []


@pytest.mark.parametrize(("npmrc", "runs"), [(None, False), ("ignore-scripts=false\n", True)])
def test_scripts_of_packages_run_only_where_the_code_says_so(
    tmp_path: Path, node: Installation, registry: NpmRegistry, npmrc: str | None, runs: bool
) -> None:
    package = build(tmp_path, code(tmp_path, npmrc=npmrc, dependencies={"built": "1.0.0"}), node)
    assert (package.folder / "node_modules/built/index.js").is_file()
    assert (package.folder / "node_modules/built/built.js").is_file() == runs


def test_a_folder_with_node_modules_is_taken_as_it_is(
    tmp_path: Path, node: Installation, registry: NpmRegistry
) -> None:
    folder = code(tmp_path, dependencies={"left": "*", "absent": "*"})
    (folder / "node_modules/left").mkdir(parents=True)
    (folder / "node_modules/left/index.js").write_text("exports.version = 'mine';")
    package = build(tmp_path, folder, node)
    assert (package.folder / "node_modules/left/index.js").read_text() == "exports.version = 'mine';"
    assert registry.asked == []


@pytest.mark.parametrize(
    "manifest", [{"type": "module"}, {"dependencies": {}}, {"devDependencies": {"tool": "*"}}]
)
def test_a_package_json_without_dependencies_needs_no_npm(
    tmp_path: Path, node: Installation, monkeypatch: pytest.MonkeyPatch, manifest: dict[str, object]
) -> None:
    monkeypatch.setattr(installer, "run", None)
    assert files(build(tmp_path, code(tmp_path, **manifest), node)) == {"index.js", "package.json"}


def test_a_provided_function_gets_nothing_installed(tmp_path: Path) -> None:
    folder = code(tmp_path, dependencies={"left": "*"})
    package = PackageStore(tmp_path / "store").build(folder, interpreter=None)
    assert files(package) == {"index.js", "package.json"}


def test_an_archive_gets_its_dependencies_too(
    tmp_path: Path, node: Installation, registry: NpmRegistry
) -> None:
    folder = code(tmp_path, dependencies={"left": "2.0.0"})
    archive = Path(shutil.make_archive(str(tmp_path / "code"), "zip", folder))
    store = PackageStore(tmp_path / "store")
    plain = store.build(archive, interpreter=None)
    package = store.build(archive, interpreter=None, program=node)
    assert files(package) - files(plain) == {"node_modules/left/index.js", "node_modules/left/package.json"}


def test_a_package_that_is_not_there_is_named(
    tmp_path: Path, node: Installation, registry: NpmRegistry
) -> None:
    text = refusal(tmp_path, code(tmp_path, dependencies={"absent": "1.0.0"}), node)
    assert "npm could not install package.json" in text
    assert "absent" in text


def test_a_registry_out_of_reach_is_said_first(
    tmp_path: Path, node: Installation, registry: NpmRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))  # nobody listens
        monkeypatch.setenv("npm_config_registry", f"http://127.0.0.1:{sock.getsockname()[1]}/")
        text = refusal(tmp_path, code(tmp_path, dependencies={"left": "1.0.0"}), node)
    assert "npm could not reach its registry (ECONNREFUSED)" in text


def test_a_lock_that_says_something_else_is_refused(
    tmp_path: Path, node: Installation, registry: NpmRegistry
) -> None:
    folder = code(tmp_path, lock_text=lock(registry, left="1.0.0"), dependencies={"left": "2.0.0"})
    assert "package.json and its lock say different things" in refusal(tmp_path, folder, node)


def test_content_that_is_not_what_the_lock_names_is_refused(
    tmp_path: Path, node: Installation, registry: NpmRegistry
) -> None:
    text = lock(registry, left="1.0.0").replace("sha512-", "sha512-AAAA")
    folder = code(tmp_path, lock_text=text, dependencies={"left": "1.0.0"})
    assert "EINTEGRITY" in refusal(tmp_path, folder, node)


@pytest.mark.parametrize("wanted", ["file:../shared", "link:../shared", "workspace:*", "../shared"])
def test_a_folder_as_a_dependency_is_refused(tmp_path: Path, node: Installation, wanted: str) -> None:
    text = refusal(tmp_path, code(tmp_path, dependencies={"shared": wanted}), node)
    assert f"shared: {wanted!r} is a folder or a file of this machine" in text


@pytest.mark.parametrize("name", npm.OTHER_LOCKS)
def test_the_lock_of_another_package_manager_is_refused(
    tmp_path: Path, node: Installation, name: str
) -> None:
    folder = code(tmp_path, dependencies={"left": "1.0.0"})
    (folder / name).write_text("")
    assert f"{name} is no lock of npm" in refusal(tmp_path, folder, node)


@pytest.mark.parametrize("text", ["{", "[]", "\xff"])
def test_a_package_json_that_is_none_is_refused(tmp_path: Path, node: Installation, text: str) -> None:
    folder = code(tmp_path)
    (folder / "package.json").write_bytes(text.encode("latin-1"))
    assert "package.json is not" in refusal(tmp_path, folder, node)


@pytest.mark.parametrize(
    "line",
    [
        "git=/tmp/mine",
        " script-shell = ./mine",
        "fund=false\nnode-options=--require=./x",
        "fund=false\rgit=/tmp/mine",
        "\ufeffgit=/tmp/mine",
        "git[]=/tmp/mine",
        "global=true",
        "cache=/etc",
    ],
)
def test_a_setting_that_names_a_program_is_refused(tmp_path: Path, node: Installation, line: str) -> None:
    folder = code(tmp_path, npmrc=line, dependencies={"left": "1.0.0"})
    assert "is not taken from beside the code" in refusal(tmp_path, folder, node)


@pytest.mark.parametrize("line", ['"git"=/tmp/mine', "'git' = /tmp/mine", "${NOTHING?}git=/tmp/mine"])
def test_a_setting_whose_name_is_written_in_a_way_that_only_npm_reads(
    tmp_path: Path, node: Installation, line: str
) -> None:
    folder = code(tmp_path, npmrc=line, dependencies={"left": "1.0.0"})
    assert "is no plain name of a setting" in refusal(tmp_path, folder, node)


def test_no_npmrc_of_a_dependency_names_the_git_that_runs(
    tmp_path: Path, node: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package from git is prepared by another npm, which reads the .npmrc of that package."""
    mine = tmp_path / "mine"
    mine.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\nexit 1\n")
    mine.chmod(0o755)
    monkeypatch.setattr(npmrc, "check", lambda *_: None)  # as if it were such a package's
    folder = code(
        tmp_path, npmrc=f"git={mine}", dependencies={"absent": "git+ssh://git@127.0.0.1:1/absent.git"}
    )
    refusal(tmp_path, folder, node)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "where", ["file:../../secret.tgz", "git+file:///root/secret.git", "file:///root/secret.tgz"]
)
def test_a_lock_that_leads_to_this_machine_is_refused(tmp_path: Path, node: Installation, where: str) -> None:
    text = json.dumps({"lockfileVersion": 3, "packages": {"node_modules/left": {"resolved": where}}})
    folder = code(tmp_path, lock_text=text, dependencies={"left": "1.0.0"})
    assert "is a folder or a file of this machine" in refusal(tmp_path, folder, node)


def test_other_settings_are_npms(tmp_path: Path, node: Installation, registry: NpmRegistry) -> None:
    folder = code(tmp_path, npmrc=f"registry={registry.url}\n", dependencies={"left": "1.0.0"})
    assert "node_modules/left/index.js" in files(build(tmp_path, folder, node))


def test_no_npm_says_what_to_do(tmp_path: Path, node: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    bare = replace(node, path=tmp_path / "node", home=tmp_path)
    text = refusal(tmp_path, code(tmp_path, dependencies={"left": "1.0.0"}), bare)
    assert "npm is not on this machine: install it, or put node_modules beside package.json" in text
