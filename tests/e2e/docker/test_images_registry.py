"""Images come from a registry by tag or by digest, with the credentials of `docker login` and no others."""

import base64
import io
import json
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from docker.errors import ImageNotFound

from executor.images.catalog import ImageCatalog, ImagePolicy, Pull
from executor.images.engine import ImageEngine
from executor.images.errors import ImageError
from executor.images.progress import Step
from tests.support.engine import Engine
from tests.support.registry import PASSWORD, USER, registry
from tests.support.server import lockgate

pytestmark = [
    pytest.mark.skipif(shutil.which("docker-registry") is None, reason="docker-registry is not installed"),
    pytest.mark.timeout(120),
]


def tar_with(folder: Path, content: bytes) -> Path:
    path = folder / "image.tar"
    with tarfile.open(path, "w") as tar:
        entry = tarfile.TarInfo("content")
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    return path


@contextmanager
def pushed(
    engine: Engine, folder: Path, reference: str, *, auth: dict[str, str] | None = None
) -> Iterator[None]:
    """An image of one file, in the registry and no more on the engine; gone from it afterwards."""
    images = ImageEngine(engine.address)
    images.import_tar(tar_with(folder, reference.encode()), reference, {})
    client = engine.client()
    try:
        name, _, tag = reference.rpartition(":")
        said = client.images.push(name, tag=tag, auth_config=auth)
        assert "error" not in said, said
        client.images.remove(reference)
        yield
    finally:
        for image in client.images.list(reference.rpartition(":")[0]):
            client.images.remove(image.id, force=True)
        client.close()


def catalog(engine: Engine, pull: Pull = "missing", steps: list[Step] | None = None) -> ImageCatalog:
    on_step = (lambda _: None) if steps is None else steps.append
    return ImageCatalog(ImageEngine(engine.address), ImagePolicy(images={}, pull=pull), on_step)


def test_image_is_pulled_by_tag_and_known_by_its_id_and_digest(engine: Engine, tmp_path: Path) -> None:
    """C10: images by digest: what containers are made of is the id, and the registry's digest names the same."""
    steps: list[Step] = []
    with registry(tmp_path / "registry") as address:
        reference = f"{address}/lockgate-tests/tiny:1"
        with pushed(engine, tmp_path, reference):
            found = catalog(engine, steps=steps).of_reference(reference)
            [digest] = found.image.digests
            assert found.id.startswith("sha256:")
            assert catalog(engine).of_reference(digest).id == found.id
            client = engine.client()
            client.images.remove(found.id, force=True)
            client.close()
            assert catalog(engine).of_reference(digest).id == found.id  # and pulled by it
    assert steps[0].text == f"pulling {reference}"
    assert steps[-1].done == steps[-1].total > 0


def test_nothing_is_pulled_where_the_file_says_never(engine: Engine, tmp_path: Path) -> None:
    """C10: the pull policy is explicit; the twin pulls the same reference."""
    with registry(tmp_path / "registry") as address:
        reference = f"{address}/lockgate-tests/tiny:2"
        with pushed(engine, tmp_path, reference):
            with pytest.raises(ImageError) as caught:
                catalog(engine, "never").of_reference(reference)
            assert caught.value.code == "missing"
            assert catalog(engine, "missing").of_reference(reference).id


def test_moved_tag_is_another_image_with_always_and_the_same_with_missing(
    engine: Engine, tmp_path: Path
) -> None:
    with registry(tmp_path / "registry") as address:
        reference = f"{address}/lockgate-tests/tiny:3"
        with pushed(engine, tmp_path, reference):
            before = catalog(engine).of_reference(reference).id
            client = engine.client()
            ImageEngine(engine.address).import_tar(tar_with(tmp_path, b"moved"), reference, {})
            client.images.push(f"{address}/lockgate-tests/tiny", tag="3")
            client.images.get(before).tag(reference)
            client.close()
            assert catalog(engine, "missing").of_reference(reference).id == before
            assert catalog(engine, "always").of_reference(reference).id != before


def test_password_of_docker_login_opens_the_registry_and_nothing_else_does(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C10: credentials come from config.json of the user who runs the server; without them the twin is refused."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    with registry(tmp_path / "registry", with_password=True) as address:
        reference = f"{address}/lockgate-tests/tiny:4"
        auth = {"username": USER, "password": PASSWORD}
        with pushed(engine, tmp_path, reference, auth=auth):
            with pytest.raises(ImageError) as caught:
                catalog(engine).of_reference(reference)
            assert caught.value.code == "refused"
            assert "docker login" in caught.value.instead
            write_login(tmp_path / "docker", address)
            found = catalog(engine).of_reference(reference)
            assert PASSWORD not in repr(found)


def write_login(folder: Path, address: str) -> None:
    """What ``docker login`` writes."""
    folder.mkdir()
    secret = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {address: {"auth": secret}}}))


def test_image_that_the_registry_does_not_have(engine: Engine, tmp_path: Path) -> None:
    with registry(tmp_path / "registry") as address, pytest.raises(ImageError) as caught:
        catalog(engine).of_reference(f"{address}/lockgate-tests/nothing:1")
    assert (caught.value.code, f"{address}/lockgate-tests/nothing:1" in caught.value.what) == (
        "missing",
        True,
    )


def test_registry_that_nobody_runs(engine: Engine) -> None:
    with pytest.raises(ImageError) as caught:
        catalog(engine).of_reference("127.0.0.1:1/lockgate-tests/tiny:1")
    assert caught.value.code == "registry"


def test_command_pulls_and_lists_what_the_file_names(engine: Engine, tmp_path: Path) -> None:
    with registry(tmp_path / "registry") as address:
        reference = f"{address}/lockgate-tests/tiny:5"
        config = tmp_path / "routes.yaml"
        config.write_text(f"version: 1\nfunctions: {{report: {{image: '{reference}'}}}}\n")
        with pushed(engine, tmp_path, reference):
            listed = lockgate("images", "list", "--json", "-c", config)
            assert "no image" in json.loads(listed.stdout)[0]["problem"]
            pulled = lockgate("images", "pull", "-c", config)
            assert (pulled.returncode, f"pulling {reference}: 100 %" in pulled.stderr.decode()) == (0, True)
            [row] = json.loads(lockgate("images", "list", "--json", "-c", config).stdout)
            assert (row["name"], row["image"], row["problem"]) == (reference, reference, None)
            client = engine.client()
            assert client.images.get(reference).id == row["id"]
            client.close()
    with pytest.raises(ImageNotFound):
        engine_image(engine, reference)


def engine_image(engine: Engine, reference: str) -> object:
    client = engine.client()
    try:
        return client.images.get(reference)
    finally:
        client.close()
