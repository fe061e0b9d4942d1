from dataclasses import replace
from pathlib import Path

import pytest

from gateway.route_key import RouteKey
from kit.positioned_yaml import Mark
from lockgate.banner import print_banner
from lockgate.config.resolved import ResolvedRespond, ResolvedRoute


def route(key, function="notes", auth=None):
    return ResolvedRoute(
        key=RouteKey.parse(key),
        function=function,
        respond=None,
        payload="2.0",
        timeout_s=30.0,
        position=Mark(1, 1),
        auth=auth,
    )


def page_route(file):
    respond = ResolvedRespond(status=200, headers={}, body=None, file=Path(file))
    return replace(route("GET /", None), respond=respond)


def banner(capsys, *routes):
    print_banner(
        routes=list(routes),
        config="routes.yaml",
        described={
            "gateway": "http://g:1",
            "auth": None,
            "control": "http://c:2",
            "admin": "http://a:3",
            "user_pools": {},
        },
    )
    captured = capsys.readouterr()
    assert captured.out == ""  # stdout has only `ready`
    return captured.err


def test_it_shows_routes_and_addresses(capsys):
    text = banner(capsys, route("GET /notes/{id}"), route("$default", None))
    assert "/notes/{id}" in text
    assert "notes" in text
    assert "$default" in text
    assert "http://g:1" in text
    assert "http://c:2" in text
    assert "http://a:3" in text


@pytest.mark.parametrize(
    ("keys", "command"),
    [
        (["GET /a/{id}", "GET /b", "POST /c"], "curl -s http://g:1/c -H"),
        (["GET /a/{id}", "GET /b"], "curl -s http://g:1/b\n"),
        (["ANY /d"], "curl -s http://g:1/d\n"),
    ],
)
def test_the_example_is_a_route_that_can_be_called_as_it_stands(capsys, keys, command):
    assert command in banner(capsys, *map(route, keys))


def test_the_example_needs_no_token(capsys):
    text = banner(capsys, route("POST /closed", auth="users"), route("GET /open"))
    assert "curl -s http://g:1/open\n" in text
    assert "users" in text
    assert "curl" not in banner(capsys, route("POST /closed", auth="users"))


def test_an_application_is_opened_in_a_browser(capsys):
    page = page_route("examples/web/index.html")
    assert "open http://g:1/ in a browser\n" in banner(capsys, route("GET /notes", auth="users"), page)
    assert "curl -s http://g:1/notes\n" in banner(capsys, page, route("GET /notes"))
    assert "browser" not in banner(capsys, page_route("logo.svg"))


def test_without_such_a_route_there_is_no_example(capsys):
    assert "curl" not in banner(capsys, route("GET /a/{id}"), route("$default"))


def test_a_long_command_is_not_folded(capsys):
    path = "/" + "a" * 300
    assert f"http://g:1{path}\n" in banner(capsys, route(f"GET {path}"))


@pytest.mark.parametrize("shows_mail", [True, False])
def test_it_says_where_mail_appears_only_if_it_does(capsys, shows_mail):
    described = {"gateway": "http://g", "auth": "http://l", "control": "http://c", "admin": "http://a"}
    print_banner(
        routes=[],
        config="routes.yaml",
        described=described | {"user_pools": {"main": {}}},
        shows_mail=shows_mail,
    )
    assert ("mail appears below" in capsys.readouterr().err) == shows_mail
