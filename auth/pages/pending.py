"""Where somebody is between two pages: the open challenge, the name that was typed, what is to be said next.

It is kept for each pair of browser and authorization request, so that two tabs with two requests do not meet. It lives
in the store, sealed; the row's handle is made from the cookie's and the request, and is of no use as a cookie.
"""

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from auth.pool import Pool
from auth.sessions import form_token
from auth.store.ports import BrowserSession, BrowserSessionStore

LASTS = timedelta(hours=1)  # as long as a reset code; a challenge ends earlier by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """:param challenge: its name, as Cognito has it; :param handle: opens it, once.

    :param seed: of the authenticator app that is being set up. :param destination: masked, where a code went.
    :param notice: key of a text that the next page begins with.
    :param password_hash: of the sign-up that waits for its code in this browser.
    """

    username: str = ""
    challenge: str = ""
    handle: str = field(default="", repr=False)
    parameters: Mapping[str, str] = field(default_factory=dict)
    seed: str = field(default="", repr=False)
    destination: str = ""
    notice: str = ""
    password_hash: str = field(default="", repr=False)


NOTHING = Pending()


class PendingSteps:
    """Synchronous: runs on a lane."""

    def __init__(self, store: BrowserSessionStore) -> None:
        self._store = store

    def read(self, browser: str, query: str, now: datetime) -> Pending:
        row = self._store.get(_row(browser, query), now, now + LASTS)
        return NOTHING if row is None or not row.data else Pending(**json.loads(row.data))

    def keep(self, browser: str, query: str, pool: Pool, pending: Pending, now: datetime) -> None:
        handle = _row(browser, query)
        row = BrowserSession(
            pool_id=pool.pool_id,
            sub=None,
            auth_time=None,
            amr=(),
            csrf=form_token(handle),
            data=json.dumps(asdict(pending)).encode(),
            expires_at=now + LASTS,
        )
        self._store.replace(handle, handle, row, now + LASTS)

    def forget(self, browser: str, query: str) -> None:
        self._store.delete(_row(browser, query))


def _row(browser: str, query: str) -> str:
    digest = hashlib.sha256(f"pending\0{browser}\0{query}".encode()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()
