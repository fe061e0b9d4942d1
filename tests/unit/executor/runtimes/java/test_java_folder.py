"""What Java functions need is fetched once, by its hashes, or not at all."""

import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from executor.packages.errors import PackageError
from executor.runtimes.java import folder
from executor.runtimes.java.folder import Artifact


class Repository:
    """A Maven repository on loopback. :param files: path → content. :param asked: paths in their order."""

    def __init__(self, address: str, files: dict[str, bytes]) -> None:
        self.address = address
        self.files = files
        self.asked: list[str] = []


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    files = {"/group/one.jar": b"one" * 1000, "/group/two.jar": b"two"}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            there.asked.append(self.path)
            content = there.files.get(self.path)
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_: object) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    there = Repository(f"http://127.0.0.1:{server.server_port}", dict(files))
    wanted = tuple(
        Artifact(
            name=path.rpartition("/")[2],
            path=path[1:],
            sha256=hashlib.sha256(content).hexdigest(),
            bytes=4000,
        )
        for path, content in files.items()
    )
    monkeypatch.setattr(folder, "artifacts", lambda: wanted)
    monkeypatch.setenv(folder.REPOSITORY_VARIABLE, there.address + "/")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield there
    server.shutdown()
    thread.join()
    server.server_close()


def test_every_file_is_fetched_once(repository: Repository, tmp_path: Path) -> None:
    said: list[str] = []
    assert folder.installed(tmp_path) is None
    made = folder.install(tmp_path, said.append)
    assert {path.name: path.read_bytes() for path in (made / "lib").iterdir()} == {
        "one.jar": b"one" * 1000,
        "two.jar": b"two",
    }
    assert {path.stat().st_mode & 0o777 for path in (made / "lib").iterdir()} == {0o644}
    assert said == ["fetching one.jar", "fetching two.jar"]
    assert folder.installed(tmp_path) == folder.install(tmp_path) == made
    assert repository.asked == ["/group/one.jar", "/group/two.jar"]


def test_a_file_with_another_hash_is_not_used(repository: Repository, tmp_path: Path) -> None:
    repository.files["/group/two.jar"] = b"TWO"
    with pytest.raises(
        PackageError, match=r"two\.jar has the SHA-256 [0-9a-f]{64}, not [0-9a-f]{64}: it is not"
    ):
        folder.install(tmp_path)
    assert folder.installed(tmp_path) is None
    assert not list(tmp_path.rglob("*.jar"))


def test_a_file_that_is_not_there_is_named(repository: Repository, tmp_path: Path) -> None:
    del repository.files["/group/two.jar"]
    with pytest.raises(PackageError, match=r"/group/two\.jar: .*404"):
        folder.install(tmp_path)
    assert folder.installed(tmp_path) is None


def test_a_file_of_another_size_is_broken_off(repository: Repository, tmp_path: Path) -> None:
    repository.files["/group/one.jar"] = b"x" * 100_000
    with pytest.raises(PackageError, match="MiB unpacked"):
        folder.install(tmp_path)
    assert not list(tmp_path.rglob("*.jar"))


def test_a_repository_that_cannot_be_reached_is_named(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(folder.REPOSITORY_VARIABLE, "http://127.0.0.1:1")
    with pytest.raises(PackageError, match=r"http://127\.0\.0\.1:1/group/one\.jar: "):
        folder.install(tmp_path)


def test_the_pinned_files_are_whole() -> None:
    pinned = folder.artifacts()
    assert {each.name.rpartition("-")[0] for each in pinned} == {
        "aws-lambda-java-runtime-interface-client",
        "aws-lambda-java-core",
        "aws-lambda-java-serialization",
        "utils-lite",
    }
    for each in pinned:
        assert each.path.endswith(f"/{each.name}")
        assert len(bytes.fromhex(each.sha256)) == 32
