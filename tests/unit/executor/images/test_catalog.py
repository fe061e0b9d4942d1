"""Which image a runtime gets, and when it is pulled, over an engine of our own making."""

from dataclasses import replace

import pytest

from executor.images.catalog import ImageCatalog, ImagePolicy, Pull
from executor.images.engine import EngineImage, ImageEngine
from executor.images.errors import ImageError, engine_words
from executor.images.progress import OnStep, ignore

HERE = EngineImage(
    id="sha256:" + "1" * 64, names=(), digests=(), arch="amd64", os="linux", bytes=1, labels={}
)


class FakeEngine(ImageEngine):
    """:ivar here: reference → image. :ivar hub: what a pull brings."""

    def __init__(self, *here: str, hub: tuple[str, ...] = ()) -> None:
        super().__init__("unix:///fake")
        self.here = {name: replace(HERE, id=f"sha256:{name}") for name in here}
        self.hub = hub
        self.pulled: list[str] = []

    def arch(self) -> str:
        return "amd64"

    def inspect(self, image: str) -> EngineImage | None:
        return self.here.get(image)

    def pull(self, image: str, on_step: OnStep = ignore) -> None:
        self.pulled.append(image)
        if image not in self.hub:
            raise engine_words("dial tcp: no such host", image=image)
        self.here[image] = replace(HERE, id=f"sha256:{image} from the hub {len(self.pulled)}")


def catalog(engine: FakeEngine, pull: Pull = "missing", **images: str) -> ImageCatalog:
    named = {name.replace("_", "."): image for name, image in images.items()}
    return ImageCatalog(engine, ImagePolicy(images=named, pull=pull))


STOCK = "python:3.13-slim-bookworm"
OFFLINE = "lockgate/python3.13:offline"


def test_what_the_file_names_comes_first_then_an_offline_image_then_the_stock_one() -> None:
    engine = FakeEngine("mine:1", OFFLINE, STOCK)
    assert catalog(engine, python3_13="mine:1").of_runtime("python3.13").reference == "mine:1"
    assert catalog(engine).of_runtime("python3.13").reference == OFFLINE
    del engine.here[OFFLINE]
    assert catalog(engine).of_runtime("python3.13").reference == STOCK
    assert engine.pulled == []


def test_all_names_of_a_runtime_are_one_in_the_file() -> None:
    engine = FakeEngine("mine:1")
    assert catalog(engine, nodejs22="mine:1").of_runtime("nodejs22.x").reference == "mine:1"


def test_missing_image_is_pulled_once_for_all_functions() -> None:
    """C10: the pull policy is explicit; `missing` pulls what is not there."""
    engine = FakeEngine(hub=(STOCK,))
    images = catalog(engine)
    assert images.of_runtime("python3.13").id == images.of_runtime("python3.13").id
    assert engine.pulled == [STOCK]


def test_nothing_is_pulled_with_pull_never() -> None:
    """C10: the twin of the above, with `never`."""
    engine = FakeEngine(hub=(STOCK,))
    with pytest.raises(ImageError) as caught:
        catalog(engine, "never").of_runtime("python3.13")
    assert (caught.value.code, engine.pulled) == ("missing", [])


def test_pull_always_asks_the_registry_at_each_load_and_a_moved_tag_is_another_image() -> None:
    """C10: by content, not by name."""
    engine = FakeEngine(STOCK, hub=(STOCK,))
    ids = [catalog(engine, "always").of_runtime("python3.13").id for _ in range(2)]
    assert len(set(ids)) == 2
    assert engine.pulled == [STOCK, STOCK]


@pytest.mark.parametrize("local", ["sha256:" + "a" * 64, "lockgate/python3.12:offline"])
def test_what_no_registry_has_is_never_pulled(local: str) -> None:
    engine = FakeEngine()
    with pytest.raises(ImageError, match="no image"):
        catalog(engine, "always", python3_12=local).of_runtime("python3.12")
    assert engine.pulled == []


@pytest.mark.parametrize(
    ("runtime", "instead"),
    [
        ("python3.13", "lockgate images build python3.13 (as root)"),
        ("python3.12", "server: {images: {python3.12: lockgate/python3.13:offline}}"),
    ],
)
def test_without_a_registry_it_is_said_what_can_be_made(runtime: str, instead: str) -> None:
    with pytest.raises(ImageError) as caught:
        catalog(FakeEngine()).of_runtime(runtime)
    assert caught.value.code == "registry"
    assert instead in caught.value.instead


@pytest.mark.parametrize(("arch", "system"), [("arm64", "linux"), ("amd64", "windows")])
def test_image_of_another_machine_is_refused_by_name(arch: str, system: str) -> None:
    engine = FakeEngine("mine:1")
    engine.here["mine:1"] = replace(HERE, arch=arch, os=system)
    with pytest.raises(ImageError, match=f"mine:1 is for {system}/{arch}, and this engine runs linux/amd64"):
        catalog(engine).of_reference("mine:1")
