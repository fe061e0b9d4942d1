"""From what the executor wants (`StartSpec`, `SlotSpec`) to what a container is made of (`ContainerSpec`).

Pure but for one look at the package: an executable `bootstrap` must be there. State: none.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from executor.driver import ChannelAddress, EnvironmentShape, SlotSpec, StartError, StartSpec
from executor.drivers.docker import image_volumes
from executor.drivers.docker.container import Container
from executor.drivers.docker.images import Image
from executor.drivers.docker.labels import ENVIRONMENT, FUNCTION, REVISION, SLOT, common_labels
from executor.drivers.docker.network.plan import NetworkPlan
from executor.drivers.docker.places import BOOTSTRAP, CHANNEL, OPT, RUNTIME, TASK, TEMPORARY, VOLUMES
from executor.drivers.docker.probe import Findings
from executor.drivers.docker.profile import Attachment, Bind, ContainerSpec
from executor.drivers.docker.programs import IMAGE, Program, program_of
from executor.drivers.docker.variables import (
    SLOT as SLOT_VARIABLE,
)
from executor.drivers.docker.variables import (
    exact_command,
    image_variables,
    managed_variables,
    runtime_api_variables,
)
from executor.drivers.docker.workspace import Workspace
from executor.revision import FunctionConfig
from kit.names import Names

SLOT_MEMORY_MB = 128  # of a container that only waits: an interpreter takes 10 to 60 MB
WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"
_BOOTSTRAPS = ("/var/task/bootstrap", "/opt/bootstrap")


@dataclass(frozen=True, slots=True, kw_only=True)
class Materials:
    """What all containers of a driver have in common."""

    names: Names
    workspace: Workspace
    findings: Findings


def function_container(
    spec: StartSpec,
    container: Container,
    channel: ChannelAddress,
    *,
    materials: Materials,
    image: Image,
    plan: NetworkPlan,
    package: Path | None,
    runtime_folder: Path | None,
) -> ContainerSpec:
    """:raises StartError: the package has no bootstrap, or the image no command."""
    config = spec.revision.config
    labels = common_labels(materials.names) | {
        ENVIRONMENT: str(spec.environment),
        FUNCTION: config.name,
        REVISION: spec.revision.digest,
    }
    binds = _volume_binds(config) + _storage_binds(container, materials)
    if config.runtime == IMAGE:
        return _image_container(
            spec, container, channel, labels, binds, image=image, plan=plan, materials=materials
        )
    assert package is not None
    program = program_of(config)
    if program.command[0] == _BOOTSTRAPS[0]:
        _check_bootstrap(package)
    binds += [Bind(source=package, target=TASK)]
    wrapper = spec.variables.get(WRAPPER)
    if wrapper and program.command[0] != _BOOTSTRAPS[0]:  # an executable runtime calls it itself, or does not
        program = replace(program, command=(wrapper, *program.command))
    return _managed_container(
        program,
        container,
        channel,
        materials=materials,
        image=image,
        plan=plan,
        shape=spec.shape,
        variables=managed_variables(
            spec.variables,
            language=program.variables,
            config=config,
            runtime_api=runtime_api_variables(channel),
        ),
        labels=labels,
        binds=binds,
        runtime_folder=runtime_folder,
        memory_mb=config.memory_mb,
    )


def slot_container(
    spec: SlotSpec,
    container: Container,
    channel: ChannelAddress,
    *,
    materials: Materials,
    image: Image,
    plan: NetworkPlan,
    runtime_folder: Path | None,
) -> ContainerSpec:
    """A container of the shape without a function, which waits to be told one."""
    program = program_of(shape_config(spec.shape))
    assert container.folder is not None
    labels = common_labels(materials.names) | {SLOT: str(spec.slot)}
    variables = managed_variables(
        {}, language=program.variables, config=None, runtime_api=runtime_api_variables(channel)
    )
    return _managed_container(
        program,
        container,
        channel,
        materials=materials,
        image=image,
        plan=plan,
        shape=spec.shape,
        variables=variables | {SLOT_VARIABLE: "1"},
        labels=labels,
        binds=[
            Bind(source=container.folder.task, target=TASK, follows=materials.workspace.can_mount),
            *_storage_binds(container, materials),
        ],
        runtime_folder=runtime_folder,
        memory_mb=SLOT_MEMORY_MB,
    )


def runtime_config(runtime: str) -> FunctionConfig:
    """A function of which only the runtime is known."""
    return FunctionConfig(name="any", runtime=runtime, handler="")


def shape_config(shape: EnvironmentShape) -> FunctionConfig:
    """What is known of the function that a slot will get."""
    return FunctionConfig(
        name="slot", runtime=shape.runtime, handler="", memory_mb=shape.memory_class_mb or SLOT_MEMORY_MB
    )


def _managed_container(
    program: Program,
    container: Container,
    channel: ChannelAddress,
    *,
    materials: Materials,
    image: Image,
    plan: NetworkPlan,
    shape: EnvironmentShape,
    variables: Mapping[str, str],
    labels: Mapping[str, str],
    binds: Sequence[Bind],
    runtime_folder: Path | None,
    memory_mb: int,
) -> ContainerSpec:
    folders = [*binds, Bind(source=channel_folder(container, channel), target=CHANNEL)]
    folders.append(Bind(source=materials.workspace.opt, target=OPT))
    if program.files is not None:
        folders.append(Bind(source=materials.workspace.bootstraps(program.files), target=BOOTSTRAP))
    folders += _runtime_binds(program, runtime_folder, shape.runtime)
    to_fifo = materials.findings.fifo
    return ContainerSpec(
        image=image.id,
        entrypoint=exact_command(
            program.command, variables, image.variables, to_fifo=to_fifo, gated=to_fifo and container.is_gated
        ),
        command=(),
        cwd=TASK,
        variables=variables,
        labels=labels,
        uid=container.uid,
        gid=container.gid,
        memory_mb=memory_mb,
        tmpfs_mb=None if materials.findings.disk else shape.storage_mb,
        binds=folders,
        volumes=_image_volumes(container, image, folders, materials),
        attachment=_attachment(plan, channel),
        sandbox=shape.sandbox,
        attach=not to_fifo,
    )


def _runtime_binds(program: Program, folder: Path | None, runtime: str) -> list[Bind]:
    """What AWS's runtimes bring along, and where a language looks for it beside its path."""
    if folder is None:
        if program.needs_folder:
            message = f"{runtime} needs its runtime folder: run `lockgate runtimes install`"
            raise StartError(message, permanent=True, error_type="Runtime.InvalidRuntime")
        return []
    links = [
        Bind(source=folder / Path(target).relative_to(RUNTIME), target=path)
        for path, target in program.links.items()
    ]
    shown = [bind for bind in links if bind.source.is_dir()]
    return [Bind(source=folder, target=RUNTIME), *shown]


