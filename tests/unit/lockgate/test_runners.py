"""What makes a function's package fits the image that the function runs in, or the load is refused."""

import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from executor.images.catalog import FoundImage, ImageCatalog
from executor.images.engine import EngineImage
from executor.images.errors import ImageError
from executor.images.python import ImagePython, ImagePythons
from executor.interpreters import Interpreter
from executor.language import Installation
from lockgate.config.resolved import IMAGE_RUNTIME, ResolvedFunction
from lockgate.runners import ImageRunners, NoRunner

ID = "sha256:" + "1" * 64
IMAGE = EngineImage(id=ID, names=(), digests=(), arch="amd64", os="linux", bytes=1, labels={})
HERE = Interpreter(
    path=Path("/usr/bin/python3.11"),
    version=(3, 11),
    release="3.11.7",
    prefix=Path("/usr"),
    exec_prefix=Path("/usr"),
    stdlib=Path("/usr/lib/python3.11"),
    cache_tag="cpython-311",
    magic="a70d0d0a",
)
NODE = Installation(
    language="nodejs", path=Path("/usr/bin/node"), version=(20, 1), release="20.1.0", home=Path("/usr")
)


class FakeCatalog(ImageCatalog):
    def __init__(self, error: ImageError | None = None) -> None:
        self.error = error
        self.asked: list[str] = []

    def of_runtime(self, runtime: str) -> FoundImage:
        return self.of_reference(runtime)

    def of_reference(self, reference: str) -> FoundImage:
        self.asked.append(reference)
        if self.error is not None:
            raise self.error
        return FoundImage(reference=reference, origin="stock", image=IMAGE)


class FakePythons(ImagePythons):
    def __init__(self, release: str, magic: str) -> None:
        self.python = ImagePython(release=release, magic=magic, glibc="2.36", machine="x86_64")

    def of(self, image: str) -> ImagePython:
        assert image == ID
        return self.python


SAME = FakePythons("3.11.2", "a70d0d0a")
OTHER = FakePythons("3.13.1", "f30d0d0a")


def function(tmp_path: Path, runtime: str = "python3.11", *, image: str | None = None) -> ResolvedFunction:
    return ResolvedFunction(
        name="notes",
        code=None if image else tmp_path,
        handler="app.handler",
        runtime=IMAGE_RUNTIME if image else runtime,
        memory_mb=256,
        timeout_s=10,
        storage_mb=512,
        idle_timeout_s=300,
        environment={},
        volumes={},
        reserved=None,
        cpu="shared",
        image=image,
    )


def runners(
    pythons: FakePythons = SAME, *, catalog: FakeCatalog | None = None, node: bool = True
) -> ImageRunners:
    programs = {"nodejs": (NODE,)} if node else {}
    return ImageRunners(catalog or FakeCatalog(), pythons, (HERE,), programs)


def test_interpreter_of_the_images_version_compiles_for_it(tmp_path: Path) -> None:
    found = runners().of(function(tmp_path))
    assert (found.image, found.note) == (ID, None)
    assert found.interpreter == replace(HERE, platforms=SAME.python.platforms())


def test_without_one_the_code_is_not_compiled_and_the_operator_hears_of_it(tmp_path: Path) -> None:
    found = runners(OTHER).of(function(tmp_path, "python3.13"))
    assert (found.image, found.interpreter) == (ID, None)
    assert "python3.13 is not on this machine to compile the code" in str(found.note)


@pytest.mark.parametrize("archive", [False, True])
def test_dependencies_are_never_chosen_by_another_version(tmp_path: Path, archive: bool) -> None:
    wanted = function(tmp_path, "python3.13")
    if archive:
        with zipfile.ZipFile(tmp_path / "code.zip", "w") as made:
            made.writestr("requirements.txt", "markupsafe\n")
        wanted = replace(wanted, code=tmp_path / "code.zip")
    else:
        (tmp_path / "requirements.txt").write_text("markupsafe\n")
    with pytest.raises(NoRunner, match=r"requirements.txt is installed by python3\.13") as caught:
        runners(OTHER).of(wanted)
    assert "Install python3.13" in caught.value.instead
    assert runners(SAME).of(wanted).interpreter is not None


def test_package_json_needs_npm_unless_its_modules_are_there(tmp_path: Path) -> None:
    wanted = function(tmp_path, "nodejs22.x")
    assert runners(node=False).of(wanted).image == ID
    (tmp_path / "package.json").write_text('{"dependencies": {"left-pad": "1"}}')
    assert runners().of(wanted).program == NODE
    with pytest.raises(NoRunner, match="installed by npm"):
        runners(node=False).of(wanted)
    (tmp_path / "node_modules").mkdir()
    assert runners(node=False).of(wanted).program is None


def test_image_function_is_its_image_and_nothing_is_compiled(tmp_path: Path) -> None:
    """C10: by the id that the reference means now."""
    catalog = FakeCatalog()
    found = runners(catalog=catalog).of(function(tmp_path, image="r:4"))
    assert (found.image, found.interpreter, found.program, catalog.asked) == (ID, None, None, ["r:4"])


def test_image_that_cannot_be_had_says_what_to_do(tmp_path: Path) -> None:
    catalog = FakeCatalog(ImageError("missing", "The engine has no image r:4.", "Pull it."))
    with pytest.raises(NoRunner, match="no image r:4") as caught:
        runners(catalog=catalog).of(function(tmp_path, image="r:4"))
    assert caught.value.instead == "Pull it."
