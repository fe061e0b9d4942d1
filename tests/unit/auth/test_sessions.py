from datetime import timedelta

import pytest
from starlette.requests import Request
from starlette.responses import Response

from auth.errors import InvalidParameter
from auth.sessions import IDLE, LONGEST, Sessions, form_token, is_form_token, new_handle
from tests.support.pages_world import NOW, POOL, SIGNED_IN, URL, MemorySessions


def request_with(sessions: Sessions, handle: str) -> Request:
    cookie = f"{sessions.cookie_name(POOL)}={handle}".encode()
    return Request({"type": "http", "headers": [(b"cookie", cookie)]})


def cookie_of(sessions: Sessions) -> str:
    response = Response()
    sessions.remember(response, POOL, "h" * 43)
    return response.headers["set-cookie"]


def test_handle_is_renewed_at_login_and_the_old_one_is_nobody() -> None:
    """B1: whoever knew the handle before the log-in does not have the session after it."""
    sessions = Sessions(MemorySessions(), URL)
    first = sessions.log_in(request_with(sessions, new_handle()), POOL, SIGNED_IN, NOW)
    before = request_with(sessions, first.handle)
    assert sessions.read(before, POOL, NOW) == first.session
    second = sessions.log_in(before, POOL, SIGNED_IN, NOW)
    assert second.handle != first.handle
    assert sessions.read(before, POOL, NOW) is None
    assert sessions.read(request_with(sessions, second.handle), POOL, NOW) == second.session


def test_planted_handle_never_becomes_a_session() -> None:
    """B1: no fixation: a handle that somebody else has put into the browser is replaced."""
    sessions, planted = Sessions(MemorySessions(), URL), new_handle()
    begun = sessions.log_in(request_with(sessions, planted), POOL, SIGNED_IN, NOW)
    assert sessions.read(request_with(sessions, planted), POOL, NOW) is None
    assert sessions.read(request_with(sessions, begun.handle), POOL, NOW) is not None


@pytest.mark.parametrize(("late", "lives"), [(timedelta(seconds=-1), True), (timedelta(0), False)])
def test_idle_session_ends(late: timedelta, lives: bool) -> None:
    """B1: an hour without a request."""
    sessions = Sessions(MemorySessions(), URL)
    begun = sessions.log_in(request_with(sessions, ""), POOL, SIGNED_IN, NOW)
    request = request_with(sessions, begun.handle)
    assert (sessions.read(request, POOL, NOW + IDLE + late) is not None) is lives


@pytest.mark.parametrize(("late", "lives"), [(timedelta(seconds=-1), True), (timedelta(0), False)])
def test_busy_session_ends_as_well(late: timedelta, lives: bool) -> None:
    """B1: twelve hours, whatever happens in between."""
    sessions = Sessions(MemorySessions(), URL)
    request = request_with(sessions, sessions.log_in(request_with(sessions, ""), POOL, SIGNED_IN, NOW).handle)
    at = NOW
    while at + timedelta(minutes=50) < NOW + LONGEST:
        at += timedelta(minutes=50)
        assert sessions.read(request, POOL, at) is not None
    assert (sessions.read(request, POOL, NOW + LONGEST + late) is not None) is lives


def test_logged_out_session_is_gone_in_the_store() -> None:
    store = MemorySessions()
    sessions = Sessions(store, URL)
    begun = sessions.log_in(request_with(sessions, ""), POOL, SIGNED_IN, NOW)
    sessions.log_out(request_with(sessions, begun.handle), POOL)
    assert store.rows == {}


def test_cookie_is_held_to_this_host() -> None:
    """B2: and cannot be read by a script or sent by another site's form."""
    assert cookie_of(Sessions(MemorySessions(), URL)) == (
        f"__Host-lockgate-Main00001={'h' * 43}; Path=/; HttpOnly; SameSite=Lax; Secure"
    )


@pytest.mark.parametrize("url", ["http://127.0.0.1:8081", "http://localhost:8081", "http://[::1]:8081"])
def test_plain_http_is_for_this_machine(url: str) -> None:
    """B2: the one relaxed mode, which says so."""
    sessions = Sessions(MemorySessions(), url)
    assert sessions.is_relaxed
    assert cookie_of(sessions) == f"lockgate-Main00001={'h' * 43}; Path=/; HttpOnly; SameSite=Lax"


@pytest.mark.parametrize(
    "url", ["http://192.0.2.7:8081", "http://login.example.com", "http://localhost.example"]
)
def test_plain_http_anywhere_else_is_refused(url: str) -> None:
    """B2: with https the same host is taken."""
    with pytest.raises(InvalidParameter):
        Sessions(MemorySessions(), url)
    assert not Sessions(MemorySessions(), url.replace("http:", "https:")).is_relaxed


@pytest.mark.parametrize("value", ["", "short", "x" * 44, "ä" * 43, "a b" + "x" * 40])
def test_cookie_of_another_form_is_none(value: str) -> None:
    sessions = Sessions(MemorySessions(), URL)
    request = Request(
        {"type": "http", "headers": [(b"cookie", f"{sessions.cookie_name(POOL)}={value}".encode())]}
    )
    assert sessions.handle(request, POOL) is None


def test_form_token_is_of_one_handle() -> None:
    one, other = new_handle(), new_handle()
    assert is_form_token(one, form_token(one))
    assert not is_form_token(one, form_token(other))
    assert not is_form_token(one, "ä")
    assert form_token(one) not in one
