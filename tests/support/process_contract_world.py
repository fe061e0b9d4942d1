"""The world of `driver_world` over the process driver."""

from executor.drivers.process.driver import ProcessDriver
from executor.drivers.process.reap import marked_processes
from tests.support.driver_world import DriverWorld


class ProcessContractWorld(DriverWorld):
    def make_driver(self) -> ProcessDriver:
        return ProcessDriver(
            names=self.names,
            packages=self.package_folder,
            runtime_folder=lambda interpreter: None,
            state=self.folder / "state",
        )

    async def listen(self) -> None:
        """They are reached by a port of their own."""

    async def leftovers(self) -> list[str]:
        return [f"process {pid}" for pid in marked_processes(self.names.instance)]
