"""The file's words become the gateway's; what goes wrong only now ends as an explained mistake."""

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from gateway.authorizers.function.spec import FunctionAuthorizerSpec
from gateway.authorizers.jwt.spec import IssuerSpec, JwtSpec
from gateway.issuers.issuer import Issuers
from gateway.locator import SingleLocator
from gateway.metrics import GatewayMetrics
from gateway.selection import Selection
from gateway.services import Services
from kit.names import Names
from lockgate.build import deployment_of, route_specs
from lockgate.config.grammar.file import RoutesFile
from lockgate.config.loader import load_bytes
from lockgate.errors import ConfigurationError
from tests.support.lambda_api import FakeInvoker

TEXT = b"version: 1\nroutes:\n  GET /page: {public: true, respond: {file: page.html}}\n"
NAMES = Names(account="000000000000", region="us-east-1", instance="aabbccdd", epoch=1)


def test_a_file_that_vanished_since_the_check_is_named(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<p>")
    file = load_bytes(TEXT, tmp_path / "routes.yaml", {}).file
    assert file is not None
    (tmp_path / "page.html").unlink()
    locator, metrics = SingleLocator(FakeInvoker()), GatewayMetrics(CollectorRegistry())
    with pytest.raises(ConfigurationError, match=r"GET /page.*page\.html"):
        deployment_of(file, NAMES, locator=locator, metrics=metrics, services=Services(Issuers()))


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
