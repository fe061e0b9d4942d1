"""AWS Signature Version 4 over headers: sign a request, verify one.

Presigned (query) requests, unsigned payloads and session tokens are refused: nobody here hands them out.
The canonical form is the one of every service but S3: the path is URI-encoded once more. No state but
a small cache of signing keys. Source: IAM User Guide, "Create a signed AWS API request".
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from kit.canonical_request import canonical_head, host_of, trim

ALGORITHM: Final = "AWS4-HMAC-SHA256"
CLOCK_SKEW: Final = timedelta(minutes=5)  # what AWS allows
_TERMINATOR: Final = "aws4_request"
_TIME_FORMAT: Final = "%Y%m%dT%H%M%SZ"
_TIME = re.compile(r"\d{8}T\d{6}Z\Z", re.ASCII)
# Proxies and clients change or add these on their way, after signing.
_NEVER_SIGNED: Final = frozenset(
    {"authorization", "connection", "expect", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
    | {"user-agent", "x-amzn-trace-id", "traceparent", "tracestate", "baggage", "proxy-authorization"}
)
MISMATCH: Final = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret"
    " Access Key and signing method. Consult the service documentation for details."
)


@dataclass(frozen=True, slots=True)
class Credentials:
    access_key_id: str
    secret_access_key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """A request as it came over the wire.

    :param raw_path: the path of the request line, not decoded.
    :param query: what stands after the ``?``, not decoded.
    :param headers: all fields in order, values decoded as latin-1.
    """

    method: str
    raw_path: str
    query: str
    headers: Sequence[tuple[str, str]]
    body: bytes = b""


class SignatureError(Exception):
    """The caller did not prove who it is. :param code: AWS's name of the exception."""

    def __init__(self, code: str, status: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentedSignature:
    """A signature whose key, scope and time are good; what is left is to compare it.

    Only then must the body be there, so that a caller without a key cannot make the server read one.
    """

    access_key_id: str
    signature: str
    signing_key: bytes = field(repr=False)
    canonical_head: str
    string_head: str
    claimed_sha256: str | None

    def check(self, body_sha256: str) -> str:
        """Return the access key id.

        :param body_sha256: of the body that came, in hex.
        :raises SignatureError: another body, another secret, or another request was signed.
        """
        if self.claimed_sha256 is not None and self.claimed_sha256 != body_sha256:
            raise _invalid(MISMATCH)
        expected = _signature(self.signing_key, self.string_head, f"{self.canonical_head}\n{body_sha256}")
        if not hmac.compare_digest(expected.encode(), self.signature.encode()):
            raise _invalid(MISMATCH)
        return self.access_key_id


def sign(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    credentials: Credentials,
    region: str,
    service: str,
    now: datetime,
) -> dict[str, str]:
    """Return *headers* (names in lower case) with ``host``, ``x-amz-date`` and ``authorization``.

    :param url: absolute, already percent-encoded.
    :param now: aware.
    """
    parts = urlsplit(url)
    time = now.astimezone(UTC).strftime(_TIME_FORMAT)
    sent = {name.lower(): value for name, value in headers.items()}
    sent.setdefault("host", host_of(url))
    sent["x-amz-date"] = time
    names = sorted(name for name in sent if name not in _NEVER_SIGNED)
    head = canonical_head(method, parts.path, parts.query, [(name, sent[name]) for name in names])
    scope = f"{time[:8]}/{region}/{service}/{_TERMINATOR}"
    key = _signing_key(credentials.secret_access_key, time[:8], region, service)
    digest = hashlib.sha256(body).hexdigest()
    signature = _signature(key, f"{ALGORITHM}\n{time}\n{scope}", f"{head}\n{digest}")
    sent["authorization"] = (
        f"{ALGORITHM} Credential={credentials.access_key_id}/{scope}, "
        f"SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    return sent


def verify(
    request: SignedRequest, secrets: Callable[[str], str | None], *, region: str, service: str, now: datetime
) -> str:
    """Return the access key id that signed *request*.

    :param secrets: access key id → secret, None if there is no such key.
    :raises SignatureError: it is not signed, or not by that key for this place and time.
    """
    presented = read_signature(request, secrets, region=region, service=service, now=now)
    return presented.check(hashlib.sha256(request.body).hexdigest())


def read_signature(
    request: SignedRequest, secrets: Callable[[str], str | None], *, region: str, service: str, now: datetime
) -> PresentedSignature:
    """Check all that can be checked without the body. :raises SignatureError:"""
    headers = _collect(request.headers)
    scope, signed_names, signature = _parse_authorization(request, headers)
    secret = secrets(scope.access_key_id)
    if secret is None or "x-amz-security-token" in headers:
        raise SignatureError(
            "UnrecognizedClientException", 403, "The security token included in the request is invalid."
        )
    time = _request_time(headers)
    _check_scope(scope, time, region, service)
    _check_age(time, now)
    _check_signed_names(signed_names, headers)
    claimed = headers.get("x-amz-content-sha256", [None])[0]
    if claimed is not None and not re.fullmatch(r"[0-9a-f]{64}", claimed):
        raise _invalid(f"The body must be signed: x-amz-content-sha256 '{claimed[:64]}' is not accepted.")
    fields = [(name, ",".join(headers[name])) for name in signed_names]
    return PresentedSignature(
        access_key_id=scope.access_key_id,
        signature=signature,
        signing_key=_signing_key(secret, scope.date, region, service),
        canonical_head=canonical_head(request.method, request.raw_path, request.query, fields),
        string_head=f"{ALGORITHM}\n{time}\n{scope.date}/{region}/{service}/{_TERMINATOR}",
        claimed_sha256=claimed,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scope:
    access_key_id: str
    date: str
    region: str
    service: str
    terminator: str


def _collect(fields: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """Fields by name; those that decide something here may come only once."""
    headers: dict[str, list[str]] = {}
    for name, value in fields:
        headers.setdefault(name.lower(), []).append(trim(value))
    for name, values in headers.items():
        if len(values) > 1 and (name.startswith("x-amz-") or name in ("host", "authorization", "date")):
            raise _incomplete(f"The header '{name}' was sent {len(values)} times.")
    return headers


def _parse_authorization(
    request: SignedRequest, headers: dict[str, list[str]]
) -> tuple[_Scope, tuple[str, ...], str]:
    query_names = {pair.partition("=")[0].lower() for pair in request.query.split("&")}
    if query_names & {"x-amz-signature", "x-amz-algorithm", "x-amz-credential"}:
        raise _incomplete("Presigned requests are not accepted here: sign with the Authorization header.")
    value = headers.get("authorization", [""])[0]
    if not value:
        raise SignatureError("MissingAuthenticationTokenException", 403, "Missing Authentication Token")
    algorithm, _, rest = value.partition(" ")
    if algorithm != ALGORITHM:
        raise _incomplete(f"Unsupported AWS 'algorithm': '{algorithm[:32]}'.")
    parameters: dict[str, str] = {}
    for part in rest.split(","):
        name, _, text = part.strip().partition("=")
        if name in parameters:
            raise _incomplete(f"Authorization header has more than one '{name[:32]}' parameter.")
        parameters[name] = text
    missing = [name for name in ("Credential", "Signature", "SignedHeaders") if not parameters.get(name)]
    if missing:
        raise _incomplete(" ".join(f"Authorization header requires '{name}' parameter." for name in missing))
    elements = parameters["Credential"].split("/")
    if len(elements) != 5:
        raise _incomplete(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term."
        )
    key_id, date, region, service, terminator = elements
    scope = _Scope(access_key_id=key_id, date=date, region=region, service=service, terminator=terminator)
    return scope, tuple(parameters["SignedHeaders"].split(";")), parameters["Signature"]


def _request_time(headers: dict[str, list[str]]) -> str:
    """The time that was signed, as ``YYYYMMDDTHHMMSSZ``; ``x-amz-date`` goes before ``date``."""
    value = (headers.get("x-amz-date") or headers.get("date") or [""])[0]
    if not value:
        raise _incomplete(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
        )
    try:
        if _TIME.match(value):
            return _written(datetime.strptime(value, _TIME_FORMAT).replace(tzinfo=UTC))
        if "x-amz-date" not in headers:
            sent = parsedate_to_datetime(value)
            return _written(sent.replace(tzinfo=sent.tzinfo or UTC).astimezone(UTC))
    except (ValueError, OverflowError) as exc:
        raise _incomplete("Date must be in ISO-8601 'basic format'.") from exc
    raise _incomplete("Date must be in ISO-8601 'basic format'.")


def _written(time: datetime) -> str:
    """As `_TIME_FORMAT`, whose ``%Y`` has no leading zeros before the year 1000 with strftime."""
    return f"{time.year:04}{time:%m%dT%H%M%SZ}"


def _check_scope(scope: _Scope, time: str, region: str, service: str) -> None:
    if scope.terminator != _TERMINATOR:
        raise _invalid(f"Credential should be scoped with a valid terminator: '{_TERMINATOR}'.")
    if scope.region != region:
        raise _invalid(f"Credential should be scoped to a valid region, not '{scope.region[:64]}'.")
    if scope.service != service:
        raise _invalid(f"Credential should be scoped to correct service: '{service}'.")
    if scope.date != time[:8]:
        raise _invalid(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP:"
            f" '{scope.date[:16]}' != '{time[:8]}', from '{time}'."
        )


def _check_age(time: str, now: datetime) -> None:
    signed_at = datetime.strptime(time, _TIME_FORMAT).replace(tzinfo=UTC)
    clock = now.astimezone(UTC)
    if signed_at < clock - CLOCK_SKEW:
        bound = (clock - CLOCK_SKEW).strftime(_TIME_FORMAT)
        words = f"({clock.strftime(_TIME_FORMAT)} - 5 min.)"
        raise _invalid(f"Signature expired: {time} is now earlier than {bound} {words}")
    if signed_at > clock + CLOCK_SKEW:
        bound = (clock + CLOCK_SKEW).strftime(_TIME_FORMAT)
        words = f"({clock.strftime(_TIME_FORMAT)} + 5 min.)"
        raise _invalid(f"Signature not yet current: {time} is still later than {bound} {words}")


def _check_signed_names(names: tuple[str, ...], headers: dict[str, list[str]]) -> None:
    if list(names) != sorted(set(names)) or any(name != name.lower() for name in names):
        raise _incomplete("SignedHeaders must be in lower case, sorted, and name each header once.")
    if "host" not in names:
        raise _invalid("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
    if not headers.keys() >= set(names):
        raise _invalid(MISMATCH)
    unsigned = sorted(name for name in headers.keys() - set(names) if name.startswith("x-amz-"))
    if unsigned:
        raise _invalid(
            f"There were headers present in the request which were not signed: {', '.join(unsigned)}"
        )


@lru_cache(maxsize=64)  # a handful of keys times one or two days
def _signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, _TERMINATOR):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _signature(signing_key: bytes, string_head: str, canonical_request: str) -> str:
    digest = hashlib.sha256(canonical_request.encode()).hexdigest()
    return hmac.digest(signing_key, f"{string_head}\n{digest}".encode(), "sha256").hex()


def _invalid(message: str) -> SignatureError:
    return SignatureError("InvalidSignatureException", 403, message)


def _incomplete(message: str) -> SignatureError:
    return SignatureError("IncompleteSignatureException", 400, message)
