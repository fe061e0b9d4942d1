"""The runtime's cases: what a function does, and what its caller gets.

``tests/e2e/runtime_cases/cases.json`` is a list of objects:
  id, handler, and one of event (any JSON), events (called in turn, the last one's answer counts) and
  event_bytes (an event ``{"data": "xx…"}`` of that many bytes);
  timeout: seconds; environment: variables; client_context, cognito_identity: JSON;
  log: texts that the output holds;
  needs: "platform" where the answer is the platform's and not the runtime's (exits, timeouts, sizes),
  "cognito_identity" where the caller must be able to send one;
  differs: why awslambdaric answers otherwise;
  expect: function_error, and of the answer payload (exact text), payload_base64, payload_bytes (size), or
  error_type and error_message (``{request_id}`` stands for the invocation's id).
"""

import base64
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "e2e" / "runtime_cases"


@dataclass(frozen=True, kw_only=True)
class Case:
    id: str
    handler: str
    payloads: list[bytes]
    expect: dict[str, Any]
    timeout_s: float = 10.0
    environment: dict[str, str] = field(default_factory=dict)
    client_context: str | None = None
    cognito_identity: str | None = None
    log: list[str] = field(default_factory=list)
    needs: str | None = None
    differs: str | None = None

    def mismatch(self, payload: bytes, *, function_error: bool, request_id: str) -> str | None:
        """Why the answer is not what the case expects; None if it is."""
        expect = self.expect
        if function_error != expect["function_error"]:
            return f"function_error is {function_error}: {payload[:300]!r}"
        if "payload" in expect and payload.decode() != expect["payload"]:
            return f"payload is {payload[:300]!r}"
        if "payload_base64" in expect and payload != base64.b64decode(expect["payload_base64"]):
            return f"payload is {payload[:300]!r}"
        if "payload_bytes" in expect and len(payload) != expect["payload_bytes"]:
            return f"payload has {len(payload)} bytes"
        if not function_error:
            return None
        error = json.loads(payload)
        if error["errorType"] != expect["error_type"]:
            return f"errorType is {error['errorType']}"
        message = expect.get("error_message", error["errorMessage"]).replace("{request_id}", request_id)
        return None if error["errorMessage"] == message else f"errorMessage is {error['errorMessage']!r}"


def load_cases(folder: Path = FOLDER) -> list[Case]:
    return [_case(entry) for entry in json.loads((folder / "cases.json").read_text())]


def lay_out_function(target: Path) -> Path:
    """Copy the cases' function to `target`; ``*.py.txt`` are the files that tools must not read as Python."""
    shutil.copytree(FOLDER / "function", target, ignore=shutil.ignore_patterns("__pycache__"))
    for path in target.rglob("*.py.txt"):
        path.rename(path.with_suffix(""))
    return target


def _case(entry: dict[str, Any]) -> Case:
    return Case(
        id=entry["id"],
        handler=entry["handler"],
        payloads=_payloads(entry),
        expect=entry["expect"],
        timeout_s=entry.get("timeout", 10.0),
        environment=entry.get("environment", {}),
        client_context=_text(entry.get("client_context")),
        cognito_identity=_text(entry.get("cognito_identity")),
        log=entry.get("log", []),
        needs=entry.get("needs"),
        differs=entry.get("differs"),
    )


def _payloads(entry: dict[str, Any]) -> list[bytes]:
    size = entry.get("event_bytes")
    if size is not None:
        return [b'{"data": "' + b"x" * (size - len(b'{"data": ""}')) + b'"}']
    return [json.dumps(event).encode() for event in entry.get("events", [entry.get("event")])]


def _text(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)
