"""The file's words become the gateway's; what goes wrong only now ends as an explained mistake."""

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from gateway.authorizers.function.spec import FunctionAuthorizerSpec
from gateway.authorizers.jwt.spec import IssuerSpec, JwtSpec
from gateway.cors import CorsSpec
from gateway.deployment import Deployment
from gateway.issuers.issuer import Issuers
from gateway.locator import SingleLocator
from gateway.metrics import GatewayMetrics
from gateway.selection import Selection
from gateway.services import Services
from gateway.throttling.spec import ThrottleKey, ThrottleSpec
from kit.names import Names
from lockgate.build import deployment_of, route_specs
from lockgate.config.grammar.file import RoutesFile
from lockgate.config.loader import load_bytes
from lockgate.door import cors_spec
from lockgate.errors import ConfigurationError
from tests.support.lambda_api import FakeInvoker

TEXT = b"version: 1\nroutes:\n  GET /page: {public: true, respond: {file: page.html}}\n"
NAMES = Names(account="000000000000", region="us-east-1", instance="aabbccdd", epoch=1)


def deployed(file: RoutesFile) -> Deployment:
    locator, metrics = SingleLocator(FakeInvoker()), GatewayMetrics(CollectorRegistry())
    return deployment_of(file, NAMES, locator=locator, metrics=metrics, services=Services(Issuers()))


def test_a_file_that_vanished_since_the_check_is_named(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<p>")
    file = load_bytes(TEXT, tmp_path / "routes.yaml", {}).file
    assert file is not None
    (tmp_path / "page.html").unlink()
    with pytest.raises(ConfigurationError, match=r"GET /page.*page\.html"):
        deployed(file)


AUTHORIZED = b"""\
version: 1
authorizers:
  users: {type: jwt, issuer: "https://idp.example/", audience: [web, app]}
  strict: {type: jwt, issuer: "http://10.0.0.1:9000", audience: [web], identity_source: $request.querystring.token,
           algorithms: [ES256], leeway: 30s, token_use: access, allow_http: true}
  device: {type: function, function: check, identity_source: [$request.header.X-Key, $context.routeKey], ttl: 5m}
  policy: {type: function, function: check, payload: "1.0"}
functions: {check: {code: code, handler: app.handler}}
routes:
  GET /public: {public: true, respond: {body: ok}}
  GET /users: {auth: users, scopes: [notes/read, notes/write], respond: {body: ok}}
  GET /strict: {auth: strict, respond: {body: ok}}
  GET /device: {auth: device, respond: {body: ok}}
  GET /policy: {auth: policy, respond: {body: ok}}
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "code").mkdir()
    (tmp_path / "code/app.py").write_text("def handler(event, context): ...\n")
    return tmp_path


def file_of(text: bytes, site: Path) -> RoutesFile:
    loaded = load_bytes(text, site / "routes.yaml", {})
    assert loaded.problems == ()
    assert loaded.file is not None
    return loaded.file


def test_each_route_gets_the_authorizer_that_it_names(site: Path) -> None:
    specs = route_specs(file_of(AUTHORIZED, site))
    header, query = Selection.parse("$request.header.x-key"), Selection.parse("$request.querystring.token")
    public, users, strict, device, policy = (spec.authorizer for spec in specs)
    assert public is None
    assert users == JwtSpec(
        issuer=IssuerSpec(issuer="https://idp.example/"), audience=frozenset({"web", "app"})
    )
    assert strict == JwtSpec(
        issuer=IssuerSpec(issuer="http://10.0.0.1:9000", algorithms=("ES256",), allow_http=True),
        audience=frozenset({"web"}),
        identity_source=query,
        token_use="access",
        leeway_s=30,
    )
    assert isinstance(device, FunctionAuthorizerSpec)
    assert (device.name, device.function, device.payload_version) == ("device", "check", "2.0")
    assert [(source.kind, source.name) for source in device.identity_source] == [
        (header.kind, header.name),
        ("context", "routeKey"),
    ]
    assert (device.simple_responses, device.ttl_s) == (True, 300.0)
    assert isinstance(policy, FunctionAuthorizerSpec)
    assert (policy.payload_version, policy.simple_responses, policy.ttl_s) == ("1.0", False, 0.0)


def test_each_route_gets_the_scopes_that_it_names(site: Path) -> None:
    assert [spec.scopes for spec in route_specs(file_of(AUTHORIZED, site))] == [
        (),
        ("notes/read", "notes/write"),
        (),
        (),
        (),
    ]


def test_cors_becomes_the_gateways(site: Path) -> None:
    text = b"""\
version: 1
cors:
  allow_origins: [https://app.example.com, "http://*"]
  allow_methods: [GET, "*"]
  allow_headers: [Authorization]
  expose_headers: [x-total-count]
  max_age: 10m
  allow_credentials: true
"""
    file = file_of(text, site)
    assert file.cors is not None
    assert cors_spec(file.cors) == CorsSpec(
        allow_origins=("https://app.example.com", "http://*"),
        allow_methods=("GET", "*"),
        allow_headers=("Authorization",),
        expose_headers=("x-total-count",),
        max_age_s=600,
        allow_credentials=True,
    )


def test_each_route_gets_its_own_throttle(site: Path) -> None:
    text = AUTHORIZED.replace(b"GET /public: {", b"GET /public: {throttle: {rate: 0.5, burst: 2}, ").replace(
        b"GET /users: {", b"GET /users: {throttle: {rate: 5, burst: 1, by: claim.sub}, "
    )
    plain, claim, *others = (spec.throttle for spec in route_specs(file_of(text, site)))
    assert plain == ThrottleSpec(rate=0.5, burst=2)
    assert claim == ThrottleSpec(rate=5, burst=1, by=ThrottleKey(kind="claim", name="sub"))
    assert others == [None, None, None]


@pytest.mark.parametrize(
    ("by", "key"),
    [
        ("source_ip", ThrottleKey(kind="source_ip")),
        ("header.X-Key", ThrottleKey(kind="header", name="x-key")),
        ("claim.custom:tenant.id", ThrottleKey(kind="claim", name="custom:tenant.id")),
    ],
)
def test_callers_are_told_apart_as_written(by: str, key: ThrottleKey, site: Path) -> None:
    text = AUTHORIZED.replace(
        b"GET /users: {", f'GET /users: {{throttle: {{rate: 5, burst: 1, by: "{by}"}}, '.encode()
    )
    throttle = route_specs(file_of(text, site))[1].throttle
    assert throttle is not None
    assert throttle.by == key


def test_the_deployment_has_what_the_whole_api_has(site: Path) -> None:
    text = b"""\
version: 1
server: {access_log: {claims: [sub, client_id]}, domains: [api.example.com]}
cors: {allow_origins: [https://app.example.com]}
stages: {$default: {throttle: {rate: 9, burst: 3, by: source_ip}}, beta: {}}
routes: {GET /: {public: true, respond: {body: ok}}}
"""
    built = deployed(file_of(text, site))
    assert built.cors is not None
    assert built.cors.spec.allow_origins == ("https://app.example.com",)
    assert {name: throttle.spec for name, throttle in built.stage_throttles.items()} == {
        "$default": ThrottleSpec(rate=9, burst=3, by=ThrottleKey(kind="source_ip"))
    }
    assert built.logged_claims == ("sub", "client_id")


def test_without_those_keys_the_deployment_has_none_of_it(site: Path) -> None:
    built = deployed(file_of(b"version: 1\n", site))
    assert (built.cors, built.stage_throttles, built.logged_claims) == (None, {}, ())
