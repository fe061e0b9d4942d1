"""What the rows about containers share: the engine, packages and the image, and what starts were made of."""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
from docker.errors import DockerException, ImageNotFound

from benchmarks import install
from benchmarks.lockgate_server import HANDLER, RUNTIME, LockgateServer, write_handler
from benchmarks.program import get

IMAGE = f"lockgate/{RUNTIME}:offline"
PEER_IMAGE = "lockgate-bench/awslambdaric:latest"
LARGE_MB, LARGE_FILES = 40, 2_500
_ENGINE_S = 120
_COLD_STARTS = re.compile(
    r'^lockgate_cold_starts_total\{function="([^"]+)",start="([^"]+)"\} ([0-9.e+]+)', re.M
)
_DOCKERFILE = f"""FROM {IMAGE}
COPY . /var/task
WORKDIR /var/task
ENTRYPOINT ["python3", "-m", "awslambdaric"]
CMD ["app.handler"]
"""


class NoEngine(Exception):
    """Containers cannot be measured here; says why."""


@contextmanager
def engine() -> Iterator[Any]:
    """The Docker SDK's client. :raises NoEngine: nothing answers, or the runtime's image is missing."""
    try:
        client = docker.from_env(timeout=_ENGINE_S)
        try:
            client.images.get(IMAGE)
            yield client
        finally:
            client.close()
    except ImageNotFound as error:
        raise NoEngine(f"no image {IMAGE}: run `lockgate images build {RUNTIME}` as root") from error
    except DockerException as error:
        raise NoEngine(f"no Docker engine: {error}") from error


def engine_facts() -> str:
    """``Docker 20.10.24, overlay2, cgroup version 1, runc 1.1.5``."""
    with engine() as client:
        info, version = client.info(), client.version()
    parts = {part["Name"]: part["Version"] for part in version["Components"]}
    version_of_groups = info.get("CgroupVersion", "1")
    return (
        f"Docker {info['ServerVersion']}, runc {parts.get('runc', '?')}, {info['Driver']}, "
        f"cgroup version {version_of_groups}"
    )


def small_package(folder: Path) -> Path:
    """One file."""
    write_handler(folder)
    return folder


def large_package(folder: Path) -> Path:
    """boto3, imported by its handler, and data beside it up to `LARGE_MB` and `LARGE_FILES`."""
    shutil.copytree(install.boto3(), folder, ignore=shutil.ignore_patterns("__pycache__", "bin"))
    write_handler(folder, "import boto3\n" + HANDLER)
    files = [path for path in folder.rglob("*") if path.is_file()]
    missing = LARGE_MB * 1_000_000 - sum(path.stat().st_size for path in files)
    count = max(LARGE_FILES - len(files), 100)
    (folder / "data").mkdir()
    for number in range(count):
        (folder / "data" / f"{number}.bin").write_bytes(b"\x5a" * max(1, missing // count))
    return folder


@contextmanager
def peer_image(folder: Path) -> Iterator[str]:
    """An image with unmodified awslambdaric and the handler; removed afterwards."""
    shutil.copytree(
        install.PLACE / "awslambdaric", folder, ignore=shutil.ignore_patterns("__pycache__", "bin")
    )
    write_handler(folder)
    (folder / "Dockerfile").write_text(_DOCKERFILE)
    with engine() as client:
        client.images.build(path=str(folder), tag=PEER_IMAGE, rm=True, network_mode="none", timeout=_ENGINE_S)
        try:
            yield PEER_IMAGE
        finally:
            client.images.remove(PEER_IMAGE, force=True)


def has_peer() -> bool:
    return (install.PLACE / "awslambdaric").is_dir()


def starts_by_kind(server: LockgateServer) -> dict[str, str]:
    """Function → ``slot`` or ``direct``, of those that were started once."""
    status, body = get(f"{server.endpoints['admin']}/metrics")
    assert status == 200, body[:200]
    return {name: kind for name, kind, count in _COLD_STARTS.findall(body.decode()) if float(count) == 1}


def access_records(server: LockgateServer) -> dict[str, dict[str, Any]]:
    """Path → the last access record of it, with the executor's own ledger of the call."""
    found = {}
    for line in server.program.log.read_bytes().splitlines():
        if b'"queue_us"' in line:
            record = json.loads(line)
            found[record["path"]] = record
    return found
