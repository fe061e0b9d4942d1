"""Images as the engine has them: looked up once by their content's id, and kept, because they cannot change."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from executor.driver import StartError
from executor.drivers.docker.engine.client import EngineClient
from executor.drivers.docker.engine.errors import NotFound
from executor.drivers.docker.labels import PROBE, common_labels
from executor.drivers.docker.programs import IMAGE
from executor.drivers.docker.variables import SHELL
from kit.names import Names

_MACHINES = {"amd64": "x86_64", "arm64": "arm64", "aarch64": "arm64", "x86_64": "x86_64"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """:param variables: names of what its ENV declares. :param volumes: folders that its VOLUME declares.
    :param has_shell: its output can be led past the engine; looked at for `image:` functions only.
    """

    id: str
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    variables: frozenset[str]
    arch: str
    volumes: tuple[str, ...] = ()
    has_shell: bool = True


class Images:
    def __init__(self, engine: EngineClient, names: Names) -> None:
        self._engine = engine
        self._names = names
        self._known: dict[str, Image] = {}
        self._looking = asyncio.Lock()  # two first looks at one image would be two containers of one name
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
            async with self._looking:
                found = self._known.get(image) or await self._look(image, runtime)
        if self.arch and machine(found.arch) != machine(self.arch):
            raise _refused(
                f"The image {image} is made for {found.arch}, and this machine is {self.arch}: use one for it"
            )
        return found

    async def _look(self, image: str, runtime: str) -> Image:
        try:
            found = read_image(await self._engine.image(image))
        except NotFound as error:
            raise _refused(f"The image {image} is not on the engine: pull or build it first") from error
        if runtime == IMAGE and not await self._has_shell(found.id):
            found = replace(found, has_shell=False)
        self._known[image] = found
        return found

    async def _has_shell(self, image: str) -> bool:
        """Look into it by a container that is never started."""
        config = {
            "Image": image,
            "Entrypoint": [SHELL],
            "Labels": common_labels(self._names) | {PROBE: "1"},
            "HostConfig": {"NetworkMode": "none"},
        }
        container = await self._engine.create(f"lockgate-{self._names.instance}-look-{image[-12:]}", config)
        try:
            await self._engine.request("HEAD", f"/containers/{container}/archive", query={"path": SHELL})
        except NotFound:
            return False
        finally:
            await asyncio.shield(self._engine.remove(container))
        return True

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
        volumes=tuple(sorted(config.get("Volumes") or ())),
    )


def machine(arch: str) -> str:
    """Lambda's word for it; the engine's has several."""
    return _MACHINES.get(arch, arch)


def _words(found: Iterable[str] | None) -> tuple[str, ...]:
    return tuple(found or ())


def _refused(message: str) -> StartError:
    return StartError(message, permanent=True, error_type="Runtime.InvalidImage")
