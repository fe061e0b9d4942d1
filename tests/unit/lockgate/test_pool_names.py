"""Ids that nobody has written down are the same on every machine; what the state knows goes before them."""

import re
from pathlib import Path

from auth.pool import STANDARD_ATTRIBUTES, STANDARD_SCOPES
from lockgate.config.checks import clients
from lockgate.config.grammar.file import RoutesFile
from lockgate.config.loader import load_bytes
from lockgate.config.pool_ids import client_id, pool_id
from lockgate.declared_pools import declared_pools
from lockgate.pool_names import pool_names
from lockgate.route_specs import route_specs

TEXT = b"""version: 1
region: eu-central-1
user_pools:
  main:
    sign_in_with: [email]
    case_sensitive: true
    password: {min_length: 12, require: [digit], temporary: 2d}
    brand: {name: Notes, colour: "#2f6f4f"}
    attributes: {tenant: {mutable: false}}
    resource_servers: {notes: {read: Read notes}}
    token_lifetimes: {access: 10m, refresh_grace: 5s}
    clients:
      web: {flows: [code], redirect_uris: ["https://a.example/"], scopes: [notes/read]}
      app: {flows: [password, refresh], hides_users: false, read_attributes: [email], write_attributes: []}
      own: {id: own-id, flows: [password], secret: "${env:S}"}
  fixed: {id: us-east-1_Main00001}
authorizers:
  some: {type: jwt, user_pool: main, clients: [web], token_use: access}
  all: {type: jwt, user_pool: main}
routes:
  GET /some: {auth: some, respond: {body: a}}
  GET /all: {auth: all, respond: {body: a}}
"""
SECRET = "0123456789abcdefghijklmnop"


def file_of(tmp_path: Path) -> RoutesFile:
    loaded = load_bytes(TEXT, tmp_path / "routes.yaml", {"S": SECRET})
    assert loaded.file is not None, loaded.problems
    return loaded.file


def test_derived_ids_look_like_cognitos_and_never_change() -> None:
    """Written into applications: a release that derives others locks everybody out."""
    assert pool_id("us-east-1", "main") == "us-east-1_5IiOURTjq"
    assert client_id("us-east-1_5IiOURTjq", "web") == "yuc9gw5gprnylhfccx4rv2vcql"
    assert re.fullmatch(r"[0-9a-z]{26}", client_id("us-east-1_Main00001", "web"))


def test_another_name_region_or_pool_is_another_id() -> None:
    ids = {pool_id("us-east-1", "a"), pool_id("us-east-1", "b"), pool_id("us-east-2", "a")}
    assert len(ids) == 3
    assert client_id("us-east-1_a", "web") != client_id("us-east-1_b", "web")


def test_what_the_file_says_goes_before_the_state_and_that_before_the_name(tmp_path: Path) -> None:
    file = file_of(tmp_path)
    names = pool_names(
        file, auth_url="https://l.example", known={"main": "us-east-1_Old", "fixed": "us-east-1_Other"}
    )
    assert names.pools["main"].pool_id == "us-east-1_Old"
    assert names.pools["main"].clients["web"] == client_id("us-east-1_Old", "web")
    assert names.pools["fixed"].pool_id == "us-east-1_Main00001"
    assert names.issuer("main") == "https://l.example/us-east-1_Old"
    assert pool_names(file).pools["main"].pool_id == pool_id("eu-central-1", "main")


def test_declaration_says_what_the_file_says(tmp_path: Path) -> None:
    file = file_of(tmp_path)
    names = pool_names(file)
    main, fixed = declared_pools(file, names)
    assert (main.pool.name, main.pool.brand.name, fixed.pool.brand.name) == ("main", "Notes", "fixed")
    assert (main.pool.password.min_length, main.pool.password.temporary_s) == (12, 2 * 86400)
    assert main.pool.is_case_sensitive
    assert not main.pool.attributes[0].is_mutable
    assert (main.pool.lifetimes.access_s, main.pool.lifetimes.refresh_grace_s) == (600, 5)
    assert main.pool.scopes == (*STANDARD_SCOPES, "notes/read")
    web, app, own = main.clients
    assert (web.flows, web.rotates_refresh, web.has_secret) == ({"code", "refresh"}, True, False)
    assert (app.flows, app.rotates_refresh, app.hides_users) == ({"password", "refresh"}, False, False)
    assert (own.client_id, own.has_secret, main.secrets) == ("own-id", True, {"own-id": SECRET})
    assert SECRET not in repr(main)


def test_authorizer_of_a_pool_believes_its_issuer_and_clients(tmp_path: Path) -> None:
    names = pool_names(file_of(tmp_path), auth_url="https://l.example")
    some, every = (spec.authorizer for spec in route_specs(file_of(tmp_path), pools=names))
    main = names.pools["main"]
    assert some.issuer.issuer == f"https://l.example/{main.pool_id}"
    assert (some.issuer.user_pool, some.issuer.algorithms) == (main.pool_id, ("RS256",))
    assert some.audience == {main.clients["web"]}
    assert every.audience == set(main.clients.values())


def test_clients_read_and_write_what_the_file_lists(tmp_path: Path) -> None:
    main, _ = declared_pools(file_of(tmp_path), pool_names(file_of(tmp_path)))
    found = {each.name: (each.read_attributes, each.write_attributes) for each in main.clients}
    assert found["app"] == ({"email"}, frozenset())  # an empty list is none of them
    assert found["web"] == (None, None)  # no list is all


def test_standard_scopes_and_attributes_are_the_same_ones() -> None:
    """The checks do not import auth: nothing of it is loaded for a file without pools."""
    assert {*clients.STANDARD_ATTRIBUTES, *clients.READ_ONLY} - {"sub"} == STANDARD_ATTRIBUTES
    assert clients.STANDARD_SCOPES == STANDARD_SCOPES
