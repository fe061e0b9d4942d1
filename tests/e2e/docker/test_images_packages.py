"""Packages fit the Python of the image: .pyc that it takes, wheels of its version and C library."""

import json
from pathlib import Path

import pytest

from tests.support.engine import Engine
from tests.support.plain_http import address_of, call
from tests.support.server import RunningServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

APP = """\
import importlib.util, json, sys
import markupsafe._speedups

def handler(event, context):
    with open(__cached__, "rb") as compiled:
        magic = compiled.read(4)
    return {"statusCode": 200, "body": json.dumps({
        "version": list(sys.version_info[:2]),
        "speedups": markupsafe._speedups.__file__,
        "compiled": magic == importlib.util.MAGIC_NUMBER,
        "writable": sys.flags.dont_write_bytecode == 0,
    })}
"""
FILE = """\
version: 1
defaults: {runtime: python3.11}
server: {pull: never}
functions:
  notes: {code: notes, handler: app.handler}
routes:
  GET /: {function: notes, public: true}
"""


def test_wheel_with_c_code_and_compiled_module_are_the_images(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/app.py").write_text(APP)
    (tmp_path / "notes/requirements.txt").write_text("markupsafe==3.0.2\n")
    (tmp_path / "routes.yaml").write_text(FILE)
    docker = {"DOCKER_HOST": engine.address}
    with RunningServer(
        tmp_path / "routes.yaml", tmp_path / "state", extra=("--driver", "docker"), env=docker
    ) as server:
        answer = call(address_of(server.gateway), "/", timeout_s=60)
        assert server.stop() == 0
    said = json.loads(answer.body)
    assert said["version"] == [3, 11]
    assert said["compiled"]
    assert said["speedups"] == "/var/task/markupsafe/_speedups.cpython-311-x86_64-linux-gnu.so"
    assert (tmp_path / "state/docker-driver").exists()
