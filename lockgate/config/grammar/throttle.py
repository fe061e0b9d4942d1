"""``throttle:`` of routes and stages."""

from typing import Annotated

from pydantic import Field, PlainValidator

from gateway.fields import is_withheld
from gateway.selection import Selection, SelectionError
from gateway.throttling.spec import ThrottleKey
from lockgate.config.grammar.base import Section, refuse
from lockgate.config.grammar.scalars import text_of, text_schema

MAX_CLAIM_CHARS = 128


def claim_name(value: object) -> str:
    text = text_of(value)
    if not text.strip() or len(text) > MAX_CLAIM_CHARS or not text.isprintable():
        raise refuse("wrong-value", f'"{text[:40]}" is not the name of a claim', "write sub, or another name")
    return text


def _key(value: object) -> ThrottleKey:
    text = text_of(value)
    kind, _, name = text.partition(".")
    if text == "source_ip":
        return ThrottleKey(kind="source_ip")
    if kind == "header" and name:
        return ThrottleKey(kind="header", name=_header(name))
    if kind == "claim" and name:
        return ThrottleKey(kind="claim", name=claim_name(name))
    raise refuse("bad-throttle-key", f'"{text[:80]}" names no callers', _hint(text))


def _header(name: str) -> str:
    try:
        return Selection.parse(f"$request.header.{name}").name
    except SelectionError as error:
        hint = "write source_ip" if is_withheld(name.lower()) else ""
        raise refuse("bad-throttle-key", str(error), hint) from error


def _hint(text: str) -> str:
    for mark, word in (("header.", "header"), ("claims.", "claim"), ("claim.", "claim")):
        before, found, name = text.partition(mark)
        if found and before and name:
            return f"write {word}.{name[:60]}"
    if "ip" in text.lower():
        return "write source_ip"
    return "possible: source_ip, header.NAME, claim.NAME"


ThrottleBy = Annotated[ThrottleKey, PlainValidator(_key), text_schema(r"source_ip|header\..+|claim\..+")]
ClaimName = Annotated[str, PlainValidator(claim_name), text_schema(r".*\S.*")]


class Throttle(Section):
    """How many requests are taken; the others are answered with 429."""

    # 0.00001: less than one request a day is no rate, and Retry-After has to say when the next one is.
    rate: float = Field(ge=0.00001, le=1_000_000, description="Requests a second, on average.")
    burst: int = Field(ge=1, le=1_000_000, description="Requests at once, before the rate counts.")
    by: ThrottleBy | None = Field(
        default=None,
        description="Count each caller apart: source_ip, header.NAME or claim.NAME. Without it: all together.",
    )
