"""The page that says that something cannot be done. It leads nowhere: no address of the request is on it (A1, A2)."""

from collections.abc import Mapping
from functools import cache

from starlette.responses import Response

from auth.identity import Identity
from auth.pages.assets import Assets, Look
from auth.pages.page import pages
from auth.pages.texts import choose


def error_page(
    _: Identity, text: str, *, status: int = 400, headers: Mapping[str, str] | None = None
) -> Response:
    """:param text: one sentence of ours. Needs no store and no pool, so that it can always be shown."""
    response = pages().page(
        "error.html", texts=choose(()), look=neutral_look(), status=status, values={"text": text}
    )
    response.headers.update(headers or {})
    return response


@cache
def neutral_look() -> Look:
    """Of pages that belong to no pool."""
    return Assets(lambda: ()).look(None)
