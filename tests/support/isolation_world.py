"""An executor over the docker driver, functions that try what they must not, and what there is to find outside.

The same probes run in containers without the profile; each of them differs in what the probe is about.
"""

import asyncio
import ctypes
import io
import json
import os
import secrets
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from docker.errors import NotFound
from docker.models.containers import Container
from prometheus_client import CollectorRegistry

from executor.core.limits import NodeLimits
from executor.drivers.docker.driver import DockerDriver
from executor.drivers.docker.engine.address import EngineAddress
from executor.executor import Executor
from executor.logs.store import FunctionLogs
from executor.metrics import ExecutorMetrics
from executor.revision import FunctionConfig, NetworkConfig, Revision
from kit.invoke import InvokeAnswer, InvokeCall
from kit.names import Names
from tests.support.engine import Engine
from tests.support.isolation_network import SERVE
from tests.support.isolation_stand import Stand, standing

INSIDE = Path(__file__).with_name("isolation_inside")
_COMMAND = ["python3", "/probes/client.py"]
TRACE = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1"
STORAGE_MB = 16
TIMEOUT_S = 90.0
CANARY = "LOCKGATE_TEST_CANARY"  # a variable of the server's own, as a secret would be
IPC_CREAT, IPC_RMID = 0o1000, 0
# Without the profile: a container by default; one of an ordinary user; one on the machine's network; one with all
# rights, the machine's processes and its shared memory.
DEFAULT, USER, HOST_NETWORK, PRIVILEGED = "default", "user", "host-network", "privileged"
# By their numbers. Source: linux/capability.h.
# fmt: off
_CAPABILITIES = (
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
    "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
    "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
    "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
    "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG",
)
# fmt: on
Results = Mapping[str, tuple[str, str]]


