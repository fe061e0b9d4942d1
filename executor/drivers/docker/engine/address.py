"""Where the engine listens: a unix socket, or a TCP port of a proxy that lets only some of its verbs through."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

DEFAULT_SOCKET = Path("/var/run/docker.sock")


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineAddress:
    """Either `socket`, or `host` and `port`."""

    socket: Path | None = None
    host: str = ""
    port: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a ``DOCKER_HOST``: ``unix:///run/docker.sock`` or ``tcp://proxy:2375``.

        :raises ValueError: it is neither; the message says what to write.
        """
        url = urlsplit(text)
        if url.scheme == "unix" and url.path.startswith("/") and not url.netloc:
            return cls(socket=Path(url.path))
        if url.scheme == "tcp" and url.hostname:
            return cls(host=url.hostname, port=url.port or 2375)
        raise ValueError(f"{text!r} is no engine address: write unix:///path/docker.sock or tcp://host:port")

    def __str__(self) -> str:
        return f"unix://{self.socket}" if self.socket is not None else f"tcp://{self.host}:{self.port}"


LOCAL_ENGINE = EngineAddress(socket=DEFAULT_SOCKET)
