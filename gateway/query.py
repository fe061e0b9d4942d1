"""Query strings: checked once, decoded in order, in linear time and bounded."""

from urllib.parse import unquote_plus

from gateway.errors import BadRequest

# 1000 pairs: far above any real form, far below what makes dictionaries slow.
MAX_PAIRS = 1000


def check_query(raw_query: bytes) -> str:
    """Give the query as text, still encoded and otherwise untouched.

    :raises BadRequest: raw control characters or bytes from 0x80 (they must be percent-encoded).
    """
    try:
        text = raw_query.decode("ascii")
    except UnicodeDecodeError as exc:
        raise BadRequest("the query holds a byte that must be percent-encoded") from exc
    if not text.isprintable():
        raise BadRequest("the query holds a control character")
    return text


def parse_query(text: str) -> list[tuple[str, str]]:
    """Decode a query into its pairs, in order: ``+`` is a space, ``k`` and ``k=`` have the value ``""``.

    A percent sign without two hex digits stays as it is; decoded bytes that are not UTF-8 become U+FFFD.
    :raises BadRequest: more than `MAX_PAIRS` pairs.
    """
    if not text:
        return []
    if text.count("&") >= MAX_PAIRS:
        raise BadRequest(f"the query has more than {MAX_PAIRS} pairs")
    is_encoded = "%" in text or "+" in text
    pairs = []
    for part in text.split("&"):
        if not part:
            continue
        name, _, value = part.partition("=")
        pairs.append((unquote_plus(name), unquote_plus(value)) if is_encoded else (name, value))
    return pairs


def join_pairs(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Payload 2.0's ``queryStringParameters``: values of one name joined with ``,`` in order."""
    joined = dict(pairs)
    if len(joined) == len(pairs):  # no name twice
        return joined
    return {name: ",".join(values) for name, values in group_pairs(pairs).items()}


def group_pairs(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    """Payload 1.0's ``multiValueQueryStringParameters``."""
    grouped: dict[str, list[str]] = {}
    for name, value in pairs:
        grouped.setdefault(name, []).append(value)
    return grouped
