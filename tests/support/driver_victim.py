"""A server that will be killed: starts environments in a process of its own, says so, and waits for its end.

``python -m tests.support.driver_victim KIND INSTANCE FOLDER [ADDRESS IMAGES]``; IMAGES is JSON.
"""

import asyncio
import json
import sys
from pathlib import Path

from tests.support.docker_world import DockerWorld
from tests.support.driver_world import DriverWorld
from tests.support.process_contract_world import ProcessContractWorld


def _world(kind: str, instance: str, folder: str, *rest: str) -> DriverWorld:
    if kind == "process":
        return ProcessContractWorld(instance=instance, folder=Path(folder))
    return DockerWorld(rest[0], json.loads(rest[1]), instance=instance, folder=Path(folder))


async def main() -> None:
    world = _world(*sys.argv[1:])
    await world.__aenter__()
    environment = await world.start(storage_mb=16)
    if world.capabilities.slots:
        slot = await world.fill(world.revision(world.package({"app.py": ""})))
        assert slot.number in world.driver.environments()
    await environment.does("os.spawnlp(os.P_NOWAIT, 'sleep', 'sleep', '1000')")
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
