"""The page that says that somebody is logged out, where no address to go to was asked for."""

from starlette.requests import Request
from starlette.responses import Response

from auth.pages.error import neutral_look
from auth.pages.page import pages
from auth.pages.texts import choose

PATH = "/logged-out"


async def logged_out(_: Request) -> Response:
    """Nothing happens here: whoever leads here has destroyed the session."""
    return pages().page("logged_out.html", texts=choose(()), look=neutral_look(), values={})
