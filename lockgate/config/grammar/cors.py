"""The ``cors:`` section."""

from typing import Annotated, Literal

from pydantic import Field, PlainValidator

from gateway.cors import origin_problem
from lockgate.config.grammar.base import Section, refuse
from lockgate.config.grammar.scalars import CorsMaxAge, named, text_of, text_schema

_HEADER = r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}"  # RFC 9110, section 5.6.2


def _origin(value: object) -> str:
    text = text_of(value)
    problem = origin_problem(text)
    if problem is not None:
        reason, _, hint = problem.partition("; ")
        raise refuse("bad-origin", f'"{text[:80]}": {reason}', hint)
    return text


Origin = Annotated[str, PlainValidator(_origin), text_schema(r"\*|[a-z][a-z0-9+.-]*://.+")]
HeaderName = Annotated[
    str,
    PlainValidator(
        named(_HEADER, "the name of a header", "letters, digits, -, or * alone", code="wrong-value")
    ),
    text_schema(_HEADER),
]
CorsMethod = Literal["*", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]


class Cors(Section):
    """Which other origins a browser may let call the API."""

    allow_origins: tuple[Origin, ...] = Field(
        default=(), strict=False, description="Origins (scheme://host[:port]), *, https://* or http://*."
    )
    allow_methods: tuple[CorsMethod, ...] = Field(default=(), strict=False, description="Methods, or *.")
    allow_headers: tuple[HeaderName, ...] = Field(
        default=(), strict=False, description="Request headers, or *."
    )
    expose_headers: tuple[HeaderName, ...] = Field(
        default=(), strict=False, description="Response headers that scripts may read."
    )
    max_age_s: CorsMaxAge | None = Field(
        default=None, alias="max_age", description="How long a browser may keep the answer to a preflight."
    )
    allow_credentials: bool = Field(default=False, description="Whether cookies and logins may be sent.")
