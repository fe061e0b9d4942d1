"""What the docker driver needs beside the driver: the engine's address, images by runtime, and the id of each.

Images are found before the first environment is made: what a runtime's image is decides which packages are built.
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from executor.drivers.docker.engine.address import EngineAddress
from executor.images.catalog import ImageCatalog, ImagePolicy
from executor.images.engine import DEFAULT_ADDRESS, ImageEngine
from executor.images.errors import ImageError
from executor.images.progress import OnStep, Step
from executor.images.python import ImagePythons
from lockgate.config.grammar.file import RoutesFile
from lockgate.errors import RuntimeFailure

TELL_EVERY = 10  # percent of a pull between two lines of a log


def engine_url(file: RoutesFile | None) -> str:
    """Where the engine is: what the file says, else ``DOCKER_HOST``, else the usual socket.

    :raises RuntimeFailure: ``DOCKER_HOST`` is nothing that we can talk to.
    """
    named = file.server.engine if file is not None else None
    url = named or os.environ.get("DOCKER_HOST") or DEFAULT_ADDRESS
    try:
        EngineAddress.parse(url)
    except ValueError as error:
        raise RuntimeFailure(f"DOCKER_HOST: {error}.", "Set it, or server.engine in routes.yaml.") from error
    return url


def policy_of(file: RoutesFile) -> ImagePolicy:
    return ImagePolicy(images=file.server.images, pull=file.server.pull)


class Containers:
    """The engine's images, as a server and its reloads use them.

    :param cache: a folder of ours. :param say: takes sentences for the operator, on any thread.
    """

    def __init__(self, url: str, *, cache: Path, say: Callable[[str], None]) -> None:
        self.address = EngineAddress.parse(url)
        self.engine = ImageEngine(url)
        self.pythons = ImagePythons(self.engine, cache)
        self._say = say
        self._read: tuple[RoutesFile, ImageCatalog] | None = None

    def close(self) -> None:
        """Pull nothing more."""
        self.engine.close()

    def catalog(self, file: RoutesFile) -> ImageCatalog:
        """For one reading of the file: what tags mean is asked anew for each, and within one they mean one thing."""
        if self._read is None or self._read[0] is not file:
            self._read = (file, ImageCatalog(self.engine, policy_of(file), telling(self._say)))
        return self._read[1]

    async def images_of(self, file: RoutesFile) -> dict[str, str]:
        """Runtime → image id, for all that the file uses; for its default runtime when it has no function.

        :raises RuntimeFailure: one cannot be had; the message says why and what to do.
        """
        catalog = self.catalog(file)
        wanted = {each.runtime: each.image for each in file.resolved_functions().values()}
        try:
            async with asyncio.TaskGroup() as group:
                tasks = {
                    runtime: group.create_task(asyncio.to_thread(_id_of, catalog, runtime, image))
                    for runtime, image in (wanted or {file.defaults.runtime: None}).items()
                }
        except* ImageError as errors:
            error = errors.exceptions[0]
            assert isinstance(error, ImageError)
            raise RuntimeFailure(error.what, error.instead) from error
        return {runtime: task.result() for runtime, task in tasks.items()}


def _id_of(catalog: ImageCatalog, runtime: str, image: str | None) -> str:
    return (catalog.of_runtime(runtime) if image is None else catalog.of_reference(image)).id


def telling(say: Callable[[str], None]) -> OnStep:
    """Progress for a log: a line at the start of each pull, and at each tenth of it."""
    told: dict[str, int] = {}

    def step(step: Step) -> None:
        percent = step.done * 100 // step.total if step.total else 0
        before = told.get(step.text, -1)
        if before < 0 or percent // TELL_EVERY > before // TELL_EVERY:
            told[step.text] = percent
            say(f"{step.text}: {percent} %" if step.total else f"{step.text} …")

    return step
