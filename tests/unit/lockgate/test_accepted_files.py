"""Whatever `check` accepts, the gateway takes: no file without mistakes ends the start with one."""

import json
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from gateway.issuers.issuer import Issuers
from gateway.locator import SingleLocator
from gateway.metrics import GatewayMetrics
from gateway.services import Services
from kit.names import Names
from kit.positioned_yaml import KeyPath
from lockgate.build import deployment_of
from lockgate.config.grammar.file import RoutesFile
from lockgate.config.loader import load_bytes
from lockgate.route_list import as_json
from tests.support.lambda_api import FakeInvoker

NAMES = Names(account="000000000000", region="us-east-1", instance="aabbccdd", epoch=1)


class NoKeys:
    generation = 0


class SilentIssuers:
    """Fetches nothing."""

    def open(self, spec: object) -> NoKeys:
        return NoKeys()

    def close(self, spec: object) -> None: ...


def some(*values: object) -> st.SearchStrategy[list[object]]:
    return st.lists(st.sampled_from(values), max_size=3)


SOURCES = (
    *("$request.header.Authorization", "$request.header.x_y", "$request.querystring.t", "$context.routeKey"),
    *("$context.x", "$stageVariables.a", "$request.header.", "Authorization", "$request.header.\u00e9"),
)
ISSUERS = (
    *(
        "https://a.example",
        "https://a.example/",
        "http://localhost:1",
        "http://a.example",
        "https://a.example?x",
    ),
    *(
        "https://[::1]/x",
        "http://[::1]:9",
        "https://169.254.169.254/",
        "https://a.example:0",
        "https://\u00e9.example",
    ),
    *("https://a.example/\\", "https://A.example", "https:///x", "https://a..example"),
)
jwt = st.fixed_dictionaries(
    {
        "type": st.just("jwt"),
        "issuer": st.sampled_from(ISSUERS),
        "audience": some("web", "app", "", "*", " "),
    },
    optional={
        "identity_source": st.sampled_from(SOURCES),
        "algorithms": some("RS256", "RS512", "ES256", "PS384", "HS256", "none"),
        "leeway": st.sampled_from(("0s", "60s", "1500ms", "2m", "59999ms")),
        "token_use": st.sampled_from(("access", "id", "refresh")),
        "allow_http": st.booleans(),
    },
)
function = st.fixed_dictionaries(
    {"type": st.just("function"), "function": st.just("notes")},
    optional={
        "identity_source": some(*SOURCES),
        "payload": st.sampled_from(("1.0", "2.0")),
        "simple_responses": st.booleans(),
        "ttl": st.sampled_from(("0s", "500ms", "5m", "1h", "2h")),
    },
)
throttle = st.fixed_dictionaries(
    {"rate": st.sampled_from((0, 0.001, 1, 1e6, 2e6)), "burst": st.sampled_from((0, 1, 1_000_000, 1.5))},
    optional={
        "by": st.sampled_from(("source_ip", "header.X-A", "header.x_a", "claim.sub", "claim.a b", "ip"))
    },
)
route = st.fixed_dictionaries(
    {"function": st.just("notes")},
    optional={
        "auth": st.sampled_from(("one", "two", "three")),
        "public": st.booleans(),
        "scopes": some("a", "b c", "notes/read", ""),
        "throttle": throttle,
    },
)
cors = st.fixed_dictionaries(
    {},
    optional={
        "allow_origins": some(
            *("*", "https://*", "http://*", "null", "https://a.example", "https://a.example:443"),
            *(
                "https://a.example/",
                "https://A.example",
                "app://x",
                "https://a.example:99999",
                "https://[::1]:1",
            ),
        ),
        "allow_methods": some("GET", "*", "get", "TRACE"),
        "allow_headers": some("authorization", "*", "x y", "X-A", "x_a"),
        "expose_headers": some("x-a", "*", "\u00e9"),
        "max_age": st.sampled_from(("0s", "24h", "25h", "100ms")),
        "allow_credentials": st.booleans(),
    },
)
server = st.fixed_dictionaries(
    {},
    optional={
        "gateway_url": st.sampled_from(
            ("https://a.example", "https://a.example/x", "http://a.example:81", "a")
        ),
        "domains": some("a.example", "b.example"),
        "trusted_proxies": some("10.0.0.0/8", "10.0.0.1/8", "0.0.0.0/0", "::/0", "::1", "::ffff:0:0/96", "x"),
        "access_log": st.fixed_dictionaries({"claims": some("sub", "custom:x", "")}),
    },
)
files = st.fixed_dictionaries(
    {
        "version": st.just(1),
        "functions": st.just({"notes": {"code": "notes", "handler": "app.handler"}}),
        "authorizers": st.fixed_dictionaries({}, optional={"one": jwt, "two": function, "three": jwt}),
        "routes": st.fixed_dictionaries({}, optional={"GET /": route, "OPTIONS /": route, "$default": route}),
    },
    optional={
        "cors": cors,
        "server": server,
        "stages": st.fixed_dictionaries({"beta": st.fixed_dictionaries({}, optional={"throttle": throttle})}),
    },
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    (folder / "notes").mkdir()
    (folder / "notes/app.py").write_text("def handler(event, context): ...\n")
    return folder


def mended(tree: object, site: Path) -> RoutesFile:
    """The file without what the check refuses, one round of removing after the other."""
    for _ in range(10):
        loaded = load_bytes(json.dumps(tree).encode(), site / "routes.yaml", {})
        if loaded.file is not None:
            return loaded.file
        for problem in reversed(loaded.problems):
            if problem.severity == "error":
                remove(tree, problem.key_path)
    raise AssertionError(loaded.problems)


def remove(tree: Any, path: KeyPath) -> None:
    """Take what is at *path* out of *tree*; where a key is missing, what misses it."""
    node = tree
    for step in path[:-1]:
        if step not in (node if isinstance(node, dict) else range(len(node))):
            return  # an earlier one took it along
        node = node[step]
    last = path[-1]
    if last in (node if isinstance(node, dict) else range(len(node))):
        del node[last]
    elif isinstance(node, dict):
        remove(tree, path[:-1])


@given(files)
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_the_check_accepts_the_gateway_takes(site: Path, tree: dict[str, object]) -> None:
    file = mended(tree, site)
    deployment = deployment_of(
        file,
        NAMES,
        locator=SingleLocator(FakeInvoker()),
        metrics=GatewayMetrics(CollectorRegistry()),
        services=Services(cast(Issuers, SilentIssuers())),
    )
    assert {route.auth for route in file.resolved_routes() if route.auth} <= set(file.authorizers)
    assert (deployment.cors is None) == (file.cors is None)
    json.dumps(as_json(file))
