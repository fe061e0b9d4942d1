"""The engine's slow verbs: inspect, pull, import, through the Docker SDK, which is imported on use.

Calls block: they belong on a worker thread. Each has a deadline; a stream that says nothing for a while, or that
goes on for too long, is given up. Credentials of registries come from the user's own ``config.json`` and go to the
engine with the pull; nothing of them is kept (C10).
"""

import json
import socket
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from executor.images.errors import ImageError, engine_words, image_error
from executor.images.progress import Layers, OnStep, Step, ignore

if TYPE_CHECKING:
    from docker import APIClient
    from requests import Response

CALL_TIMEOUT_S = 30.0  # an inspect takes a millisecond
SILENCE_S = (
    120.0  # an engine that extracts a layer on a slow disk says so every second; a registry may be slow
)
PULL_TOTAL_S = 3600.0  # 10 GB over 25 Mbit/s
CHUNK_BYTES = 1 << 20
OLDEST_API = "1.24"  # the SDK's floor
PROBE_LABEL = "lockgate.probe"
PROBE_MEMORY = "256m"
NOBODY = "65534:65534"
DEFAULT_ADDRESS = "unix:///var/run/docker.sock"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineImage:
    """:param id: ``sha256:…``, of its content. :param digests: under which registries have it.
    :param arch: as Go has it, ``amd64``.
    """

    id: str
    names: tuple[str, ...]
    digests: tuple[str, ...]
    arch: str
    os: str
    bytes: int
    labels: Mapping[str, str]


class ImageEngine:
    """One engine. Any thread may call; each call has a connection of its own. :param address: as ``DOCKER_HOST``."""

    def __init__(self, address: str = DEFAULT_ADDRESS) -> None:
        self.address = address
        self._closed = False

    def close(self) -> None:
        """Pull nothing more: what is being pulled ends at its next message."""
        self._closed = True

    def arch(self) -> str:
        """Of the machine that it runs on. :raises ImageError:"""
        with self._asking("") as client:
            return str(client.version()["Arch"])

    def inspect(self, image: str) -> EngineImage | None:
        """:param image: a reference, or an id. :raises ImageError:"""
        from docker.errors import ImageNotFound

        with self._asking(image) as client:
            try:
                return _read(client.inspect_image(image))
            except ImageNotFound:
                return None

    def list(self, label: str | None = None) -> tuple[EngineImage, ...]:
        """:raises ImageError:"""
        with self._asking("") as client:
            found = client.images(filters={} if label is None else {"label": label})
            return tuple(_read(client.inspect_image(each["Id"])) for each in found)

    def pull(self, image: str, on_step: OnStep = ignore) -> None:
        """:raises ImageError: also when the registry refuses in the middle of it."""
        reference, colon, tag = image.rpartition(":")
        if "@" in image or "/" in tag or not colon:
            reference, tag = image, ("" if "@" in image else "latest")
        layers = Layers(image)
        on_step(Step(text=f"pulling {image}"))
        with self._asking(image, silence_s=SILENCE_S) as client:
            answer = _post(
                client,
                "/images/create",
                {"fromImage": reference, "tag": tag},
                _credentials(client, reference),
            )
            for message in self._watched(answer, image):
                step = layers.read(message)
                if step is not None:
                    on_step(step)

    def import_tar(self, tar: Path, image: str, labels: Mapping[str, str], on_step: OnStep = ignore) -> str:
        """Make an image of one layer from a file system in a tar file. :returns: its id. :raises ImageError:"""
        name, _, tag = image.rpartition(":")
        changes = [f"LABEL {key}={value}" for key, value in labels.items()]
        with self._asking(image, silence_s=SILENCE_S) as client, tar.open("rb") as file:
            body = _read_in_chunks(file, tar.stat().st_size, f"importing {image}", on_step)
            wanted = {"fromSrc": "-", "repo": name, "tag": tag, "changes": changes}
            answer = _post(client, "/images/create", wanted, {"Content-Type": "application/x-tar"}, body)
            for _ in self._watched(answer, image):
                pass
            return _read(client.inspect_image(image)).id

    def build(
        self, context: Path, image: str, *, dockerfile: str = "Dockerfile", on_step: OnStep = ignore
    ) -> str:
        """``docker build`` of a folder. :returns: the image's id. :raises ImageError: with the build's last words."""
        with self._asking(image, silence_s=PULL_TOTAL_S) as client:
            stream = client.build(
                path=str(context), tag=image, dockerfile=dockerfile, rm=True, forcerm=True, decode=True,
                timeout=PULL_TOTAL_S,
            )  # fmt: skip
            for message in self._judged(stream, image):
                text = str(message.get("stream", "")).strip()
                if text:
                    on_step(Step(text=text))
            return _read(client.inspect_image(image)).id

    def run(self, image: str, command: Sequence[str]) -> str:
        """What *command* prints in a container that may do nothing else. :raises ImageError: it fails, or is late."""
        with self._asking(image) as client:
            made = client.create_container(
                image, list(command), entrypoint=[], user=NOBODY, working_dir="/", labels={PROBE_LABEL: ""},
                host_config=client.create_host_config(
                    network_mode="none", cap_drop=["ALL"], security_opt=["no-new-privileges:true"],
                    read_only=True, mem_limit=PROBE_MEMORY, memswap_limit=PROBE_MEMORY, pids_limit=64,
                ),
            )["Id"]  # fmt: skip
            try:
                client.start(made)
                status = client.wait(made, timeout=CALL_TIMEOUT_S)["StatusCode"]
                words = str(client.logs(made), "utf-8", "replace").strip()
            finally:
                client.remove_container(made, force=True, v=True)
        if status != 0:
            what = f"{command[0]} failed in the image {image}: {words[-500:] or f'exit {status}'}."
            raise ImageError("failed", what, "Name another image.")
        return words

    def _watched(self, answer: "Response", image: str) -> Iterator[Mapping[str, Any]]:
        """The JSON messages of an answer that takes long."""
        with closing(answer):
            if answer.status_code >= HTTPStatus.BAD_REQUEST:
                raise engine_words(str(answer.json().get("message", answer.reason)), image=image)
            yield from self._judged((json.loads(line) for line in answer.iter_lines() if line), image)

    def _judged(self, stream: Iterable[Mapping[str, Any]], image: str) -> Iterator[Mapping[str, Any]]:
        deadline = time.monotonic() + PULL_TOTAL_S
        for message in stream:
            if "error" in message:
                raise engine_words(str(message["error"]), image=image)
            if self._closed:
                raise ImageError("failed", f"The server ends: {image} is not waited for.", "")
            if time.monotonic() > deadline:
                what = f"{image} did not come in {PULL_TOTAL_S:.0f} s."
                raise ImageError("engine-slow", what, "Pull it by hand: docker pull shows what is slow.")
            yield message

    def _asking(self, image: str, *, silence_s: float = CALL_TIMEOUT_S) -> "_Asking":
        return _Asking(self.address, image, silence_s)


