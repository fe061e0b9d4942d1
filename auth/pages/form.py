"""A posted form, and whether it was our own page in this browser that sent it (B3)."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request

from auth.oauth.form import read_body
from auth.oauth.parameters import MalformedParameters, Parameters, is_text, parse_parameters

MAX_VALUE_CHARACTERS = 2048  # Cognito's longest attribute
TOKEN = "_csrf"  # noqa: S105  # a field's name, Cognito's
_MALFORMED = "The form is malformed."
NO_FORM: Mapping[str, str] = {}


async def read_form(request: Request) -> Mapping[str, str]:
    """:raises HTTPException: not a form, too large, malformed, or a field is there twice (A16)."""
    try:
        form = parse_parameters(await read_body(request))
    except MalformedParameters as error:
        raise HTTPException(400, _MALFORMED) from error
    if form.repeated or not _is_sane(form):
        raise HTTPException(400, _MALFORMED)
    return form


def _is_sane(form: Parameters) -> bool:
    return all(is_text(value) and len(value) <= MAX_VALUE_CHARACTERS for value in form.values())


class OwnOrigin:
    """Judges who made the browser send a form. :param auth_url: under which our pages are."""

    def __init__(self, auth_url: str) -> None:
        url = urlsplit(auth_url)
        self._origin = f"{url.scheme}://{url.netloc}".lower()

    def sent(self, headers: Headers) -> bool:
        """Whether the browser says that it was a page of ours; no word about it is a no.

        Our pages send no referrer, so browsers write ``Origin: null`` on their forms (Fetch, "append a request
        `Origin` header"): then only ``Sec-Fetch-Site`` counts, which all browsers send to https and to loopback.
        """
        origin = headers.get("origin", "null").lower()
        site = headers.get("sec-fetch-site")
        if site is not None and site != "same-origin":
            return False
        if origin not in ("null", self._origin):
            return False
        return site == "same-origin" or origin == self._origin
