"""boto3 as a user of the Invoke API, against a server of `RunningServer`."""

import base64
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

# A retry would hide what the first answer was; the longest call of a test ends before pytest's own limit.
_CONFIG = Config(retries={"max_attempts": 0}, connect_timeout=5, read_timeout=18, max_pool_connections=32)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """:param log: the tail, decoded; empty if none was asked for."""

    status: int
    payload: bytes
    function_error: str | None
    request_id: str
    version: str | None
    log: str


def lambda_client(endpoints: dict[str, Any], **changes: Any) -> Any:
    """A client with the server's own credentials and region; `changes` replace arguments of boto3."""
    arguments = {
        "endpoint_url": endpoints["endpoints"]["lambda"],
        "region_name": endpoints["region"],
        "aws_access_key_id": endpoints["access_key_id"],
        "aws_secret_access_key": endpoints["secret_access_key"],
        "config": _CONFIG,
    }
    return boto3.session.Session().client("lambda", **(arguments | changes))


def invoke(client: Any, function: str, payload: bytes = b"{}", **arguments: Any) -> Answer:
    """Call and read the answer whole. :raises ClientError: as boto3 does."""
    response = client.invoke(FunctionName=function, Payload=payload, **arguments)
    return Answer(
        status=response["StatusCode"],
        payload=response["Payload"].read(),
        function_error=response.get("FunctionError"),
        request_id=response["ResponseMetadata"]["RequestId"],
        version=response.get("ExecutedVersion"),
        log=base64.b64decode(response.get("LogResult", "")).decode(errors="surrogateescape"),
    )
