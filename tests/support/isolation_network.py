"""Containers on the networks of an instance, without a driver: they wait, and what they reach is asked by `exec`."""

import asyncio
import json
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import docker
from docker.models.containers import Container

from executor.drivers.docker.engine.address import EngineAddress
from executor.drivers.docker.engine.client import EngineClient
from executor.drivers.docker.network import NetworkPlan, Networks
from kit.names import Names
from tests.support.engine import Engine

WAIT = ["python3", "-c", "import signal; signal.pause()"]
# What answers a function that calls another: one port, one line.
SERVE = [
    "python3",
    "-c",
    """
import socket
server = socket.create_server(("0.0.0.0", 5432))
while True:
    connection, _ = server.accept()
    connection.sendall(b"here\\n")
    connection.close()
""",
]
_REACH = """
import json, socket, sys
def reach(host, port):
    try:
        with socket.create_connection((host, port), 3) as connection:
            return connection.recv(5).decode().strip() or "connected"
    except OSError as error:
        return type(error).__name__ if error.errno is None else error.strerror
print(json.dumps([reach(host, port) for host, port in json.loads(sys.argv[1])]))
"""
_RESOLVE = """
import json, socket, sys
try:
    print(json.dumps(bool(socket.getaddrinfo(sys.argv[1], 443, socket.AF_INET))))
except OSError as error:
    print(json.dumps(False))
"""


@dataclass(slots=True, kw_only=True)
class NetworkInstance:
    """One Lockgate's networks, for tests that are not asynchronous. Made by `instance`."""

    networks: Networks
    runner: asyncio.Runner
    client: docker.DockerClient
    image: str
    label: str
    running: list[tuple[Container, NetworkPlan]] = field(default_factory=list)

    def start(
        self,
        egress: str,
        *,
        join: Sequence[str] = (),
        allow: Sequence[str] = (),
        command: Sequence[str] = WAIT,
    ) -> Container:
        """A container as a driver would start it, as far as networks go."""
        plan = self.runner.run(self.networks.reserve(egress, join))
        self.runner.run(self.networks.permit(plan, allow))
        api = self.client.api
        made = api.create_container(
            self.image,
            command=list(command),
            labels={"lockgate.test": self.label},
            networking_config={"EndpointsConfig": dict(plan.endpoints)},
            host_config=api.create_host_config(
                network_mode=plan.mode,
                dns=list(plan.dns),
                dns_opt=list(plan.dns_options),
                cap_drop=["ALL"],
                init=True,
            ),
        )
        container = self.client.containers.get(made["Id"])
        self.running.append((container, plan))
        for name in plan.connect:
            api.connect_container_to_network(container.id, name)
        container.start()
        container.reload()
        self.runner.run(self.networks.attached(plan, container.attrs["NetworkSettings"]["Networks"]))
        return container

    def plan_of(self, container: Container) -> NetworkPlan:
        return next(plan for each, plan in self.running if each is container)

    def end(self, container: Container) -> None:
        plan = self.plan_of(container)
        container.remove(force=True)
        self.running.remove((container, plan))
        self.runner.run(self.networks.release(plan))

    def close(self) -> None:
        for container, _ in tuple(self.running):
            self.end(container)
        self.runner.run(self.networks.close())


@contextmanager
def instance(engine: Engine, label: str | None = None) -> Iterator[NetworkInstance]:
    """Networks of an instance that exists only here. :param label: of one that has begun before."""
    names = Names(instance=label or secrets.token_hex(4), epoch=1 if label is None else 2)
    client = engine.client()
    calls = EngineClient(EngineAddress.parse(engine.address))
    with asyncio.Runner() as runner:
        runner.run(calls.open())
        networks = Networks(calls, names)
        made = NetworkInstance(
            networks=networks,
            runner=runner,
            client=client,
            image=engine.tag("python3.11"),
            label=names.instance,
        )
        try:
            runner.run(networks.open())
            yield made
        finally:
            made.close()
            runner.run(calls.close())
            client.close()


def reached(container: Container, *targets: tuple[str, int]) -> list[str]:
    """For each target ``here`` if it answered, else why not in the words of the system."""
    return list(_said(container, _REACH, json.dumps(targets)))


def resolves(container: Container, name: str) -> bool:
    return bool(_said(container, _RESOLVE, name))


def _said(container: Container, code: str, argument: str) -> Any:
    status, output = container.exec_run(["python3", "-c", code, argument])
    assert status == 0, output
    return json.loads(output)


def is_root() -> bool:
    return os.geteuid() == 0
