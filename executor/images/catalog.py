"""From the name of a runtime, or a reference in the file, to the image that containers are made of: its id (C10).

Order for a runtime: what ``server.images`` says, an offline image of this engine, the language's stock image. What is
not there is pulled, as far as `pull` allows. A tag may come to mean another image: each load asks anew, and another id
is another revision. Calls block; any thread may call.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Literal

from executor.images.engine import EngineImage, ImageEngine
from executor.images.errors import ImageError, missing
from executor.images.progress import OnStep, ignore
from executor.images.stock import canonical, nearest_recipe, offline_image, stock_image

Pull = Literal["missing", "never", "always"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePolicy:
    """:param images: runtime → reference, from the file."""

    images: Mapping[str, str]
    pull: Pull = "missing"

    def override(self, runtime: str) -> str | None:
        wanted = canonical(runtime)
        return next((image for name, image in self.images.items() if canonical(name) == wanted), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundImage:
    """:param reference: what was asked for. :param origin: ``configured``, ``offline`` or ``stock``."""

    reference: str
    origin: str
    image: EngineImage

    @property
    def id(self) -> str:
        return self.image.id


class ImageCatalog:
    """:param on_step: told how pulls go; on any thread."""

    def __init__(self, engine: ImageEngine, policy: ImagePolicy, on_step: OnStep = ignore) -> None:
        self._engine = engine
        self._policy = policy
        self._on_step = on_step
        self._lock = Lock()  # two functions of one image pull it once
        self._found: dict[str, EngineImage] = {}
        self._arch = ""

    def of_runtime(self, runtime: str) -> FoundImage:
        """:raises ImageError: there is none, and none could be had."""
        configured = self._policy.override(runtime)
        if configured is not None:
            return FoundImage(reference=configured, origin="configured", image=self._get(configured))
        offline = offline_image(runtime)
        with self._lock:
            image = self._engine.inspect(offline)
        if image is not None:
            return FoundImage(reference=offline, origin="offline", image=self._fitting(offline, image))
        stock = stock_image(runtime)
        try:
            return FoundImage(reference=stock, origin="stock", image=self._get(stock))
        except ImageError as error:
            raise _with_recipe(error, runtime) from error

    def of_reference(self, reference: str) -> FoundImage:
        """:raises ImageError:"""
        return FoundImage(reference=reference, origin="configured", image=self._get(reference))

    def _get(self, reference: str) -> EngineImage:
        with self._lock:
            known = self._found.get(reference)
            if known is None:
                known = self._found[reference] = self._fitting(reference, self._ask(reference))
            return known

    def _ask(self, reference: str) -> EngineImage:
        is_local = reference.startswith("sha256:") or reference.endswith(":offline")
        if self._policy.pull != "always" or is_local:
            found = self._engine.inspect(reference)
            if found is not None:
                return found
        if self._policy.pull == "never" or is_local:
            raise missing(reference)
        self._engine.pull(reference, self._on_step)
        found = self._engine.inspect(reference)
        if found is None:
            raise missing(reference)
        return found

    def _fitting(self, reference: str, image: EngineImage) -> EngineImage:
        self._arch = self._arch or self._engine.arch()
        if image.os != "linux" or image.arch not in ("", self._arch):
            what = f"The image {reference} is for {image.os}/{image.arch}, and this engine runs linux/{self._arch}."
            raise ImageError(
                "architecture", what, f"Name one for linux/{self._arch}, or remove the wrong one."
            )
        return image


def _with_recipe(error: ImageError, runtime: str) -> ImageError:
    """Say what can be made without a registry, where the image could not be had from one."""
    if error.code not in ("missing", "registry"):
        return error
    near = nearest_recipe(runtime)
    if near == canonical(runtime):
        instead = f"Without a registry: lockgate images build {near} (as root) makes one."
    else:
        instead = (
            f"Without a registry: lockgate images build {near} (as root), and in routes.yaml "
            f"server: {{images: {{{canonical(runtime)}: {offline_image(near or '')}}}}}."
        )
    return ImageError(error.code, error.what, instead)


MakeCatalog = Callable[[ImagePolicy], ImageCatalog]
