"""The JSON Schema for editors accepts what the loader accepts, and refuses what it refuses."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from kit.positioned_yaml import parse
from lockgate.config.grammar.authorizers import JwtAuthorizer
from lockgate.config.grammar.file import RoutesFile
from lockgate.config.schema import DIALECT, homes_of, json_schema, known_keys

WHOLE = Path(__file__).parent / "whole_grammar.yaml"


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json_schema())


def whole() -> Any:
    return copy.deepcopy(parse(WHOLE.read_bytes()).value)


def test_schema_is_itself_valid_and_names_its_dialect() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    assert json_schema()["$schema"] == DIALECT


def test_the_whole_grammar_is_valid(validator: jsonschema.Draft202012Validator) -> None:
    assert list(validator.iter_errors(whole())) == []


def test_the_models_read_what_the_schema_accepts() -> None:
    value = whole()
    value["functions"]["notes"]["environment"]["API_KEY"] = "x"
    file = RoutesFile.model_validate(value)
    assert file.user_pools["main"].token_lifetimes.refresh_s == 30 * 86400
    assert file.server.limits.memory.of(1000) == 750
    assert file.authorizers["device"].type == "function"
    lab = file.authorizers["lab"]
    assert isinstance(lab, JwtAuthorizer)
    assert (lab.algorithms, lab.leeway_s, lab.token_use) == (("ES256", "ES384"), 30, "access")
    assert set(file.stage_throttles) == {"$default", "beta"}
    assert file.server.access_log.claims == ("sub", "client_id")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("versoin",), 1),
        (("version",), 2),
        (("version",), None),
        (("region",), "nowhere"),
        (("defaults", "memory"), 64),
        (("defaults", "memory"), "256"),
        (("defaults", "timeout"), 10),
        (("defaults", "timeout"), "ten"),
        (("server", "limits", "memory"), "lots"),
        (("server", "domains"), "api.example.com"),
        (("stages", "my stage"), {}),
        (("functions", "my.fn"), {"code": "x"}),
        (("functions", "notes", "cpu"), "fast"),
        (("functions", "notes", "isolation"), "tenant"),
        (("functions", "notes", "sandbox"), "run sc"),
        (("functions", "report", "image"), "Report:4"),
        (("functions", "notes", "network", "join"), ["a/b"]),
        (("server", "pull"), "sometimes"),
        (("server", "engine"), "ssh://host"),
        (("server", "images"), {"python3.13": "A"}),
        (("server", "limits", "slots"), -1),
        (("functions", "notes", "environment", "PORT"), 8080),
        (("functions", "notes", "environment", "A-B"), "x"),
        (("functions", "notes", "aliases"), {}),
        (("authorizers", "none"), {"type": "jwt"}),
        (("authorizers", "users", "type"), "magic"),
        (("routes", "/notes"), {"public": True}),
        (("routes", "GET /", "public"), "yes"),
        (("routes", "GET /", "static"), "web"),
        (("routes", "GET /notes", "auth"), ["users"]),
        (("routes", "GET /notes", "payload"), "3.0"),
        (("routes", "GET /health", "respond", "status"), 99),
        (("cors", "max_age"), 10),
        (("cors", "allow_origins"), ["app.example.com"]),
        (("cors", "allow_methods"), ["get"]),
        (("cors", "allow_headers"), ["x y"]),
        (("server", "gateway_url"), "https://api.example.com/v1"),
        (("server", "trusted_proxies"), ["nginx"]),
        (("server", "access_log", "claims"), [""]),
        (("stages", "beta", "throttle", "rate"), 0),
        (("stages", "beta", "throttle", "burst"), 0),
        (("authorizers", "lab", "identity_source"), "$context.routeKey"),
        (("authorizers", "lab", "algorithms"), ["HS256"]),
        (("authorizers", "lab", "algorithms"), []),
        (("authorizers", "lab", "leeway"), 30),
        (("authorizers", "device", "identity_source"), ["Authorization"]),
        (("authorizers", "device", "identity_source"), "$request.header.x-device-key"),
        (("routes", "GET /lab", "throttle", "by"), "ip"),
    ],
)
def test_wrong_values_are_refused(
    path: tuple[str, ...], value: object, validator: jsonschema.Draft202012Validator
) -> None:
    document = whole()
    node = document
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    assert not validator.is_valid(document)


def test_a_reference_stands_in_for_a_formatted_text(validator: jsonschema.Draft202012Validator) -> None:
    document = whole()
    document["defaults"]["timeout"] = "${env:TIMEOUT:-10s}"
    document["region"] = "${env:REGION}"
    assert validator.is_valid(document)


def properties(node: Any, place: str) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        for key, inner in node.get("properties", {}).items():
            yield f"{place}.{key}", inner
        for key, inner in node.items():
            yield from properties(inner, f"{place}.{key}")
    elif isinstance(node, list):
        for inner in node:
            yield from properties(inner, place)


def test_every_key_has_a_description() -> None:
    schema: Any = json_schema()
    found = dict(properties(schema, ""))
    for place, inner in found.items():
        target = inner.get("$ref", "").rpartition("/")[2]
        assert inner.get("description") or schema["$defs"][target]["description"], place
    assert len(found) > 80


def test_null_is_not_offered_to_editors() -> None:
    assert "null" not in str(json_schema())


def test_keys_are_known_by_place_and_by_home() -> None:
    assert known_keys(("server", "limits")) == ("memory", "environments", "starts", "slots", "log_mb")
    assert "handler" in known_keys(("functions", "any"))
    assert "audience" in known_keys(("authorizers", "x"))
    assert homes_of("rate") == ("stages.NAME.throttle", "routes.METHOD /path.throttle")
    assert homes_of("stages") == ("the top level",)
    assert homes_of("nothing") == ()
