"""The JSON protocol: what goes in by bytes comes out in AWS's words, whatever the action is."""

import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest

from auth.app import Door
from auth.cognito.action import Action, Answer, Audience, Call, LaneName
from auth.cognito.service import PUBLIC_BODY_BYTES, TARGET, CognitoApi
from auth.cognito.shapes import Structure, Text, Whole
from auth.errors import (
    AuthError,
    InvalidSession,
    LockedOut,
    NotAuthorized,
    Overloaded,
    SoftwareTokenNotFound,
    Unavailable,
    UserLambdaValidation,
)
from auth.identity import utc_now
from kit.sigv4 import Credentials, sign
from tests.support.cognito_stand import KEY_ID, REGION, SECRET_KEY, CognitoStand, operators, refusal

JSON = "application/x-amz-json-1.1"
CANARY = "a-password-that-nobody-may-log"
CALLS: list[Call] = []


def echo(call: Call) -> Answer:
    CALLS.append(call)
    return {"Given": dict(call.input)}


def refuse(call: Call) -> Answer:
    raise REFUSALS[call.text("Why")]


def action(name: str, run: Any, *, audience: Audience = "public", lane: LaneName = "store") -> Action:
    shape = Structure(
        members={
            "Why": Text(max=10, pattern=r"[\S]+"),
            "Password": Text(max=4, shows=False),
            "Count": Whole(min=1),
        },
        needs=("Why",) if run is refuse else (),
    )
    return Action(name=name, audience=audience, input=shape, run=run, lane=lane)


def fail(_: Call) -> Answer:
    raise RuntimeError("the inside")


ACTIONS = {
    each.name: each
    for each in (
        action("Echo", echo),
        action("Refuse", refuse),
        action("Fail", fail),
        action("Nothing", lambda _: None),
        action("Empty", lambda _: {}),
        action("AdminEcho", echo, audience="admin"),
    )
}
REFUSALS: Mapping[str, AuthError] = {
    "locked": LockedOut(),
    "session": InvalidSession(),
    "app": SoftwareTokenNotFound(),
    "full": Overloaded(detail="store: 3 calls wait already"),
    "gone": Unavailable(detail="no route"),
    "trigger": UserLambdaValidation("PreSignUp failed with error no\r\nx-evil: café."),
    "long": NotAuthorized("x" * 5000),
}


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CognitoStand]:
    with CognitoStand(tmp_path_factory.mktemp("stand")) as stand:
        stand.people.add()
        yield stand


class Api:
    """The service with actions of this test, without a socket."""

    def __init__(self, stand: CognitoStand, *, signed: bool = False) -> None:
        api = CognitoApi(identity=stand.identity, operators=operators() if signed else None, actions=ACTIONS)
        transport = httpx.ASGITransport(Door(stand.identity, api.routes()))
        self._client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")

    async def __call__(
        self, name: str, body: bytes | Mapping[str, Any] = b"{}", *, method: str = "POST", **headers: str
    ) -> httpx.Response:
        fields = {"content-type": JSON, "x-amz-target": f"{TARGET}.{name}"}
        fields |= {key.replace("_", "-"): value for key, value in headers.items()}
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self._client as client:
            return await client.request(method, "/", content=data, headers=fields)


def told(response: httpx.Response) -> tuple[int, str, str]:
    body = response.json()
    assert response.headers["x-amzn-errortype"] == f"{body['__type']}:"
    return response.status_code, body["__type"].removesuffix("Exception"), body["message"]


# --- answers --------------------------------------------------------------------------------------


async def test_answer_is_json_with_a_request_id(stand: CognitoStand) -> None:
    response = await Api(stand)("Echo", {"Why": "because", "Unknown": [1, {"a": None}]})
    assert response.status_code == 200
    assert response.json() == {"Given": {"Why": "because", "Unknown": [1, {"a": None}]}}
    assert response.headers["content-type"] == JSON
    assert response.headers["x-amzn-requestid"]
    assert "x-amzn-errortype" not in response.headers


@pytest.mark.parametrize(("name", "body"), [("Nothing", b""), ("Empty", b"{}")])
async def test_answers_without_members(stand: CognitoStand, name: str, body: bytes) -> None:
    """boto3 and Amplify read nothing where the model has no output shape, and an object where it has an empty one."""
    response = await Api(stand)(name)
    assert (response.status_code, response.content) == (200, body)
    assert response.headers["content-length"] == str(len(body))


async def test_no_body_at_all_is_an_empty_one(stand: CognitoStand) -> None:
    assert (await Api(stand)("Echo", b"")).json() == {"Given": {}}


