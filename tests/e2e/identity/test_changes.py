"""User pools that change while people are logged in, and servers that are killed while people sign up."""

import copy
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from auth.store.sql.store import SqlStore
from tests.support.identity_site import PASSWORD, Site, Visitor, add_person, pools_file, site
from tests.support.plain_http import call
from tests.support.server import RunningServer, lockgate
from tests.support.volley import Volley, form_post

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

SIGN_UPS = 100  # as many as wait at once in one server


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("changes")) as place:
        yield place


def changed(**clients: Any) -> dict[str, Any]:
    """*clients* of ``main`` instead of its own."""
    file = copy.deepcopy(pools_file())
    file["user_pools"]["main"]["clients"] = clients
    return file


def reload(server: RunningServer) -> int:
    return lockgate("reload", "--state", server.state).returncode


def opens(server: RunningServer, tokens: dict[str, str]) -> bool:
    headers = {"authorization": f"Bearer {tokens['access_token']}"}
    return call(server.gateway_address, "/mine", headers=headers).status == 200


def test_reloads_while_somebody_is_logged_in(tmp_path: Path) -> None:
    """R3: another declaration leaves sessions and tokens alone, a broken one everything; a client that the file no
    longer has is closed, and open again when it is back.
    """
    web = pools_file()["user_pools"]["main"]["clients"]["web"]
    with site(tmp_path) as place, place.server() as server, Visitor(server) as visitor:
        with closing(place.store(server)) as store:
            add_person(store, server, "ann@example.com")
        tokens = visitor.tokens(visitor.log_in("ann@example.com"))

        place.declare(changed(web=web, other=web))
        assert reload(server) == 0
        assert visitor.tokens(visitor.code())  # by the session
        assert opens(server, tokens)
        tokens = visitor.token(visitor.refresh_form(tokens["refresh_token"])).json()

        place.declare(changed(web={**web, "redirect_uris": ["http://example.com/plain"]}))
        assert reload(server) == 3
        assert "other" in open_clients(place, server)
        tokens = visitor.token(visitor.refresh_form(tokens["refresh_token"])).json()
        assert visitor.tokens(visitor.code())

        code = visitor.code()
        place.declare(changed(other=web))
        assert reload(server) == 0
        assert visitor.http.get(f"/oauth2/authorize?{visitor.query}").status_code == 400
        for form in (visitor.code_form(code), visitor.refresh_form(tokens["refresh_token"])):
            assert visitor.token(form).json()["error"] == "invalid_client"

        place.declare(changed(web=web))
        assert reload(server) == 0
        assert visitor.tokens(visitor.code())
        assert visitor.token(visitor.refresh_form(tokens["refresh_token"])).status_code == 200


def open_clients(place: Site, server: RunningServer) -> set[str]:
    with closing(place.store(server)) as store:
        return {each.name for each in store.pools.clients() if not each.is_closed}


def sign_up_form(visitor: Visitor, name: str, number: int) -> bytes:
    token, cookie = visitor.page("/signup")
    form = {"_csrf": token, "email": name, "password": PASSWORD, "repeat": PASSWORD}
    source = {"cookie": cookie, "x-forwarded-for": f"198.51.100.{number}"}
    return form_post("auth", f"/signup?{visitor.query}", form, visitor.headers | source)


def exists(store: SqlStore, server: RunningServer, email: str) -> bool:
    pool_id = server.endpoints["user_pools"]["main"]["id"]
    return bool(store.users.list(pool_id, limit=1, filter=("email", "=", email)).users)


def test_who_was_told_of_their_account_has_it_after_a_kill(place: Site) -> None:
    """R1, R7: kill -9 at the moment of the answer, then in the midst of a hundred sign-ups."""
    server = place.server()
    server.start()
    with Visitor(server) as visitor, Volley(place.addresses) as volley:
        [answer] = volley.fire([sign_up_form(visitor, "first@example.com", 0)])
        server.kill()
    assert answer is not None
    assert answer.status == 303

    server.start()
    names = [f"many{number}@example.com" for number in range(SIGN_UPS)]
    with Visitor(server) as visitor, Volley(place.addresses) as volley:
        forms = [sign_up_form(visitor, name, number) for number, name in enumerate(names)]
        volley.send(forms)
        answers = volley.answers(range(5))
        server.kill()
        answers += volley.answers(range(5, SIGN_UPS))
    answered = [name for name, each in zip(names, answers, strict=True) if each and each.status == 303]
    assert answered
    assert None in answers

    with place.server() as server, Visitor(server) as visitor, closing(place.store(server)) as store:
        for name in ("first@example.com", *answered):
            assert exists(store, server, name), name
        with store.database.read() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").first() is None
        add_person(store, server, "late@example.com")
        assert visitor.log_in("late@example.com")
