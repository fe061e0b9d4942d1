"""CORS: answers preflights, and tells browsers which answers a script of another origin may read.

All is decided when a deployment is built and looked up per request. Once a policy is there it alone speaks:
whatever ``access-control-*`` an integration sets is removed, also where the policy itself says nothing.
Sources: Fetch Standard, "CORS protocol"; API Gateway Developer Guide, "Configure CORS for HTTP APIs".
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.errors import DeploymentError
from gateway.fields import RequestFields
from gateway.request import HttpRequest
from gateway.response import Fields, HttpResponse
from gateway.route_key import METHODS

ANY = "*"
SCHEME_WILDCARDS = ("https://*", "http://*")
MAX_AGE_S = 86_400  # API Gateway's limit; browsers keep a preflight for two hours at most anyway

# An origin as browsers write it (RFC 6454 section 6.2): lower case, nothing behind the port.
_HOST = r"(?:[a-z0-9_.-]{1,253}|\[[0-9a-f:.]{2,45}\])"
_PORT = r"(?::[1-9][0-9]{0,4})?"
_ORIGIN = re.compile(rf"[a-z][a-z0-9+.-]{{0,31}}://{_HOST}{_PORT}")
_DEFAULT_PORTS = {"https": ":443", "http": ":80"}
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}")

_PREFIX = b"access-control-"
_VARY_ORIGIN = (b"vary", b"origin")
# Fetch: scripts may read these anyway, and set-cookie never.
_NEVER_EXPOSED = frozenset({b"cache-control", b"content-language", b"content-type", b"set-cookie"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CorsSpec:
    """:param allow_origins: ``scheme://host[:port]``, ``*``, ``https://*`` or ``http://*``.
    :param allow_methods: :param allow_headers: :param expose_headers: names, or ``*``.
    :param max_age_s: None: the header is not sent; -1: the browser is to keep nothing.
    """

    allow_origins: tuple[str, ...]
    allow_methods: tuple[str, ...] = ()
    allow_headers: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    max_age_s: int | None = None
    allow_credentials: bool = False


class Preflight(HttpResponse):
    """The policy's own answer, complete as it is."""


@dataclass(frozen=True, slots=True)
class _Grant:
    """What one allowed origin gets. :param actual: the headers of an ordinary answer."""

    actual: tuple[tuple[bytes, bytes], ...]
    preflight: Preflight


