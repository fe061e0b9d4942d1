"""The world of `driver_world` over a Docker engine, and what of an instance is on that engine and this machine."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from executor.drivers.docker import kernel
from executor.drivers.docker.driver import DockerDriver
from executor.drivers.docker.engine.address import EngineAddress
from executor.drivers.docker.engine.client import EngineClient
from executor.drivers.docker.labels import container_name
from tests.support.driver_world import RUNTIME, DriverWorld

RUNTIME_API_PORT = 9001


class DockerWorld(DriverWorld):
    """:param images: runtime → image id."""

    driver: DockerDriver

    def __init__(self, address: str, images: Mapping[str, str], **options: Any) -> None:
        self.address = EngineAddress.parse(address)
        self.images = images
        super().__init__(**options)

    def make_driver(self) -> DockerDriver:
        return DockerDriver(
            names=self.names,
            packages=self.package_folder,
            runtime_folder=lambda runtime: None,
            state=self.folder / "state",
            images=self.images,
            engine=self.address,
        )

    @property
    def image(self) -> str:
        return self.images[RUNTIME]

    async def listen(self) -> None:
        for gateway in self.driver.gateways:
            await self.runtime_api.listen_hosts(gateway, RUNTIME_API_PORT)

    async def state(self, number: int) -> str:
        """The engine's word for what an environment does."""
        engine = EngineClient(self.address)
        await engine.open()
        try:
            found = await engine.inspect(container_name(self.names, number))
        finally:
            await engine.close()
        return str(found["State"]["Status"])

    async def leftovers(self) -> list[str]:
        found = [f"mount {point}" for point in kernel.mounts_below(self.folder)]
        found += [f"loop {name}" for name in loop_files() if str(self.folder) in name]
        return found + await engine_leftovers(self.address, self.names.instance)


async def engine_leftovers(address: EngineAddress, instance: str) -> list[str]:
    engine = EngineClient(address)
    await engine.open()
    try:
        label = f"lockgate.instance={instance}"
        containers = await engine.containers(label)
        networks = await engine.request("GET", "/networks", query={"filters": f'{{"label": ["{label}"]}}'})
        volumes = await engine.request("GET", "/volumes", query={"filters": f'{{"label": ["{label}"]}}'})
    finally:
        await engine.close()
    return [
        *(f"container {each['Names']}" for each in containers),
        *(f"network {each['Name']}" for each in networks),
        *(f"volume {each['Name']}" for each in volumes["Volumes"] or ()),
    ]


def loop_files() -> list[str]:
    """What loop devices have under them."""
    found = []
    for file in Path("/sys/block").glob("loop*/loop/backing_file"):
        with suppress(OSError):  # somebody else's was given back since it was listed
            found.append(file.read_text().strip())
    return found
