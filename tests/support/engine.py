"""The Docker engine that tests run containers on, with its offline base images.

`deploy/test-engine.sh` (``make engine``) starts the one and makes the others; nothing is made here, so that
several test processes may ask at once. Without them a test is skipped with the reason, and fails in CI.
"""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest
import requests
from docker.errors import DockerException, ImageNotFound

# Debian 12's versions: what can be made without a registry. One image holds all of them.
RUNTIMES = ("python3.11", "nodejs18", "ruby3.1", "java17", "provided")
DEFAULT_ADDRESS = "unix:///var/run/docker.sock"
ANSWER_S = 30.0  # for a loaded machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """:param address: as in ``DOCKER_HOST``. :param images: runtime → image id (``sha256:…``)."""

    address: str
    images: Mapping[str, str]

    @property
    def socket(self) -> Path:
        return Path(self.address.removeprefix("unix://"))

    def tag(self, runtime: str) -> str:
        return f"lockgate-test/{runtime}:offline"

    def client(self) -> docker.DockerClient:
        """The caller closes it."""
        return docker.DockerClient(base_url=self.address, timeout=ANSWER_S)


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The engine of this machine; the test is skipped where there is none."""
    address = os.environ.get("DOCKER_HOST") or DEFAULT_ADDRESS
    found = Engine(address=address, images={})
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(found.socket))
    except OSError as error:
        pytest.skip(f"no Docker engine at {address} ({error.strerror}): run `make engine` as root")
    client = found.client()
    try:
        ids = {name: str(client.images.get(f"lockgate-test/{name}:offline").id) for name in RUNTIMES}
    except ImageNotFound:
        pytest.skip("the engine has no offline base images: run `make engine` as root")
    except (DockerException, requests.RequestException) as error:
        pytest.skip(f"the Docker engine at {address} does not answer: {error}")
    finally:
        client.close()
    return Engine(address=address, images=ids)