class CorsPolicy:
    """:raises DeploymentError: a value that no browser would ever match, or that cannot be sent."""

    def __init__(self, spec: CorsSpec) -> None:
        problem = spec_problem(spec)
        if problem is not None:
            raise DeploymentError(f"cors: {problem}")
        self.spec = spec
        credentials = spec.allow_credentials
        # With credentials browsers take "*" for a name, so it is spelt out: methods here, headers per request.
        self._echoes_headers = credentials and ANY in spec.allow_headers
        self._lists_exposed = credentials and ANY in spec.expose_headers
        self._allowed_headers = tuple(n for n in spec.allow_headers if not (credentials and n == ANY))
        self._preflight_fields = _preflight_fields(spec, self._allowed_headers)
        self._vary: Fields = [_VARY_ORIGIN] if spec.allow_origins else []
        self._denied = Preflight(status=204, headers=list(self._vary))
        self._any = self._grant(ANY) if ANY in spec.allow_origins else None
        wild = [name.removesuffix("*") for name in SCHEME_WILDCARDS if name in spec.allow_origins]
        self._wild = re.compile(rf"(?:{'|'.join(wild)}){_HOST}{_PORT}") if wild else None
        self._exact = {origin: self._grant(origin) for origin in spec.allow_origins if "*" not in origin}

    def preflight(self, request: HttpRequest) -> HttpResponse | None:
        """The answer of a preflight, for whatever path; None: the request is none.

        An OPTIONS request without both of a preflight's headers is an ordinary one.
        """
        if request.method != "OPTIONS":
            return None
        fields = request.fields
        if "origin" not in fields.joined or "access-control-request-method" not in fields.joined:
            return None
        grant = self._find(fields)
        if grant is None:
            return self._denied
        return self._echo_headers(grant, fields) if self._echoes_headers else grant.preflight

    def apply(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """The response with this policy's headers in place of the integration's; `response` stays as it is."""
        if type(response) is Preflight:
            return response
        headers: Fields = []
        vary = b""
        for field in response.headers:
            name = field[0]
            if name == b"vary":
                vary = b"%b, %b" % (vary, field[1]) if vary else field[1]
            elif not name.startswith(_PREFIX):
                headers.append(field)
        if "origin" in request.fields.joined:
            headers += self._granted(request.fields, headers)
        # Also without an Origin: a cache must not give this answer to a request that has one.
        headers += self._vary if not vary else [(b"vary", _merge_vary(vary) if self._vary else vary)]
        return HttpResponse(status=response.status, headers=headers, body=response.body)

    def _granted(self, fields: RequestFields, headers: Fields) -> Iterable[tuple[bytes, bytes]]:
        grant = self._find(fields)
        if grant is None:
            return ()
        if self._lists_exposed:
            return (*grant.actual, (b"access-control-expose-headers", _exposed(headers)))
        return grant.actual

    def _find(self, fields: RequestFields) -> _Grant | None:
        origin = fields.joined["origin"]
        if "origin" in fields.repeated:  # no browser sends two
            return None
        if self._any is not None:
            return self._any
        grant = self._exact.get(origin)  # H17: exact, as text
        if grant is None and self._wild is not None and self._wild.fullmatch(origin) is not None:
            return self._grant(origin)
        return grant

    def _grant(self, origin: str) -> _Grant:
        spec = self.spec
        fields: Fields = [(b"access-control-allow-origin", origin.encode("ascii"))]
        if spec.allow_credentials:
            fields.append((b"access-control-allow-credentials", b"true"))
        preflight = Preflight(status=204, headers=[*fields, *self._preflight_fields, *self._vary])
        if spec.expose_headers and not self._lists_exposed:
            fields.append((b"access-control-expose-headers", _join(spec.expose_headers)))
        return _Grant(tuple(fields), preflight)

    def _echo_headers(self, grant: _Grant, fields: RequestFields) -> Preflight:
        asked = fields.joined.get("access-control-request-headers", "").split(",")
        tokens = [name for part in asked if _TOKEN.fullmatch(name := part.strip(" \t"))]
        names = dict.fromkeys([*self._allowed_headers, *tokens])
        echoed: Fields = [(b"access-control-allow-headers", _join(names))] if names else []
        vary = (b"vary", b"origin, access-control-request-headers")
        kept = [
            field
            for field in grant.preflight.headers
            if field[0] not in (b"vary", b"access-control-allow-headers")
        ]
        return Preflight(status=204, headers=[*kept, *echoed, vary])


def origin_problem(text: str) -> str | None:
    """Why an ``allow_origins`` entry can never be a browser's Origin, and what to write; None: it can."""
    if text in (ANY, *SCHEME_WILDCARDS) or _is_origin(text):
        return None
    if text == "null":
        return 'every sandboxed page and local file has the origin "null", so it names nobody; leave it out'
    if "*" in text:
        return "the only wildcards are *, https://* and http://*; write each origin in full"
    sent = _as_sent(text)
    if not _is_origin(sent):
        return "it is no origin; write scheme://host or scheme://host:port, the host in ASCII (xn--…)"
    return f"browsers send no path, no default port and no capitals with an origin; write {sent}"


def _is_origin(text: str) -> bool:
    if _ORIGIN.fullmatch(text) is None:
        return False
    scheme, _, authority = text.partition("://")
    host, colon, port = authority.rpartition(":")
    if not colon or host.startswith("[") != host.endswith("]"):  # no port; the colon is an IPv6 address's own
        return True
    return int(port) <= 65_535 and not authority.endswith(_DEFAULT_PORTS.get(scheme, "/"))


def _as_sent(text: str) -> str:
    """What a browser would send for a page at this address."""
    scheme, separator, rest = text.partition("://") if "://" in text else ("https", "://", text)
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0].rpartition("@")[2]
    port = _DEFAULT_PORTS.get(scheme.lower(), "/")
    return f"{scheme}{separator}{authority.removesuffix(port)}".lower()


def spec_problem(spec: CorsSpec) -> str | None:
    """Why no policy can be made of a spec; None: one can."""
    for origin in spec.allow_origins:
        problem = origin_problem(origin)
        if problem is not None:
            return f"allow_origins: {origin[:80]!r}: {problem}"
    if spec.allow_credentials and ANY in spec.allow_origins:  # H17: Fetch forbids the pair
        return "allow_origins: * cannot go with allow_credentials; write each origin in full"
    for name in (*spec.allow_methods, *spec.allow_headers, *spec.expose_headers):
        if _TOKEN.fullmatch(name) is None:
            return f"{name[:80]!r} is not the name of a method or header"
    if spec.max_age_s is not None and not -1 <= spec.max_age_s <= MAX_AGE_S:
        return f"max_age: {spec.max_age_s} is not from -1 to {MAX_AGE_S} seconds"
    return None


def _preflight_fields(spec: CorsSpec, headers: tuple[str, ...]) -> Fields:
    methods = METHODS if spec.allow_credentials and ANY in spec.allow_methods else spec.allow_methods
    # Fetch: "*" never stands for Authorization, the one header that every caller of a protected route needs.
    if ANY in headers and not any(name.lower() == "authorization" for name in headers):
        headers = (*headers, "authorization")
    fields: Fields = []
    if methods:
        fields.append((b"access-control-allow-methods", _join(methods)))
    if headers:
        fields.append((b"access-control-allow-headers", _join(headers)))
    if spec.max_age_s is not None:
        fields.append((b"access-control-max-age", b"%d" % spec.max_age_s))
    return fields


def _exposed(headers: Fields) -> bytes:
    names = dict.fromkeys(name for name, _ in headers if name not in _NEVER_EXPOSED)
    return b",".join([*names, b"apigw-requestid"])


def _merge_vary(value: bytes) -> bytes:
    names = [name.strip().lower() for name in value.split(b",")]
    return value if b"origin" in names or b"*" in names else value + b", origin"


def _join(names: Iterable[str]) -> bytes:
    return ",".join(names).encode("ascii")
