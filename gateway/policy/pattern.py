"""Texts with wildcards: ``*`` is any run of characters, ``?`` any one character, all else itself.

``${*}``, ``${?}`` and ``${$}`` are these characters themselves. Matching takes one pass over the subject, whatever the
pattern: there is nothing to backtrack. Source: IAM User Guide, "IAM policy elements: Variables and tags".
"""

_ESCAPES = {"*}": "*", "?}": "?", "$}": "$"}


class PatternError(ValueError):
    """The text is no pattern; the message says why."""


class Pattern:
    """One text with wildcards, ready to be matched."""

    __slots__ = ("_first", "_last", "_middle")

    def __init__(self, text: str) -> None:
        """:raises PatternError: a policy variable, for which there is no value here."""
        pieces = [_Piece(characters) for characters in _split(text)]
        self._first = pieces[0]
        self._last = pieces[-1] if len(pieces) > 1 else None
        self._middle = pieces[1:-1]

    def matches(self, subject: str) -> bool:
        """Say whether the whole *subject* fits; case counts."""
        first, last = self._first, self._last
        if last is None:
            return len(subject) == first.length and first.is_at(subject, 0)
        end = len(subject) - last.length
        if end < first.length or not first.is_at(subject, 0) or not last.is_at(subject, end):
            return False
        # The leftmost place of each piece leaves the most room for the others, so no other place is ever tried.
        position = first.length
        for piece in self._middle:
            position = piece.find(subject, position, end)
            if position < 0:
                return False
            position += piece.length
        return True


class _Piece:
    """What stands between two ``*``. :param characters: None stands for ``?``."""

    __slots__ = ("_any", "_final", "_literal", "_places", "length")

    def __init__(self, characters: list[str | None]) -> None:
        self.length = len(characters)
        self._literal: str | None = None
        if None not in characters:
            self._literal = "".join(character or "" for character in characters)
            return
        # One bit for each place (Baeza-Yates and Gonnet, "A new approach to text searching", 1992): with `?` inside,
        # comparing at every position would cost length × length.
        self._any = sum(1 << place for place, character in enumerate(characters) if character is None)
        self._places: dict[str, int] = {}
        for place, character in enumerate(characters):
            if character is not None:
                self._places[character] = self._places.get(character, self._any) | 1 << place
        self._final = 1 << self.length - 1

    def is_at(self, subject: str, position: int) -> bool:
        if self._literal is not None:
            return subject.startswith(self._literal, position)
        return self.find(subject, position, position + self.length) == position

    def find(self, subject: str, start: int, end: int) -> int:
        """The leftmost place between *start* and *end*, -1 if there is none."""
        if self._literal is not None:
            return subject.find(self._literal, start, end)
        begun = 0
        places, any_place, final = self._places, self._any, self._final
        for position in range(start, min(end, len(subject))):
            begun = (begun << 1 | 1) & places.get(subject[position], any_place)
            if begun & final:
                return position + 1 - self.length
        return -1


def _split(text: str) -> list[list[str | None]]:
    pieces: list[list[str | None]] = [[]]
    position = 0
    while position < len(text):
        character = text[position]
        if text.startswith("${", position):
            escaped = _ESCAPES.get(text[position + 2 : position + 4])
            if escaped is None:
                raise PatternError("policy variables are not in this version, except ${*}, ${?} and ${$}")
            pieces[-1].append(escaped)
            position += 4
            continue
        position += 1
        if character == "*":
            pieces.append([])
        else:
            pieces[-1].append(None if character == "?" else character)
    return pieces


def escape(text: str) -> str:
    """Give the pattern that matches *text* and nothing else."""
    if "*" not in text and "?" not in text and "${" not in text:
        return text
    return "".join(
        f"${{{character}}}" if character in "*?" or text.startswith("${", place) else character
        for place, character in enumerate(text)
    )
