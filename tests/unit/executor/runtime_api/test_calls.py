"""Which paths and methods are calls, and what the others are told."""

import pytest

from executor.runtime_api.calls import Call, Request, clean_error_type, parse
from tests.support.runtime_wire import INVOCATION, split_replies


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        pytest.param("GET", f"{INVOCATION}/next", Request(Call.NEXT), id="next"),
        pytest.param("POST", f"{INVOCATION}/a-1/response", Request(Call.RESPONSE, "a-1"), id="response"),
        pytest.param("POST", f"{INVOCATION}/a-1/error", Request(Call.ERROR, "a-1"), id="error"),
        pytest.param("POST", f"{INVOCATION}/next/error", Request(Call.ERROR, "next"), id="id-called-next"),
        pytest.param("POST", f"{INVOCATION}/%61/error", Request(Call.ERROR, "%61"), id="id-as-given"),
        pytest.param("POST", "/2018-06-01/runtime/init/error", Request(Call.INIT_ERROR), id="init-error"),
        pytest.param("GET", "/ping", Request(Call.PING), id="ping"),
        pytest.param("GET", "/lockgate/specialise", Request(Call.SPECIALISE), id="specialise"),
    ],
)
def test_known_paths_are_calls(method: str, path: str, expected: Request) -> None:
    assert parse(method.encode(), path.encode()) == expected


@pytest.mark.parametrize(
    ("method", "path", "status", "error_type"),
    [
        pytest.param("POST", f"{INVOCATION}/next", 405, "MethodNotAllowed", id="post-next"),
        pytest.param("GET", f"{INVOCATION}/a/response", 405, "MethodNotAllowed", id="get-response"),
        pytest.param("PUT", f"{INVOCATION}/a/error", 405, "MethodNotAllowed", id="put-error"),
        pytest.param("GET", "/2018-06-01/runtime/init/error", 405, "MethodNotAllowed", id="get-init-error"),
        pytest.param("POST", "/ping", 405, "MethodNotAllowed", id="post-ping"),
        pytest.param("POST", "/lockgate/specialise", 405, "MethodNotAllowed", id="post-specialise"),
        pytest.param("GET", "/lockgate/", 404, "ResourceNotFound", id="lockgate"),
        pytest.param(
            "GET", "/2015-03-31/runtime/invocation/next", 404, "UnknownApiVersion", id="old-version"
        ),
        pytest.param("GET", "/", 404, "ResourceNotFound", id="root"),
        pytest.param("POST", f"{INVOCATION}//response", 404, "ResourceNotFound", id="empty-id"),
        pytest.param("POST", f"{INVOCATION}/a/b/response", 404, "ResourceNotFound", id="slash-in-id"),
        pytest.param("GET", f"{INVOCATION}/next?x=1", 404, "ResourceNotFound", id="query"),
        pytest.param("GET", "/2018-06-01/runtime/restore/next", 404, "SnapStart.NotSupported", id="restore"),
        pytest.param("POST", "/2020-01-01/extension/register", 404, "Extension.NotSupported", id="extension"),
        pytest.param("PUT", "/2022-07-01/telemetry", 404, "Telemetry.NotSupported", id="telemetry"),
        pytest.param("PUT", "/2020-08-15/logs", 404, "Logs.NotSupported", id="logs"),
    ],
)
def test_other_paths_are_refused_by_name(method: str, path: str, status: int, error_type: str) -> None:
    answer = parse(method.encode(), path.encode())
    assert isinstance(answer, bytes)
    [reply] = split_replies(answer)
    assert reply.status == status
    assert f'"errorType":"{error_type}"}}\n'.encode() in reply.body


def test_refused_method_names_the_right_one() -> None:
    answer = parse(b"DELETE", f"{INVOCATION}/next".encode())
    assert isinstance(answer, bytes)
    assert split_replies(answer)[0].headers["allow"] == "GET"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Runtime.HandlerNotFound", "Runtime.HandlerNotFound"),
        ("Function.Broken", "Function.Broken"),
        ("ValueError", "Function.Unknown"),
        ("Runtime.with space", "Runtime.Unknown"),
        ("Runtime.Ok\tStatus: success", "Runtime.Unknown"),
        ("Runtime." + "A" * 129, "Runtime.Unknown"),
        ("", "Function.Unknown"),
    ],
)
def test_only_well_formed_error_types_reach_the_logs(given: str, kept: str) -> None:
    assert clean_error_type(given) == kept