@pytest.mark.parametrize(
    ("why", "expected"),
    [
        pytest.param("locked", (400, "NotAuthorized", "Password attempts exceeded"), id="a-name-of-its-base"),
        pytest.param(
            "session",
            (400, "NotAuthorized", "Invalid session for the user, session is expired."),
            id="session",
        ),
        pytest.param(
            "app",
            (400, "SoftwareTokenMFANotFound", "Software token has not been associated with the user."),
            id="a-name-of-its-own",
        ),
        pytest.param("full", (400, "TooManyRequests", "Too many requests"), id="a-full-lane"),
        pytest.param("gone", (500, "InternalError", "Service Unavailable"), id="a-database-that-is-gone"),
    ],
)
async def test_refusals_have_cognitos_name_and_status(
    stand: CognitoStand, why: str, expected: tuple[int, str, str]
) -> None:
    response = await Api(stand)("Refuse", {"Why": why})
    assert told(response) == expected
    assert response.headers["x-amzn-errormessage"] == expected[2]
    assert response.headers["content-type"] == JSON


async def test_what_a_trigger_says_makes_no_header_of_its_own(stand: CognitoStand) -> None:
    response = await Api(stand)("Refuse", {"Why": "trigger"})
    assert response.json()["message"] == "PreSignUp failed with error no\r\nx-evil: café."
    assert response.headers["x-amzn-errormessage"] == "PreSignUp failed with error no??x-evil: caf?."
    assert "x-evil" not in response.headers
    assert len((await Api(stand)("Refuse", {"Why": "long"})).headers["x-amzn-errormessage"]) == 512


async def test_a_fault_tells_nothing_of_the_inside(
    stand: CognitoStand, caplog: pytest.LogCaptureFixture
) -> None:
    """L2: neither the client nor the log sees what was sent."""
    with caplog.at_level(logging.DEBUG):
        response = await Api(stand)("Fail", {"Password": CANARY[:4], "Secret": CANARY})
    assert told(response) == (500, "InternalError", "Something went wrong on our side.")
    assert "a call of Fail failed" in caplog.text
    assert CANARY not in caplog.text


# --- which action ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target",
    [
        *("", "Echo", ".Echo", "AWSLambda.Echo", f"x{TARGET}.Echo", f"{TARGET}."),
        *(f"{TARGET}.{name}" for name in ("echo", "Echo ", "Echo.Echo", "__class__", "MadeUp")),
    ],
)
async def test_unknown_targets_are_unknown_operations(stand: CognitoStand, target: str) -> None:
    assert told(await Api(stand)("", x_amz_target=target))[:2] == (400, "UnknownOperation")


async def test_two_targets_are_none(stand: CognitoStand) -> None:
    """Who looks at the first and who looks at the last would not agree."""
    fields = [("x-amz-target", f"{TARGET}.Echo"), ("x-amz-target", f"{TARGET}.Echo")]
    api = CognitoApi(identity=stand.identity, actions=ACTIONS)
    transport = httpx.ASGITransport(Door(stand.identity, api.routes()))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        assert told(await client.post("/", headers=fields, content=b"{}"))[1] == "UnknownOperation"
        assert (await client.post("/", headers=fields[:1], content=b"{}")).status_code == 200


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_nothing_is_there_for_browsers(stand: CognitoStand, method: str) -> None:
    assert (await Api(stand)("Echo", method=method)).status_code == 404


async def test_admin_actions_are_unknown_to_the_public(stand: CognitoStand) -> None:
    """P5: with whatever signature; its twin is a public action."""
    for headers in ({}, signed("AdminEcho", b"{}")):
        assert told(await Api(stand)("AdminEcho", **headers))[:2] == (400, "UnknownOperation")
    assert (await Api(stand)("Echo", **signed("Echo", b"{}"))).status_code == 200


# --- who asks -------------------------------------------------------------------------------------


def signed(
    name: str, body: bytes, *, secret: str = SECRET_KEY, key_id: str = KEY_ID, service: str = "cognito-idp"
) -> dict[str, str]:
    fields = {"content-type": JSON, "x-amz-target": f"{TARGET}.{name}"}
    made = sign(
        "POST", "http://127.0.0.1/", fields, body, Credentials(key_id, secret), REGION, service, utc_now()
    )
    return {key.replace("-", "_"): value for key, value in made.items() if key not in fields}


