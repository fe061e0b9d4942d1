"""Lockgate's own image, built on the offline base without a network, serves a call as compose.yaml starts it."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.engine import Engine
from tests.support.front_proxy import FrontProxy
from tests.support.observed import wait_until
from tests.support.plain_http import Address, call
from tests.support.tls_pair import make_pair

ROOT = Path(__file__).parents[3]
COMPOSE = ROOT / "deploy" / "compose.yaml"
TAG = "lockgate-tests/lockgate:deploy"
PROJECT = "lockgate-tests-deploy"
FILE = """\
version: 1
defaults: {runtime: python3.11}
server: {pull: never, trusted_proxies: [172.16.0.0/12]}
functions:
  hello: {code: hello, handler: app.handler}
routes:
  GET /: {function: hello, public: true}
"""
APP = "import os\n\ndef handler(event, context):\n    return f'{os.getuid()} {os.path.exists(\"/.dockerenv\")}'\n"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("docker-compose") is None, reason="docker-compose is not installed"),
]


def compose(*words: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["docker-compose", "-f", str(COMPOSE), "--project-directory", str(folder), "-p", PROJECT, *words],
        capture_output=True, text=True, timeout=120, env=os.environ | variables,
    )  # fmt: skip


def test_compose_file_is_valid_and_asks_for_a_password(tmp_path: Path) -> None:
    assert compose("config", "-q", folder=tmp_path, POSTGRES_PASSWORD="x").returncode == 0
    refused = compose("config", "-q", folder=tmp_path)
    assert "POSTGRES_PASSWORD" in refused.stderr
    assert refused.returncode != 0


def test_only_the_executor_holds_the_engines_socket(tmp_path: Path) -> None:
    """C2: the gateway's container has neither the socket nor a capability."""
    done = compose("config", folder=tmp_path, POSTGRES_PASSWORD="x")
    services = yaml.safe_load(done.stdout)["services"]
    holders = [name for name, service in services.items() if "docker.sock" in json.dumps(service)]
    assert holders == ["executor"]
    assert services["gateway"]["cap_drop"] == ["ALL"]
    assert "ports" not in services["executor"]


@pytest.fixture
def site(engine: Engine, tmp_path: Path) -> Iterator[Path]:
    """A state folder that passes mounts on, as `/` does on a machine with systemd."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount the state folder of a container")
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    (tmp_path / "hello").mkdir()
    (tmp_path / "hello/app.py").write_text(APP)
    (tmp_path / "routes.yaml").write_text(FILE)
    for path in (tmp_path, *tmp_path.parents[:2]):
        path.chmod(0o755)  # the gateway of the image is another user
    subprocess.run(["mount", "--bind", state, state], check=True)
    subprocess.run(["mount", "--make-shared", state], check=True)
    try:
        yield tmp_path
    finally:
        subprocess.run(["umount", "--recursive", "--lazy", state], check=True)


@pytest.mark.timeout(300)
def test_image_serves_a_call_through_caddy(engine: Engine, site: Path) -> None:
    built = subprocess.run(
        [ROOT / "deploy/image.sh", TAG, engine.tag("python3.11")], capture_output=True, text=True,
        timeout=180, env=os.environ | {"BUILD_NETWORK": "none"},
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    variables = {
        "POSTGRES_PASSWORD": "x",
        "LOCKGATE_IMAGE": TAG,
        "LOCKGATE_STATE_DIR": str(site / "state"),
        "LOCKGATE_CONTROL": "127.0.0.1:0",
        "LOCKGATE_ADMIN": "127.0.0.1:0",
    }
    client = engine.client()
    try:
        assert client.images.get(TAG).attrs["Config"]["User"] == "10001:10001"
        up = compose("up", "-d", "--no-deps", "executor", "gateway", folder=site, **variables)
        assert up.returncode == 0, up.stderr
        address = address_of_gateway(client)
        with FrontProxy("caddy", site / "caddy", address, make_pair(site)) as caddy:

            def answers() -> bool:
                return call(caddy.http, "/", timeout_s=60).status == 200

            wait_until(answers, "a call through Caddy, the gateway and the executor", 90.0)
            uid, is_container = call(caddy.http, "/").body.split()
        assert (int(uid) >= 200_000, is_container) == (True, b"True")
        assert b"without prepared containers" not in log_of(client, "executor")
    finally:
        compose("down", "-v", "-t", "40", folder=site, **variables)
        client.images.remove(TAG, force=True)
        client.close()


def container_of(client: Any, service: str) -> Any:
    labels = [f"com.docker.compose.project={PROJECT}", f"com.docker.compose.service={service}"]
    [container] = client.containers.list(filters={"label": labels})
    return container


def log_of(client: Any, service: str) -> bytes:
    log: bytes = container_of(client, service).logs()
    return log


def address_of_gateway(client: Any) -> Address:
    gateway = container_of(client, "gateway")
    network = gateway.attrs["NetworkSettings"]["Networks"][f"{PROJECT}_front"]
    return network["IPAddress"], 8080