class _Asking:
    """A client for one call; whatever it raises leaves as an `ImageError`."""

    def __init__(self, address: str, image: str, timeout_s: float) -> None:
        self._address, self._image, self._timeout_s = address, image, timeout_s
        self._client: APIClient | None = None

    def __enter__(self) -> "APIClient":
        try:
            _reach(self._address)
            with closing(self._connect(OLDEST_API)) as first:
                newest = str(first.version(api_version=False)["ApiVersion"])
            self._client = self._connect(newest)
        except Exception as error:
            raise image_error(error, image=self._image, engine=self._address) from error
        return self._client

    def _connect(self, version: str) -> "APIClient":
        """With a version at hand the SDK asks for none, and so leaves no connection behind when nobody answers."""
        from docker import APIClient

        client = APIClient(self._address, version=version, timeout=self._timeout_s)
        client.trust_env = False  # a proxy of the environment is not for an engine on this machine
        return client

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        self._close()
        if isinstance(error, Exception) and not isinstance(error, ImageError):
            raise image_error(error, image=self._image, engine=self._address) from error

    def _close(self) -> None:
        if self._client is not None:
            with closing(self._client):
                self._client = None


def _post(
    client: "APIClient",
    path: str,
    query: Mapping[str, Any],
    headers: Mapping[str, str],
    body: Iterable[bytes] | None = None,
) -> "Response":
    """The SDK's own verbs for these wait for ever."""
    url = f"{client.base_url}/v{client.api_version}{path}"
    answer: Response = client.post(
        url, params=query, headers=headers, data=body, stream=True, timeout=SILENCE_S
    )
    return answer


def _credentials(client: "APIClient", reference: str) -> dict[str, str]:
    """What ``docker login`` has left for the registry, its credential helpers included."""
    from docker import auth

    registry, _ = auth.resolve_repository_name(reference)
    header = auth.get_config_header(client, registry)
    return (
        {}
        if header is None
        else {"X-Registry-Auth": str(header, "ascii") if isinstance(header, bytes) else header}
    )


def _reach(address: str) -> None:
    """:raises OSError: nobody listens. The SDK would say so, too, but lose its socket."""
    if address.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(CALL_TIMEOUT_S)
            probe.connect(address.removeprefix("unix://"))


def _read_in_chunks(file: BinaryIO, total: int, text: str, on_step: OnStep) -> Iterator[bytes]:
    done = 0
    while chunk := file.read(CHUNK_BYTES):
        yield chunk
        done += len(chunk)
        on_step(Step(text=text, done=done, total=total))


def _read(inspected: Mapping[str, Any]) -> EngineImage:
    labels: Mapping[str, str] = {}
    with suppress(KeyError, TypeError):  # an image that was imported has no Config, or none with labels
        labels = dict(inspected["Config"]["Labels"])
    return EngineImage(
        id=str(inspected["Id"]),
        names=tuple(inspected.get("RepoTags") or ()),
        digests=tuple(inspected.get("RepoDigests") or ()),
        arch=str(inspected.get("Architecture", "")),
        os=str(inspected.get("Os", "linux")),
        bytes=int(inspected.get("Size", 0)),
        labels=labels,
    )