async def test_signed_admin_action_is_done_for_its_key(stand: CognitoStand) -> None:
    """P5: the call says who has signed it."""
    CALLS.clear()
    body = b'{"Why": "because"}'
    assert (await Api(stand, signed=True)("AdminEcho", body, **signed("AdminEcho", body))).status_code == 200
    assert [call.actor for call in CALLS] == [f"key:{KEY_ID}"]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        pytest.param({"secret": "another"}, "InvalidSignature", id="another-secret"),
        pytest.param({"key_id": "LKNOBODY"}, "UnrecognizedClient", id="nobodys-key"),
        pytest.param({"service": "lambda"}, "InvalidSignature", id="for-the-lambda-api"),
        pytest.param({"name": "Echo"}, "InvalidSignature", id="another-action"),
        pytest.param({"body": b'{"Why": "other"}'}, "InvalidSignature", id="another-body"),
        pytest.param(None, "MissingAuthenticationToken", id="none"),
    ],
)
async def test_admin_action_needs_its_signature(
    stand: CognitoStand, changed: dict[str, Any] | None, expected: str
) -> None:
    """P5: over the action, the body and the service, by a key of the state."""
    CALLS.clear()
    body = b'{"Why": "because"}'
    headers = {} if changed is None else signed(**({"name": "AdminEcho", "body": body} | changed))
    response = await Api(stand, signed=True)("AdminEcho", body, **headers)
    assert told(response)[:2] == (400, expected)
    assert CALLS == []


async def test_public_actions_need_no_signature_among_operators(stand: CognitoStand) -> None:
    """AWS's clients sign none of them, wherever they are sent."""
    assert (await Api(stand, signed=True)("Echo")).status_code == 200


@pytest.mark.parametrize("name", ["Echo", "AdminEcho"])
async def test_web_pages_do_not_reach_the_operators_listener(stand: CognitoStand, name: str) -> None:
    """P5: not even signed ones; its twin has no Origin and a Host of ours."""
    headers = signed(name, b"{}")
    for more in ({"origin": "https://evil.example"}, {"host": "evil.example"}):
        response = await Api(stand, signed=True)(name, **(headers | more))
        assert told(response)[:2] == (400, "AccessDenied")
        assert "access-control-allow-origin" not in response.headers
    preflight = await Api(stand, signed=True)(name, method="OPTIONS")
    assert (preflight.status_code, preflight.headers.get("access-control-allow-origin")) == (404, None)
    assert (await Api(stand, signed=True)(name, **headers)).status_code == 200


async def test_what_operators_call_is_audited(stand: CognitoStand) -> None:
    """P5, L4: with the key, the action and what came of it; not what applications call."""
    await Api(stand, signed=True)("AdminEcho", **signed("AdminEcho", b"{}"))
    await Api(stand, signed=True)("Echo")
    [newest] = stand.people.store.audit.read(limit=1)
    assert (newest.action, newest.actor, newest.target, newest.result) == (
        "api_called",
        f"key:{KEY_ID}",
        "AdminEcho",
        "ok",
    )


# --- bodies ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{", id="half"),
        pytest.param(b"[]", id="list"),
        pytest.param(b"null", id="null"),
        pytest.param(b'"text"', id="text"),
        pytest.param(b"\xff\xfe{}", id="not-utf-8"),
        pytest.param(b'{"Why": "\xff"}', id="not-utf-8-within"),
        pytest.param(b'\xef\xbb\xbf{"Why": "a"}', id="byte-order-mark"),
        pytest.param(b'{"Why": "a", "Why": "b"}', id="two-of-one-name"),
        pytest.param(b'{"A": {"b": 1, "b": 2}}', id="two-of-one-name-deep"),
        pytest.param(b'{"A": ' + b"[" * 17 + b"]" * 17 + b"}", id="deep"),
        pytest.param(b'{"A": ' + b"[" * 30_000, id="very-deep"),
        pytest.param(b'{"A": NaN}', id="nan"),
        pytest.param(b'{"A": 1e999}', id="infinite"),
        pytest.param(b'{"A": ' + b"9" * 5000 + b"}", id="endless-number"),
        pytest.param(b'{"Why": "\\ud800"}', id="half-a-pair"),
        pytest.param(b"x" * (PUBLIC_BODY_BYTES + 1), id="huge"),
    ],
)
async def test_bad_bodies_are_refused(stand: CognitoStand, body: bytes) -> None:
    """A16: never 500."""
    response = await Api(stand)("Echo", body)
    assert told(response)[:2] == (400, "Serialization")
    assert response.headers["access-control-allow-origin"] == "*"


async def test_the_longest_body_is_taken(stand: CognitoStand) -> None:
    """A16: the twin of one byte more."""
    filler = "x" * (PUBLIC_BODY_BYTES - len('{"A": ""}'))
    assert (await Api(stand)("Echo", f'{{"A": "{filler}"}}'.encode())).status_code == 200


async def test_body_in_chunks_is_bounded_as_well(stand: CognitoStand) -> None:
    """A16: nothing announces how long it will be."""

    async def chunks(count: int) -> Any:
        yield b'{"A": "'
        for _ in range(count):
            yield b"x" * 1024
        yield b'"}'

    api = CognitoApi(identity=stand.identity, actions=ACTIONS)
    transport = httpx.ASGITransport(Door(stand.identity, api.routes()))
    headers = {"x-amz-target": f"{TARGET}.Echo"}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        assert told(await client.post("/", headers=headers, content=chunks(64)))[1] == "Serialization"
        assert (await client.post("/", headers=headers, content=chunks(60))).status_code == 200


