"""The parameters of an OAuth request, read from a query or from a form, by one reader with one set of limits.

Empty values count as absent (RFC 6749 §3.1). Bytes that are not UTF-8 survive as surrogates, so that ``state`` can be
given back as it came; `is_text` tells them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote

MAX_FORM_BYTES = 64 * 1024  # A16: a token is 8 KiB at most
MAX_PAIRS = 100  # no request has more than twenty
MANY_ALLOWED = frozenset({"resource", "audience"})  # RFC 8707 §2, RFC 8693 §2.1: may be said more than once


class MalformedParameters(ValueError):
    """Not form-encoded, or far too many."""


@dataclass(frozen=True, slots=True)
class Parameters(Mapping[str, str]):
    """:param repeated: names that were sent more than once; which of their values counts is nobody's to guess."""

    values_by_name: Mapping[str, str] = field(repr=False)
    repeated: frozenset[str] = frozenset()

    def __getitem__(self, name: str) -> str:
        return self.values_by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_by_name)

    def __len__(self) -> int:
        return len(self.values_by_name)


def parse_parameters(encoded: bytes) -> Parameters:
    """:raises MalformedParameters: it is no ASCII, or has more pairs than any client sends."""
    try:
        pairs = parse_qsl(encoded.decode("ascii"), errors="surrogateescape", max_num_fields=MAX_PAIRS)
    except ValueError as error:
        raise MalformedParameters("not a form") from error
    values: dict[str, str] = {}
    repeated = set()
    for name, value in pairs:
        if name in values and name not in MANY_ALLOWED:
            repeated.add(name)
        values.setdefault(name, value)
    return Parameters(values, frozenset(repeated))


def is_text(value: str) -> bool:
    """Whether the client's bytes were UTF-8: surrogates cannot be written in it."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def size_of(value: str) -> int:
    """In bytes, as the client sent it before it was encoded."""
    return len(value.encode("utf-8", "surrogateescape"))


def encode(pairs: Mapping[str, str]) -> str:
    """A space becomes ``%20``: it is read alike by form and by URI decoders; ``+`` is not."""
    return "&".join(
        f"{quote(name, safe='')}={quote(_octets(value), safe='')}" for name, value in pairs.items()
    )


def _octets(value: str) -> bytes:
    return value.encode("utf-8", "surrogateescape")


def canonical(encoded: bytes) -> str:
    """The same parameters, written by us: safe in a header, whatever the client put into its body.

    :raises MalformedParameters: see `parse_parameters`.
    """
    return encode(parse_parameters(encoded))
