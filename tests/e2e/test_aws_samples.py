"""Published sample events through sockets and processes: each request reaches a function that returns its event."""

import json
import socket
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.aws_samples import TRANSPORT_FIELDS, Sample, samples, without
from tests.support.routes_file import copy_function, write_routes
from tests.support.server import RunningServer

pytestmark = pytest.mark.xdist_group("aws-samples")

SAMPLES = samples()
Stage = tuple[str, tuple[tuple[str, str], ...]]

# No authorizer is in this version, so nothing can put this member into an event.
NO_AUTHORIZER = "requestContext.authorizer"


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Stage, RunningServer]]:
    """One server per stage with its variables: two samples name the same stage and other variables."""
    by_stage: dict[Stage, list[Sample]] = defaultdict(list)
    for sample in SAMPLES:
        by_stage[stage_of(sample)].append(sample)
    with ExitStack() as stack:
        running = {}
        for number, (stage, members) in enumerate(by_stage.items()):
            config = configure(tmp_path_factory.mktemp(f"stage{number}"), stage, members)
            running[stage] = stack.enter_context(RunningServer(config, config.parent / "state"))
        yield running


def stage_of(sample: Sample) -> Stage:
    return sample.stage, tuple(sorted(sample.stage_variables.items()))


def configure(folder: Path, stage: Stage, members: list[Sample]) -> Path:
    copy_function("echo", folder)
    routes: dict[str, dict[str, Any]] = {}
    for sample in members:
        route = {"public": True, "function": "echo", "payload": sample.payload_version}
        assert routes.setdefault(sample.route_key, route) == route
    name, variables = stage
    return write_routes(
        folder,
        functions={"echo": {"code": "echo", "handler": "app.answers"}},
        routes=routes,
        stages={name: {"variables": dict(variables)}},
        account_id=members[0].account_id,
    )


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_function_gets_the_sample_event_for_its_request(
    sample: Sample, servers: dict[Stage, RunningServer]
) -> None:
    event = send(sample, servers[stage_of(sample)].gateway_address)
    ignored = [*sample.ignored, *ignored_over_a_socket(sample)]
    assert without(event, ignored) == without(sample.expected, ignored)


def ignored_over_a_socket(sample: Sample) -> list[str]:
    """Each member that the connection sets, also in the list form of format 1.0."""
    fields = [*TRANSPORT_FIELDS, NO_AUTHORIZER, "headers.content-length", "multiValueHeaders.content-length"]
    return fields + [
        f"multiValue{field[0].upper()}{field[1:]}" for field in TRANSPORT_FIELDS if "headers" in field
    ]


def send(sample: Sample, address: tuple[str, int]) -> Any:
    """Write the request as it stands, byte by byte, and read the event from the answer."""
    fields = [*sample.headers, ("content-length", str(len(sample.body)))] if sample.body else sample.headers
    head = "".join(f"{name}: {value}\r\n" for name, value in [*fields, ("connection", "close")])
    request = f"{sample.method} {sample.target} HTTP/1.1\r\n{head}\r\n".encode() + sample.body
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(request)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    status, _, body = answer.partition(b"\r\n\r\n")
    assert status.startswith(b"HTTP/1.1 200 "), answer
    return json.loads(body)


def test_a_function_sees_the_address_of_the_client(servers: dict[Stage, RunningServer]) -> None:
    """Not compared above, because the samples came from elsewhere."""
    sample = next(sample for sample in SAMPLES if sample.payload_version == "2.0")
    event = send(sample, servers[stage_of(sample)].gateway_address)
    context = event["requestContext"]
    assert context["http"]["sourceIp"] == event["headers"]["x-forwarded-for"] == "127.0.0.1"
    assert context["accountId"] == sample.account_id
