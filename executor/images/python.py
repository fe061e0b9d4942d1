"""The Python inside an image: what its packages must be compiled and installed for.

Asked once an image, by a container without network and rights; the answer is kept in a file, because an image's id
is its content. Compiling and pip happen on this machine, by an interpreter of the same version.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from executor.images.engine import ImageEngine
from executor.images.errors import ImageError
from executor.interpreters import Interpreter

CACHE_FILE = "image-pythons.json"
OLDEST_GLIBC_MINOR = 5  # manylinux1: no wheel asks for less
_PROBE = """
import importlib.util, json, os, platform, sys
print(json.dumps({
    "release": "%d.%d.%d" % sys.version_info[:3],
    "magic": importlib.util.MAGIC_NUMBER.hex(),
    "glibc": platform.libc_ver()[1] if platform.libc_ver()[0] == "glibc" else "",
    "machine": platform.machine(),
}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePython:
    """:param magic: of its .pyc files, hex. :param glibc: ``2.36``; empty on another C library.
    :param machine: as wheels have it, ``x86_64``.
    """

    release: str
    magic: str
    glibc: str
    machine: str

    @property
    def minor(self) -> str:
        return ".".join(self.release.split(".")[:2])

    def platforms(self) -> tuple[str, ...]:
        """Tags of the wheels that work in it, best first; none where only pip inside of it could tell (PEP 600)."""
        if not self.glibc.startswith("2."):
            return ()
        newest = int(self.glibc.split(".")[1])
        return tuple(
            f"manylinux_2_{minor}_{self.machine}" for minor in range(newest, OLDEST_GLIBC_MINOR - 1, -1)
        ) + tuple(f"{name}_{self.machine}" for name in ("manylinux2014", "manylinux2010", "manylinux1"))


class ImagePythons:
    """:param cache: a folder of ours. Calls block; any thread may call."""

    def __init__(self, engine: ImageEngine, cache: Path) -> None:
        self._engine = engine
        self._file = cache / CACHE_FILE

    def of(self, image: str) -> ImagePython:
        """:param image: its id. :raises ImageError: the image has no python3."""
        known = self._read()
        if image in known:
            return known[image]
        command = ["python3", "-I", "-S", "-c", _PROBE]
        words = self._engine.run(image, command)
        try:
            found = ImagePython(**json.loads(words))
        except (ValueError, TypeError) as error:
            what = f"The image {image} does not say which Python it has: {words[:200]!r}."
            raise ImageError("failed", what, "Name an image with python3 on its PATH.") from error
        self._write({**known, image: found})
        return found

    def _read(self) -> dict[str, ImagePython]:
        try:
            content = json.loads(self._file.read_bytes())
            return {str(image): ImagePython(**each) for image, each in content.items()}
        except (OSError, ValueError, TypeError, AttributeError):  # missing or damaged: ask again
            return {}

    def _write(self, known: Mapping[str, ImagePython]) -> None:
        with suppress(OSError):  # it only saves time
            draft = self._file.with_suffix(".tmp")
            draft.write_text(json.dumps({image: asdict(each) for image, each in known.items()}))
            draft.replace(self._file)


def compiler_for(python: ImagePython, found: tuple[Interpreter, ...]) -> Interpreter | None:
    """The interpreter of this machine whose .pyc files the image takes, set to the image's kind of wheels."""
    fitting = [each for each in found if each.minor == python.minor and each.magic == python.magic]
    if not fitting:
        return None
    newest = max(fitting, key=lambda each: each.release_key)
    return replace(newest, platforms=python.platforms())
