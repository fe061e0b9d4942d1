"""Browser sessions: who has logged in here, behind a random handle in a cookie (B1, B2).

Nothing but the handle is in the browser. Before somebody logs in there is no row: the handle alone is what the form
tokens hang on, so that a crowd of strangers writes nothing. One cookie a pool, as one listener serves several pools.
The synchronous methods touch the store and run on a lane.
"""

import hashlib
import hmac
import ipaddress
import re
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from auth.core.steps import SignedIn
from auth.errors import InvalidParameter
from auth.pool import Pool
from auth.store.ports import BrowserSession, BrowserSessionStore

IDLE = timedelta(hours=1)  # Cognito's cookie lives an hour
LONGEST = timedelta(hours=12)  # a day of work, then the password again
_HANDLE = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedIn:
    """:param handle: for the cookie of the answer: the old one is worth nothing any more."""

    handle: str = field(repr=False)
    session: BrowserSession


class Sessions:
    """:param auth_url: under which browsers reach the pages; https, or http on this machine only.

    :raises InvalidParameter: http anywhere else.
    """

    def __init__(
        self,
        store: BrowserSessionStore,
        auth_url: str,
        *,
        idle: timedelta = IDLE,
        longest: timedelta = LONGEST,
    ) -> None:
        url = urlsplit(auth_url)
        if url.scheme != "https" and not _is_loopback(url.hostname or ""):
            raise InvalidParameter(f"{auth_url}: login pages need https, or http on this machine.")
        self._store = store
        self._idle = idle
        self._longest = longest
        self.is_relaxed = url.scheme != "https"

    def cookie_name(self, pool: Pool) -> str:
        """``__Host-`` holds a browser to Secure, Path=/ and no Domain; it takes such a cookie by https only."""
        return f"lockgate-{pool.key_name}" if self.is_relaxed else f"__Host-lockgate-{pool.key_name}"

    def handle(self, request: Request, pool: Pool) -> str | None:
        """What the cookie says, if it has the right form; it need not be anybody's session."""
        value = request.cookies.get(self.cookie_name(pool), "")
        return value if _HANDLE.fullmatch(value) else None

    def read(self, request: Request, pool: Pool, now: datetime) -> BrowserSession | None:
        """Who is logged in; the session stays alive for another while. None: nobody, or not any more."""
        handle = self.handle(request, pool)
        if handle is None:
            return None
        session = self._store.get(handle, now, now + self._idle)
        if session is None or session.sub is None or session.pool_id != pool.pool_id:
            return None
        return session

    def log_in(self, request: Request, pool: Pool, signed_in: SignedIn, now: datetime) -> LoggedIn:
        """Begin a session under a new handle; the old one is gone in the same transaction (B1)."""
        new = new_handle()
        session = BrowserSession(
            pool_id=pool.pool_id,
            sub=signed_in.user.sub,
            auth_time=signed_in.auth_time,
            amr=signed_in.amr,
            csrf=form_token(new),
            expires_at=now + self._longest,
        )
        self._store.replace(self.handle(request, pool), new, session, now + self._idle)
        return LoggedIn(handle=new, session=session)

    def log_out(self, request: Request, pool: Pool) -> None:
        """Destroy the session itself, not only the cookie (A25); let `forget` follow on the answer."""
        handle = self.handle(request, pool)
        if handle is not None:
            self._store.delete(handle)

    def remember(self, response: Response, pool: Pool, handle: str) -> None:
        """Set the cookie. It ends with the browser; the limits that count are the store's."""
        self._set(response, pool, handle, "")

    def forget(self, response: Response, pool: Pool) -> None:
        """Take the cookie out of the browser."""
        self._set(response, pool, "", "; Max-Age=0")

    def _set(self, response: Response, pool: Pool, value: str, more: str) -> None:
        secure = "" if self.is_relaxed else "; Secure"
        cookie = f"{self.cookie_name(pool)}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{more}"
        response.headers.append("set-cookie", cookie)


def new_handle() -> str:
    """256 bits."""
    return secrets.token_urlsafe(32)


def form_token(handle: str) -> str:
    """What each form of this session carries (B3): nobody can tell it who does not know the handle."""
    digest = hashlib.sha256(b"form token\0" + handle.encode()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def is_form_token(handle: str, presented: str) -> bool:
    return hmac.compare_digest(form_token(handle).encode(), presented.encode())


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
