"""The environment of a function, but for what the driver adds."""

from datetime import UTC, datetime

import pytest

from executor.revision import FunctionConfig, Revision
from executor.variables import function_variables, log_stream_name
from kit.names import Names

STREAM = "2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef"


def variables(runtime: str = "python3.13", **environment: str) -> dict[str, str]:
    config = FunctionConfig(
        name="notes", runtime=runtime, handler="app.handler", memory_mb=512, environment=environment
    )
    names = Names(region="eu-central-1")
    return function_variables(Revision.of(config, "p"), names, log_stream=STREAM, version="$LATEST")


def test_variables_are_lambdas() -> None:
    assert variables() == {
        "_HANDLER": "app.handler",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_FUNCTION_NAME": "notes",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/notes",
        "AWS_LAMBDA_LOG_STREAM_NAME": STREAM,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
        "_AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1",
        "_AWS_XRAY_DAEMON_PORT": "2000",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
    }


@pytest.mark.parametrize("runtime", ["provided", "provided.al2023", "provided.al2"])
def test_own_runtimes_have_no_execution_env(runtime: str) -> None:
    assert "AWS_EXECUTION_ENV" not in variables(runtime)


def test_a_runtime_that_only_begins_so_is_not_provided() -> None:
    assert variables("providedx")["AWS_EXECUTION_ENV"] == "AWS_Lambda_providedx"


def test_functions_own_variables_are_added_and_may_be_credentials() -> None:
    found = variables(TABLE="notes", AWS_ACCESS_KEY_ID="AKIA")
    assert (found["TABLE"], found["AWS_ACCESS_KEY_ID"]) == ("notes", "AKIA")


def test_no_credentials_of_ours_are_given_to_a_function() -> None:
    """C9"""
    assert not [name for name in variables() if "KEY" in name or "SECRET" in name or "TOKEN" in name]


def test_log_stream_is_named_by_day_version_and_environment() -> None:
    now = datetime(2026, 1, 5, 23, 59, tzinfo=UTC)
    assert log_stream_name(now, "$LATEST", "ab" * 16) == f"2026/01/05/[$LATEST]{'ab' * 16}"