class IsolationWorld:
    """`open` it; then `call` functions. :ivar facts: what probes are told of the machine around."""

    def __init__(self, engine: Engine, stand: Stand, facts: dict[str, Any]) -> None:
        self.engine = engine
        self.facts = facts
        self.stand = stand
        self.client = engine.client()
        self.runner = asyncio.Runner()
        self.names = Names(instance=secrets.token_hex(4), epoch=1)
        self.folder = Path(tempfile.mkdtemp(prefix="lgi-"))  # short: a socket's path has at most 107 bytes
        self.image = engine.images["python3.11"]
        self._others: list[Container] = []
        self.database = f"db-{self.names.instance}"

    def open(self) -> None:
        label = {"lockgate.test": self.names.instance}
        self.network = self.client.networks.create(f"lgtest-{self.names.instance}", labels=label)
        self._start(SERVE, network_mode=self.network.name, name=self.database)
        package = self.folder / "package"
        package.mkdir(mode=0o755)
        for file in INSIDE.glob("*.py"):
            shutil.copyfile(file, package / file.name)
            (package / file.name).chmod(0o644)
        self.logs = FunctionLogs(self.folder / "logs", 16)
        self.driver = DockerDriver(
            names=self.names,
            packages=lambda _: package,
            runtime_folder=lambda _: None,
            state=self.folder / "state",
            images=self.engine.images,
            engine=EngineAddress.parse(self.engine.address),
        )
        self.executor = Executor(
            names=self.names,
            driver=self.driver,
            node=NodeLimits(memory_mb=4096),
            logs=self.logs,
            metrics=ExecutorMetrics(CollectorRegistry()),
            socket_root=self.folder / "e",
        )
        self.capabilities = self.runner.run(self.executor.open())
        self.runner.run(self._apply())
        peer = self._start(SERVE)
        peer.reload()
        self.peer_address = peer.attrs["NetworkSettings"]["IPAddress"]

    def _build(self) -> str:
        """An image with a runtime client and the probes in it. :returns: its id."""
        context = io.BytesIO()
        recipe = f"FROM {self.engine.tag('python3.11')}\nCOPY . /probes/\nCMD {json.dumps(_COMMAND)}\n"
        with tarfile.open(fileobj=context, mode="w") as tar:
            for file in INSIDE.glob("*.py"):
                tar.add(file, file.name)
            entry = tarfile.TarInfo("Dockerfile")
            entry.size = len(recipe)
            tar.addfile(entry, io.BytesIO(recipe.encode()))
        context.seek(0)
        built, _ = self.client.images.build(
            fileobj=context, custom_context=True, tag=f"lockgate-test/{self.names.instance}:probes", rm=True
        )
        return str(built.id)

    async def _apply(self) -> None:
        own = self._build()
        self.executor.apply(
            Revision.of(config, "", own)
            if config.runtime == "image"
            else Revision.of(config, "package", self.image)
            for config in self._functions()
        )

    def _functions(self) -> Iterator[FunctionConfig]:
        common: dict[str, Any] = {
            "runtime": "python3.11",
            "handler": "app.handler",
            "memory_mb": 512,
            "timeout_s": TIMEOUT_S,
            "storage_mb": STORAGE_MB,
        }
        stand = self.stand
        yield FunctionConfig(name="probed", **common, environment={"DECLARED": "yes"})
        yield FunctionConfig(name="other", **common)
        yield FunctionConfig(name="quiet", **common, network=NetworkConfig(egress="none"))
        yield FunctionConfig(
            name="allowed", **common, network=NetworkConfig(egress="none", allow=(f"{stand.private}:5432",))
        )
        own = common | {"runtime": "image", "handler": ""}
        yield FunctionConfig(name="imaged", **own, network=NetworkConfig(egress="none"))
        yield FunctionConfig(name="joined", **common, network=NetworkConfig(join=(self.network.name,)))
        yield FunctionConfig(name="hog", **common | {"memory_mb": 128})
        yield FunctionConfig(name="stubborn", **common | {"timeout_s": 1.0})

    def call(self, function: str, **event: Any) -> Any:
        """What the function returned. Fails where it failed."""
        answer = self.answer(function, **event)
        assert answer.status == 200, answer
        assert "x-amz-function-error" not in answer.headers, answer.payload
        return json.loads(answer.payload if isinstance(answer.payload, bytes) else b"")

    def answer(self, function: str, **event: Any) -> InvokeAnswer:
        call = InvokeCall(
            function=function,
            payload=json.dumps(event).encode(),
            budget_ms=int(TIMEOUT_S * 1000),
            trace=TRACE,
        )

        async def invoke() -> InvokeAnswer:
            return await self.executor.invoke(call)

        return self.runner.run(invoke())

    def container_of(self, function: str) -> dict[str, Any]:
        """The engine's word on the one container of a function; only to tell probes what to look for."""
        labels = [f"lockgate.instance={self.names.instance}", f"lockgate.function={function}"]
        found = self.client.containers.list(filters={"label": labels})
        assert len(found) == 1, found
        return dict(found[0].attrs)

    def twins(self, names: Sequence[str], kind: str) -> Results:
        """The same code in a container without the profile."""
        given = json.dumps({"facts": self.facts | {"other_address": self.peer_address}, "names": list(names)})
        return dict(self._run(["python3", "/probes/app.py", given], **self._options(kind)))

    def _options(self, kind: str) -> dict[str, Any]:
        if kind != PRIVILEGED:
            return {DEFAULT: {}, USER: {"user": "1000:1000"}, HOST_NETWORK: {"network_mode": "host"}}[kind]
        seen = (self.facts["secret_file"], str(self.folder), "/sys")
        return {
            # Not `privileged`: a machine may lack some of the rights that this asks for.
            "cap_add": own_capabilities(),
            "security_opt": ["seccomp=unconfined", "apparmor=unconfined"],
            "pid_mode": "host",
            "ipc_mode": "host",
            "devices": ["/dev/loop-control"],
            "binds": [*(f"{path}:{path}" for path in seen), f"{self.engine.socket}:/var/run/docker.sock"],
            "unmasked": True,
        }

    def _run(self, command: Sequence[str], **options: Any) -> Any:
        """The JSON that a container printed."""
        container = self._start(command, **options)
        try:
            container.wait()
            return json.loads(container.logs(stderr=False))
        finally:
            container.remove(force=True)

    def _start(
        self,
        command: Sequence[str],
        *,
        user: str = "",
        binds: Sequence[str] = (),
        unmasked: bool = False,
        name: str | None = None,
        **host: Any,
    ) -> Container:
        api = self.client.api
        binds = [*binds, f"{INSIDE}:/probes:ro"]
        config = api.create_host_config(init=True, binds=binds, **({"network_mode": "bridge"} | host))
        if unmasked:  # the SDK has no word for it
            config |= {"MaskedPaths": [], "ReadonlyPaths": []}
        labels = {"lockgate.test": self.names.instance}
        made = api.create_container(
            self.image, command=list(command), name=name, user=user, labels=labels, host_config=config
        )
        container = self.client.containers.get(made["Id"])
        self._others.append(container)
        container.start()
        return container

    def close(self) -> None:
        for container in self._others:
            with suppress(NotFound):
                container.remove(force=True)
        self.runner.run(self.executor.close())
        self.runner.close()
        self.network.remove()
        with suppress(NotFound):
            self.client.images.remove(f"lockgate-test/{self.names.instance}:probes")
        self.logs.close()
        self.client.close()
        shutil.rmtree(self.folder)


