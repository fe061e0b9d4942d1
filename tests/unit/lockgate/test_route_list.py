"""What `lockgate routes` and `lockgate check` say about who may call."""

import argparse
import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from lockgate.commands import check, routes
from lockgate.config.grammar.file import RoutesFile
from lockgate.config.grammar.throttle import Throttle
from lockgate.config.loader import load_bytes
from lockgate.route_list import as_json, authorizers_table, notes, routes_table, throttle_text

TEXT = """\
version: 1
stages: {$default: {throttle: {rate: 1000, burst: 500}}, beta: {}}
cors: {allow_origins: [https://app.example.com], allow_headers: [authorization], allow_credentials: true}
authorizers:
  users: {type: jwt, issuer: https://idp.example, audience: [web, app], token_use: access}
  device: {type: function, function: check, identity_source: [$request.header.x-key], ttl: 5m}
functions: {check: {code: code, handler: app.handler}}
routes:
  GET /health: {public: true, respond: {body: ok}}
  POST /notes: {auth: users, scopes: [a, b], throttle: {rate: 20, burst: 40, by: claim.sub}, function: check}
  GET /device: {auth: device, function: check}
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "code").mkdir()
    (tmp_path / "code/app.py").write_text("def handler(event, context): ...\n")
    return tmp_path


def file_of(text: str, site: Path) -> RoutesFile:
    loaded = load_bytes(text.encode(), site / "routes.yaml", {})
    assert loaded.problems == ()
    assert loaded.file is not None
    return loaded.file


def printed(thing: object) -> str:
    out = io.StringIO()
    Console(file=out, width=200, highlight=False).print(thing)
    return out.getvalue()


def row(text: str, word: str) -> list[str]:
    """The cells of the one row that has *word* in it."""
    (line,) = (line for line in text.splitlines() if word in line.split())
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


def test_the_table_says_who_may_call_and_how_often(site: Path) -> None:
    text = printed(routes_table(file_of(TEXT, site).resolved_routes()))
    assert row(text, "/health") == ["GET", "/health", "respond", "public"]
    assert row(text, "/notes") == [
        "POST",
        "/notes",
        "check",
        "users with a or b",
        "20/s, burst 40, per claim sub",
    ]
    assert row(text, "/device") == ["GET", "/device", "check", "device"]


def test_the_table_has_no_column_for_throttles_that_do_not_exist(site: Path) -> None:
    text = TEXT.replace("throttle: {rate: 20, burst: 40, by: claim.sub}, ", "")
    assert "how often" in printed(routes_table(file_of(TEXT, site).resolved_routes()))
    assert "how often" not in printed(routes_table(file_of(text, site).resolved_routes()))


def test_authorizers_are_listed_with_what_they_accept(site: Path) -> None:
    text = printed(authorizers_table(file_of(TEXT, site)))
    source = "$request.header.Authorization"
    assert (
        row(text, "users")[1]
        == f"tokens of https://idp.example for web or app, in {source}, access tokens only"
    )
    assert row(text, "device")[1] == "what check says of $request.header.x-key, kept for 300s"


def test_without_authorizers_there_is_no_table_of_them(site: Path) -> None:
    assert authorizers_table(file_of("version: 1\n", site)) is None


def test_notes_tell_stage_throttles_and_cors(site: Path) -> None:
    assert list(notes(file_of(TEXT, site))) == [
        "stage $default: 1,000/s, burst 500, for routes without a throttle of their own",
        "CORS: on for https://app.example.com, with credentials",
    ]
    assert list(notes(file_of("version: 1\n", site))) == ["CORS: off"]


@pytest.mark.parametrize(
    ("by", "words"),
    [
        (None, "0.5/s, burst 2"),
        ("source_ip", "0.5/s, burst 2, per source address"),
        ("header.X-Key", "0.5/s, burst 2, per header x-key"),
    ],
)
def test_throttles_are_told_in_one_line(by: str | None, words: str) -> None:
    value = {"rate": 0.5, "burst": 2} | ({} if by is None else {"by": by})
    assert throttle_text(Throttle.model_validate(value)) == words


def test_the_json_has_all_of_it(site: Path) -> None:
    health, notes_route, device = as_json(file_of(TEXT, site))
    assert (health["access"], health["authorizer"], health["scopes"], health["throttle"]) == (
        "public",
        None,
        [],
        None,
    )
    assert (notes_route["access"], notes_route["scopes"]) == ("users", ["a", "b"])
    assert notes_route["authorizer"]["audience"] == ["web", "app"]
    assert (device["access"], device["function"], device["payload"]) == ("device", "check", "2.0")
    assert device["authorizer"]["identity_source"] == ["$request.header.x-key"]
    assert [route["cors"] for route in (health, notes_route, device)] == [True, True, True]
    assert as_json(file_of("version: 1\n", site)) == []


def test_the_json_says_which_throttle_counts(site: Path) -> None:
    """A route with its own takes nothing from its stage's."""
    health, notes_route, _ = as_json(file_of(TEXT, site))
    assert notes_route["throttle"] == {"rate": 20.0, "burst": 40, "by": "claim.sub"}
    assert notes_route["stage_throttles"] == {}
    assert health["stage_throttles"] == {"$default": {"rate": 1000.0, "burst": 500, "by": None}}


def arguments(site: Path, *, as_json: bool) -> argparse.Namespace:
    (site / "routes.yaml").write_text(TEXT)
    return argparse.Namespace(config=[site / "routes.yaml"], json=as_json)


def test_the_commands_print_it(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert routes.run(arguments(site, as_json=True)) == 0
    assert json.loads(capsys.readouterr().out)[2]["authorizer"]["ttl_s"] == 300.0
    assert routes.run(arguments(site, as_json=False)) == 0
    text = capsys.readouterr().out
    assert "who may call" in text
    assert "CORS: on for https://app.example.com" in text
    assert check.run(arguments(site, as_json=False)) == 0
    assert "3 routes (1 public), 1 function, 2 authorizers, no mistakes." in capsys.readouterr().out


def test_the_summary_names_authorizers_only_where_there_are_any(site: Path) -> None:
    text = "version: 1\nroutes: {GET /: {public: true, respond: {body: ok}}}\n"
    assert check.summary(file_of(text, site)) == "1 route, 0 functions"
