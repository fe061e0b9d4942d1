"""References to container images, as engines read them.

Source: github.com/distribution/reference, its grammar. An image's id (``sha256:…``) is taken too.
"""

from typing import Annotated

from pydantic import PlainValidator

from lockgate.config.grammar.base import refuse
from lockgate.config.grammar.scalars import named, text_schema

MAX_CHARS = 512  # a name has 255 at most, a tag 128, a digest 71

_LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_REGISTRY = rf"(?:{_LABEL}(?:\.{_LABEL})*(?::[0-9]{{1,5}})?/)?"
_STEP = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_TAG = "(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?"
_DIGEST = "sha256:[0-9a-f]{64}"
PATTERN = rf"(?:{_REGISTRY}{_STEP}(?:/{_STEP})*{_TAG}(?:@{_DIGEST})?|{_DIGEST})"

_read = named(
    PATTERN, "an image", "REGISTRY/NAME:TAG or REGISTRY/NAME@sha256:DIGEST, in lower case", code="bad-image"
)


def _image(value: object) -> str:
    text = _read(value)
    if len(text) > MAX_CHARS:
        raise refuse("bad-image", f"a name of {len(text)} characters is no image's")
    return text


ImageReference = Annotated[str, PlainValidator(_image), text_schema(PATTERN)]
