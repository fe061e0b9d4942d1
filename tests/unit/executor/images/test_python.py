"""The Python of an image decides which .pyc and which wheels its packages get."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from executor.images.engine import ImageEngine
from executor.images.errors import ImageError
from executor.images.python import CACHE_FILE, ImagePython, ImagePythons, compiler_for
from executor.interpreters import Interpreter

PYTHON = ImagePython(release="3.11.2", magic="a70d0d0a", glibc="2.36", machine="x86_64")
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


class FakeEngine(ImageEngine):
    def __init__(self, words: str) -> None:
        super().__init__("unix:///fake")
        self.words = words
        self.asked = 0

    def run(self, image: str, command: Sequence[str]) -> str:
        self.asked += 1
        return self.words


def words() -> str:
    return json.dumps({"release": "3.11.2", "magic": "a70d0d0a", "glibc": "2.36", "machine": "x86_64"})


def test_image_is_asked_once_and_the_answer_kept_over_starts(tmp_path: Path) -> None:
    engine = FakeEngine(words())
    assert ImagePythons(engine, tmp_path).of("sha256:1") == PYTHON
    assert ImagePythons(engine, tmp_path).of("sha256:1") == PYTHON
    assert engine.asked == 1
    ImagePythons(engine, tmp_path).of("sha256:2")
    assert engine.asked == 2


def test_damaged_answers_are_asked_for_again(tmp_path: Path) -> None:
    (tmp_path / CACHE_FILE).write_text('{"sha256:1": {"release": 3')
    assert ImagePythons(FakeEngine(words()), tmp_path).of("sha256:1") == PYTHON


@pytest.mark.parametrize("said", ["Python 3.11.2", "[]", '{"release": "3.11.2"}'])
def test_image_that_says_something_else_is_refused(tmp_path: Path, said: str) -> None:
    with pytest.raises(ImageError, match="does not say which Python"):
        ImagePythons(FakeEngine(said), tmp_path).of("sha256:1")


def test_compiler_has_the_images_version_and_gets_its_wheels() -> None:
    compiler = compiler_for(PYTHON, (HERE,))
    assert compiler is not None
    assert compiler.path == HERE.path
    assert compiler.platforms[0] == "manylinux_2_36_x86_64"
    assert "manylinux_2_17_x86_64" in compiler.platforms
    assert "manylinux_2_37_x86_64" not in compiler.platforms


def test_other_versions_do_not_compile_for_it() -> None:
    other = ImagePython(release="3.13.1", magic="f30d0d0a", glibc="2.41", machine="x86_64")
    assert compiler_for(other, (HERE,)) is None


def test_on_another_c_library_pip_takes_what_this_machine_takes() -> None:
    assert ImagePython(release="3.11.2", magic="x", glibc="", machine="x86_64").platforms() == ()
