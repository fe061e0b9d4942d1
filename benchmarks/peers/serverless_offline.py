"""serverless-offline: HTTP API routes before Python child processes, or before Node handlers in its own process."""

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from benchmarks.install import PLACE
from benchmarks.lockgate_server import HANDLER
from benchmarks.peers.ports import free_ports
from benchmarks.program import Program, answers

NODE_HANDLER = """
module.exports.handler = async () =>
  ({statusCode: 200, headers: {"content-type": "application/json"}, body: '{"id":7}'})
"""
_ENV = {
    "SLS_TELEMETRY_DISABLED": "1",
    "SLS_NOTIFICATIONS_MODE": "off",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_REGION": "us-east-1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A JWT authorizer in front of every route. This peer looks at the claims only, not at the signature."""

    issuer: str
    audience: str
    scope: str


class ServerlessOffline:
    """Routes ``/py0 … /pyN`` and ``/js``, each its own function.

    :param functions: how many Python functions, so that each can have a first call.
    """

    def __init__(self, folder: Path, *, functions: int = 1, handler: str = HANDLER, door: Door | None = None):
        place = folder / "serverless-offline"
        place.mkdir(parents=True)
        (place / "node_modules").symlink_to(PLACE / "node" / "node_modules")
        (place / "app.py").write_text(handler)
        (place / "app.js").write_text(NODE_HANDLER)
        port, lambda_port, alb_port = free_ports(3)
        service = _service(functions, port, lambda_port, alb_port)
        if door is not None:
            _guard(service, door)
        (place / "serverless.yml").write_text(json.dumps(service))
        self.address = f"http://127.0.0.1:{port}"
        self.program = Program(
            "serverless-offline",
            ["node", "node_modules/serverless/bin/serverless.js", "offline", "--useInProcess"],
            folder=place,
            env=_ENV,
        )
        self.program.await_true(lambda: answers(self.address + "/ready"), "does not answer")

    def url(self, path: str) -> str:
        return self.address + path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.program.stop()


def is_installed() -> bool:
    return (PLACE / "node" / "node_modules" / "serverless-offline").is_dir() and shutil.which(
        "node"
    ) is not None


def _service(functions: int, port: int, lambda_port: int, alb_port: int) -> dict[str, Any]:
    names = {f"py{number}": _function(f"/py{number}") for number in range(functions)}
    return {
        "service": "bench",
        "frameworkVersion": "3",
        "provider": {
            "name": "aws",
            "runtime": f"python{sys.version_info.major}.{sys.version_info.minor}",
            "httpApi": {},
        },
        "plugins": ["serverless-offline"],
        "custom": {
            "serverless-offline": {
                "host": "127.0.0.1", "httpPort": port, "lambdaPort": lambda_port, "albPort": alb_port,
                "noPrependStageInUrl": True,
            }
        },
        "functions": {**names, "js": {**_function("/js"), "runtime": "nodejs20.x"}},
    }  # fmt: skip


def _guard(service: dict[str, Any], door: Door) -> None:
    # Without this leave it ignores the authorizer and lets everybody in.
    service["custom"]["serverless-offline"]["ignoreJWTSignature"] = True
    service["provider"]["httpApi"]["authorizers"] = {
        "users": {
            "type": "jwt",
            "identitySource": "$request.header.Authorization",
            "issuerUrl": door.issuer,
            "audience": [door.audience],
        }
    }
    for function in service["functions"].values():
        for event in function["events"]:
            event["httpApi"]["authorizer"] = {"name": "users", "scopes": [door.scope]}


def _function(path: str) -> dict[str, Any]:
    return {"handler": "app.handler", "events": [{"httpApi": {"method": "GET", "path": path}}]}