@pytest.mark.parametrize("body", [b'{"Why": "a\\u0000b"}', b'{"A": [{"b\\u0000": 1}]}'])
async def test_null_characters_are_refused(stand: CognitoStand, body: bytes) -> None:
    """PostgreSQL keeps none; the twin only looks like one."""
    assert told(await Api(stand)("Echo", body))[:2] == (400, "InvalidParameter")
    assert (await Api(stand)("Echo", body.replace(b"\\u", b"\\\\u"))).status_code == 200


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(
            {"Why": "a b"},
            "1 validation error detected: Value 'a b' at 'why' failed to satisfy constraint:"
            r" Member must satisfy regular expression pattern: [\S]+",
            id="one",
        ),
        pytest.param(
            {"Password": "12345", "Count": 0, "Why": "a"},
            "2 validation errors detected: Value at 'password' failed to satisfy constraint: Member must have length"
            " less than or equal to 4; Value '0' at 'count' failed to satisfy constraint: Member must have value"
            " greater than or equal to 1",
            id="two-and-no-password",
        ),
    ],
)
async def test_constraints_are_told_in_awss_words(
    stand: CognitoStand, given: dict[str, Any], expected: str
) -> None:
    assert told(await Api(stand)("Echo", given)) == (400, "InvalidParameter", expected)


async def test_missing_members_are_told(stand: CognitoStand) -> None:
    for given in ({}, {"Why": None}):
        assert told(await Api(stand)("Refuse", given))[2] == (
            "1 validation error detected: Value null at 'why' failed to satisfy constraint: Member must not be null"
        )


async def test_wrong_types_are_no_constraints(stand: CognitoStand) -> None:
    assert told(await Api(stand)("Echo", {"Why": 1})) == (
        400,
        "Serialization",
        "NUMBER_VALUE can not be converted to a String",
    )


# --- pages ----------------------------------------------------------------------------------------


async def test_preflight_allows_what_amplify_sends(stand: CognitoStand) -> None:
    response = await Api(stand)("", method="OPTIONS", origin="https://app.example")
    allowed = {name.strip() for name in response.headers["access-control-allow-headers"].split(",")}
    assert response.status_code == 204
    assert response.headers["access-control-allow-origin"] == "*"
    assert "POST" in response.headers["access-control-allow-methods"]
    assert "access-control-allow-credentials" not in response.headers
    assert allowed >= {
        "content-type", "x-amz-target", "x-amz-user-agent", "cache-control", "amz-sdk-invocation-id",
        "amz-sdk-request", "authorization", "x-amz-date", "x-amz-security-token",
    }  # fmt: skip


async def test_pages_may_read_answers_and_refusals(stand: CognitoStand) -> None:
    for given in ({"Why": "a"}, {"Why": "a b"}):
        response = await Api(stand)("Echo", given, origin="https://app.example")
        exposed = response.headers["access-control-expose-headers"].lower()
        assert response.headers["access-control-allow-origin"] == "*"
        assert {"x-amzn-requestid", "x-amzn-errortype", "x-amzn-errormessage", "date"} <= {
            name.strip() for name in exposed.split(",")
        }


# --- by boto3 -------------------------------------------------------------------------------------


def test_boto3_gets_an_answer(stand: CognitoStand) -> None:
    answer: Any = stand.public.get_user(AccessToken=stand.access_token())
    assert answer["Username"] == "ada"
    assert {each["Name"]: each["Value"] for each in answer["UserAttributes"]} == {
        "sub": stand.people.user().sub,
        "email": "ada@example.com",
        "email_verified": "true",
    }


def test_boto3_gets_refusals_as_its_own_exceptions(stand: CognitoStand) -> None:
    assert refusal(stand.public.get_user, AccessToken="a.b.c") == ("NotAuthorized", "Invalid Access Token")
    with pytest.raises(stand.public.exceptions.NotAuthorizedException):
        stand.public.get_user(AccessToken="a.b.c")


def test_what_is_not_built_says_so_by_its_name(stand: CognitoStand) -> None:
    """Public ones to the public, the others to operators; to others they are unknown."""
    assert refusal(stand.public.list_web_authn_credentials, AccessToken="a.b.c") == (
        "UnsupportedOperation",
        "ListWebAuthnCredentials is not supported here. Passkeys are not there: use a password, a code by mail or"
        " an authenticator app.",
    )
    given = {"UserPoolId": stand.pool_id}
    assert refusal(stand.admin.describe_risk_configuration, **given)[0] == "UnsupportedOperation"
    assert refusal(stand.public.describe_risk_configuration, **given)[0] == "UnknownOperation"
