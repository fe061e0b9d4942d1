"""Each mistake about who may call has its own code, and the file that is written as suggested has none."""

from pathlib import Path

import pytest

from lockgate.config.codes import CODES
from lockgate.config.loader import load_bytes
from lockgate.config.problems import Problem

BASE = """\
version: 1
server: {{{server}}}
stages: {{$default: {{{stage}}}}}
{top}
authorizers:
  users: {{type: jwt, {jwt}}}
  device: {{type: function, function: check, {function}}}
functions:
  check: {{code: code, handler: app.handler, timeout: {timeout}}}
routes:
  GET /users: {{auth: users, respond: {{body: ok}}{route}}}
  GET /device: {{auth: device, respond: {{body: ok}}{device_route}}}
  GET /open: {{public: true, respond: {{body: ok}}{open_route}}}
"""
GOOD = {
    "server": "",
    "stage": "",
    "top": "",
    "jwt": "issuer: https://idp.example, audience: [web]",
    "function": "identity_source: [$request.header.x-key]",
    "timeout": "10s",
    "route": "",
    "device_route": "",
    "open_route": "",
}
WEB = "audience: [web]"
ISSUER = "issuer: https://idp.example, audience: [web]"
CORS = "cors: {{allow_origins: [{}], allow_headers: [authorization]}}"
# Code, what is varied, the mistake, its twin that is accepted. Where a requirement is at stake, its id comes first.
CASES = [
    pytest.param("jwt-needs-issuer", "jwt", WEB, ISSUER, id="no-issuer"),
    pytest.param("jwt-needs-audience", "jwt", "issuer: https://idp.example", ISSUER, id="J11-no-audience"),
    pytest.param(
        "jwt-needs-audience",
        "jwt",
        "issuer: https://idp.example, audience: []",
        ISSUER,
        id="J11-empty-audience",
    ),
    pytest.param("bad-issuer", "jwt", f"issuer: idp.example, {WEB}", ISSUER, id="issuer-without-scheme"),
    pytest.param(
        "bad-issuer", "jwt", f'issuer: "https://idp.example?x=1", {WEB}', ISSUER, id="issuer-with-query"
    ),
    pytest.param(
        "bad-issuer",
        "jwt",
        f'issuer: "https://idp.example/#a", {WEB}',
        f'issuer: "https://idp.example/", {WEB}',
        id="issuer-with-fragment",
    ),
    pytest.param(
        "bad-issuer", "jwt", f'issuer: "https://me@idp.example", {WEB}', ISSUER, id="issuer-with-user"
    ),
    pytest.param(
        "bad-issuer",
        "jwt",
        f'issuer: "https://169.254.169.254", {WEB}',
        f'issuer: "https://10.0.0.1", {WEB}',
        id="issuer-link-local",
    ),
    pytest.param("issuer-not-https", "jwt", f'issuer: "http://idp.example", {WEB}', ISSUER, id="J16-http"),
    pytest.param(
        "issuer-not-https",
        "jwt",
        f'issuer: "http://10.0.0.1", {WEB}',
        f'issuer: "http://10.0.0.1", allow_http: true, {WEB}',
        id="J16-http-private-address",
    ),
    pytest.param(
        "issuer-not-https",
        "jwt",
        f'issuer: "http://127.0.0.1.example", {WEB}',
        f'issuer: "http://127.0.0.1:9000", {WEB}',
        id="J16-http-name-like-loopback",
    ),
    pytest.param(
        "issuer-slash",
        "jwt",
        f'issuer: "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_a/", {WEB}',
        f'issuer: "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_a", {WEB}',
        id="issuer-slash",
    ),
    pytest.param(
        "mixed-algorithms",
        "jwt",
        f"{ISSUER}, algorithms: [RS256, PS256]",
        f"{ISSUER}, algorithms: [PS256, PS512]",
        id="J1-two-families",
    ),
    pytest.param(
        "wrong-value", "jwt", f"{ISSUER}, algorithms: [none]", f"{ISSUER}, algorithms: [ES256]", id="J1-none"
    ),
    pytest.param("out-of-range", "jwt", f"{ISSUER}, leeway: 61s", f"{ISSUER}, leeway: 60s", id="J9-leeway"),
    pytest.param(
        "bad-identity-source",
        "jwt",
        f"{ISSUER}, identity_source: $context.routeKey",
        f"{ISSUER}, identity_source: $request.querystring.token",
        id="J14-token-in-context",
    ),
    pytest.param(
        "bad-identity-source",
        "function",
        "identity_source: [$request.header]",
        "identity_source: [$request.header.a, $context.routeKey]",
        id="source-malformed",
    ),
    pytest.param(
        "simple-responses-format",
        "function",
        'payload: "1.0", simple_responses: true',
        'payload: "1.0", simple_responses: false',
        id="simple-in-format-1",
    ),
    pytest.param(
        "ttl-needs-source",
        "function",
        "ttl: 5m",
        "ttl: 5m, identity_source: [$request.header.x-key]",
        id="J19-ttl-without-source",
    ),
    pytest.param("ttl-needs-source", "function", "ttl: 1s", "ttl: 0s", id="J19-short-ttl-without-source"),
    pytest.param(
        "ttl-needs-source",
        "function",
        "ttl: 5m, identity_source: [$context.routeKey]",
        "ttl: 5m, identity_source: [$context.routeKey, $request.header.x-key]",
        id="J19-ttl-with-the-route-alone",
    ),
    pytest.param(
        "ttl-needs-source",
        "function",
        "ttl: 5m, identity_source: [$stageVariables.colour, $request.header.host]",
        "identity_source: [$stageVariables.colour, $request.header.host]",
        id="J19-ttl-with-what-all-have",
    ),
    pytest.param(
        "bad-identity-source",
        "function",
        "identity_source: [$request.header.X-Forwarded-For]",
        "identity_source: [$context.identity.sourceIp]",
        id="source-that-is-rewritten",
    ),
    pytest.param(
        "bad-identity-source",
        "jwt",
        f"{ISSUER}, identity_source: $request.header.Proxy-Authorization",
        f"{ISSUER}, identity_source: $request.header.X-Authorization",
        id="token-of-the-connection",
    ),
    pytest.param(
        "bad-throttle-key",
        "open_route",
        ", throttle: {rate: 1, burst: 1, by: header.X-Real-IP}",
        ", throttle: {rate: 1, burst: 1, by: source_ip}",
        id="throttle-by-what-is-rewritten",
    ),
    pytest.param(
        "out-of-range",
        "open_route",
        ", throttle: {rate: 0.000009, burst: 1}",
        ", throttle: {rate: 0.00001, burst: 1}",
        id="rate-of-less-than-one-a-day",
    ),
    pytest.param("slow-authorizer", "timeout", "11s", "10s", id="slow-function"),
    pytest.param("bad-scope", "route", ", scopes: [a b]", ", scopes: [a, b]", id="J12-scope-of-two-words"),
    pytest.param("bad-scope", "route", ", scopes: [a, a]", ", scopes: [a]", id="scope-twice"),
    pytest.param("bad-scope", "route", ", scopes: []", "", id="no-scope-in-list"),
    pytest.param("scopes-need-jwt", "device_route", ", scopes: [a]", "", id="scopes-beside-function"),
    pytest.param("scopes-need-jwt", "open_route", ", scopes: [a]", "", id="scopes-beside-public"),
    pytest.param(
        "cors-needs-origins",
        "top",
        "cors: {allow_headers: [authorization]}",
        CORS.format("https://a.example"),
        id="cors-without-origins",
    ),
    pytest.param(
        "bad-origin",
        "top",
        CORS.format("https://a.example/"),
        CORS.format("https://a.example"),
        id="H17-origin-with-slash",
    ),
    pytest.param(
        "cors-wildcard-credentials",
        "top",
        'cors: {allow_origins: ["*"], allow_headers: [authorization], allow_credentials: true}',
        'cors: {allow_origins: ["*"], allow_headers: [authorization], allow_credentials: false}',
        id="H17-wildcard-with-credentials",
    ),
    pytest.param(
        "cors-token-header",
        "top",
        "cors: {allow_origins: [https://a.example]}",
        'cors: {allow_origins: [https://a.example], allow_headers: ["*"]}',
        id="token-header-not-allowed",
    ),
    pytest.param(
        "bad-throttle-key",
        "open_route",
        ", throttle: {rate: 1, burst: 1, by: ip}",
        "",
        id="throttle-by-nothing",
    ),
    pytest.param(
        "claim-needs-jwt",
        "open_route",
        ", throttle: {rate: 1, burst: 1, by: claim.sub}",
        ", throttle: {rate: 1, burst: 1, by: header.x-key}",
        id="claim-on-public-route",
    ),
    pytest.param(
        "claim-needs-jwt",
        "device_route",
        ", throttle: {rate: 1, burst: 1, by: claim.sub}",
        ", throttle: {rate: 1, burst: 1, by: source_ip}",
        id="claim-beside-function",
    ),
    pytest.param(
        "claim-needs-jwt",
        "stage",
        "throttle: {rate: 1, burst: 1, by: claim.sub}",
        "throttle: {rate: 1, burst: 1, by: source_ip}",
        id="claim-on-stage",
    ),
    pytest.param(
        "out-of-range",
        "route",
        ", throttle: {rate: 0, burst: 1}",
        ", throttle: {rate: 0.1, burst: 1}",
        id="rate-zero",
    ),
    pytest.param(
        "out-of-range",
        "route",
        ", throttle: {rate: 9, burst: 0}",
        ", throttle: {rate: 9, burst: 1}",
        id="burst-zero",
    ),
    pytest.param(
        "bad-proxy",
        "server",
        "trusted_proxies: [10.0.0.1/8]",
        "trusted_proxies: [10.0.0.0/8]",
        id="H9-host-bits",
    ),
    pytest.param(
        "bad-public-url",
        "server",
        "gateway_url: https://a.example/v1",
        "gateway_url: https://a.example",
        id="public-url-with-path",
    ),
]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "code").mkdir()
    (tmp_path / "code/app.py").write_text("def handler(event, context): ...\n")
    return tmp_path


