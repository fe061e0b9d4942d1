"""Images as the engine has them: looked up once by their content's id, and kept, because they cannot change."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from executor.driver import StartError
from executor.drivers.docker.engine.client import EngineClient
from executor.drivers.docker.engine.errors import NotFound

_MACHINES = {"amd64": "x86_64", "arm64": "arm64", "aarch64": "arm64", "x86_64": "x86_64"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """:param variables: names of what its ENV declares."""

    id: str
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    variables: frozenset[str]
    arch: str


class Images:
    def __init__(self, engine: EngineClient) -> None:
        self._engine = engine
        self._known: dict[str, Image] = {}
        self.arch = ""  # of the engine's machine

    @property
    def machine(self) -> str:
        """Lambda's word for the engine's machine."""
        return machine(self.arch)

    async def get(self, image: str | None, runtime: str) -> Image:
        """:raises StartError: there is no image for it here, or one for another machine. :raises EngineFault:"""
        if image is None:
            raise _refused(f"No image runs {runtime}: name one in `runtimes:` or run `lockgate images build`")
        found = self._known.get(image)
        if found is None:
            try:
                found = read_image(await self._engine.image(image))
            except NotFound as error:
                raise _refused(f"The image {image} is not on the engine: pull or build it first") from error
            self._known[image] = found
        if self.arch and machine(found.arch) != machine(self.arch):
            raise _refused(
                f"The image {image} is made for {found.arch}, and this machine is {self.arch}: use one for it"
            )
        return found

    def forget(self, image: str) -> None:
        """The engine says that it has it no more."""
        self._known.pop(image, None)


def read_image(inspected: Mapping[str, Any]) -> Image:
    config = inspected.get("Config") or {}
    return Image(
        id=str(inspected["Id"]),
        entrypoint=_words(config.get("Entrypoint")),
        command=_words(config.get("Cmd")),
        variables=frozenset(text.partition("=")[0] for text in config.get("Env") or ()),
        arch=str(inspected.get("Architecture") or ""),
    )


def machine(arch: str) -> str:
    """Lambda's word for it; the engine's has several."""
    return _MACHINES.get(arch, arch)


def _words(found: Iterable[str] | None) -> tuple[str, ...]:
    return tuple(found or ())


def _refused(message: str) -> StartError:
    return StartError(message, permanent=True, error_type="Runtime.InvalidImage")
