"""The repository's sample, laid out in a folder of a test's own, on ports of its own."""

import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
GATEWAY_PORT = 8080  # as the sample's routes.yaml has them
AUTH_PORT = 8081


@dataclass(frozen=True, slots=True)
class Sample:
    """:param sockets: that listen already; they outlive a server that is given them, so an address stays the same."""

    config: Path
    state: Path
    sockets: dict[str, socket.socket]

    @property
    def gateway(self) -> str:
        return f"http://localhost:{self.sockets['gateway'].getsockname()[1]}"

    @property
    def auth(self) -> str:
        return f"http://127.0.0.1:{self.sockets['auth'].getsockname()[1]}"


@contextmanager
def sample(folder: Path, *, smtp_port: int | None = None) -> Iterator[Sample]:
    """Its files, with the two ports exchanged wherever routes.yaml names them, and empty data.

    :param smtp_port: of the mail server on loopback that mail goes to; None: to nobody, or `dev` shows it.
    """
    gateway, auth = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
    with gateway, auth:
        shutil.copytree(ROOT / "examples", folder / "examples", ignore=shutil.ignore_patterns("__pycache__"))
        text = (ROOT / "routes.yaml").read_text()
        for port, sock in ((GATEWAY_PORT, gateway), (AUTH_PORT, auth)):
            assert f":{port}/" in text
            text = text.replace(f":{port}/", f":{sock.getsockname()[1]}/")
            text = text.replace(f":{port};", f":{sock.getsockname()[1]};")
        if smtp_port is not None:
            text += f"\nserver: {{smtp: {{host: 127.0.0.1, port: {smtp_port}, from: notes@example.com}}}}\n"
        config = folder / "routes.yaml"
        config.write_text(text)
        yield Sample(config, folder / "state", {"gateway": gateway, "auth": auth})
