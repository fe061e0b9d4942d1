"""The shape of Invoke: what is taken from the wire and what is refused, in which words."""

import base64
from collections.abc import Mapping

import orjson
import pytest

from executor.api.errors import InvalidParameterValue, InvalidRequestContent, LambdaError, ValidationError
from executor.api.shapes import invoke_segment, parse_invoke, parse_payload

CONTEXT = base64.b64encode(b'{"custom":{"k":"v"}}').decode()


def refusal(segment: str = "notes", query: str = "", headers: Mapping[str, str] | None = None) -> LambdaError:
    with pytest.raises(LambdaError) as caught:
        parse_invoke(segment, query, headers or {})
    return caught.value


def test_only_a_post_to_the_invocations_path_is_an_invoke() -> None:
    assert invoke_segment("POST", "/2015-03-31/functions/a%3A1/invocations") == "a%3A1"
    for method, path in [
        ("GET", "/2015-03-31/functions/a/invocations"),
        ("POST", "/2015-03-31/functions/a/invocations/"),
        ("POST", "/2015-03-31/functions/a/b/invocations"),
        ("POST", "/2015-03-31/functions//invocations"),
        ("POST", "//2015-03-31/functions/a/invocations"),
        ("POST", "/2014-11-13/functions/a/invoke-async"),
        ("POST", "/2015-03-31/functions"),
    ]:
        assert invoke_segment(method, path) is None


def test_encoded_reference_and_qualifier_are_decoded() -> None:
    asked = parse_invoke(
        "arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Anotes", "Qualifier=%24LATEST", {}
    )
    assert (asked.reference.name, asked.reference.qualifier, asked.kind) == (
        "notes",
        "$LATEST",
        "RequestResponse",
    )
    assert asked.headers == {}


def test_only_what_the_invoker_needs_goes_on() -> None:
    headers = {
        "x-amz-log-type": "Tail",
        "x-amz-client-context": CONTEXT,
        "authorization": "secret",
        "accept": "*/*",
    }
    assert parse_invoke("notes", "", headers).headers == {
        "x-amz-log-type": "Tail",
        "x-amz-client-context": CONTEXT,
    }
    assert parse_invoke("notes", "", {"x-amz-log-type": "None"}).headers == {}
    assert parse_invoke("notes", "", {"x-amz-invocation-type": "DryRun"}).kind == "DryRun"


def test_asynchronous_invocation_says_that_it_is_not_here() -> None:
    error = refusal(headers={"x-amz-invocation-type": "Event"})
    assert isinstance(error, InvalidParameterValue)
    assert "is not in this version" in error.message


@pytest.mark.parametrize("header", ["x-amz-tenant-id", "x-amz-durable-execution-name"])
def test_unsupported_features_are_refused_not_ignored(header: str) -> None:
    error = refusal(headers={header: "x"})
    assert isinstance(error, InvalidParameterValue)
    assert header in error.message.lower()


def test_one_constraint_failure() -> None:
    error = refusal(headers={"x-amz-invocation-type": "Sync"})
    assert isinstance(error, ValidationError)
    assert error.message == (
        "1 validation error detected: Value 'Sync' at 'invocationType' failed to satisfy constraint:"
        " Member must satisfy enum value set: [Event, RequestResponse, DryRun]"
    )


def test_several_constraint_failures_are_told_at_once() -> None:
    error = refusal("no%20tes", "Qualifier=a%20b", {"x-amz-log-type": "All"})
    assert error.message.startswith("3 validation errors detected: Value 'no tes' at 'functionName' ")
    assert "; Value 'a b' at 'qualifier' " in error.message
    assert error.message.endswith("Value 'All' at 'logType' failed to satisfy constraint: Member must satisfy"
                                  " enum value set: [None, Tail]")  # fmt: skip


def test_path_that_is_not_utf8_is_a_constraint_failure() -> None:
    assert isinstance(refusal("%ff%fe"), ValidationError)


def test_two_qualifiers_are_refused() -> None:
    assert isinstance(refusal(query="Qualifier=1&Qualifier=1"), InvalidParameterValue)


@pytest.mark.parametrize(
    "text",
    ["not base64!", "e30", base64.b64encode(b"{").decode(), base64.b64encode(b"[1]").decode(),
     base64.b64encode(b'"\xff"').decode(), "é", base64.b64encode(b'{"k":"' + b"v" * 2700 + b'"}').decode()],
    ids=["alphabet", "padding", "json", "array", "utf8", "not-ascii", "too-long"],
)  # fmt: skip
def test_bad_client_context_is_refused(text: str) -> None:
    error = refusal(headers={"x-amz-client-context": text})
    assert isinstance(error, InvalidRequestContent)
    assert error.message.startswith("Client context must be ")


def test_client_context_of_the_full_length_is_accepted() -> None:
    text = base64.b64encode(b'{"k":"' + b"v" * 2677 + b'"}').decode()
    assert 3576 < len(text) <= 3583
    assert parse_invoke("notes", "", {"x-amz-client-context": text}).headers["x-amz-client-context"] == text


@pytest.mark.parametrize(
    "body", [b"{}", b"[1, 2.5]", b'"text"', b"null", b" 1 ", '{"é":"\\ud83d\\ude00"}'.encode()]
)
def test_json_body_goes_on_byte_for_byte(body: bytes) -> None:
    assert parse_payload(body) is body


def test_no_body_is_an_empty_object() -> None:
    assert parse_payload(b"") == b"{}"


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b"{", "line: 1, column: 2"),
        (b"not json", "line: 1, column: 1"),
        (b'{"a":1}\n}', "line: 2, column: 1"),
        (b"NaN", "column"),
        (b'"\x87"', "Invalid UTF-8 start byte 0x87 at [line: 1, column: 2]"),
        (b"[" * 5000, "column"),
    ],
)
def test_body_that_is_not_json_is_refused_in_the_words_of_aws(body: bytes, where: str) -> None:
    with pytest.raises(InvalidRequestContent) as caught:
        parse_payload(body)
    assert caught.value.message.startswith(
        "Could not parse request body into json: Could not parse payload into json: "
    )
    assert where in caught.value.message
    assert len(orjson.dumps(caught.value.message)) < 500