def _image_container(
    spec: StartSpec,
    container: Container,
    channel: ChannelAddress,
    labels: Mapping[str, str],
    binds: Sequence[Bind],
    *,
    image: Image,
    plan: NetworkPlan,
    materials: Materials,
) -> ContainerSpec:
    """It runs as it is. Each override replaces one word of the image's own, and no other (as on Lambda)."""
    config = spec.revision.config
    own = config.image
    entrypoint = image.entrypoint if own.entry_point is None else own.entry_point
    command = image.command if own.command is None else own.command
    if not (*entrypoint, *command):
        message = "The image has neither ENTRYPOINT nor CMD: set one of them in the image or in `image:`"
        raise StartError(message, permanent=True, error_type="Runtime.InvalidEntrypoint")
    handler = command[-1] if command else config.handler
    to_fifo = materials.findings.fifo and image.has_shell
    variables = image_variables(
        spec.variables, config=config, handler=handler, runtime_api=runtime_api_variables(channel)
    )
    words = (*entrypoint, *command)
    if to_fifo:
        known = {*variables, *image.variables}
        words = tuple(exact_command(words, known, (), to_fifo=True, gated=container.is_gated))
        binds = [*binds, Bind(source=channel_folder(container, channel), target=CHANNEL)]
    return ContainerSpec(
        image=image.id,
        entrypoint=words,
        command=(),
        cwd=own.working_directory,
        variables=variables,
        labels=labels,
        uid=container.uid,
        gid=container.gid,
        memory_mb=config.memory_mb,
        tmpfs_mb=None if materials.findings.disk else spec.shape.storage_mb,
        binds=binds,
        volumes=_image_volumes(container, image, binds, materials),
        attachment=_attachment(plan, channel),
        sandbox=spec.shape.sandbox,
        attach=not to_fifo,
    )


def channel_folder(container: Container, channel: ChannelAddress) -> Path:
    """What is mounted at `CHANNEL`; a container that is known by its host name has one for its output only."""
    assert container.folder is not None
    return channel.folder if channel.folder is not None else container.folder.channel


def _storage_binds(container: Container, materials: Materials) -> list[Bind]:
    assert container.folder is not None
    if not materials.findings.disk:
        return []
    return [Bind(source=container.folder.temporary, target=TEMPORARY, writable=True)]


def _image_volumes(
    container: Container, image: Image, binds: Sequence[Bind], materials: Materials
) -> list[dict[str, Any]]:
    taken = (TEMPORARY, *(each.target for each in binds))
    return image_volumes.mounts(container.name, image.volumes, taken, materials.names)


def _volume_binds(config: FunctionConfig) -> list[Bind]:
    return [
        Bind(source=Path(folder), target=f"{VOLUMES}/{name}", writable=True)
        for name, folder in config.volumes.items()
    ]


def _attachment(plan: NetworkPlan, channel: ChannelAddress) -> Attachment:
    own = ("sandbox:127.0.0.1", "sandbox.localdomain:127.0.0.1")  # where Lambda's extensions listen
    runtime_api = plan.extra_hosts(channel.host) if channel.host is not None else ()
    return Attachment(
        mode=plan.mode,
        endpoints=plan.endpoints,
        hosts=(*own, *runtime_api),
        dns=plan.dns,
        dns_options=plan.dns_options,
    )


def _check_bootstrap(package: Path) -> None:
    if not os.access(package / "bootstrap", os.X_OK):
        message = f"Couldn't find valid bootstrap(s): [{' '.join(_BOOTSTRAPS)}]"
        raise StartError(message, permanent=True, error_type="Runtime.InvalidEntrypoint")
