"""``lockgate invoke FN``: call a function through the Invoke API, as an AWS client does, and show its log."""

import argparse
import base64
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import httpx

from kit.sigv4 import Credentials, sign
from lockgate.errors import ExitCode, RuntimeFailure, UsageError
from lockgate.running import find_server

FUNCTION_TIMEOUT_S = 960.0  # Lambda's longest function and some waiting


def run(arguments: argparse.Namespace) -> int:
    server = find_server(Path(arguments.state))
    payload = read_payload(arguments.payload)
    function = quote(os.fsencode(arguments.function), safe="")
    url = f"{server['endpoints']['lambda']}/2015-03-31/functions/{function}/invocations"
    headers = {"content-type": "application/json", "x-amz-log-type": "Tail"}
    credentials = Credentials(server["access_key_id"], server["secret_access_key"])
    signed = sign("POST", url, headers, payload, credentials, server["region"], "lambda", datetime.now(UTC))
    try:
        with httpx.Client(timeout=httpx.Timeout(5.0, read=FUNCTION_TIMEOUT_S), trust_env=False) as client:
            response = client.post(url, content=payload, headers=headers | signed)
    except httpx.HTTPError as error:
        raise RuntimeFailure(
            f"The server did not answer: {error}.", "See `lockgate logs` and its own log."
        ) from error
    return show(response, as_json=arguments.json, with_log=not arguments.no_log)


def show(response: httpx.Response, *, as_json: bool, with_log: bool) -> int:
    """Log on stderr, payload on stdout: so that the payload can be piped."""
    failed = response.status_code != 200 or "x-amz-function-error" in response.headers
    log = base64.b64decode(response.headers.get("x-amz-log-result", "")).decode("utf-8", "replace")
    if as_json:
        answer = {
            "status": response.status_code,
            "function_error": response.headers.get("x-amz-function-error"),
            "request_id": response.headers.get("x-amzn-requestid"),
            "payload": parsed(response.text),
            "log": log.splitlines(),
        }
        print(json.dumps(answer, indent=2))  # noqa: T201
    else:
        if with_log and log:
            print(printable(log.rstrip("\n")), file=sys.stderr)  # noqa: T201
        print(response.text)  # noqa: T201
    return ExitCode.RUNTIME if failed else ExitCode.OK


def printable(text: str) -> str:
    """What a function printed must not drive the terminal."""
    return "".join(c if c in "\n\t" or c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def parsed(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def read_payload(text: str) -> bytes:
    """:raises UsageError: the file is not there, or what was given is not JSON."""
    if text == "-":
        payload = sys.stdin.buffer.read()
    elif text.startswith("@"):
        try:
            payload = Path(text[1:]).read_bytes()
        except OSError as error:
            raise UsageError(f"{text[1:]} cannot be read: {error.strerror}.") from error
    else:
        payload = os.fsencode(text)  # the bytes that were typed, UTF-8 or not
    try:
        json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"The payload is not JSON: {error}.", """Quote it for the shell: --payload '{"a": 1}'"""
        ) from error
    return payload
