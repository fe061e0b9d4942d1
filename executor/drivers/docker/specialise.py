"""Turns a waiting container into a function's: limits first, then its network, then its code.

Whatever fails makes the container useless, never the function freer. State: none.
"""

import asyncio
import logging
from pathlib import Path

from executor.driver import Specialisation, StartError, StartMode, StartSpec
from executor.drivers.docker.blueprint import Materials
from executor.drivers.docker.container import Container
from executor.drivers.docker.engine.client import EngineClient
from executor.drivers.docker.maker import START_FAULT, limits_refused
from executor.drivers.docker.network.networks import Networks
from executor.drivers.docker.places import TASK
from executor.drivers.docker.programs import program_of
from executor.drivers.docker.variables import managed_variables, socket_variables
from executor.drivers.process.cgroup import cpu_shares
from executor.revision import FunctionConfig

log = logging.getLogger("lockgate.executor")


class Specialiser:
    def __init__(self, engine: EngineClient, networks: Networks, materials: Materials) -> None:
        self._engine = engine
        self._networks = networks
        self._materials = materials

    async def specialise(
        self, container: Container, spec: StartSpec, package: Path, mode: StartMode
    ) -> Specialisation:
        """:raises StartError:"""
        config = spec.revision.config
        tmpfs_mb = 0 if self._materials.findings.disk else spec.shape.storage_mb
        await self._limit(container, config, (config.memory_mb + tmpfs_mb) << 20)
        if config.network.allow:
            assert container.plan is not None
            await self._networks.permit(container.plan, config.network.allow)
        await self._put_code(container, package)
        variables = managed_variables(
            spec.variables,
            language=program_of(config).variables,
            config=config,
            runtime_api=socket_variables(),
        )
        return Specialisation(mode=mode, variables=variables, cwd=TASK)

    async def _limit(self, container: Container, config: FunctionConfig, total_bytes: int) -> None:
        try:
            if container.group is not None:
                container.group.limit_memory(total_bytes)
                container.group.weigh_cpu(config.memory_mb)
            else:
                await self._limit_by_engine(container, config, total_bytes)
        except OSError as problem:
            raise limits_refused(container, problem) from problem

    async def _limit_by_engine(self, container: Container, config: FunctionConfig, total_bytes: int) -> None:
        assert container.id is not None
        limits = {
            "Memory": total_bytes,
            "MemorySwap": total_bytes,
            "CpuShares": cpu_shares(config.memory_mb),
        }
        await self._engine.update(container.id, limits)
        held = (await self._engine.inspect(container.id))["HostConfig"]["Memory"]
        if held != total_bytes:
            raise OSError(0, f"the engine says that the limit is {held}, not {total_bytes}")

    async def _put_code(self, container: Container, package: Path) -> None:
        findings, folder = self._materials.findings, container.folder
        assert folder is not None
        assert findings.delivery is not None
        try:
            await asyncio.to_thread(self._materials.workspace.put_code, package, folder, findings.delivery)
        except OSError as problem:
            log.error("code could not be put into %s: %s", container.name, problem)
            message = "The environment could not be started"
            raise StartError(message, permanent=False, error_type=START_FAULT) from problem
