"""The official Python client, unmodified, under a secret name: all of its paths say it."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from executor.runtime_api.host import HostChannel, Hosts
from tests.support.runtime_wire import REQUEST_ID, Sink, delivery

HANDLER = """
import os
if os.environ.get("BREAK"):
    raise RuntimeError("no init")
def handler(event, context):
    if event.get("fail"):
        raise ValueError("asked to")
    return {"event": event, "id": context.aws_request_id}
"""

# Only inside a mount namespace of its own can a process have an /etc/hosts of its own.
IN_ITS_OWN_NAMESPACE = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"']


def can_unshare() -> bool:
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("unshare") is None:
        return False
    return subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode == 0


pytestmark = [
    pytest.mark.skipif(not can_unshare(), reason="needs root and mount namespaces to give a name an address"),
    pytest.mark.slow,
    pytest.mark.timeout(60),
]


@asynccontextmanager
async def runtime(
    folder: Path, channel: HostChannel, **variables: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """``python -m awslambdaric`` in a world where the channel's name is 127.0.0.1."""
    (folder / "app.py").write_text(HANDLER)
    (folder / "hosts").write_text(f"127.0.0.1 localhost\n127.0.0.1 {channel.name}\n")
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_LAMBDA_RUNTIME_API": f"{channel.name}:{channel.port}",
        "LAMBDA_TASK_ROOT": str(folder),
        "AWS_LAMBDA_FUNCTION_NAME": "f",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        **variables,
    }
    process = await asyncio.create_subprocess_exec(
        *IN_ITS_OWN_NAMESPACE, str(folder / "hosts"), sys.executable, "-m", "awslambdaric", "app.handler",
        cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
async def hosts(sink: Sink) -> AsyncIterator[Hosts]:
    made = Hosts(sink)
    await made.listen("127.0.0.1", 0)
    yield made
    made.close()


async def test_awslambdaric_asks_answers_and_fails_under_its_name(
    hosts: Hosts, sink: Sink, tmp_path: Path
) -> None:
    """C5: its native client says the name on ``next``, ``response`` and ``error``."""
    channel = hosts.open(7)
    async with runtime(tmp_path, channel):
        await sink.wait_for("next_asked")
        assert channel.deliver(delivery(b'{"a":1}'))
        ended = await sink.wait_for("response_ended")
        assert ended == (
            "response_ended",
            7,
            REQUEST_ID,
            b'{"event": {"a": 1}, "id": "%b"}' % REQUEST_ID.encode(),
            True,
        )
        await sink.wait_for("next_asked", 2)
        assert channel.deliver(delivery(b'{"fail":true}'))
        name, environment, request_id, body, _ = await sink.wait_for("error_posted")
        assert (name, environment, request_id, b"asked to" in body) == ("error_posted", 7, REQUEST_ID, True)
    channel.close()


async def test_awslambdaric_posts_its_init_error_under_its_name(
    hosts: Hosts, sink: Sink, tmp_path: Path
) -> None:
    """C5: ``init/error`` goes through another client, on a connection of its own."""
    channel = hosts.open(8)
    async with runtime(tmp_path, channel, BREAK="1") as process:
        name, environment, body, _ = await sink.wait_for("init_error_posted")
        assert (name, environment, b"no init" in body) == ("init_error_posted", 8, True)
        assert await process.wait() != 0
    channel.close()


async def test_awslambdaric_under_a_name_that_is_closed_gets_nothing(
    hosts: Hosts, sink: Sink, tmp_path: Path
) -> None:
    """C5: the twin of the first test: the same client, a name that belongs to nobody any more."""
    channel = hosts.open(9)
    channel.close()
    async with runtime(tmp_path, channel) as process:
        assert await process.wait() != 0
    assert sink.calls == []
