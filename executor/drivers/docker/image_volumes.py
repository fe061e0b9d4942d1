"""Folders that an image declares as volumes: read-only like the rest of it, and gone with their container.

The engine by itself makes each a writable folder on the machine's disk, without a bound (C1). It refuses volumes that
are read-only and have no name: so they have the container's, and are removed by it. The image's files are in them.
"""

from collections.abc import Iterable, Mapping
from posixpath import normpath
from typing import Any
from urllib.parse import quote

from executor.drivers.docker.engine.client import EngineClient
from executor.drivers.docker.engine.errors import NotFound
from executor.drivers.docker.labels import common_labels, instance_label
from kit.names import Names


def mounts(
    container: str, declared: Iterable[str], taken: Iterable[str], names: Names
) -> list[dict[str, Any]]:
    """The engine's words for what an image declares. :param taken: where we mount something ourselves."""
    targets = sorted({normpath(each) for each in declared} - set(taken))
    return [
        {
            "Type": "volume",
            "Source": f"{container}-{number}",
            "Target": target,
            "ReadOnly": True,
            "VolumeOptions": {"Labels": common_labels(names)},
        }
        for number, target in enumerate(targets)
    ]


async def remove(engine: EngineClient, sources: Iterable[str]) -> None:
    """After their container. Idempotent. :raises EngineFault:"""
    for source in sources:
        try:
            await engine.request("DELETE", f"/volumes/{quote(source, safe='')}")
        except NotFound:
            continue


async def remove_all(engine: EngineClient, names: Names) -> None:
    """Those of containers of an earlier start. :raises EngineFault:"""
    filters = f'{{"label": ["{instance_label(names)}"]}}'
    found: Mapping[str, Any] = await engine.request("GET", "/volumes", query={"filters": filters})
    await remove(engine, [str(each["Name"]) for each in found.get("Volumes") or ()])
