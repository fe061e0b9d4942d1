"""AWS's Runtime Interface Emulator with awslambdaric behind it: what AWS's own images run on a laptop.

It takes one request at a time and has no routes: a call is a POST of the event itself.
"""

import platform
import sys
from pathlib import Path
from typing import Self

from benchmarks.install import PLACE
from benchmarks.load import Target
from benchmarks.lockgate_server import HANDLER, write_handler
from benchmarks.peers.ports import free_ports
from benchmarks.program import Program, answers

_NAMES = {"x86_64": "aws-lambda-rie-x86_64", "aarch64": "aws-lambda-rie-arm64"}
# What awslambdaric makes of the handler's answer.
ANSWER = b'{"statusCode": 200, "headers": {"content-type": "application/json"}, "body": "{\\"id\\":7}"}'


class Emulator:
    def __init__(self, folder: Path, *, name: str = "emulator", handler: str = HANDLER):
        place = folder / name
        write_handler(place, handler)
        port, api_port = free_ports(2)
        self.address = f"http://127.0.0.1:{port}"
        self.target = Target(
            url=f"{self.address}/2015-03-31/functions/function/invocations",
            body=ANSWER,
            method="POST",
            request=b'{"rawPath": "/warm"}',
        )
        binary = PLACE / "tools" / "samcli" / "local" / "rapid" / _NAMES[platform.machine()]
        binary.chmod(0o755)
        self.program = Program(
            name,
            [str(binary), "--runtime-interface-emulator-address", f"127.0.0.1:{port}",
             "--runtime-api-address", f"127.0.0.1:{api_port}", "--log-level", "error",
             sys.executable, "-m", "awslambdaric", "app.handler"],
            folder=place,
            env={"PYTHONPATH": str(PLACE / "awslambdaric"), "_HANDLER": "app.handler"},
        )  # fmt: skip
        # A path that is not the function's: the first call must stay the first.
        self.program.await_true(lambda: answers(self.address + "/ready"), "does not answer")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.program.stop()


def is_installed() -> bool:
    return platform.machine() in _NAMES and (PLACE / "tools" / "samcli").is_dir()
