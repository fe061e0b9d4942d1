"""Routes that come near a request but do not answer it, each with why not, and what one may have meant.

Looks at every route of the table: some 15 µs each. Off the loop where requests run beside it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from heapq import nsmallest

from gateway.explain.values import NotChosen
from gateway.route_key import ANY, METHODS, RouteKey, Segment

SHOWN = 8  # more would hide the near ones
_LOOKED_AT = 64  # of these, the words are compared letter by letter
_SIMILAR = 0.6  # what difflib calls close

# How far away, nearest first.
_LESS_SPECIFIC, _METHOD, _SLASH, _CASE, _WORD, _LENGTH, _ELSEWHERE = range(7)


@dataclass(frozen=True, slots=True)
class Distance:
    """:param kind: one of the above. :param at: number of the first segment that differs, from 1; 0: none.
    :param differing: so many segments differ.
    """

    kind: int
    at: int = 0
    differing: int = 0
    likeness: float = 0.0

    @property
    def order(self) -> tuple[int, int, float, int]:
        return self.kind, self.differing, -self.likeness, -self.at


def nearest(
    keys: Iterable[RouteKey], method: str, segments: Sequence[str], chosen: RouteKey | None
) -> tuple[NotChosen, ...]:
    """At most `SHOWN` routes, the nearest first; those that have nothing in common are left out."""
    found = [(distance(key, method, segments), key) for key in keys if key != chosen]
    near = nsmallest(_LOOKED_AT, found, key=lambda each: (each[0].order, each[1].text))
    refined = [(_refine(far, key, segments), key) for far, key in near if far.kind != _ELSEWHERE]
    refined = [each for each in refined if each[0].kind != _ELSEWHERE]
    refined.sort(key=lambda each: (each[0].order, each[1].text))
    return tuple(_words(far, key, method, segments, chosen) for far, key in refined[:SHOWN])


def matches_path(key: RouteKey, segments: Sequence[str]) -> bool:
    """Whether the path alone fits, whatever the method: the rules of `gateway.route_table` for one key."""
    if key.is_default:
        return True
    fixed = key.segments[: -1 if key.is_greedy else None]
    if not all(map(_fits, fixed, segments)):
        return False
    rest = segments[len(fixed) :]
    if key.is_greedy:
        return len(rest) > 1 or (len(rest) == 1 and rest[0] != "")
    return len(segments) == len(fixed)


def distance(key: RouteKey, method: str, segments: Sequence[str]) -> Distance:
    """How far a key is from a request, cheaply."""
    if matches_path(key, segments):
        takes = key.method == method or (key.method in (ANY, "") and method in METHODS)
        return Distance(_LESS_SPECIFIC if takes else _METHOD)
    if matches_path(key, _other_slash(segments)):
        return Distance(_SLASH)
    if matches_path(_folded(key), [segment.lower() for segment in segments]):
        return Distance(_CASE, at=_first_difference(key, segments))
    at = _first_difference(key, segments)
    wanted = key.segments
    if len(wanted) == len(segments) or (key.is_greedy and len(segments) >= len(wanted)):
        differing = sum(not _fits(part, text) for part, text in zip(wanted, segments, strict=False))
        is_word = differing == 1 and wanted[at - 1].kind == "literal"
        common = _common_start(wanted[at - 1].text, segments[at - 1]) if is_word else 0
        return Distance(_WORD if is_word else _ELSEWHERE, at, differing, float(common))
    if at > min(len(wanted), len(segments)) and wanted[0].kind == "literal":
        return Distance(_LENGTH, at, abs(len(wanted) - len(segments)))
    return Distance(_ELSEWHERE, at)


def _fits(part: Segment, text: str) -> bool:
    return part.text == text if part.kind == "literal" else text != ""


def _folded(key: RouteKey) -> RouteKey:
    return RouteKey(
        key.method,
        key.path,
        key.text,
        tuple(
            Segment(part.kind, part.text.lower()) if part.kind == "literal" else part for part in key.segments
        ),
    )


def _other_slash(segments: Sequence[str]) -> Sequence[str]:
    return segments[:-1] if len(segments) > 1 and segments[-1] == "" else [*segments, ""]


def _first_difference(key: RouteKey, segments: Sequence[str]) -> int:
    pairs = zip(key.segments, segments, strict=False)
    number = next((n for n, (part, text) in enumerate(pairs, 1) if not _fits(part, text)), 0)
    return number or min(len(key.segments), len(segments)) + 1


def _common_start(one: str, other: str) -> int:
    return next(
        (n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


def _refine(far: Distance, key: RouteKey, segments: Sequence[str]) -> Distance:
    if far.kind != _WORD:
        return far
    likeness = SequenceMatcher(None, key.segments[far.at - 1].text, segments[far.at - 1]).ratio()
    others = (part for number, part in enumerate(key.segments, 1) if number != far.at)
    if likeness < _SIMILAR and not any(part.kind == "literal" for part in others):
        return Distance(_ELSEWHERE)  # nothing of it is the same
    return Distance(_WORD, far.at, 1 if likeness >= _SIMILAR else 2, likeness)


def _words(
    far: Distance, key: RouteKey, method: str, segments: Sequence[str], chosen: RouteKey | None
) -> NotChosen:
    found = _words_of_path(far, key, method, segments, chosen)
    if far.kind in (_LESS_SPECIFIC, _METHOD) or key.method in (ANY, "", method):
        return found
    return NotChosen(key=key.text, why=f"{found.why}, and it is for {key.method}", instead=found.instead)


def _words_of_path(
    far: Distance, key: RouteKey, method: str, segments: Sequence[str], chosen: RouteKey | None
) -> NotChosen:
    takes = method if key.method in (ANY, "", method) and method in METHODS else key.method
    takes = "GET" if takes in (ANY, "") else takes
    if far.kind == _LESS_SPECIFIC:
        better = "a more specific route" if chosen is None else chosen.text
        return NotChosen(key=key.text, why=f"it fits too, but {better} is more specific")
    if far.kind == _METHOD:
        only = (
            "is not one of the seven methods of a route" if method not in METHODS else f"is not {key.method}"
        )
        return NotChosen(key=key.text, why=f"the method {method} {only}", instead=_request(takes, segments))
    if far.kind == _SLASH:
        has = len(segments) > 1 and segments[-1] == ""
        why = (
            "the request's path ends with a slash, this one does not"
            if has
            else "this path ends with a slash"
        )
        return NotChosen(key=key.text, why=why, instead=_request(takes, _other_slash(segments)))
    if far.kind == _CASE:
        meant = _respelt(key, segments)
        return NotChosen(key=key.text, why="case counts in a path", instead=_request(takes, meant))
    if far.kind == _WORD:
        part, text = key.segments[far.at - 1], segments[far.at - 1]
        meant = _respelt(key, segments)
        why = f"segment {far.at} is {text!r}, not {part.text!r}"
        return NotChosen(
            key=key.text, why=why, instead=_request(takes, meant) if far.differing == 1 else None
        )
    number = len(key.segments)
    counts = f"this path has {number} segment{'' if number == 1 else 's'}, the request's {len(segments)}"
    return NotChosen(key=key.text, why=counts)


def _respelt(key: RouteKey, segments: Sequence[str]) -> list[str]:
    texts = list(segments)
    for number, part in enumerate(key.segments[: len(texts)]):
        if part.kind == "literal":
            texts[number] = part.text
    return texts


def _request(method: str, segments: Sequence[str]) -> str:
    return f"{method} /{'/'.join(segments)}"
