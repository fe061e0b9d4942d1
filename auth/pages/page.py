"""Makes an answer of a template: escaped (B5), in one language, with one brand, and with the headers it needs (B4)."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import Response

from auth.pages.assets import Look
from auth.pages.problem import Problem
from auth.pages.texts import Texts

_TEMPLATES = Path(__file__).parent / "templates"
_SOURCE = re.compile(r"[A-Za-z0-9.:-]+")


class Pages:
    """Holds the compiled templates."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(_TEMPLATES),
            autoescape=True,  # B5: whatever somebody sends is text in a page
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )

    def page(
        self,
        template: str,
        *,
        texts: Texts,
        look: Look,
        status: int = 200,
        problems: Sequence[Problem] = (),
        values: Mapping[str, object],
        redirect_uri: str = "",
    ) -> Response:
        """:param redirect_uri: where a form on it may lead in the end; empty: nowhere but here."""
        by_field = {
            problem.field: texts(problem.text, **problem.values)
            for problem in reversed(problems)
            if problem.field
        }
        html = self._environment.get_template(template).render(
            t=texts,
            look=look,
            problems=[(problem.field, texts(problem.text, **problem.values)) for problem in problems],
            wrong=by_field,
            **values,
        )
        return Response(
            html, status, headers=page_headers(redirect_uri), media_type="text/html; charset=utf-8"
        )


@cache
def pages() -> Pages:
    return Pages()


def page_headers(redirect_uri: str = "") -> dict[str, str]:
    """:param redirect_uri: registered; Chromium holds the redirect that follows a form to form-action."""
    targets = " ".join(["'self'", *filter(None, [form_target(redirect_uri)])])
    policy = (
        "default-src 'none'; style-src 'self'; img-src 'self'; "
        f"form-action {targets}; base-uri 'none'; frame-ancestors 'none'"
    )
    return {
        "content-security-policy": policy,
        "x-frame-options": "DENY",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=()",
        "cache-control": "no-store",
    }


def form_target(redirect_uri: str) -> str:
    """A CSP source that covers it: its origin, or its scheme where the grammar has no word for the host."""
    url = urlsplit(redirect_uri)
    if not url.scheme:
        return ""
    if url.scheme in ("http", "https") and _SOURCE.fullmatch(url.netloc):
        return f"{url.scheme}://{url.netloc}"
    return f"{url.scheme}:"


def see_other(location: str) -> Response:
    """The answer to a form that was good: whoever follows it asks with GET, without the form (A14)."""
    return Response(status_code=303, headers={"location": location, "cache-control": "no-store"})
