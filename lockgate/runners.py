"""What a function runs with, and what compiles and installs for it: a program of this machine, or an image.

Looking blocks (programs are run, images are pulled), so it happens on worker threads.
"""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from executor.images.catalog import ImageCatalog
from executor.images.errors import ImageError
from executor.images.python import ImagePythons, compiler_for
from executor.interpreters import Interpreter, NoInterpreter, describe_choice, nearest
from executor.language import Installation, NotInstalled
from executor.language import describe_choice as describe_program
from executor.language import nearest as language_nearest
from executor.languages import language_of
from executor.packages import npm, requirements
from lockgate.config.resolved import ARCHIVES, ResolvedFunction

Programs = Mapping[str, tuple[Installation, ...]]


class NoRunner(LookupError):  # says what is missing, as FileNotFoundError does
    """Nothing here can run the function, or make its package. :ivar instead: what to do."""

    def __init__(self, what: str, instead: str = "") -> None:
        super().__init__(what)
        self.instead = instead


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """:param interpreter: compiles a Python function, and gets its dependencies. :param program: those of Node.js.
    :param image: id of the image that it runs in. :param note: what the operator should hear, once.
    """

    interpreter: Interpreter | None = None
    program: Installation | None = None
    image: str | None = None
    note: str | None = None


class Runners(Protocol):
    def of(self, function: ResolvedFunction) -> Runner:
        """:raises NoRunner:"""
        ...


class MachineRunners:
    """Programs of this machine run functions: the nearest version, and the operator hears of it."""

    def __init__(self, interpreters: tuple[Interpreter, ...], programs: Programs) -> None:
        self._interpreters = interpreters
        self._programs = programs

    def of(self, function: ResolvedFunction) -> Runner:
        runtime = function.runtime
        try:
            if runtime.startswith("python"):
                interpreter = nearest(runtime, self._interpreters)
                return Runner(interpreter=interpreter, note=describe_choice(runtime, interpreter))
            if (language := language_of(runtime)) is not None:
                program = language_nearest(runtime, self._programs[language.name], language)
                return Runner(program=program, note=describe_program(runtime, program))
        except (NoInterpreter, NotInstalled) as error:
            raise NoRunner(str(error)) from error
        return Runner()


class ImageRunners:
    """Images run functions; what makes their packages is on this machine, and fits the image."""

    def __init__(
        self,
        catalog: ImageCatalog,
        pythons: ImagePythons,
        interpreters: tuple[Interpreter, ...],
        programs: Programs,
    ) -> None:
        self._catalog = catalog
        self._pythons = pythons
        self._interpreters = interpreters
        self._programs = programs

    def of(self, function: ResolvedFunction) -> Runner:
        try:
            if function.image is not None:
                return Runner(image=self._catalog.of_reference(function.image).id)
            image = self._catalog.of_runtime(function.runtime).id
            if function.runtime.startswith("python"):
                return self._python(function, image)
        except ImageError as error:
            raise NoRunner(error.what, error.instead) from error
        if (language := language_of(function.runtime)) is not None:
            return Runner(image=image, program=self._program(function, language.name))
        return Runner(image=image)

    def _python(self, function: ResolvedFunction, image: str) -> Runner:
        """.pyc of another minor version would be ignored, and wheels of one would not be found: both must fit."""
        python = self._pythons.of(image)
        compiler = compiler_for(python, self._interpreters)
        if compiler is not None:
            return Runner(image=image, interpreter=compiler)
        if _file_in(function.code, requirements.FILE) is not None:
            what = f"{requirements.FILE} is installed by python{python.minor}, which is not on this machine"
            instead = f"Install python{python.minor}, or put the dependencies into the code folder (pip install -t)."
            raise NoRunner(what, instead)
        note = f"python{python.minor} is not on this machine to compile the code: cold starts take longer"
        return Runner(image=image, note=note)

    def _program(self, function: ResolvedFunction, language: str) -> Installation | None:
        """npm chooses by platform, not by the version of Node.js: any one will do."""
        program = next(iter(self._programs.get(language, ())), None)
        if program is None and language == npm.LANGUAGE and _needs_npm(function):
            what = f"{npm.FILE} is installed by npm, and no Node.js is on this machine"
            raise NoRunner(what, f"Install Node.js, or put {npm.MODULES} beside {npm.FILE}.")
        return program


def _needs_npm(function: ResolvedFunction) -> bool:
    manifest = _file_in(function.code, npm.FILE)
    if manifest is None or _file_in(function.code, f"{npm.MODULES}/.package-lock.json") is not None:
        return False
    if function.code is not None and (function.code / npm.MODULES).is_dir():
        return False
    try:
        return bool(json.loads(manifest).get("dependencies"))
    except (ValueError, AttributeError):  # whoever reads it in earnest says what is wrong with it
        return False


def _file_in(code: Path | None, name: str) -> bytes | None:
    """The content of a file of a folder or a .zip; None where there is none."""
    try:
        if code is not None and code.suffix in ARCHIVES:
            with zipfile.ZipFile(code) as archive:
                return archive.read(name)
        return None if code is None else (code / name).read_bytes()
    except (OSError, KeyError, zipfile.BadZipFile, RuntimeError, NotImplementedError):
        return None