def problems_of(site: Path, **changed: str) -> tuple[Problem, ...]:
    text = BASE.format_map(GOOD | changed)
    return load_bytes(text.encode(), site / "routes.yaml", {}).problems


def test_the_base_has_no_mistake(site: Path) -> None:
    assert problems_of(site) == ()


@pytest.mark.parametrize(("code", "place", "mistake", "mended"), CASES)
def test_a_mistake_has_its_code_and_its_twin_none(
    code: str, place: str, mistake: str, mended: str, site: Path
) -> None:
    """J1, J9, J11, J14, J16, J19, H9, H17: what the gateway could not do safely is refused by name."""
    (problem,) = problems_of(site, **{place: mistake})
    assert problem.code == code
    assert problem.reason
    assert problem.severity == CODES[code].severity
    assert problems_of(site, **{place: mended}) == ()


@pytest.mark.parametrize(
    ("place", "mistake", "suggestion"),
    [
        ("jwt", f"issuer: idp.example, {WEB}", "write https://idp.example"),
        ("jwt", f"{ISSUER}, identity_source: Authorization", "write $request.header.Authorization"),
        ("jwt", f"{ISSUER}, identity_source: [$request.header.A]", "write $request.header.A"),
        ("jwt", f"{ISSUER}, identity_source: $context.stage", "write $request.header.Authorization"),
        ("function", "identity_source: [$context.routekey]", 'did you mean "routeKey"?'),
        ("function", "identity_source: $request.header.x-key", "write [$request.header.x-key]"),
        ("function", "identity_source: [method.request.querystring.q]", "write $request.querystring.q"),
        ("open_route", ", throttle: {rate: 1, burst: 1, by: ip}", "write source_ip"),
        (
            "server",
            "trusted_proxies: [172.16.5.1/12]",
            "write 172.16.0.0/12, or 172.16.5.1 for that one proxy",
        ),
        ("server", 'trusted_proxies: ["::ffff:10.0.0.0/104"]', "write 10.0.0.0/8"),
        ("server", "gateway_url: https://a.example/v1?x", "write https://a.example"),
        (
            "top",
            "cors: {allow_origins: [https://A.example], allow_headers: [authorization]}",
            "write https://a.example",
        ),
    ],
)
def test_usual_slips_are_answered_with_what_to_write(
    place: str, mistake: str, suggestion: str, site: Path
) -> None:
    (problem,) = problems_of(site, **{place: mistake})
    assert problem.suggestion == suggestion


def test_a_function_that_only_authorizes_is_used(site: Path) -> None:
    text = BASE.format_map(GOOD)
    without = "".join(line for line in text.splitlines(True) if "device" not in line)
    codes = [problem.code for problem in load_bytes(without.encode(), site / "routes.yaml", {}).problems]
    assert codes == ["unused-function"]
    assert problems_of(site) == ()


def test_an_authorizer_of_the_example_needs_its_user_pool(site: Path) -> None:
    """A pool's authorizer has neither issuer nor audience; it is not refused for that as well."""
    codes = [problem.code for problem in problems_of(site, jwt="user_pool: main, clients: [web]")]
    assert codes == ["unknown-pool"]


def test_secrets_of_an_issuer_are_not_repeated(site: Path) -> None:
    text = BASE.format_map(GOOD | {"jwt": f'issuer: "${{env:ISSUER}}", {WEB}'})
    environ = {"ISSUER": "https://me:hunter2hunter2@idp.example"}
    (problem,) = load_bytes(text.encode(), site / "routes.yaml", environ).problems
    assert problem.code == "bad-issuer"
    assert "hunter2" not in problem.reason + problem.suggestion
