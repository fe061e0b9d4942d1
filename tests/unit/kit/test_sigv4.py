"""Our Signature Version 4 against botocore's, both ways, and every kind of tampering."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from unittest.mock import patch
from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.sigv4 import MISMATCH, Credentials, SignatureError, SignedRequest, read_signature, sign, verify

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
KEYS = Credentials("LKIAEXAMPLEEXAMPLE22", "s3cr3t/with+signs")
BASE = "http://127.0.0.1:8082"
INVOKE = "/2015-03-31/functions/notes/invocations"


def secrets(key_id: str) -> str | None:
    return {KEYS.access_key_id: KEYS.secret_access_key}.get(key_id)


def check(request: SignedRequest, *, now: datetime = NOW) -> str:
    return verify(request, secrets, region="us-east-1", service="lambda", now=now)


def signed(
    method: str = "POST",
    path: str = INVOKE,
    query: str = "",
    body: bytes = b"{}",
    *,
    headers: dict[str, str] | None = None,
    keys: Credentials = KEYS,
    now: datetime = NOW,
    region: str = "us-east-1",
    service: str = "lambda",
) -> SignedRequest:
    url = f"{BASE}{path}?{query}" if query else f"{BASE}{path}"
    sent = sign(method, url, headers or {}, body, credentials=keys, region=region, service=service, now=now)
    return SignedRequest(method=method, raw_path=path, query=query, headers=tuple(sent.items()), body=body)


def signed_by_botocore(
    method: str, path: str, query: str, body: bytes, headers: dict[str, str]
) -> SignedRequest:
    url = f"{BASE}{path}?{query}" if query else f"{BASE}{path}"
    request = AWSRequest(method=method, url=url, data=body, headers=headers)
    with patch("botocore.auth.get_current_datetime", return_value=NOW.replace(tzinfo=None)):
        SigV4Auth(
            BotoCredentials(KEYS.access_key_id, KEYS.secret_access_key), "lambda", "us-east-1"
        ).add_auth(request)
    sent = [*request.headers.items(), ("Host", urlsplit(BASE).netloc)]
    return SignedRequest(method=method, raw_path=path, query=query, headers=sent, body=body)


def with_header(request: SignedRequest, name: str, value: str | None) -> SignedRequest:
    kept = [(n, v) for n, v in request.headers if n.lower() != name]
    return replace(request, headers=kept if value is None else [*kept, (name, value)])


def refusal(request: SignedRequest, *, now: datetime = NOW) -> SignatureError:
    with pytest.raises(SignatureError) as caught:
        check(request, now=now)
    return caught.value


text = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
ENCODED_ARN = "arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3An%3A%24LATEST"
# What a wire path may hold: percent-encoded unicode, and the characters that clients leave as they are.
segment = st.one_of(
    text.map(lambda t: quote(t, safe="")),
    text.map(lambda t: quote(t, safe=":@$!*'()+,;=~")),
    st.sampled_from(["", ".", "..", "%2F", ENCODED_ARN]),
)
paths = st.lists(segment, max_size=6).map(lambda parts: "/" + "/".join(parts))
queries = st.lists(
    st.tuples(text, text).map(lambda kv: f"{quote(kv[0], safe='-_.~')}={quote(kv[1], safe='-_.~')}"),
    max_size=4,
).map("&".join)
header_names = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=10).map(lambda n: f"x-amz-{n}")
header_values = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=20
)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    paths,
    queries,
    st.binary(max_size=40),
    st.dictionaries(
        header_names.filter(lambda n: n not in ("x-amz-date", "x-amz-security-token")), header_values
    ),
)
def test_what_botocore_signs_is_accepted(
    method: str, path: str, query: str, body: bytes, headers: dict[str, str]
) -> None:
    headers.pop("x-amz-content-sha256", None)
    assert check(signed_by_botocore(method, path, query, body, headers)) == KEYS.access_key_id


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["GET", "POST"]), paths, queries, st.binary(max_size=40), header_values)
def test_we_sign_as_botocore_does(method: str, path: str, query: str, body: bytes, value: str) -> None:
    theirs = dict(signed_by_botocore(method, path, query, body, {"x-amz-thing": value}).headers)
    ours = dict(signed(method, path, query, body, headers={"X-Amz-Thing": value}).headers)
    assert ours["authorization"] == theirs["Authorization"]


@settings(max_examples=150, deadline=None)
@given(paths, queries, st.binary(max_size=40), st.data())
def test_one_changed_byte_of_the_body_is_refused(
    path: str, query: str, body: bytes, data: st.DataObject
) -> None:
    other = data.draw(st.binary(max_size=40).filter(lambda b: b != body))
    request = replace(signed("POST", path, query, body), body=other)
    assert (refusal(request).code, refusal(request).message) == ("InvalidSignatureException", MISMATCH)


AUTHORIZATION = dict(signed().headers)["authorization"]

TAMPERED = [
    pytest.param(replace(signed(), method="GET"), id="method"),
    pytest.param(replace(signed(), raw_path=INVOKE + "/"), id="path-slash"),
    pytest.param(replace(signed(), raw_path=INVOKE.replace("notes", "%6Eotes")), id="path-encoding"),
    pytest.param(replace(signed(), query="Qualifier=1"), id="query-added"),
    pytest.param(replace(signed(query="a=1&b=2"), query="a=1"), id="query-removed"),
    pytest.param(replace(signed(query="a=1"), query="a=2"), id="query-value"),
    pytest.param(replace(signed(query="a=%2B"), query="a=%20"), id="query-plus-is-not-space"),
    pytest.param(with_header(signed(), "host", "evil.example"), id="host"),
    pytest.param(with_header(signed(), "host", None), id="host-removed"),
    pytest.param(
        with_header(signed(headers={"x-amz-log-type": "None"}), "x-amz-log-type", "Tail"), id="signed-header"
    ),
    pytest.param(
        with_header(signed(headers={"x-amz-log-type": "None"}), "x-amz-log-type", None),
        id="signed-header-removed",
    ),
    pytest.param(
        with_header(signed(headers={"content-type": "application/json"}), "content-type", "text/plain"),
        id="content-type",
    ),
    pytest.param(with_header(signed(), "x-amz-date", "20260304T050608Z"), id="another-second"),
    pytest.param(signed(keys=Credentials(KEYS.access_key_id, "not the secret")), id="wrong-secret"),
    pytest.param(
        with_header(
            signed(), "authorization", AUTHORIZATION[:-1] + ("0" if AUTHORIZATION[-1] != "0" else "1")
        ),
        id="signature-digit",
    ),
    pytest.param(with_header(signed(), "authorization", AUTHORIZATION[:-1]), id="signature-short"),
    pytest.param(with_header(signed(), "authorization", AUTHORIZATION[:-2] + "é"), id="signature-not-ascii"),
]


@pytest.mark.parametrize("request_", TAMPERED)
def test_tampered_request_is_refused(request_: SignedRequest) -> None:
    error = refusal(request_)
    assert (error.code, error.status, error.message) == (*INVALID, MISMATCH)


INVALID = ("InvalidSignatureException", 403)
INCOMPLETE = ("IncompleteSignatureException", 400)
SHAPES = [
    pytest.param(
        with_header(signed(), "authorization", None),
        "MissingAuthenticationTokenException",
        403,
        "Missing Authentication Token",
        id="missing",
    ),
    pytest.param(
        with_header(signed(), "authorization", "Bearer x"),
        *INCOMPLETE,
        "Unsupported AWS 'algorithm': 'Bearer'.",
        id="bearer",
    ),
    pytest.param(
        with_header(signed(), "authorization", "AWS4-HMAC-SHA256 Credential=a/b/c/d/e"),
        *INCOMPLETE,
        "Authorization header requires 'Signature' parameter."
        " Authorization header requires 'SignedHeaders' parameter.",
        id="no-signature",
    ),
    pytest.param(
        with_header(signed(), "authorization", AUTHORIZATION.replace("/lambda/", "/")),
        *INCOMPLETE,
        "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.",
        id="four-elements",
    ),
    pytest.param(
        with_header(signed(), "authorization", AUTHORIZATION + ", Signature=00"),
        *INCOMPLETE,
        "Authorization header has more than one 'Signature' parameter.",
        id="two-signatures",
    ),
    pytest.param(
        with_header(signed(), "authorization", AUTHORIZATION.replace("host;x-amz-date", "x-amz-date;host")),
        *INCOMPLETE,
        "SignedHeaders must be in lower case, sorted, and name each header once.",
        id="unsorted-names",
    ),
    pytest.param(
        with_header(signed(), "authorization", AUTHORIZATION.replace("host;", "Host;")),
        *INCOMPLETE,
        "SignedHeaders must be in lower case, sorted, and name each header once.",
        id="upper-case-name",
    ),
    pytest.param(
        with_header(signed(), "authorization", AUTHORIZATION.replace("host;x-amz-date", "x-amz-date")),
        *INVALID,
        "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
        id="host-unsigned",
    ),
    pytest.param(
        with_header(signed(), "x-amz-log-type", "Tail"),
        *INVALID,
        "There were headers present in the request which were not signed: x-amz-log-type",
        id="unsigned-amz-header",
    ),
    pytest.param(
        with_header(signed(), "x-amz-date", None),
        *INCOMPLETE,
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
        id="no-date",
    ),
    pytest.param(
        with_header(signed(), "x-amz-date", "yesterday"),
        *INCOMPLETE,
        "Date must be in ISO-8601 'basic format'.",
        id="odd-date",
    ),
    pytest.param(
        with_header(signed(), "x-amz-date", "20269904T050607Z"),
        *INCOMPLETE,
        "Date must be in ISO-8601 'basic format'.",
        id="no-such-month",
    ),
    pytest.param(
        signed(keys=Credentials("AKIAUNKNOWN", "x")),
        "UnrecognizedClientException",
        403,
        "The security token included in the request is invalid.",
        id="unknown-key",
    ),
    pytest.param(
        signed(headers={"x-amz-security-token": "t"}),
        "UnrecognizedClientException",
        403,
        "The security token included in the request is invalid.",
        id="session-token",
    ),
    pytest.param(
        signed(region="eu-west-1"),
        *INVALID,
        "Credential should be scoped to a valid region, not 'eu-west-1'.",
        id="region",
    ),
    pytest.param(
        signed(service="s3"),
        *INVALID,
        "Credential should be scoped to correct service: 'lambda'.",
        id="service",
    ),
    pytest.param(
        with_header(signed(), "authorization", AUTHORIZATION.replace("aws4_request", "aws5_request")),
        *INVALID,
        "Credential should be scoped with a valid terminator: 'aws4_request'.",
        id="terminator",
    ),
    pytest.param(
        with_header(signed(), "authorization", AUTHORIZATION.replace("/20260304/", "/20260303/")),
        *INVALID,
        "Date in Credential scope does not match YYYYMMDD from ISO-8601"
        " version of date from HTTP: '20260303' != '20260304', from '20260304T050607Z'.",
        id="scope-date",
    ),
    pytest.param(
        signed(headers={"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}),
        *INVALID,
        "The body must be signed: x-amz-content-sha256 'UNSIGNED-PAYLOAD' is not accepted.",
        id="unsigned-body",
    ),
    pytest.param(
        signed(headers={"x-amz-content-sha256": "0" * 64}),
        *INVALID,
        MISMATCH,
        id="claimed-hash-of-another-body",
    ),
    pytest.param(
        replace(signed(), query="X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00"),
        *INCOMPLETE,
        "Presigned requests are not accepted here: sign with the Authorization header.",
        id="presigned",
    ),
    pytest.param(
        replace(signed(), headers=[*signed().headers, ("Host", "b")]),
        *INCOMPLETE,
        "The header 'host' was sent 2 times.",
        id="two-hosts",
    ),
    pytest.param(
        replace(signed(), headers=[*signed().headers, ("authorization", "x")]),
        *INCOMPLETE,
        "The header 'authorization' was sent 2 times.",
        id="two-authorizations",
    ),
]


@pytest.mark.parametrize(("request_", "code", "status", "message"), SHAPES)
def test_refusal_is_in_the_words_of_aws(
    request_: SignedRequest, code: str, status: int, message: str
) -> None:
    error = refusal(request_)
    assert (error.code, error.status, error.message) == (code, status, message)


def test_five_minutes_either_way_are_accepted_and_a_second_more_is_not() -> None:
    skew = timedelta(minutes=5)
    second = timedelta(seconds=1)
    assert check(signed(), now=NOW + skew) == check(signed(), now=NOW - skew) == KEYS.access_key_id
    assert refusal(signed(), now=NOW + skew + second).message == (
        "Signature expired: 20260304T050607Z is now earlier than 20260304T050608Z (20260304T051108Z - 5 min.)"
    )
    assert refusal(signed(), now=NOW - skew - second).message == (
        "Signature not yet current: 20260304T050607Z is still later than 20260304T050606Z"
        " (20260304T050106Z + 5 min.)"
    )


@pytest.mark.parametrize("date", ["00010101", "10101T00"])
def test_a_year_before_1000_is_refused_and_no_fault_of_ours(date: str) -> None:
    """strftime wrote it without zeros; with a scope to match, strptime could not read it: a 500."""
    authorization = dict(signed().headers)["authorization"].replace("/20260304/", f"/{date}/")
    headers = [
        ("host", "127.0.0.1:8082"),
        ("x-amz-date", "00010101T000000Z"),
        ("authorization", authorization),
    ]
    assert refusal(replace(signed(), headers=headers)).code == "InvalidSignatureException"


def test_date_header_stands_in_for_x_amz_date() -> None:
    request = AWSRequest(
        method="POST",
        url=f"{BASE}{INVOKE}",
        data=b"{}",
        headers={"Date": "any", "Host": urlsplit(BASE).netloc},
    )
    with patch("botocore.auth.get_current_datetime", return_value=NOW.replace(tzinfo=None)):
        SigV4Auth(
            BotoCredentials(KEYS.access_key_id, KEYS.secret_access_key), "lambda", "us-east-1"
        ).add_auth(request)
    assert "X-Amz-Date" not in request.headers
    sent = SignedRequest(
        method="POST", raw_path=INVOKE, query="", headers=list(request.headers.items()), body=b"{}"
    )
    assert check(sent) == KEYS.access_key_id


def test_right_claimed_hash_and_repeated_plain_headers_are_accepted() -> None:
    digest = hashlib.sha256(b"{}").hexdigest()
    assert check(signed(headers={"x-amz-content-sha256": digest})) == KEYS.access_key_id
    joined = signed(headers={"accept": "a,b"})
    split = [(n, v) for n, v in joined.headers if n != "accept"]
    assert check(replace(joined, headers=[*split, ("Accept", "a"), ("Accept", "b")])) == KEYS.access_key_id


def test_raw_dollar_in_path_and_query_is_the_signed_one() -> None:
    """A client may send ``$LATEST`` as it is; what it signs is the encoded form."""
    request = replace(signed(query="Qualifier=%24LATEST"), query="Qualifier=$LATEST")
    assert check(request) == KEYS.access_key_id


def test_unknown_key_is_refused_before_the_body_is_needed() -> None:
    with pytest.raises(SignatureError, match="security token"):
        read_signature(
            signed(keys=Credentials("AKIAUNKNOWN", "x")),
            secrets,
            region="us-east-1",
            service="lambda",
            now=NOW,
        )


def test_ipv6_and_default_ports_give_the_host_that_clients_send() -> None:
    def host(url: str) -> str:
        return sign("GET", url, {}, b"", credentials=KEYS, region="r", service="s", now=NOW)["host"]

    assert host("http://[::1]:8082/") == "[::1]:8082"
    assert host("https://lambda.example:443/") == "lambda.example"
    assert host("http://lambda.example:443/") == "lambda.example:443"


def test_secrets_do_not_show() -> None:
    presented = read_signature(signed(), secrets, region="us-east-1", service="lambda", now=NOW)
    assert KEYS.secret_access_key not in repr(KEYS)
    assert repr(presented.signing_key) not in repr(presented)