@contextmanager
def isolation_world(engine: Engine) -> Iterator[IsolationWorld]:
    """Needs root: listeners, a namespace, files and processes of this machine to be found."""
    with ExitStack() as stack:
        stand = stack.enter_context(standing())
        world = IsolationWorld(engine, stand, stack.enter_context(_findable(stand)))
        stack.callback(world.close)
        world.open()
        world.call("other", action="serve")
        networks = world.container_of("other")["NetworkSettings"]["Networks"]
        world.facts["other_address"] = next(iter(networks.values()))["IPAddress"]
        world.facts["other_channel"] = str(next((world.folder / "e").glob("*/api.sock")))
        yield world


@contextmanager
def _findable(stand: Stand) -> Iterator[dict[str, Any]]:
    """Things of this machine: a file, a process, shared memory, a secret in the server's environment."""
    token = secrets.token_hex(8)
    libc = ctypes.CDLL(None, use_errno=True)
    key = secrets.randbelow(1 << 30) + 1
    segment = libc.shmget(key, 1, IPC_CREAT | 0o666)
    assert segment != -1
    os.environ[CANARY] = f"secret-{token}"
    waiting = [sys.executable, "-I", "-c", "import signal; signal.pause()", token]
    process = subprocess.Popen(waiting, env={CANARY: os.environ[CANARY]})
    with tempfile.NamedTemporaryFile("w", prefix="lgt-secret-") as file:
        file.write(token)
        file.flush()
        try:
            yield {
                "storage_mb": STORAGE_MB,
                "secret_file": file.name,
                "process_mark": token,
                "process_pid": process.pid,
                "shm_key": key,
                "canary": os.environ[CANARY],
                "host": stand.host,
                "host_port": stand.host_port,
                "loopback_port": stand.loopback_port,
                "private": stand.private,
                "link_local": stand.link_local,
            }
        finally:
            process.kill()
            process.wait()
            libc.shmctl(segment, IPC_RMID, None)
            del os.environ[CANARY]


def own_capabilities() -> list[str]:
    """Those that this machine lets anybody have, by the names that engines of any age know."""
    return [name for number, name in enumerate(_CAPABILITIES) if _bounding() >> number & 1]


def lacking_capabilities() -> list[str]:
    """The others."""
    return [name for number, name in enumerate(_CAPABILITIES) if not _bounding() >> number & 1]


def _bounding() -> int:
    text = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in text.splitlines() if line.startswith("CapBnd")), 16)
